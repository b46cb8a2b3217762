//! The commands of countdowns: scheduled, answered, held, moved, called off.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::events::ReleasePolicy;
use crate::{
    exact_json,
    name::ActorName,
    time::{Span, TimeSpec},
};

/// Schedules a countdown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleCountdown {
    /// Its name, as given.
    pub name: String,
    /// When it is to happen; in a campaign `+5m` counts from its release.
    pub time: TimeSpec,
    /// Its kind; `meeting` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How long before `time` T-0 is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_ms: Option<Span>,
    /// How many must confirm; 1 with attendees, 0 without, if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u32>,
    /// Who answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attendees: Vec<ActorName>,
    /// Whether it fires on quorum or at T-0.
    #[serde(default)]
    pub policy: ReleasePolicy,
    /// By how much deferrals may move T-0 in total.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slip_max_ms: Option<Span>,
    /// How long it may be on hold at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_max_ms: Option<Span>,
    /// Handed to everybody when it ends.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "exact_json::optional")]
    pub payload: Option<Value>,
    /// The campaign that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// In a campaign: the countdowns it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// Accept a T-0 that is not in the future.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_past: bool,
    /// Register attendees although very similar names are known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create: bool,
}

impl ScheduleCountdown {
    /// A plain timer; the fields say what more it can be.
    #[must_use]
    pub fn new(name: &str, time: TimeSpec) -> Self {
        Self {
            name: name.to_owned(),
            time,
            kind: None,
            lead_ms: None,
            quorum: None,
            attendees: Vec::new(),
            policy: ReleasePolicy::default(),
            slip_max_ms: None,
            hold_max_ms: None,
            payload: None,
            campaign: None,
            after: Vec::new(),
            allow_past: false,
            create: false,
        }
    }
}

/// Says go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfirmCountdown {
    /// Which.
    pub countdown: String,
    /// Who, if it is to be checked against who acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attendee: Option<ActorName>,
}

/// Says no-go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclineCountdown {
    /// Which.
    pub countdown: String,
    /// Who, if it is to be checked against who acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attendee: Option<ActorName>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Asks for more time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeferCountdown {
    /// Which.
    pub countdown: String,
    /// Who, if it is to be checked against who acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attendee: Option<ActorName>,
    /// By how much T-0 moves.
    pub by_ms: Span,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Stops the clock; organizer only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldCountdown {
    /// Which.
    pub countdown: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Lets the clock run again; organizer only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResumeCountdown {
    /// Which.
    pub countdown: String,
}

/// Sets a new time; organizer only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RescheduleCountdown {
    /// Which.
    pub countdown: String,
    /// When it is to happen.
    pub time: TimeSpec,
    /// Accept a T-0 that is not in the future.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_past: bool,
}

/// Calls a countdown off; organizer only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScrubCountdown {
    /// Which.
    pub countdown: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
