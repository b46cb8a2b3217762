//! The work of a team, as requests: messages sent, taken and acknowledged, some left lying, and countdowns that count.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use convoke::{Batch, Clock, RandomIds, Sequencer};
use convoke_core::{
    actors::events::ActorKind,
    clock::Readings,
    command::{
        AckMessage, AddActor, Command, CreateWorkspace, ReceiveMessages, Request, ScheduleCountdown, SendMessage,
    },
    event::Event,
    log::Commit,
    mailbox::Token,
    name::{ActorName, Key},
    priority::Priority,
    refusal::Refusal,
    time::{TimeSpec, Timestamp},
    workspace::Past,
};
use serde_json::json;

use crate::Outcome;

/// Bytes of a message's text.
pub(crate) const BODY_BYTES: usize = 300;
/// Messages that nobody takes.
pub(crate) const LIVE_MESSAGES: usize = 10_000;
/// Countdowns that are counting.
const COUNTDOWNS: usize = 100;
const AGENTS: usize = 20;
/// Messages under way before the first is taken.
const ROUND: usize = 250;
/// From one request to the next.
const STEP_US: i64 = 5_000;

/// The person whose workspace it is.
pub(crate) const ORGANIZER: &str = "ann";

/// The name of an agent.
pub(crate) fn agent(number: usize) -> Outcome<ActorName> {
    Ok(ActorName::parse(&format!("agent-{:02}", number % AGENTS))?)
}

/// A message of [`BODY_BYTES`] bytes, with a key as the command line gives each.
pub(crate) fn send(number: u64, from: ActorName, to: ActorName) -> Outcome<Request> {
    let body = format!("{number:>8} {}", "the build is green and the review can start ".repeat(8));
    let send = SendMessage {
        to: vec![to],
        body: body[..BODY_BYTES].to_owned(),
        subject: None,
        kind: None,
        priority: Priority::Normal,
        in_reply_to: None,
        references: Vec::new(),
        data: None,
        create: false,
    };
    request(number, from, Command::SendMessage(send))
}

fn request(number: u64, actor: ActorName, command: Command) -> Outcome<Request> {
    let key = Key::parse(&format!("0198c1d2-7a3b-4c5d-8e9f-{number:012x}"))?;
    Ok(Request { actor, key: Some(key), expect_head: None, command })
}

/// A clock that only the workload turns.
#[derive(Clone)]
pub(crate) struct Turned(Arc<AtomicI64>);

impl Clock for Turned {
    fn readings(&self) -> Readings {
        let us = self.0.load(Ordering::Relaxed);
        Readings { wall: Timestamp::from_us(us).unwrap_or_default(), steady_us: us }
    }
}

/// Decides a team's work, batch after batch.
pub(crate) struct Team {
    sequencer: Sequencer,
    ids: RandomIds,
    clock: Turned,
    number: u64,
    round: Round,
}

/// What the next requests are.
enum Round {
    Register(usize),
    Schedule(usize),
    Leave(usize),
    Send(usize),
    Take(usize, Vec<(ActorName, Token)>),
    Ack(Vec<(ActorName, Token)>),
}

impl Team {
    /// A team that begins so that a million requests end before now.
    pub(crate) fn new() -> Outcome<Self> {
        let now_us = convoke::MachineClock.readings().wall.us();
        let clock = Turned(Arc::new(AtomicI64::new(now_us - 1_100_000 * STEP_US)));
        let sequencer = Sequencer::new(Default::default(), None, clock.readings());
        Ok(Self { sequencer, ids: RandomIds::new()?, clock, number: 0, round: Round::Register(0) })
    }

    /// How many events there are so far.
    pub(crate) fn size(&self) -> u64 {
        self.sequencer.state().size
    }

    /// A batch of this many requests, each of one event, and of fewer where the team turns to other work.
    pub(crate) fn batch(&mut self, requests: usize) -> Outcome<Batch> {
        let mut asked = Vec::with_capacity(requests);
        while asked.len() < requests {
            match self.next()? {
                Some(request) => asked.push(request),
                None if asked.is_empty() => {}
                None => break,
            }
        }
        self.clock.0.fetch_add(STEP_US * asked.len() as i64, Ordering::Relaxed);
        let batch = self.sequencer.decide(asked.iter(), self.clock.readings(), &mut self.ids, &Nothing);
        if let Some(refused) = batch.decided.iter().find_map(|decided| decided.as_ref().err()) {
            return Err(format!("the workload asks for what is refused: {refused}").into());
        }
        if let Round::Take(_, tokens) = &mut self.round {
            tokens.extend(batch.recorded.iter().filter_map(|recorded| match &recorded.event {
                Event::MessageTaken(taken) => Some((taken.holder.clone(), Token::new(taken.message, taken.fence))),
                _ => None,
            }));
        }
        Ok(batch)
    }

    /// The next request; `None` once between two rounds, for what was decided may be needed.
    fn next(&mut self) -> Outcome<Option<Request>> {
        self.number += 1;
        let number = self.number;
        let ann = ActorName::parse(ORGANIZER)?;
        let (round, asked) = match std::mem::replace(&mut self.round, Round::Send(0)) {
            Round::Register(0) => {
                let create = Command::CreateWorkspace(CreateWorkspace { organizer: ann.clone() });
                (Round::Register(1), Some((ann, create)))
            }
            Round::Register(done) if done <= AGENTS => {
                let add = AddActor { name: agent(done)?, kind: ActorKind::Agent, create: true };
                (Round::Register(done + 1), Some((ann, Command::AddActor(add))))
            }
            Round::Register(_) => (Round::Schedule(0), None),
            Round::Schedule(done) if done < COUNTDOWNS => {
                (Round::Schedule(done + 1), Some((ann, Command::ScheduleCountdown(countdown(done)?))))
            }
            Round::Schedule(_) => (Round::Leave(0), None),
            // Every other agent leaves its messages lying.
            Round::Leave(done) if done < LIVE_MESSAGES => {
                let sent = send(number, agent(done)?, agent(2 * done + 1)?)?;
                return Ok(self.go(Round::Leave(done + 1), sent));
            }
            Round::Leave(_) => (Round::Send(0), None),
            Round::Send(done) if done < ROUND => {
                let sent = send(number, agent(done + 1)?, agent(2 * done)?)?;
                return Ok(self.go(Round::Send(done + 1), sent));
            }
            Round::Send(_) => (Round::Take(0, Vec::with_capacity(ROUND)), None),
            Round::Take(done, tokens) if done < ROUND => {
                let receive = ReceiveMessages { mailbox: None, max: None, lease_ms: None, ack: false };
                (Round::Take(done + 1, tokens), Some((agent(2 * done)?, Command::ReceiveMessages(receive))))
            }
            Round::Take(_, tokens) => (Round::Ack(tokens), None),
            Round::Ack(mut tokens) => match tokens.pop() {
                Some((holder, token)) => {
                    (Round::Ack(tokens), Some((holder, Command::AckMessage(AckMessage { token }))))
                }
                None => (Round::Send(0), None),
            },
        };
        self.round = round;
        asked.map(|(actor, command)| request(number, actor, command)).transpose()
    }

    fn go(&mut self, round: Round, request: Request) -> Option<Request> {
        self.round = round;
        Some(request)
    }
}

/// Messages alone, as commits.
pub(crate) struct Sends(Team);

impl Sends {
    /// None so far.
    pub(crate) fn new() -> Outcome<Self> {
        Ok(Self(Team::new()?))
    }

    /// The commit that has to come first.
    pub(crate) fn beginning(&mut self) -> Outcome<Commit> {
        let commit = self.0.batch(1 + AGENTS)?.commit;
        self.0.round = Round::Leave(0);
        Ok(commit)
    }

    /// A commit of this many messages.
    pub(crate) fn batch(&mut self, messages: usize) -> Outcome<Commit> {
        self.0.round = Round::Leave(0);
        Ok(self.0.batch(messages)?.commit)
    }
}

fn countdown(number: usize) -> Outcome<ScheduleCountdown> {
    let at: TimeSpec = serde_json::from_value(json!("+7d"))?;
    let attendees: Vec<ActorName> = (0..3).map(|n| agent(number + n)).collect::<Outcome<_>>()?;
    let schedule = json!({ "name": format!("review-{number}"), "time": at, "attendees": attendees, "quorum": 2 });
    Ok(serde_json::from_value(schedule)?)
}

/// The team answers no earlier message.
struct Nothing;

impl Past for Nothing {
    fn message(
        &self,
        reference: &str,
    ) -> Result<(convoke_core::id::MessageId, convoke_core::mailbox::events::MessageSent), Refusal> {
        Err(Refusal::NotFound { what: "message", reference: reference.to_owned() })
    }
}
