//! The queue: every change, and how long things took.

use std::collections::BTreeMap;

use convoke_core::{
    event::{Event, Recorded},
    id::ChangeId,
    name::{ActorName, Name},
    priority::Priority,
    queue::events::{ApprovalRule, Receipt},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::{
    durations::Durations,
    micros,
    view::{ChangeLine, ChangeState, QueueMetricsView},
};

/// All changes, by id, and what is counted of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Changes {
    all: BTreeMap<ChangeId, Change>,
    paused: Option<String>,
    leases_expired: u64,
    attempts_failed: u64,
    recovered: u64,
    in_queue: Durations,
    build: Durations,
    checks: Durations,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) task: Name,
    pub(crate) agent: ActorName,
    pub(crate) target: Name,
    pub(crate) priority: Priority,
    pub(crate) state: ChangeState,
    pub(crate) failures: u32,
    pub(crate) fence: u32,
    worker: Option<ActorName>,
    #[serde(with = "micros::optional")]
    until: Option<Timestamp>,
    #[serde(with = "micros::optional")]
    claimed_at: Option<Timestamp>,
    pub(crate) position: u64,
    #[serde(with = "micros")]
    pub(crate) submitted_at: Timestamp,
    #[serde(with = "micros::optional")]
    pub(crate) ended_at: Option<Timestamp>,
    /// Who has to agree, while it waits for that.
    approval: Option<ApprovalRule>,
    pub(crate) reviews: BTreeMap<ActorName, bool>,
    pub(crate) previous: Option<ChangeId>,
    pub(crate) receipt: Option<Receipt>,
    /// Where the event is that says why it ended, or why its latest attempt failed.
    pub(crate) cause_at: Option<u64>,
}

/// Whose turn it is: where it stands, the time of its turn, and in the log.
pub(crate) type Place = (ChangeState, i64, u64, ChangeId);

impl Changes {
    pub(crate) fn apply(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::ChangeSubmitted(submitted) => {
                let approval = submitted.approval.clone().filter(|rule| rule.needed > 0);
                self.all.entry(recorded.id.into()).or_insert_with(|| Change {
                    task: submitted.task.clone(),
                    agent: submitted.agent.clone(),
                    target: submitted.target.clone(),
                    priority: submitted.priority,
                    state: if approval.is_some() { ChangeState::AwaitingApproval } else { ChangeState::Queued },
                    failures: 0,
                    fence: 0,
                    worker: None,
                    until: None,
                    claimed_at: None,
                    position: recorded.position,
                    submitted_at: recorded.time,
                    ended_at: None,
                    approval,
                    reviews: BTreeMap::new(),
                    previous: submitted.previous,
                    receipt: None,
                    cause_at: None,
                });
            }
            Event::ChangeApproved(event) => self.review(event.change, &event.reviewer, true),
            Event::ChangeDisapproved(event) => self.review(event.change, &event.reviewer, false),
            Event::ChangeLeased(event) => {
                if let Some(change) = self.live(event.change) {
                    change.state = ChangeState::Leased;
                    change.fence = event.fence;
                    change.worker = Some(event.worker.clone());
                    change.until = Some(event.until);
                    change.claimed_at = Some(recorded.time);
                }
            }
            Event::ChangeLeaseExtended(event) => {
                if let Some(change) = self.live(event.change) {
                    change.until = Some(event.until);
                }
            }
            Event::ChangeLeaseExpired(event) => {
                self.leases_expired += 1;
                self.put_back(event.change, None);
            }
            Event::ChangeReturned(event) => {
                self.put_back(event.change, None);
                self.forget_landing(event.change);
            }
            Event::ChangeLandingStarted(event) => {
                if let Some(change) = self.live(event.change) {
                    change.receipt = Some(event.receipt.clone());
                    let claimed_at = change.claimed_at;
                    self.build.extend(claimed_at.map(|claimed_at| recorded.time.since(claimed_at)));
                }
            }
            Event::ChangeFailed(event) => {
                self.attempts_failed += 1;
                self.put_back(event.change, Some(event.not_before));
                self.forget_landing(event.change);
                if let Some(change) = self.live(event.change) {
                    change.failures += 1;
                    change.cause_at = Some(recorded.position);
                }
            }
            Event::ChangeLanded(event) => {
                if let Some(change) = self.live(event.change) {
                    change.receipt = Some(event.receipt.clone());
                    self.recovered += u64::from(event.recovered);
                    self.checks.extend(event.receipt.checks.iter().map(|check| check.took_ms));
                }
                self.end(event.change, ChangeState::Landed, recorded);
            }
            Event::ChangeConflicted(event) => self.end(event.change, ChangeState::Conflicted, recorded),
            Event::ChangeRejected(event) => self.end(event.change, ChangeState::Rejected, recorded),
            Event::ChangeDied(event) => {
                if let Some(change) = self.live(event.change) {
                    change.failures += 1;
                }
                self.end(event.change, ChangeState::Dead, recorded);
            }
            Event::ChangeCancelled(event) => self.end(event.change, ChangeState::Cancelled, recorded),
            Event::ChangeSuperseded(event) => self.end(event.change, ChangeState::Superseded, recorded),
            Event::QueuePaused(event) => self.paused = Some(event.reason.clone()),
            Event::QueueResumed(_) => self.paused = None,
            _ => {}
        }
    }

    /// The change, unless it has ended: an end is final, whatever is folded.
    fn live(&mut self, id: ChangeId) -> Option<&mut Change> {
        self.all.get_mut(&id).filter(|change| !change.state.has_ended())
    }

    fn review(&mut self, id: ChangeId, reviewer: &ActorName, agrees: bool) {
        if let Some(change) = self.live(id) {
            change.reviews.insert(reviewer.clone(), agrees);
            if change.approvals_missing() == Some(0) {
                change.state = ChangeState::Queued;
                change.approval = None;
            }
        }
    }

    fn put_back(&mut self, id: ChangeId, until: Option<Timestamp>) {
        if let Some(change) = self.live(id) {
            change.state = ChangeState::Queued;
            (change.worker, change.until, change.claimed_at) = (None, until, None);
        }
    }

    /// A landing that was begun did not happen.
    fn forget_landing(&mut self, id: ChangeId) {
        if let Some(change) = self.all.get_mut(&id) {
            change.receipt = None;
        }
    }

    fn end(&mut self, id: ChangeId, state: ChangeState, recorded: &Recorded) {
        if let Some(change) = self.live(id) {
            change.state = state;
            change.approval = None;
            change.ended_at = Some(recorded.time);
            // A landing needs no cause.
            change.cause_at = (state != ChangeState::Landed).then_some(recorded.position);
            (change.worker, change.until, change.claimed_at) = (None, None, None);
            let submitted_at = change.submitted_at;
            self.in_queue.extend([recorded.time.since(submitted_at)]);
        }
    }

    pub(crate) fn get(&self, id: ChangeId) -> Option<&Change> {
        self.all.get(&id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ChangeId, &Change)> {
        self.all.iter().map(|(id, change)| (*id, change))
    }

    pub(crate) fn paused(&self) -> Option<&str> {
        self.paused.as_deref()
    }

    /// How many stand where, by the word of the state; only of those of this agent if one is given.
    pub(crate) fn counts(&self, only: Option<&ActorName>) -> BTreeMap<String, u64> {
        let mut counts: BTreeMap<ChangeState, u64> = BTreeMap::new();
        for change in self.all.values().filter(|change| only.is_none_or(|agent| change.agent == *agent)) {
            *counts.entry(change.state).or_default() += 1;
        }
        counts.into_iter().map(|(state, count)| (state.as_str().to_owned(), count)).collect()
    }

    pub(crate) fn metrics(&self, now: Timestamp) -> QueueMetricsView {
        let (mut ready, mut oldest) = (0, None);
        for change in self.all.values() {
            if change.state == ChangeState::Queued && change.until.is_none_or(|until| until <= now) {
                ready += 1;
                oldest = oldest.into_iter().chain([change.submitted_at]).min();
            }
        }
        QueueMetricsView {
            now,
            counts: self.counts(None),
            ready,
            oldest_ready_ms: oldest.map(|since| now.since(since)),
            leases_expired: self.leases_expired,
            attempts_failed: self.attempts_failed,
            recovered: self.recovered,
            duplicates_answered: None,
            in_queue: self.in_queue.quantiles(),
            build: self.build.quantiles(),
            checks: self.checks.quantiles(),
        }
    }
}

impl Change {
    /// Where it stands in the list of all.
    pub(crate) fn place(&self, id: ChangeId) -> Place {
        let time = match self.ended_at {
            Some(ended_at) => -ended_at.us(),
            None => convoke_core::queue::turn_at(self.submitted_at, self.priority).us(),
        };
        // All ended ones stand together, whatever their ends.
        let state = if self.state.has_ended() { ChangeState::Landed } else { self.state };
        (state, time, self.position, id)
    }

    /// How many more have to agree, while it waits for that.
    fn approvals_missing(&self) -> Option<u32> {
        let rule = self.approval.as_ref()?;
        let given = self.reviews.values().filter(|agrees| **agrees).count();
        Some(rule.needed.saturating_sub(u32::try_from(given).unwrap_or(u32::MAX)))
    }

    /// Who may still agree: also who did not, and may think better of it. Its author never counts.
    fn may_approve(&self) -> Vec<ActorName> {
        let has_not = |name: &&ActorName| **name != self.agent && self.reviews.get(*name) != Some(&true);
        self.approval.iter().flat_map(|rule| &rule.of).filter(has_not).cloned().collect()
    }

    pub(crate) fn line(&self, id: ChangeId) -> ChangeLine {
        ChangeLine {
            id,
            short: id.short(),
            task: self.task.clone(),
            agent: self.agent.clone(),
            target: self.target.clone(),
            priority: self.priority,
            state: self.state,
            failures: self.failures,
            fence: self.fence,
            worker: self.worker.clone(),
            until: self.until,
            approvals_missing: self.approvals_missing(),
            may_approve: self.may_approve(),
            submitted_at: self.submitted_at,
            ended_at: self.ended_at,
        }
    }
}
