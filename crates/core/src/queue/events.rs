//! The payloads of `change.*` and `queue.*`. Each names its change, except the one that creates it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{GitHash, path::RepoPath};
use crate::{
    id::ChangeId,
    log::Hash,
    name::{ActorName, Name},
    priority::Priority,
    time::{Span, Timestamp},
};

/// What a change brings. The content itself lies beside the log, under its hash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// File operations and patches, as the canonical JSON that has this hash.
    Operations(Hash),
    /// A commit of the repository.
    Commit(GitHash),
}

/// A command that must end well before the change lands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The shell command.
    pub command: String,
    /// How long it may take; the worker's default if absent. Written even so: the binary form of a snapshot leaves nothing out.
    #[serde(default)]
    pub limit_ms: Option<Span>,
}

/// Who has to agree before a change is queued.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// How many.
    pub needed: u32,
    /// Of whom; the author never counts.
    pub of: BTreeSet<ActorName>,
}

/// Why an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// A check did not pass. Tried again.
    Check,
    /// The machine's fault: no space, no git, a lost worktree. Tried again.
    Machine,
    /// It can never succeed: a target that is gone, a command that is not allowed. Not tried again.
    Final,
}

/// How a check of a landed change ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckResult {
    /// The shell command.
    pub command: String,
    /// How long it took.
    pub took_ms: Span,
    /// How often it ran: twice if it failed once.
    pub runs: u32,
}

/// What was tested, and what landed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The target's tip that the change was put on.
    pub base: GitHash,
    /// The tree in which the checks ran.
    pub tested_tree: GitHash,
    /// The commit that landed.
    pub commit: GitHash,
    /// Its tree. The same as the tested one.
    pub tree: GitHash,
    /// The checks that passed in that tree.
    pub checks: Vec<CheckResult>,
}

/// Handed in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeSubmitted {
    /// The task it belongs to.
    pub task: Name,
    /// Whose it is.
    pub agent: ActorName,
    /// The branch it is to land on.
    pub target: Name,
    /// How urgent.
    pub priority: Priority,
    /// What it brings.
    pub content: Content,
    /// The files it touches.
    pub paths: BTreeSet<RepoPath>,
    /// What must pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// Who has to agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalRule>,
    /// Intent, complexity and what else the agent says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    /// The dead one that this is put back for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<ChangeId>,
}

macro_rules! of_a_change {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })+) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Which.
            pub change: ChangeId,
            $($(#[$field_doc])* pub $field: $type,)*
        }
    )+ };
}

of_a_change! {
    /// It cannot be what was asked for; every fault that was found.
    ChangeRejected {
        /// The claim under which it was looked at.
        fence: u32,
        /// What is wrong with it.
        faults: Vec<String>,
    }
    /// A reviewer agrees.
    ChangeApproved {
        /// Who.
        reviewer: ActorName,
        /// Why, if said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
    /// A reviewer does not agree; the approval given before is taken back.
    ChangeDisapproved {
        /// Who.
        reviewer: ActorName,
        /// Why.
        reason: String,
    }
    /// A worker has it.
    ChangeLeased {
        /// Who.
        worker: ActorName,
        /// The generation of the claim: a later one outranks it.
        fence: u32,
        /// When the lease ends, unless extended.
        until: Timestamp,
    }
    /// The worker lives.
    ChangeLeaseExtended {
        /// Under which claim.
        fence: u32,
        /// When the lease ends now.
        until: Timestamp,
    }
    /// The worker was silent for too long.
    ChangeLeaseExpired {
        /// Which claim ended.
        fence: u32,
    }
    /// The worker gave it back without blame.
    ChangeReturned {
        /// Under which claim.
        fence: u32,
        /// Why.
        reason: String,
    }
    /// Tested; the target is about to be moved to this commit. From here on it is not withdrawn any more: only a look at the
    /// repository says whether it landed.
    ChangeLandingStarted {
        /// Under which claim.
        fence: u32,
        /// What was tested, and what is to land.
        receipt: Receipt,
    }
    /// On the target branch.
    ChangeLanded {
        /// The claim of whoever saw it there.
        fence: u32,
        /// What was tested, and what landed.
        receipt: Receipt,
        /// Found there after the worker that moved the branch was gone.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        recovered: bool,
    }
    /// It does not apply on the target's tip.
    ChangeConflicted {
        /// Under which claim.
        fence: u32,
        /// In these files.
        paths: BTreeSet<RepoPath>,
        /// The landed change it collides with, if one is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        against: Option<ChangeId>,
        /// What git said.
        detail: String,
    }
    /// An attempt failed; it is tried again.
    ChangeFailed {
        /// Under which claim.
        fence: u32,
        /// Why.
        class: FailureClass,
        /// In a sentence; with the check that failed.
        cause: String,
        /// The end of the check's output.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<String>,
        /// Not tried again before.
        not_before: Timestamp,
    }
    /// Given up.
    ChangeDied {
        /// Under which claim.
        fence: u32,
        /// Why the last attempt failed.
        class: FailureClass,
        /// In a sentence; with the check that failed.
        cause: String,
        /// The end of the check's output.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<String>,
    }
    /// Withdrawn.
    ChangeCancelled {
        /// Why, if said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
    /// Another one takes its place.
    ChangeSuperseded {
        /// Which.
        by: ChangeId,
    }
}

/// Nothing is leased any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueuePaused {
    /// Why.
    pub reason: String,
}

/// Leasing goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueResumed {}
