//! A workspace in memory: due first, then what is asked; every event checked as it comes, and folded a second time.

use serde_json::json;

use super::{
    asking::actor,
    invariants::Laws,
    source::{CountingIds, Sent},
    steps::Step,
};
use crate::{
    command::{Command, Request},
    event::{Event, Recorded},
    name::ActorName,
    refusal::Refusal,
    time::{Span, Timestamp},
    workspace::{Context, Handled, State, handle, handle_due},
};

/// A keyed command that wrote something, with the positions of what it wrote.
#[derive(Debug)]
struct Given {
    request: Request,
    first: u64,
    count: u32,
}

/// Decides and folds random steps, and checks every law after each.
#[derive(Debug)]
pub struct World {
    now: Timestamp,
    state: State,
    /// The log as a reader has it: decoded events, and at random moments a saved and loaded state.
    laws: Laws,
    ids: CountingIds,
    sent: Sent,
    given: Vec<Given>,
    serial: usize,
    written: usize,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// Every method panics if a law does not hold.
#[expect(clippy::missing_panics_doc, reason = "a law that does not hold is what all of it is for")]
impl World {
    /// A workspace with its first event.
    #[must_use]
    pub fn new() -> Self {
        let mut world = Self {
            now: Timestamp::from_us(1_795_262_400_000_000).expect("a time in 2026"),
            state: State::default(),
            laws: Laws::default(),
            ids: CountingIds::default(),
            sent: Sent::default(),
            given: Vec::new(),
            serial: 0,
            written: 0,
        };
        let command = json!({"create_workspace": {"organizer": "olga"}});
        let command = serde_json::from_value(command).expect("a well-formed command");
        world.give(&Request { actor: actor(5), key: None, expect_head: None, command });
        world
    }

    /// The log so far.
    #[must_use]
    pub fn log(&self) -> &[Recorded] {
        self.laws.log()
    }

    /// How many commands wrote something.
    #[must_use]
    pub fn written(&self) -> usize {
        self.written
    }

    /// What a decision needs besides.
    pub fn context<'c>(&'c self, ids: &'c mut CountingIds) -> Context<'c> {
        Context { now: self.now, jump: None, ids, past: &self.sent }
    }

    /// The request of a step that gives one.
    #[must_use]
    pub fn request(&self, step: &Step) -> Option<Request> {
        self.laws.names().request(&self.state, step, self.serial)
    }

    /// Does a step, and checks.
    pub fn take(&mut self, step: &Step) {
        self.serial += 1;
        match step {
            Step::Advance { ms } => {
                self.now = self.now.plus(Span::from_ms_capped(*ms));
                self.decide_what_is_due();
            }
            Step::Give { .. } => {
                if let Some(request) = self.request(step) {
                    self.give(&request);
                }
            }
            Step::Again { which } => self.give_again(*which),
            Step::Reuse { which } => self.reuse(*which),
            Step::Snapshot => self.laws.save_and_load(save, load),
        }
        let due = self.state.next_due();
        assert!(due.is_none_or(|due| due > self.now) || self.given_into_the_past(due), "DueFirst: {due:?}");
    }

    /// A command may make something that is due at once (a time of zero from now on); it is decided before the next.
    fn given_into_the_past(&mut self, due: Option<Timestamp>) -> bool {
        let at_once = due == Some(self.now);
        self.decide_what_is_due();
        at_once
    }

    fn give(&mut self, request: &Request) {
        self.decide_what_is_due();
        let mut context = Context { now: self.now, jump: None, ids: &mut self.ids, past: &self.sent };
        match handle(&mut self.state, request, &mut context) {
            Ok(Handled::Wrote(events)) => {
                if let (Some(first), Some(_)) = (events.first(), &request.key) {
                    let (first, count) = (first.position, u32::try_from(events.len()).unwrap_or(u32::MAX));
                    self.given.push(Given { request: request.clone(), first, count });
                }
                self.written += usize::from(!events.is_empty());
                let by = events.iter().all(|recorded| (&recorded.actor, recorded.time) == (&request.actor, self.now));
                assert!(by, "{events:?} for {request:?}");
                let keys: Vec<_> =
                    events.iter().map(|recorded| recorded.idempotency.as_ref().map(|k| &k.key)).collect();
                assert_eq!(keys.first().copied().flatten(), request.key.as_ref().filter(|_| !events.is_empty()));
                self.write(events);
            }
            // The same change of the same task lives already: its first event is the answer, and nothing is written.
            Ok(Handled::Repeated { .. }) => {
                assert!(
                    matches!(request.command, Command::SubmitChange(_) | Command::RequeueChange(_)),
                    "SameKeyOneEffect: the key is fresh"
                );
                assert_eq!(self.state.size, self.laws.state().size, "NoDuplicates");
            }
            Err(_) => {
                assert_eq!(self.state.size, self.laws.state().size, "a refusal writes nothing");
                // A difference would stay, so looking now and then is enough to find it.
                if self.serial.is_multiple_of(16) {
                    assert_eq!(self.state, *self.laws.state(), "a refusal leaves the state as it was");
                }
            }
        }
    }

    fn give_again(&mut self, which: usize) {
        self.decide_what_is_due();
        let Some(Given { request, first, count }) = self.given.iter().rev().nth(which) else { return };
        let mut context = Context { now: self.now, jump: None, ids: &mut self.ids, past: &self.sent };
        let handled = handle(&mut self.state, request, &mut context);
        assert_eq!(handled, Ok(Handled::Repeated { first: *first, count: *count }), "SameKeyOneEffect");
        assert_eq!(self.state.size, self.laws.state().size, "SameKeyOneEffect");
    }

    fn reuse(&mut self, which: usize) {
        self.decide_what_is_due();
        let Some(Given { request, first, .. }) = self.given.iter().rev().nth(which) else { return };
        let command = json!({"send_message": {"to": ["bob"], "body": "another command under an old key"}});
        let command = serde_json::from_value(command).expect("a well-formed command");
        let other = Request { command, ..request.clone() };
        let mut context = Context { now: self.now, jump: None, ids: &mut self.ids, past: &self.sent };
        let handled = handle(&mut self.state, &other, &mut context);
        assert_eq!(handled, Err(Refusal::KeyReused { first: *first }));
    }

    fn decide_what_is_due(&mut self) {
        loop {
            let due = self.state.next_due();
            let events = handle_due(&mut self.state, self.now, &mut self.ids);
            if events.is_empty() {
                let due = self.state.next_due();
                assert!(due.is_none_or(|due| due > self.now), "DueFirst: {due:?}");
                return;
            }
            assert!(due.is_some_and(|due| due <= self.now), "NothingBeforeItIsDue");
            assert!(events.iter().all(|recorded| recorded.actor == ActorName::system() && recorded.time == self.now));
            self.write(events);
        }
    }

    /// Folds what the events' bytes decode to, and checks it on the way.
    fn write(&mut self, events: Vec<Recorded>) {
        for recorded in events {
            let mut payload = Vec::new();
            recorded.event.encode(&mut payload);
            let event = Event::decode(recorded.event.kind(), recorded.event.schema(), &payload).expect("an event");
            assert_eq!(event, recorded.event, "an event is what its bytes say");
            let recorded = Recorded { event, ..recorded };
            self.sent.keep(&recorded);
            self.laws.take(recorded);
        }
        self.laws.settle();
    }

    /// Replay from zero, and a snapshot with its tail, are the live state.
    pub fn check_the_folds(&self) {
        let folded = self.laws.state();
        assert_eq!(*folded, self.state, "a snapshot and its tail are the live state");
        let mut replayed = State::default();
        self.log().iter().for_each(|recorded| replayed.evolve(recorded));
        assert_eq!(replayed, self.state, "replay from zero is the live state");
        assert_eq!(save(&replayed), save(&self.state), "equal states have equal bytes");
        assert_eq!(save(folded), save(&self.state), "equal states have equal bytes");
    }
}

fn save(state: &State) -> Vec<u8> {
    postcard::to_stdvec(state).expect("a state can be saved")
}

fn load(bytes: &[u8]) -> State {
    postcard::from_bytes(bytes).expect("a saved state can be loaded")
}
