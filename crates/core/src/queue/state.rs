//! One change on its way to the target branch, and what each event makes of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    events::{ApprovalRule, ChangeSubmitted, Check, Content, FailureClass, Receipt},
    path::RepoPath,
};
use crate::{
    event::{Event, Recorded},
    id::ChangeId,
    name::{ActorName, Name},
    priority::Priority,
    time::Timestamp,
};

/// A change as its events made it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Change {
    /// The id of its `change.submitted`.
    pub id: ChangeId,
    /// The position of that event.
    pub position: u64,
    /// When it was handed in.
    pub submitted_at: Timestamp,
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
    /// The files it touches. Like checks and metadata not kept once it has ended, unless it is dead: it may be put back.
    pub paths: BTreeSet<RepoPath>,
    /// What must pass.
    pub checks: Vec<Check>,
    /// What the agent says of it: JSON text.
    pub metadata: Option<String>,
    /// Who has to agree.
    pub approval: Option<ApprovalRule>,
    /// What reviewers said last: whether they agree.
    pub reviews: BTreeMap<ActorName, bool>,
    /// How many attempts failed.
    pub failures: u32,
    /// The generation of the latest claim; 0 before the first. It only grows.
    pub fence: u32,
    /// A landing that was begun, and of which only the repository can say whether it happened.
    pub landing: Option<Receipt>,
    /// Where it is.
    pub phase: Phase,
}

/// Where a change is on its way. The last six are final.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// A rule asks for more approvals.
    AwaitingApproval,
    /// Ready, or ready at that time.
    Queued {
        /// The end of the pause after a failure.
        not_before: Option<Timestamp>,
    },
    /// A worker has it.
    Leased {
        /// Who.
        worker: ActorName,
        /// When the lease ends, unless extended.
        until: Timestamp,
    },
    /// On the target branch.
    Landed {
        /// When.
        at: Timestamp,
    },
    /// It did not apply on the target's tip.
    Conflicted {
        /// When.
        at: Timestamp,
    },
    /// It could not be what was asked for.
    Rejected {
        /// When.
        at: Timestamp,
    },
    /// Given up.
    Dead {
        /// When.
        at: Timestamp,
        /// Why the last attempt failed.
        class: FailureClass,
        /// The change that it was put back as.
        requeued: Option<ChangeId>,
    },
    /// Withdrawn.
    Cancelled {
        /// When.
        at: Timestamp,
    },
    /// Another one took its place.
    Superseded {
        /// When.
        at: Timestamp,
        /// Which.
        by: ChangeId,
    },
}

impl Change {
    /// Whether nothing can become of it any more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        !matches!(self.phase, Phase::AwaitingApproval | Phase::Queued { .. } | Phase::Leased { .. })
    }

    /// How it ended, in a word.
    #[must_use]
    pub fn outcome(&self) -> Option<&'static str> {
        match self.phase {
            Phase::AwaitingApproval | Phase::Queued { .. } | Phase::Leased { .. } => None,
            Phase::Landed { .. } => Some("landed"),
            Phase::Conflicted { .. } => Some("conflicted"),
            Phase::Rejected { .. } => Some("rejected"),
            Phase::Dead { .. } => Some("dead"),
            Phase::Cancelled { .. } => Some("cancelled"),
            Phase::Superseded { .. } => Some("superseded"),
        }
    }

    /// When time itself will change it: at the end of its lease.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Leased { until, .. } => Some(until),
            _ => None,
        }
    }

    /// Who has it.
    #[must_use]
    pub fn worker(&self) -> Option<&ActorName> {
        match &self.phase {
            Phase::Leased { worker, .. } => Some(worker),
            _ => None,
        }
    }

    /// Whether a worker could take it now.
    #[must_use]
    pub fn is_ready(&self, now: Timestamp) -> bool {
        match self.phase {
            Phase::Queued { not_before } => not_before.is_none_or(|time| time <= now),
            _ => false,
        }
    }

    /// How many of those who may have approved.
    #[must_use]
    pub fn approvals(&self) -> u32 {
        u32::try_from(self.reviews.values().filter(|agrees| **agrees).count()).unwrap_or(u32::MAX)
    }

    /// As it was handed in.
    pub(super) fn submitted(recorded: &Recorded, event: &ChangeSubmitted) -> Self {
        Self {
            id: recorded.id.into(),
            position: recorded.position,
            submitted_at: recorded.time,
            task: event.task.clone(),
            agent: event.agent.clone(),
            target: event.target.clone(),
            priority: event.priority,
            content: event.content.clone(),
            paths: event.paths.clone(),
            checks: event.checks.clone(),
            metadata: event.metadata.as_ref().map(ToString::to_string),
            approval: event.approval.clone(),
            reviews: BTreeMap::new(),
            failures: 0,
            fence: 0,
            landing: None,
            phase: match &event.approval {
                Some(rule) if rule.needed > 0 => Phase::AwaitingApproval,
                _ => Phase::Queued { not_before: None },
            },
        }
    }

    /// What an event of this change makes of it. What cannot be (an outdated claim, anything after the end) is ignored, so
    /// that an end is final and a fence only grows, whatever is folded.
    pub(super) fn evolve(&mut self, recorded: &Recorded) {
        if let (Event::ChangeSubmitted(event), Phase::Dead { requeued, .. }) = (&recorded.event, &mut self.phase)
            && event.previous == Some(self.id)
        {
            *requeued = requeued.or(Some(recorded.id.into()));
            self.forget();
        }
        if self.has_ended() {
            return;
        }
        let at = recorded.time;
        match &recorded.event {
            Event::ChangeApproved(event) => self.review(&event.reviewer, true),
            Event::ChangeDisapproved(event) => self.review(&event.reviewer, false),
            Event::ChangeLeased(event) if event.fence > self.fence && matches!(self.phase, Phase::Queued { .. }) => {
                self.fence = event.fence;
                self.phase = Phase::Leased { worker: event.worker.clone(), until: event.until };
            }
            Event::ChangeLeaseExtended(event) => {
                if let (true, Phase::Leased { until, .. }) = (event.fence == self.fence, &mut self.phase) {
                    *until = event.until;
                }
            }
            Event::ChangeLeaseExpired(event) if self.is_claimed_by(event.fence) => self.queue(None),
            Event::ChangeReturned(event) if self.is_claimed_by(event.fence) => {
                self.landing = None;
                self.queue(None);
            }
            Event::ChangeLandingStarted(event) if self.is_claimed_by(event.fence) => {
                self.landing = Some(event.receipt.clone());
            }
            Event::ChangeFailed(event) if self.is_claimed_by(event.fence) => {
                self.failures = self.failures.saturating_add(1);
                self.landing = None;
                self.queue(Some(event.not_before));
            }
            Event::ChangeLanded(event) if self.is_claimed_by(event.fence) => self.end(Phase::Landed { at }),
            Event::ChangeConflicted(event) if self.is_claimed_by(event.fence) => self.end(Phase::Conflicted { at }),
            Event::ChangeRejected(event) if self.is_claimed_by(event.fence) => self.end(Phase::Rejected { at }),
            Event::ChangeDied(event) if self.is_claimed_by(event.fence) => {
                self.end(Phase::Dead { at, class: event.class, requeued: None });
            }
            Event::ChangeCancelled(_) => self.end(Phase::Cancelled { at }),
            Event::ChangeSuperseded(event) => self.end(Phase::Superseded { at, by: event.by }),
            _ => {}
        }
    }

    /// Whether this is the claim of the worker that has it.
    pub(super) fn is_claimed_by(&self, fence: u32) -> bool {
        fence == self.fence && matches!(self.phase, Phase::Leased { .. })
    }

    fn queue(&mut self, not_before: Option<Timestamp>) {
        self.phase = Phase::Queued { not_before };
    }

    fn end(&mut self, phase: Phase) {
        if !matches!(phase, Phase::Dead { .. }) {
            self.forget();
        }
        self.phase = phase;
        self.landing = None;
    }

    fn forget(&mut self) {
        self.paths = BTreeSet::new();
        self.checks = Vec::new();
        self.metadata = None;
    }

    fn review(&mut self, reviewer: &ActorName, agrees: bool) {
        let Phase::AwaitingApproval = self.phase else { return };
        let Some(rule) = &self.approval else { return };
        if rule.of.contains(reviewer) && *reviewer != self.agent {
            let needed = rule.needed;
            self.reviews.insert(reviewer.clone(), agrees);
            if self.approvals() >= needed {
                self.queue(None);
            }
        }
    }
}
