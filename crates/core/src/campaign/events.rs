//! The payloads of `campaign.*`. A campaign's members are the countdowns that name it.

use serde::{Deserialize, Serialize};

use crate::{
    id::{CampaignId, CountdownId},
    name::{ActorName, Name},
    time::Span,
};

/// What a missed or scrubbed countdown does to its successors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum FailurePolicy {
    /// All its transitive successors are scrubbed.
    #[default]
    Block,
    /// A countdown is released once every predecessor has ended, however.
    Continue,
}

/// Planned from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignCreated {
    /// Its name.
    pub name: Name,
    /// Who may change, start and cancel it.
    pub organizer: ActorName,
    /// What a failure does.
    pub policy: FailurePolicy,
    /// The least time between a countdown's release and its T-0.
    pub notice_ms: Span,
}

/// `after` is held until `before` has ended well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignLinked {
    /// Which campaign.
    pub campaign: CampaignId,
    /// The predecessor.
    pub before: CountdownId,
    /// The successor.
    pub after: CountdownId,
}

/// `after` no longer waits for `before`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignUnlinked {
    /// Which campaign.
    pub campaign: CampaignId,
    /// The predecessor.
    pub before: CountdownId,
    /// The successor.
    pub after: CountdownId,
}

/// Its first countdowns are released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignStarted {
    /// Which.
    pub campaign: CampaignId,
}

/// Every countdown fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignCompleted {
    /// Which.
    pub campaign: CampaignId,
}

/// Every countdown ended, and not all of them well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignFailed {
    /// Which.
    pub campaign: CampaignId,
}

/// Called off, with every countdown that had not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignCancelled {
    /// Which.
    pub campaign: CampaignId,
    /// Why, if said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
