//! What the engine can be asked and what it answers: the types that the CLI, HTTP and an embedding program share.
//!
//! Everything here is plain data with one JSON form. Mutations are [`convoke_core::command::Request`]; questions are [`Ask`].

use convoke_core::{
    codes::{self, Exit},
    id::{EventId, MessageId},
    log::{Checkpoint, ConsistencyProof, Head, InclusionProof},
    mailbox::Token,
    name::{ActorName, Word},
    priority::Priority,
    refusal::Refusal,
    time::{Span, Timestamp},
};
use convoke_projections::{Query, View};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

/// The answer to a command: what it wrote (nothing, if it changed nothing new), and the durable head it rests on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    /// The command's own events, in order; not what became due before it.
    pub events: Vec<EventView>,
    /// What `receive_messages` handed out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Taken>,
    /// Whether this is the remembered answer of an earlier call with the same key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeated: bool,
    /// The durable head.
    #[serde(skip, default = "empty_head")]
    pub head: Head,
}

pub(crate) fn empty_head() -> Head {
    Head::EMPTY
}

/// One event, for showing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EventView {
    /// Its position.
    pub position: u64,
    /// Its id.
    pub id: EventId,
    /// When.
    pub time: Timestamp,
    /// Who acted.
    pub actor: ActorName,
    /// What happened.
    pub kind: String,
    /// The version of the payload's form.
    pub schema: u16,
    /// The first event of the same command.
    pub correlation: EventId,
    /// The event that brought it about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation: Option<EventId>,
    /// The payload as stored; `null` if erased.
    pub payload: Box<RawValue>,
}

/// A message in the hands of its taker.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Taken {
    /// What `ack`, `nack` and `extend` need.
    pub token: Token,
    /// The message.
    pub message: MessageId,
    /// From whose mailbox.
    pub mailbox: ActorName,
    /// Whose it is.
    pub from: ActorName,
    /// What it is.
    pub kind: Word,
    /// How urgent.
    pub priority: Priority,
    /// A line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The text.
    pub body: String,
    /// Data for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// The message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<MessageId>,
    /// What it refers to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// The how-manieth delivery this is.
    pub delivery: u32,
    /// When the lease ends, unless its holder acts before.
    pub until: Timestamp,
    /// Only in a repeated answer: the claim has ended since. The message was acked or handed back, or the lease ran out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended: bool,
}

/// A question. It changes nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The question.
    pub question: Question,
    /// Ask an earlier state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<AsOf>,
}

/// An earlier state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AsOf {
    /// After the events 0 to N−1.
    Size(u64),
    /// After the events up to and at this time.
    Time(Timestamp),
}

/// What can be asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// One of the views.
    State(Query),
    /// Events, newest last.
    Log(LogFilter),
    /// One event: a position or an id.
    Show(String),
    /// Every event about one thing.
    History(String),
    /// The head, to be kept elsewhere.
    Checkpoint,
    /// A proof that the event at this position is in the log.
    Prove(u64),
    /// A proof that the log extends its first N events.
    Extends(u64),
    /// Reads and checks the whole log.
    Verify(VerifyAsk),
    /// Folds the whole log from zero and compares with what is served.
    Replay,
    /// What is needed to judge the engine's health.
    Health,
}

/// Which events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogFilter {
    /// Only this kind, or all that begin with it and a dot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Only by this actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<ActorName>,
    /// Not before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Not before this position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// At most so many, the newest of them; 20 if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

impl LogFilter {
    /// Whether this event is among those that are asked for, as far as one event can tell.
    #[must_use]
    pub fn matches(&self, event: &EventView) -> bool {
        self.kind.as_ref().is_none_or(|kind| kind_matches(kind, &event.kind))
            && self.actor.as_ref().is_none_or(|actor| *actor == event.actor)
            && self.since.is_none_or(|since| event.time >= since)
            && self.from.is_none_or(|from| event.position >= from)
    }
}

/// Whether `kind` is what was asked for: the same, or below it (`countdown` asks for all of `countdown.*`).
#[must_use]
pub fn kind_matches(asked: &str, kind: &str) -> bool {
    kind.strip_prefix(asked).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What to compare a verified log with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifyAsk {
    /// A checkpoint that was kept elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Checkpoint>,
}

/// The answer to a question.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// One of the views.
    State(View),
    /// Events, oldest first.
    Log {
        /// The events.
        events: Vec<EventView>,
        /// How many more match before the first of them; absent if it was not counted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        more: Option<u64>,
    },
    /// One event.
    Event(Box<EventView>),
    /// The head.
    Checkpoint(Checkpoint),
    /// A proof of inclusion.
    Proof(Box<InclusionProof>),
    /// A proof of consistency.
    Extension(ConsistencyProof),
    /// The whole log holds.
    Verified(Verified),
    /// The whole log folds to what is served.
    Replayed(Replayed),
    /// The engine's health.
    Health(Health),
}

/// What a verification found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Verified {
    /// The log and its head.
    pub checkpoint: Checkpoint,
    /// How many commits.
    pub commits: u64,
    /// How many payloads were erased.
    pub erased: u64,
    /// The checkpoint that the log was compared with, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Checkpoint>,
}

/// What a replay from zero found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Replayed {
    /// The head it ended at.
    pub head: Head,
    /// BLAKE3 over the deciding state, in hex: equal for equal logs.
    pub state_digest: String,
    /// Whether the running engine's state is the same.
    pub matches: bool,
    /// How long it took.
    pub took_ms: u64,
}

/// What is needed to judge the engine's health.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Health {
    /// The log and its head.
    pub checkpoint: Checkpoint,
    /// Convoke's time.
    pub now: Timestamp,
    /// Whether decisions wait for `clock accept`.
    pub clock_jumped: bool,
    /// Whether the log takes no writes after a failed one.
    pub poisoned: bool,
    /// What the audit of the snapshot met, if it met something: old events that cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<Fault>,
    /// Events from the last snapshot to the head.
    pub events_since_snapshot: u64,
    /// Bytes on disk below the store's folder.
    pub disk_bytes: u64,
    /// When the next thing is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_due: Option<Timestamp>,
}

/// What `wait` waits for; it ends with the first one met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// A countdown is in a state: `fired`, `missed`, `scrubbed`, `counting`, or `ended` for any end.
    Countdown {
        /// Which.
        countdown: String,
        /// The state's name.
        state: String,
    },
    /// A campaign is in a state: `running`, `completed`, `failed`, `cancelled`, or `ended`.
    Campaign {
        /// Which.
        campaign: String,
        /// The state's name.
        state: String,
    },
    /// There is something to take in a mailbox.
    Mail {
        /// Whose.
        mailbox: ActorName,
    },
    /// An event of a kind after a position.
    Event {
        /// Only this kind, or all that begin with it and a dot; any if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<String>,
        /// Only by this actor.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor: Option<ActorName>,
        /// At or after this position: the cursor to resume from. The head when the wait began, if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<u64>,
    },
}

/// Waits until one of the conditions holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitAsk {
    /// The conditions; one suffices.
    pub conditions: Vec<Condition>,
    /// The longest wait.
    pub timeout_ms: Span,
}

/// How a wait ended well.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Waited {
    /// The index of the condition that holds.
    pub met: usize,
    /// Where to resume: the size of the log when it was seen to hold.
    pub cursor: u64,
    /// The event, for a condition on events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventView>,
}

/// A refusal or an error, as a client sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// The stable code; `convoke explain CODE` tells more.
    pub code: String,
    /// What.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// Of a wait that ran out: where to wait from again, so that no event is missed between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<u64>,
}

impl Fault {
    /// A fault of a code in [`codes`], with its own sentence of what.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        let (hint, retryable) =
            codes::find(code).map_or_else(Default::default, |row| (row.remedy.to_owned(), row.retryable));
        Self { code: code.to_owned(), message: message.into(), hint, retryable, cursor: None }
    }

    /// The exit code of a process that ends with it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        codes::find(&self.code).map_or(Exit::Failure, |row| row.exit)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.code(), refusal.to_string())
    }
}
