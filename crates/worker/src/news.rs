//! What a worker tells while it works.

use std::time::Duration;

use convoke_core::{
    id::ChangeId,
    name::Name,
    queue::{GitHash, events::FailureClass},
};

/// Something that happened. What became of a change is told after it is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The queue is paused: nobody gets anything until it goes on.
    Paused {
        /// Why, in a sentence.
        why: String,
    },
    /// Changes were claimed.
    Claimed(Vec<Of>),
    /// Checks run in a lane.
    Testing {
        /// Which lane.
        lane: usize,
        /// For these changes.
        of: Vec<Of>,
        /// On top of so many that are not decided.
        on_top_of: usize,
    },
    /// Checks failed. Who is to blame is not said yet.
    Red {
        /// In a run for these changes.
        of: Vec<Of>,
        /// Which check.
        check: String,
        /// What it did, in words.
        how: String,
    },
    /// It is on the branch.
    Landed {
        /// Which.
        of: Of,
        /// The commit.
        commit: GitHash,
        /// How many landed with that commit.
        together: usize,
        /// From the claim until here.
        took: Duration,
        /// It was found there, landed by a worker that is gone.
        recovered: bool,
    },
    /// It does not apply.
    Conflicted {
        /// Which.
        of: Of,
        /// In these files.
        paths: Vec<String>,
        /// The landed change it collides with.
        against: Option<ChangeId>,
    },
    /// It is not what it claims to be.
    Rejected {
        /// Which.
        of: Of,
        /// What is wrong with it.
        faults: Vec<String>,
    },
    /// The attempt failed.
    Failed {
        /// Which.
        of: Of,
        /// Why.
        class: FailureClass,
        /// In a sentence.
        cause: String,
    },
    /// It was given back without blame.
    Returned {
        /// Which.
        of: Of,
        /// Why.
        reason: String,
    },
    /// The worker does not have it any more.
    Lost {
        /// Which.
        of: Of,
        /// Why.
        why: String,
    },
    /// Somebody else moved the branch: what was tested is tested anew.
    BranchMoved {
        /// To this commit.
        to: GitHash,
    },
}

/// Which change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Of {
    /// Its id.
    pub change: ChangeId,
    /// Its task.
    pub task: Name,
}
