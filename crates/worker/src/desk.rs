//! What the worker needs of the log. Whoever runs a worker implements it: the worker knows neither the program nor the daemon.

use std::{collections::BTreeSet, time::Duration};

use convoke_core::{
    command::Command,
    id::ChangeId,
    log::Hash,
    name::{ActorName, Name},
    queue::{
        RepoPath,
        events::{Check, Content, Receipt},
    },
};

/// A change that the worker has, under a claim.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Which.
    pub change: ChangeId,
    /// The generation of the claim.
    pub fence: u32,
    /// Where in the log it was handed in.
    pub position: u64,
    /// The task it belongs to.
    pub task: Name,
    /// Whose it is.
    pub agent: ActorName,
    /// What it is for, in its author's words.
    pub intent: Option<String>,
    /// What it brings.
    pub content: Content,
    /// The files it may touch.
    pub paths: BTreeSet<RepoPath>,
    /// What must pass, besides what must pass for every change.
    pub checks: Vec<Check>,
    /// How many attempts failed.
    pub failures: u32,
    /// Whether its checks failed in the latest attempt.
    pub is_suspect: bool,
    /// A landing that an earlier claim began, and of which only the repository can say whether it happened.
    pub begun: Option<Receipt>,
}

/// The log, as a worker sees it. Every command is given in the worker's name.
pub trait Desk {
    /// Claims changes that are ready, up to so many, in order of their turns.
    ///
    /// # Errors
    /// [`No`].
    fn claim(&mut self, max: u32) -> Result<Vec<Job>, No>;

    /// Gives commands, one after another, and says what came of each. A refusal of one keeps none of the others from being done.
    fn say(&mut self, commands: Vec<Command>) -> Vec<Result<(), No>>;

    /// Reads what a change brings.
    ///
    /// # Errors
    /// Why it cannot be read, in a sentence.
    fn content(&mut self, hash: &Hash) -> Result<Vec<u8>, String>;

    /// Whether any change of the target is still queued or leased, by whomever.
    ///
    /// # Errors
    /// [`No`].
    fn has_work(&mut self) -> Result<bool, No>;

    /// Waits until something happens in the queue, but no longer than this.
    ///
    /// # Errors
    /// [`No`].
    fn wait(&mut self, at_most: Duration) -> Result<(), No>;
}

/// A refusal, or a log that cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct No {
    /// The stable code.
    pub code: String,
    /// What.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl No {
    /// Whether it says that the worker does not have the change any more.
    #[must_use]
    pub fn is_lost_claim(&self) -> bool {
        matches!(self.code.as_str(), "stale_fence" | "change_ended" | "not_found")
    }

    /// Whether it concerns this change at this moment only: another one, or another time, may go well.
    #[must_use]
    pub fn is_of_the_change(&self) -> bool {
        self.is_lost_claim() || matches!(self.code.as_str(), "out_of_turn" | "landing_begun" | "landing_not_begun")
    }
}
