//! The tiny world of the engine's spec: who asks for what, when, and ids that are the same in every run.

use convoke::{
    Batch, Sequencer, TimedIds,
    core::{
        actors::events::ActorKind,
        clock::Readings,
        command::{
            AcceptClock, AddActor, Command, ConfirmCountdown, CreateWorkspace, Request, ScheduleCountdown, Tick,
        },
        event::Recorded,
        id::{EventId, IdSource, LogId, uuid_v7},
        log::{Commit, Salt},
        name::{ActorName, Key},
        time::{TimeSpec, Timestamp},
        workspace::{NoPast, State},
    },
};

/// One unit of the spec's time: less than what the wall clock may run ahead. A plan becomes due after one.
const HOUR_US: i64 = 3_600_000_000;
const BEGIN_US: i64 = 1_800_000_000_000_000;

/// An instant of the spec.
pub(crate) fn instant(hours: i64) -> Timestamp {
    Timestamp::from_us(BEGIN_US + hours * HOUR_US).unwrap()
}

/// The spec's instant.
pub(crate) fn hours(time: Timestamp) -> i64 {
    assert_eq!((time.us() - BEGIN_US) % HOUR_US, 0, "whole hours");
    (time.us() - BEGIN_US) / HOUR_US
}

/// What the clocks say when Convoke's time is `now` and the wall clock is ahead of it.
pub(crate) fn readings(now: i64, ahead: i64) -> Readings {
    Readings { wall: instant(now + ahead), steady_us: now * HOUR_US }
}

pub(crate) fn name(text: &str) -> ActorName {
    ActorName::parse(text).unwrap()
}

/// What a client asks, with the one key that everybody uses: its scope is the actor.
pub(crate) fn request(client: &str, command: &str) -> Request {
    let command = match command {
        "plan" => Command::ScheduleCountdown(ScheduleCountdown::new(client, TimeSpec::parse("+1h").unwrap())),
        "note" => Command::AddActor(AddActor { name: name("quentin"), kind: ActorKind::Agent, create: false }),
        "vain" => Command::ConfirmCountdown(ConfirmCountdown { countdown: "nowhere".to_owned(), attendee: None }),
        "tick" => Command::Tick(Tick {}),
        "accept" => Command::AcceptClock(AcceptClock { reason: "it is right".to_owned() }),
        other => panic!("{other} is no command of this world"),
    };
    Request { actor: name(client), key: Some(Key::parse("k").unwrap()), expect_head: None, command }
}

/// Ids that follow from where in the log they are given.
pub(crate) struct CountedIds {
    now: Timestamp,
    next: u64,
}

impl TimedIds for CountedIds {
    fn set_time(&mut self, now: Timestamp) {
        self.now = now;
    }
}

impl IdSource for CountedIds {
    fn fresh(&mut self) -> EventId {
        self.next += 1;
        let mut tail = [0; 10];
        tail[2..].copy_from_slice(&self.next.to_be_bytes());
        EventId::from_bytes(uuid_v7(self.now.ms(), tail))
    }

    fn salt(&mut self) -> Salt {
        self.next += 1;
        let mut salt = Salt::default();
        salt[..8].copy_from_slice(&self.next.to_be_bytes());
        salt
    }
}

/// The events of some commits.
pub(crate) fn events(commits: &[Commit]) -> Vec<Recorded> {
    commits.iter().flat_map(Commit::events).map(|event| Recorded::of(event).unwrap()).collect()
}

/// The deciding state, from zero.
pub(crate) fn fold(events: &[Recorded]) -> State {
    let mut state = State::default();
    events.iter().for_each(|recorded| state.evolve(recorded));
    state
}

/// A writer that was just opened on these commits.
pub(crate) fn recovered(commits: &[Commit], now: i64, ahead: i64) -> Sequencer {
    let events = events(commits);
    let log_id = events.first().map(|first| LogId::from_bytes(first.id.to_bytes()));
    Sequencer::new(fold(&events), log_id, readings(now, ahead))
}

/// Has these requests decided, all at once, on these commits, at one moment. The writer was opened before the clock jumped.
pub(crate) fn decide(commits: &[Commit], requests: &[Request], now: i64, ahead: i64) -> (Sequencer, Batch) {
    let mut sequencer = recovered(commits, now, 0);
    let mut ids = CountedIds { now: instant(now), next: sequencer.state().size * 1_000 };
    let batch = sequencer.decide(requests.iter(), readings(now, ahead), &mut ids, &NoPast);
    (sequencer, batch)
}

/// How the log begins: with ann and bob, who are people, and may accept a jump of the clock.
pub(crate) fn beginning() -> Commit {
    let ask = |command| Request { actor: name("olga"), key: None, expect_head: None, command };
    let add = |who| ask(Command::AddActor(AddActor { name: name(who), kind: ActorKind::Human, create: false }));
    let create = ask(Command::CreateWorkspace(CreateWorkspace { organizer: name("olga") }));
    let (_, batch) = decide(&[], &[create, add("ann"), add("bob")], 0, 0);
    assert!(batch.decided.iter().all(Result::is_ok));
    batch.commit
}
