//! Actors, and the one screenful that has something of everything.

use std::collections::BTreeMap;

use convoke_core::{
    actors::events::{ActorKind, Membership},
    id::MessageId,
    mailbox::Token,
    name::ActorName,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{CampaignLine, CountdownCounts, CountdownLine, MailCounts, More, none};

/// An actor, in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorLine {
    /// The name.
    pub name: ActorName,
    /// The kind.
    pub kind: ActorKind,
    /// Registered when.
    pub since: Timestamp,
    /// The time of the last event this actor caused, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// Whether it organizes the workspace.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub organizer: bool,
}

/// Some actors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorsView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// Whether an unknown name may act or be addressed.
    pub membership: Membership,
    /// The actors, by name.
    pub actors: Vec<ActorLine>,
    /// How many more there are after the last one.
    #[serde(default, skip_serializing_if = "none")]
    pub more: More,
}

/// Everything about an actor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// What its line says.
    #[serde(flatten)]
    pub line: ActorLine,
    /// Where in the log it was registered.
    pub position: u64,
    /// Its mailbox.
    pub mail: MailCounts,
    /// What it has taken and not acknowledged, soonest end first.
    pub leases: Vec<LeaseLine>,
    /// How many more leases it has.
    #[serde(default, skip_serializing_if = "none")]
    pub more_leases: More,
    /// Live countdowns that wait for its answer, soonest first.
    pub awaiting: Vec<CountdownLine>,
    /// How many more wait.
    #[serde(default, skip_serializing_if = "none")]
    pub more_awaiting: More,
}

/// A mailbox, in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxLine {
    /// Whose.
    pub mailbox: ActorName,
    /// How many deliveries stand where.
    pub counts: MailCounts,
}

/// A lease, in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseLine {
    /// The message.
    pub message: MessageId,
    /// Its id's short form.
    pub short: String,
    /// From whose mailbox.
    pub mailbox: ActorName,
    /// Who has it.
    pub holder: ActorName,
    /// What `ack`, `nack` and `extend` need.
    pub token: Token,
    /// When the lease ends, unless its holder acts before.
    pub until: Timestamp,
}

/// How many actors there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorCounts {
    /// People.
    pub human: u64,
    /// Programs.
    pub agent: u64,
    /// Convoke itself.
    pub system: u64,
}

/// One screenful. With an actor in the query every list holds only what concerns that actor; the counts are of the whole workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// How many events it is the fold of.
    pub size: u64,
    /// The time of the last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_event_at: Option<Timestamp>,
    /// Whose workspace it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organizer: Option<ActorName>,
    /// Whether an unknown name may act or be addressed.
    pub membership: Membership,
    /// How many actors there are.
    pub actors: ActorCounts,
    /// How many countdowns stand where.
    pub countdown_counts: CountdownCounts,
    /// Live countdowns, soonest first.
    pub countdowns: Vec<CountdownLine>,
    /// How many more are live.
    #[serde(default, skip_serializing_if = "none")]
    pub more_countdowns: More,
    /// Running campaigns, the newest first.
    pub campaigns: Vec<CampaignLine>,
    /// How many more are running.
    #[serde(default, skip_serializing_if = "none")]
    pub more_campaigns: More,
    /// All mailboxes together.
    pub mail_counts: MailCounts,
    /// Mailboxes with something in them, by name.
    pub mail: Vec<MailboxLine>,
    /// How many more have something in them.
    #[serde(default, skip_serializing_if = "none")]
    pub more_mail: More,
    /// Leases, soonest end first.
    pub leases: Vec<LeaseLine>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "none")]
    pub more_leases: More,
    /// How many changes stand where, by the word of the state.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub queue: BTreeMap<String, u64>,
    /// Why no change is claimed for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_paused: Option<String>,
}
