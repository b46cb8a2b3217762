//! The payloads of `workspace.*`, `actor.*` and `clock.*`.

use serde::{Deserialize, Serialize};

use crate::{name::ActorName, time::Timestamp};

/// What kind of actor somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person.
    Human,
    /// A program.
    Agent,
    /// Convoke itself.
    System,
}

/// Whether an unknown name may act or be addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Membership {
    /// A new name is registered with its first mention.
    #[default]
    Open,
    /// Only the organizer adds names.
    Closed,
}

/// Position 0 of every log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceCreated {
    /// The human whose workspace it is: acts by default at a terminal, reads `supervisor`.
    pub organizer: ActorName,
}

/// Membership was opened or closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MembershipSet {
    /// From now on.
    pub membership: Membership,
}

/// A jump of the wall clock was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockAccepted {
    /// What the wall clock said.
    pub wall: Timestamp,
    /// What Convoke's time was before.
    pub engine: Timestamp,
    /// Why it is right.
    pub reason: String,
}

/// Somebody is known from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActorRegistered {
    /// The name.
    pub name: ActorName,
    /// The kind.
    pub kind: ActorKind,
}

/// A known actor is of another kind than was thought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActorKindChanged {
    /// The name.
    pub name: ActorName,
    /// The kind from now on.
    pub kind: ActorKind,
}
