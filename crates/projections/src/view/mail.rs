//! Mailboxes, threads and histories, as they are shown.

use convoke_core::{
    id::{EventId, MessageId},
    mailbox::Token,
    mailbox::events::DeadReason,
    name::{ActorName, Word},
    priority::Priority,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{More, none};

/// Where a delivery (one message in one mailbox) stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DeliveryState {
    /// It can be taken.
    Ready,
    /// It was handed back and can be taken again later.
    Paused {
        /// When.
        until: Timestamp,
    },
    /// Somebody has it under a lease.
    Taken {
        /// Who.
        holder: ActorName,
        /// The claim.
        fence: u32,
        /// What `ack`, `nack` and `extend` need.
        token: Token,
        /// When the lease ends, unless its holder acts before.
        until: Timestamp,
    },
    /// Done with.
    Acked,
    /// Given up.
    Dead {
        /// Why.
        reason: DeadReason,
        /// When.
        at: Timestamp,
        /// The message that took its place, if it was sent once more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        redriven: Option<MessageId>,
    },
}

/// How many deliveries of a mailbox stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailCounts {
    /// Can be taken.
    pub ready: u64,
    /// Handed back, waiting.
    pub paused: u64,
    /// Under a lease.
    pub taken: u64,
    /// Given up, and not sent once more.
    pub dead: u64,
    /// Done with, ever.
    pub acked: u64,
}

/// One message in one mailbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeliveryLine {
    /// The message.
    pub message: MessageId,
    /// Its id's short form.
    pub short: String,
    /// The position of its `message.sent`.
    pub position: u64,
    /// Whose mailbox.
    pub mailbox: ActorName,
    /// Whose message it is.
    pub from: ActorName,
    /// What it is.
    pub kind: Word,
    /// How urgent.
    pub priority: Priority,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// How often it was handed out.
    pub deliveries: u32,
    /// Where it stands.
    #[serde(flatten)]
    pub state: DeliveryState,
    /// Why it was last handed back, if said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nack_reason: Option<String>,
    /// A line; read from the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The text; read from the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The message it answers; read from the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<MessageId>,
    /// Whether the log was read for this line.
    #[serde(skip)]
    pub(crate) filled: bool,
}

/// What lies in a mailbox; dead letters are only counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InboxView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// Whose.
    pub mailbox: ActorName,
    /// How many stand where.
    pub counts: MailCounts,
    /// The messages: priority, then position.
    pub messages: Vec<DeliveryLine>,
    /// How many more there are after the last one.
    #[serde(default, skip_serializing_if = "none")]
    pub more: More,
}

/// Messages that were given up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLettersView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// The dead letters, by position and mailbox.
    pub messages: Vec<DeliveryLine>,
    /// How many more there are after the last one.
    #[serde(default, skip_serializing_if = "none")]
    pub more: More,
}

/// How a message stands in one of its mailboxes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientView {
    /// Whose mailbox.
    pub mailbox: ActorName,
    /// Where it stands there.
    #[serde(flatten)]
    pub state: DeliveryState,
}

/// A message of a thread, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageView {
    /// Its id.
    pub message: MessageId,
    /// The id's short form.
    pub short: String,
    /// The position of its `message.sent`.
    pub position: u64,
    /// Whose it is.
    pub from: ActorName,
    /// Whom it was sent to, as given: names, or `all`.
    pub to: Vec<ActorName>,
    /// What it is.
    pub kind: Word,
    /// How urgent.
    pub priority: Priority,
    /// When it was sent.
    pub sent_at: Timestamp,
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
    /// The dead letter it takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redrive_of: Option<MessageId>,
    /// How it stands in each of its mailboxes, by name.
    pub recipients: Vec<RecipientView>,
}

/// A thread: its first message and all replies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThreadView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// Its first message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<MessageId>,
    /// The messages, oldest first.
    pub messages: Vec<MessageView>,
    /// How many more there are before the first one shown.
    #[serde(default, skip_serializing_if = "none")]
    pub more: More,
    /// How far it was read.
    #[serde(skip)]
    pub(crate) search: crate::fill::Search,
}

/// Where the events about one thing are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryView {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<EventId>,
    /// The positions, in order.
    pub positions: Vec<u64>,
    /// How far it was read.
    #[serde(skip)]
    pub(crate) search: crate::fill::Search,
}
