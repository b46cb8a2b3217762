//! What a worker says became of a change that it has.

use std::collections::BTreeSet;

use super::{
    super::{
        backoff,
        changes::Changes,
        events::{
            ChangeConflicted, ChangeDied, ChangeFailed, ChangeLanded, ChangeLandingStarted, ChangeRejected,
            ChangeReturned, FailureClass, Receipt,
        },
        path::{RepoPath, overlap},
        state::{Change, Phase},
    },
    current,
};
use crate::{event::Event, id::ChangeId, limits, name::ActorName, refusal::Refusal, time::Timestamp};

/// A worker and its claim.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The change.
    pub change: &'a Change,
    /// Who says so.
    pub actor: &'a ActorName,
    /// Under which claim.
    pub fence: u32,
    /// Convoke's time.
    pub now: Timestamp,
}

impl Claim<'_> {
    fn is_current(&self) -> Result<(), Refusal> {
        current(self.change, self.actor, self.fence, self.now)
    }

    /// Tested: the branch is about to be moved. The same announcement twice is one.
    ///
    /// # Errors
    /// [`Refusal::UntestedTree`] if what is to land is not what was tested; [`Refusal::OutOfTurn`] while an overlapping
    /// change goes before it, unless that one was announced to land with the same commit; [`Refusal::LandingBegun`] while
    /// an earlier landing of it is not cleared up; [`Refusal::ChangeEnded`], [`Refusal::StaleFence`].
    pub fn start_landing(&self, changes: &Changes, receipt: Receipt) -> Result<Vec<Event>, Refusal> {
        self.is_current()?;
        if receipt.tree != receipt.tested_tree {
            return Err(Refusal::UntestedTree {
                tested: receipt.tested_tree.to_string(),
                landing: receipt.tree.to_string(),
            });
        }
        if let Some(begun) = &self.change.landing {
            return if *begun == receipt { Ok(Vec::new()) } else { Err(self.landing_begun()) };
        }
        let goes_before = |other: &&Change| {
            let counts = matches!(other.phase, Phase::Leased { .. }) || other.is_ready(self.now);
            let lands_with_it = other.landing.as_ref() == Some(&receipt);
            counts && !lands_with_it && overlap(&other.paths, &self.change.paths)
        };
        let ahead = changes.line(&self.change.target).take_while(|other| other.id != self.change.id).find(goes_before);
        if let Some(other) = ahead {
            return Err(Refusal::OutOfTurn { change: self.change.id.into(), ahead: other.id.into() });
        }
        Ok(vec![ChangeLandingStarted { change: self.change.id, fence: self.fence, receipt }.into()])
    }

    /// It is on the branch: this claim's landing, or one that was found there (`recovered`).
    ///
    /// # Errors
    /// [`Refusal::LandingNotBegun`] if it was not announced; [`Refusal::ChangeEnded`], [`Refusal::StaleFence`].
    pub fn land(&self, recovered: bool) -> Result<Vec<Event>, Refusal> {
        self.is_current()?;
        match self.change.landing.clone() {
            Some(receipt) => {
                Ok(vec![ChangeLanded { change: self.change.id, fence: self.fence, receipt, recovered }.into()])
            }
            None => Err(Refusal::LandingNotBegun { change: self.change.id.into() }),
        }
    }

    /// It does not apply.
    ///
    /// # Errors
    /// Those of every end: [`Refusal::LandingBegun`], [`Refusal::ChangeEnded`], [`Refusal::StaleFence`],
    /// [`Refusal::OverLimit`].
    pub fn conflict(
        &self,
        paths: BTreeSet<RepoPath>,
        against: Option<ChangeId>,
        detail: &str,
    ) -> Result<Vec<Event>, Refusal> {
        self.ends_without_landing(detail)?;
        let (change, fence, detail) = (self.change.id, self.fence, detail.to_owned());
        Ok(vec![ChangeConflicted { change, fence, paths, against, detail }.into()])
    }

    /// It is not what it claims to be.
    ///
    /// # Errors
    /// As [`Claim::conflict`]; [`Refusal::BadRequest`] without a fault.
    pub fn reject(&self, faults: &[String]) -> Result<Vec<Event>, Refusal> {
        self.ends_without_landing(&faults.join("\n"))?;
        if faults.is_empty() {
            return Err(Refusal::BadRequest("a rejection names at least one fault".to_owned()));
        }
        Ok(vec![ChangeRejected { change: self.change.id, fence: self.fence, faults: faults.to_vec() }.into()])
    }

    /// An attempt failed. It is tried again after a pause while attempts remain and the class allows it.
    ///
    /// # Errors
    /// As [`Claim::conflict`].
    pub fn fail(&self, class: FailureClass, cause: &str, output: Option<&str>) -> Result<Vec<Event>, Refusal> {
        self.ends_without_landing(cause)?;
        limits::check("a check's output in bytes", output.map_or(0, str::len), limits::CHECK_OUTPUT_BYTES_MAX)?;
        let (change, fence) = (self.change.id, self.fence);
        let (cause, output) = (cause.to_owned(), output.map(str::to_owned));
        let failures = self.change.failures.saturating_add(1);
        if class == FailureClass::Final || failures >= limits::QUEUE_ATTEMPTS_MAX {
            return Ok(vec![ChangeDied { change, fence, class, cause, output }.into()]);
        }
        let not_before = self.now.plus(backoff::pause(change, failures));
        Ok(vec![ChangeFailed { change, fence, class, cause, output, not_before }.into()])
    }

    /// Given back without blame: the worker stops, or another change of its batch failed. Also what a worker says that looked
    /// into the repository and did not find a landing that was begun.
    ///
    /// # Errors
    /// [`Refusal::ChangeEnded`], [`Refusal::StaleFence`], [`Refusal::OverLimit`].
    pub fn give_back(&self, reason: &str) -> Result<Vec<Event>, Refusal> {
        self.is_current()?;
        limits::check("a reason's length in bytes", reason.len(), limits::REASON_BYTES_MAX)?;
        Ok(vec![ChangeReturned { change: self.change.id, fence: self.fence, reason: reason.to_owned() }.into()])
    }

    /// A landing that was begun is cleared up first: it may have happened.
    fn ends_without_landing(&self, text: &str) -> Result<(), Refusal> {
        self.is_current()?;
        if self.change.landing.is_some() {
            return Err(self.landing_begun());
        }
        limits::check("a cause's length in bytes", text.len(), limits::CAUSE_BYTES_MAX)
    }

    fn landing_begun(&self) -> Refusal {
        Refusal::LandingBegun { change: self.change.id.into() }
    }
}
