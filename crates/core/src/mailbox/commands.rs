//! The commands of mailboxes: sent, taken under a lease, and settled by the delivery's token.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Token;
use crate::{exact_json, name::ActorName, priority::Priority, time::Span};

/// Sends a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendMessage {
    /// The mailboxes, or `all` alone.
    pub to: Vec<ActorName>,
    /// The text.
    pub body: String,
    /// A line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What it is; `info` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How urgent.
    #[serde(default)]
    pub priority: Priority,
    /// The message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<String>,
    /// What it refers to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// Data for programs.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "exact_json::optional")]
    pub data: Option<Value>,
    /// Register recipients although very similar names are known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create: bool,
}

/// Takes messages under a lease.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiveMessages {
    /// Whose mailbox; one's own if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<ActorName>,
    /// How many at most; 1 if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// How long the lease is; 30 minutes if not given. It counts from the holder's latest command that wrote an event, of
    /// whatever kind: what is refused, changes nothing or only looks is not in the log, and extends nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_ms: Option<Span>,
    /// Acknowledge while handing out: at most once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ack: bool,
}

/// Acknowledges a taken message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AckMessage {
    /// The delivery's token.
    pub token: Token,
}

/// Hands a taken message back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NackMessage {
    /// The delivery's token.
    pub token: Token,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Extends the lease of a taken message: it then ends this long after now, unless it ends later anyway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtendMessage {
    /// The delivery's token.
    pub token: Token,
    /// How long from now; the lease's own length if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_ms: Option<Span>,
}

/// Sends a dead letter once more, as a new message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedriveMessage {
    /// The dead letter.
    pub message: String,
    /// Whose mailbox; one's own if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<ActorName>,
}
