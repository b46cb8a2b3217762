//! The payloads of `message.*`. A delivery is one message in one mailbox.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    id::MessageId,
    name::{ActorName, Word},
    priority::Priority,
    time::Timestamp,
};

/// Why a delivery was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadReason {
    /// Refused by its taker as often as a message is delivered.
    Nacked,
    /// Its last lease ran out.
    LeaseExpired,
}

/// Stored for its recipients; nobody has seen it yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageSent {
    /// Whose message it is; `system` for notices.
    pub from: ActorName,
    /// The mailboxes, or `all` alone: the active humans and agents registered before this event, without the sender.
    pub to: Vec<ActorName>,
    /// What it is: `task`, `query`, `info`, `ack` or another word.
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
    /// The first message of its thread, if that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<MessageId>,
    /// What it refers to: hashes, ids, paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// The dead letter it takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redrive_of: Option<MessageId>,
}

/// Handed to a taker under a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageTaken {
    /// Which.
    pub message: MessageId,
    /// From whose mailbox.
    pub mailbox: ActorName,
    /// By whom.
    pub holder: ActorName,
    /// The generation of this claim: 1 for the first delivery.
    pub fence: u32,
    /// When the lease ends, unless the holder acts before.
    pub until: Timestamp,
}

/// Done with; never delivered again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageAcked {
    /// Which.
    pub message: MessageId,
    /// From whose mailbox.
    pub mailbox: ActorName,
    /// The claim.
    pub fence: u32,
}

/// Handed back by its taker; it waits until `again_at`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageNacked {
    /// Which.
    pub message: MessageId,
    /// From whose mailbox.
    pub mailbox: ActorName,
    /// The claim.
    pub fence: u32,
    /// When it can be taken again.
    pub again_at: Timestamp,
    /// Why, if said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The taker asked for more time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageLeaseExtended {
    /// Which.
    pub message: MessageId,
    /// From whose mailbox.
    pub mailbox: ActorName,
    /// The claim.
    pub fence: u32,
    /// When the lease ends now.
    pub until: Timestamp,
}

/// The taker was silent for too long; the message is back in its mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageLeaseExpired {
    /// Which.
    pub message: MessageId,
    /// From whose mailbox.
    pub mailbox: ActorName,
    /// The claim that ended.
    pub fence: u32,
    /// Who held it.
    pub holder: ActorName,
}

/// Delivered as often as a message is, without acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageDeadLettered {
    /// Which.
    pub message: MessageId,
    /// From whose mailbox.
    pub mailbox: ActorName,
    /// Why.
    pub reason: DeadReason,
}

/// A dead letter was sent once more, as a new message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageRedriven {
    /// The dead letter.
    pub message: MessageId,
    /// From whose mailbox.
    pub mailbox: ActorName,
    /// The new message.
    pub again: MessageId,
}
