//! Campaigns, their order and their graph, as they are shown.

use convoke_core::{
    campaign::events::FailurePolicy,
    id::{CampaignId, CountdownId},
    name::{ActorName, Name},
    time::{Span, Timestamp},
};
use serde::{Deserialize, Serialize};

use super::{CampaignRef, CountdownLine, CountdownRef, CountdownState, More, none};

/// Where a campaign stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CampaignState {
    /// Its countdowns are released as their predecessors end.
    Running,
    /// Not started yet; everything in it is held.
    Planned,
    /// Every countdown fired.
    Completed,
    /// Every countdown ended, and not all of them well.
    Failed,
    /// Called off.
    Cancelled,
}

impl CampaignState {
    /// Whether it is final.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Its word, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Planned => "planned",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How many countdowns stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountdownCounts {
    /// Held by a campaign.
    pub held: u64,
    /// On the way to T-0.
    pub counting: u64,
    /// The clock stands still.
    pub on_hold: u64,
    /// Gone.
    pub fired: u64,
    /// T-0 came without quorum.
    pub missed: u64,
    /// Called off.
    pub scrubbed: u64,
}

/// A campaign, in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignLine {
    /// Its id.
    pub id: CampaignId,
    /// The id's short form.
    pub short: String,
    /// Its name.
    pub name: Name,
    /// Where it stands.
    pub state: CampaignState,
    /// Who organizes it.
    pub organizer: ActorName,
    /// How many countdowns it has.
    pub members: u64,
    /// Where they stand.
    pub progress: CountdownCounts,
    /// The soonest T-0 among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When it was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

/// Some campaigns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignsView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// The campaigns.
    pub campaigns: Vec<CampaignLine>,
    /// How many more there are after the last one.
    #[serde(default, skip_serializing_if = "none")]
    pub more: More,
}

/// A countdown in its campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberView {
    /// The countdown.
    #[serde(flatten)]
    pub countdown: CountdownLine,
    /// Its level, from 0: what has the same may run together.
    pub level: u32,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<CountdownId>,
}

/// Everything about a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// What its line says.
    #[serde(flatten)]
    pub line: CampaignLine,
    /// What a failure does.
    pub policy: FailurePolicy,
    /// The least time between a countdown's release and its T-0.
    pub notice_ms: Span,
    /// Why it was called off, if said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where in the log it was planned.
    pub position: u64,
    /// How many links there are.
    pub links: u64,
    /// Its countdowns, by level and then by when they were scheduled.
    pub countdowns: Vec<MemberView>,
}

/// The levels of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    /// Which.
    pub campaign: CampaignRef,
    /// Level after level; what is in one may run together. In one level by when they were scheduled.
    pub levels: Vec<Vec<CountdownRef>>,
}

/// A countdown in the graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphNode {
    /// Its id.
    pub id: CountdownId,
    /// The id's short form.
    pub short: String,
    /// Its name.
    pub name: Name,
    /// Where it stands.
    pub state: CountdownState,
    /// Its level, from 0.
    pub level: u32,
}

/// A link: `after` is held until `before` has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphEdge {
    /// The predecessor.
    pub before: CountdownId,
    /// The successor.
    pub after: CountdownId,
}

/// The graph of a campaign; [`crate::graph`] renders it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphView {
    /// Which.
    pub campaign: CampaignRef,
    /// Where it stands.
    pub state: CampaignState,
    /// Its countdowns, by level and then by when they were scheduled.
    pub nodes: Vec<GraphNode>,
    /// Its links, in the order of the nodes.
    pub edges: Vec<GraphEdge>,
}
