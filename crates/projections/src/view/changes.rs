//! Changes on their way to a branch, and how the queue does, as they are shown.

use std::collections::{BTreeMap, BTreeSet};

use convoke_core::{
    id::ChangeId,
    name::{ActorName, Name},
    priority::Priority,
    queue::{
        RepoPath,
        events::{ApprovalRule, Check, Content, FailureClass, Receipt},
    },
    time::{Span, Timestamp},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{More, none};

/// Where a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    /// A worker has it.
    Leased,
    /// Ready, or in its pause.
    Queued,
    /// A rule asks for more approvals.
    AwaitingApproval,
    /// On the target branch.
    Landed,
    /// It did not apply on the target's tip.
    Conflicted,
    /// It could not be what was asked for.
    Rejected,
    /// Given up.
    Dead,
    /// Withdrawn.
    Cancelled,
    /// Another one took its place.
    Superseded,
}

impl ChangeState {
    /// Whether it is final.
    #[must_use]
    pub fn has_ended(self) -> bool {
        !matches!(self, Self::Leased | Self::Queued | Self::AwaitingApproval)
    }

    /// Its word, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Leased => "leased",
            Self::Queued => "queued",
            Self::AwaitingApproval => "awaiting_approval",
            Self::Landed => "landed",
            Self::Conflicted => "conflicted",
            Self::Rejected => "rejected",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
        }
    }
}

/// A change, in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeLine {
    /// Its id.
    pub id: ChangeId,
    /// The id's short form.
    pub short: String,
    /// The task it belongs to.
    pub task: Name,
    /// Whose it is.
    pub agent: ActorName,
    /// The branch it is to land on.
    pub target: Name,
    /// How urgent.
    pub priority: Priority,
    /// Where it stands.
    pub state: ChangeState,
    /// How many attempts failed.
    pub failures: u32,
    /// The generation of its latest claim.
    pub fence: u32,
    /// Who has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<ActorName>,
    /// When the lease ends, or the pause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How many more have to agree, while it waits for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals_missing: Option<u32>,
    /// Who may still agree then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_approve: Vec<ActorName>,
    /// Handed in.
    pub submitted_at: Timestamp,
    /// Landed, or ended otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

/// Some changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// Why nothing is leased for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// The changes: leased ones first, then queued ones in order of their turns, then ended ones, the last ended first.
    pub changes: Vec<ChangeLine>,
    /// How many more there are after the last one.
    #[serde(default, skip_serializing_if = "none")]
    pub more: More,
}

/// Everything about one change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// What its line says.
    #[serde(flatten)]
    pub line: ChangeLine,
    /// Where in the log it was handed in.
    pub position: u64,
    /// What it brings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// The files it touches.
    pub paths: BTreeSet<RepoPath>,
    /// What must pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// Who has to agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalRule>,
    /// What reviewers said last: whether they agree.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reviews: BTreeMap<ActorName, bool>,
    /// Intent, complexity and what else the agent said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    /// The dead one that it was put back for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<ChangeId>,
    /// What was tested, and what landed or is about to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// Why it ended, or why its latest attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<CauseView>,
    /// Where the events are that still have to be read.
    #[serde(skip)]
    pub(crate) needed: Vec<u64>,
}

/// Why a change ended, or why an attempt at it failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseView {
    /// In a sentence.
    pub text: String,
    /// Of a failure, its class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<FailureClass>,
    /// The end of the failing check's output, or what git said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Of a conflict, its files.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub paths: BTreeSet<RepoPath>,
    /// The change it collided with, or that took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<ChangeId>,
}

/// How the queue does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueMetricsView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// How many stand where, by the word of the state.
    pub counts: BTreeMap<String, u64>,
    /// Ready to be claimed now.
    pub ready: u64,
    /// How long the oldest of them waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_ready_ms: Option<Span>,
    /// Claims whose worker fell silent.
    pub leases_expired: u64,
    /// Attempts that failed and were tried again.
    pub attempts_failed: u64,
    /// Landings found after their worker was gone.
    pub recovered: u64,
    /// Changes that were handed in again while they lived, and answered with the one that was there. They leave no trace in the
    /// log: the daemon counts them from its start. `None` where it does not answer, or is asked for an earlier time.
    #[serde(default)]
    pub duplicates_answered: Option<u64>,
    /// From handed in to the end, of those that ended.
    pub in_queue: Quantiles,
    /// From the claim to the announcement of the landing: building and checking.
    pub build: Quantiles,
    /// The checks of what landed.
    pub checks: Quantiles,
}

/// Durations: how many, and what share took at most how long. Each is right to within 7 percent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantiles {
    /// How many.
    pub count: u64,
    /// Their sum.
    pub sum_ms: u64,
    /// Half took at most this long.
    pub p50_ms: u64,
    /// 95 of 100.
    pub p95_ms: u64,
    /// 99 of 100.
    pub p99_ms: u64,
}
