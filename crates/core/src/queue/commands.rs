//! The commands of the queue: a change's author, its reviewers and its workers, each with theirs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::events::{ApprovalRule, Check, Content, FailureClass, Receipt};
use crate::{exact_json, priority::Priority, time::Span};

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })+) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }
    )+ };
}

commands! {
    /// Hands a change in. What it brings was put beside the log before, under its hash.
    SubmitChange {
        /// The task it belongs to.
        task: String,
        /// The branch it is to land on.
        target: String,
        /// How urgent.
        #[serde(default)]
        priority: Priority,
        /// What it brings.
        content: Content,
        /// The files it touches.
        paths: Vec<String>,
        /// What must pass.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        checks: Vec<Check>,
        /// Who has to agree.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<ApprovalRule>,
        /// Intent, complexity and what else the agent says of it.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "exact_json::optional")]
        metadata: Option<Value>,
        /// The change that it takes the place of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        supersedes: Option<String>,
    }
    /// Claims changes under a lease.
    ClaimChanges {
        /// Of this branch.
        target: String,
        /// At most so many; 1 if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<u32>,
        /// For how long; two minutes if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lease_ms: Option<Span>,
    }
    /// Extends the lease of a claimed change.
    ExtendChange {
        /// Which.
        change: String,
        /// Under which claim.
        fence: u32,
        /// For how long from now; two minutes if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lease_ms: Option<Span>,
    }
    /// Announces that the target is about to be moved.
    StartLanding {
        /// Which.
        change: String,
        /// Under which claim.
        fence: u32,
        /// What was tested, and what is to land.
        receipt: Receipt,
    }
    /// Says that a change is on its target.
    LandChange {
        /// Which.
        change: String,
        /// Under which claim.
        fence: u32,
        /// Found there after the worker that moved the branch was gone.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        recovered: bool,
    }
    /// Says that a change does not apply.
    ConflictChange {
        /// Which.
        change: String,
        /// Under which claim.
        fence: u32,
        /// In these files.
        paths: Vec<String>,
        /// The landed change it collides with, if one is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        against: Option<String>,
        /// What git said.
        detail: String,
    }
    /// Says that a change is not what it claims to be.
    RejectChange {
        /// Which.
        change: String,
        /// Under which claim.
        fence: u32,
        /// What is wrong with it.
        faults: Vec<String>,
    }
    /// Says that an attempt failed.
    FailChange {
        /// Which.
        change: String,
        /// Under which claim.
        fence: u32,
        /// Why.
        class: FailureClass,
        /// In a sentence.
        cause: String,
        /// The end of the check's output.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<String>,
    }
    /// Gives a claimed change back without blame.
    ReturnChange {
        /// Which.
        change: String,
        /// Under which claim.
        fence: u32,
        /// Why.
        reason: String,
    }
    /// Agrees to a change, or does not.
    ReviewChange {
        /// Which.
        change: String,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
    /// Withdraws a change.
    CancelChange {
        /// Which.
        change: String,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
    /// Puts a dead change back.
    RequeueChange {
        /// Which.
        change: String,
    }
    /// Stops leasing.
    PauseQueue {
        /// Why.
        reason: String,
    }
    /// Lets leasing go on.
    ResumeQueue {}
}
