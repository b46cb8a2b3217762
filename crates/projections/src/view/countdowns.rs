//! Countdowns, as they are shown.

use convoke_core::{
    countdown::events::{Plan, ReleasePolicy, ScrubCause},
    id::{CampaignId, CountdownId},
    name::{ActorName, Name, Word},
    time::{Span, Timestamp},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{More, none};

/// Where a countdown stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountdownState {
    /// Held by a campaign that has not started, or by predecessors that have not ended.
    Held,
    /// On the way to T-0.
    Counting,
    /// The clock stands still.
    OnHold,
    /// Gone.
    Fired,
    /// T-0 came without quorum.
    Missed,
    /// Called off.
    Scrubbed,
}

impl CountdownState {
    /// Whether it is final.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Fired | Self::Missed | Self::Scrubbed)
    }

    /// Its word, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Counting => "counting",
            Self::OnHold => "on_hold",
            Self::Fired => "fired",
            Self::Missed => "missed",
            Self::Scrubbed => "scrubbed",
        }
    }
}

/// How an attendee answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerState {
    /// Not yet, or not again after a deferral.
    Pending,
    /// Go.
    Confirmed,
    /// No-go.
    Declined,
    /// Not in time.
    Missed,
}

/// A campaign, named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignRef {
    /// Its id.
    pub id: CampaignId,
    /// The id's short form.
    pub short: String,
    /// Its name.
    pub name: Name,
}

/// A countdown, named, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountdownRef {
    /// Its id.
    pub id: CountdownId,
    /// The id's short form.
    pub short: String,
    /// Its name.
    pub name: Name,
    /// Where it stands.
    pub state: CountdownState,
}

/// A countdown, in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountdownLine {
    /// Its id.
    pub id: CountdownId,
    /// The id's short form.
    pub short: String,
    /// Its name.
    pub name: Name,
    /// Its kind.
    pub kind: Word,
    /// Where it stands.
    pub state: CountdownState,
    /// T-0, or what it was at the end or before the hold; absent while a campaign holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fire_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// While on hold: when the hold's limit scrubs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_until: Option<Timestamp>,
    /// How many must confirm; 0 is a plain timer.
    pub quorum: u32,
    /// How many have confirmed.
    pub confirmed: u32,
    /// How many have declined.
    pub declined: u32,
    /// How many attend.
    pub attendees: u32,
    /// Who organizes it.
    pub organizer: ActorName,
    /// The campaign it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignRef>,
}

/// Some countdowns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountdownsView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// The countdowns.
    pub countdowns: Vec<CountdownLine>,
    /// How many more there are after the last one.
    #[serde(default, skip_serializing_if = "none")]
    pub more: More,
}

/// An attendee's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttendeeView {
    /// Who.
    pub name: ActorName,
    /// The answer that counts.
    pub answer: AnswerState,
    /// When it was given (or the last deferral, or the end that made it missed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Why, if said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How often this attendee moved T-0 since the last reschedule.
    pub deferrals: u32,
    /// By how much in total.
    pub deferred_ms: Span,
}

/// A hold that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldView {
    /// Since when.
    pub since: Timestamp,
    /// When its limit scrubs the countdown.
    pub until: Timestamp,
    /// Who stopped the clock.
    pub by: ActorName,
    /// Why, if said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How a countdown ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndView {
    /// When.
    pub at: Timestamp,
    /// Who acted: whose confirmation reached the quorum, who scrubbed it; `system` at T-0 or at a hold's limit.
    pub by: ActorName,
    /// The position of the event.
    pub position: u64,
    /// Why it was scrubbed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<ScrubCause>,
    /// In words, if said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Everything about a countdown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CountdownView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// What its line says.
    #[serde(flatten)]
    pub line: CountdownLine,
    /// When it is to happen.
    pub plan: Plan,
    /// How long before that T-0 is.
    pub lead_ms: Span,
    /// Whether it fires on quorum or at T-0.
    pub policy: ReleasePolicy,
    /// Who attends, by name.
    pub answers: Vec<AttendeeView>,
    /// By how much deferrals have moved T-0.
    pub slipped_ms: Span,
    /// By how much they may.
    pub slip_max_ms: Span,
    /// How long it may be on hold at a time.
    pub hold_max_ms: Span,
    /// The hold, while it is on hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldView>,
    /// When it was scheduled.
    pub scheduled_at: Timestamp,
    /// Where in the log that was.
    pub position: u64,
    /// When its campaign let it go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_at: Option<Timestamp>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<EndView>,
    /// What it waits for in its campaign.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<CountdownRef>,
    /// What waits for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<CountdownRef>,
    /// What is handed to everybody when it ends; read from the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    /// Whether there is a payload to read.
    #[serde(skip)]
    pub(crate) payload_at: Option<u64>,
}
