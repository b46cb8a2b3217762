//! The payloads of `countdown.*`. Each names its countdown, except the one that creates it.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    id::{CampaignId, CountdownId},
    name::{ActorName, Name, Word},
    time::{Span, Timestamp},
};

/// When a countdown is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// At this time; T-0 is `lead` before it.
    At(Timestamp),
    /// T-0 is this long after the release, in milliseconds (only in a campaign).
    AfterReleaseMs(Span),
}

/// When a quorum makes a countdown fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum ReleasePolicy {
    /// As soon as it is reached.
    #[default]
    OnQuorum,
    /// At T-0, if it is reached by then.
    AtT0,
}

/// Why a countdown was scrubbed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScrubCause {
    /// Its organizer called it off.
    Organizer,
    /// So many declined that the quorum cannot be reached.
    NoGo,
    /// It was on hold for too long.
    HoldExpired,
    /// A countdown before it was missed or scrubbed.
    Predecessor(CountdownId),
    /// Its campaign was cancelled.
    CampaignCancelled,
}

impl fmt::Display for ScrubCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organizer => f.write_str("its organizer called it off"),
            Self::NoGo => f.write_str("too many declined for its quorum"),
            Self::HoldExpired => f.write_str("it was on hold for too long"),
            Self::Predecessor(id) => write!(f, "{}, which it waited for, did not fire", id.short()),
            Self::CampaignCancelled => f.write_str("its campaign was cancelled"),
        }
    }
}

/// Created: it counts from now on, or is held by its campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountdownScheduled {
    /// Its name.
    pub name: Name,
    /// Its kind.
    pub kind: Word,
    /// Who may hold, resume, reschedule and scrub it.
    pub organizer: ActorName,
    /// When it is to happen.
    pub plan: Plan,
    /// How long before that T-0 is.
    pub lead_ms: Span,
    /// Who answers.
    pub attendees: BTreeSet<ActorName>,
    /// How many must confirm; 0 is a plain timer.
    pub quorum: u32,
    /// Whether it fires on quorum or at T-0.
    pub policy: ReleasePolicy,
    /// By how much deferrals may move T-0 in total.
    pub slip_max_ms: Span,
    /// How long it may be on hold at a time.
    pub hold_max_ms: Span,
    /// Handed to everybody when it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    /// The campaign that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignId>,
    /// T-0; absent while a campaign holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fire_at: Option<Timestamp>,
}

/// A counting countdown was put into a planned campaign, which holds it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountdownJoined {
    /// Which.
    pub countdown: CountdownId,
    /// Into which.
    pub campaign: CampaignId,
}

/// Its campaign let it go: it counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountdownReleased {
    /// Which.
    pub countdown: CountdownId,
    /// T-0.
    pub fire_at: Timestamp,
}

/// An attendee says go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountdownConfirmed {
    /// Which.
    pub countdown: CountdownId,
    /// Who.
    pub attendee: ActorName,
}

/// An attendee says no-go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountdownDeclined {
    /// Which.
    pub countdown: CountdownId,
    /// Who.
    pub attendee: ActorName,
    /// Why, if said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An attendee needs more time: T-0 moved later, and the attendee is pending again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountdownDeferred {
    /// Which.
    pub countdown: CountdownId,
    /// Who.
    pub attendee: ActorName,
    /// By how much.
    pub by_ms: Span,
    /// T-0 from now on.
    pub fire_at: Timestamp,
    /// Why, if said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The clock stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountdownHoldStarted {
    /// Which.
    pub countdown: CountdownId,
    /// When the hold's limit scrubs it.
    pub until: Timestamp,
    /// Why, if said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The clock runs again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountdownResumed {
    /// Which.
    pub countdown: CountdownId,
    /// T-0 from now on: moved by the time on hold.
    pub fire_at: Timestamp,
}

/// A new time: answers are cleared and the slip starts again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountdownRescheduled {
    /// Which.
    pub countdown: CountdownId,
    /// When it is to happen now.
    pub plan: Plan,
    /// T-0; absent while a campaign holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fire_at: Option<Timestamp>,
}

/// Go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountdownFired {
    /// Which.
    pub countdown: CountdownId,
    /// How many had confirmed.
    pub confirmed: u32,
}

/// T-0 came without quorum; every pending answer counts as missed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountdownMissed {
    /// Which.
    pub countdown: CountdownId,
    /// How many had confirmed.
    pub confirmed: u32,
}

/// Called off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountdownScrubbed {
    /// Which.
    pub countdown: CountdownId,
    /// Why.
    pub cause: ScrubCause,
    /// In words, if said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
