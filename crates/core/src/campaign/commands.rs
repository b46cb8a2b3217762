//! The commands of campaigns: planned, linked, started, called off.

use serde::{Deserialize, Serialize};

use super::events::FailurePolicy;
use crate::time::Span;

/// Plans a campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateCampaign {
    /// Its name, as given.
    pub name: String,
    /// What a failure does.
    #[serde(default)]
    pub policy: FailurePolicy,
    /// The least time between a countdown's release and its T-0; 60 seconds if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_ms: Option<Span>,
}

/// Puts an existing counting countdown into a planned campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinCampaign {
    /// Which campaign.
    pub campaign: String,
    /// Which countdown.
    pub countdown: String,
}

/// Lets `after` wait for `before`, or no longer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkCampaign {
    /// Which campaign.
    pub campaign: String,
    /// The predecessor.
    pub before: String,
    /// The successor.
    pub after: String,
}

/// Starts a campaign; organizer only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartCampaign {
    /// Which.
    pub campaign: String,
}

/// Calls a campaign off; organizer only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancelCampaign {
    /// Which.
    pub campaign: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
