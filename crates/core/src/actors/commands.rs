//! The commands of the workspace itself: who takes part, and whether the clock is right.

use serde::{Deserialize, Serialize};

use super::events::{ActorKind, Membership};
use crate::name::ActorName;

/// Begins a log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateWorkspace {
    /// The human whose workspace it is.
    pub organizer: ActorName,
}

/// Opens or closes membership; organizer only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetMembership {
    /// From now on.
    pub membership: Membership,
}

/// Registers an actor, or corrects its kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddActor {
    /// The name.
    pub name: ActorName,
    /// `human` or `agent`.
    pub kind: ActorKind,
    /// Although a very similar name is known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create: bool,
}

/// Accepts a jump of the wall clock; human only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptClock {
    /// Why it is right.
    pub reason: String,
}
