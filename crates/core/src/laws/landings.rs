//! What must hold of every change on its way to the branch.

use std::collections::BTreeSet;

use crate::{
    event::{Event, Recorded},
    id::ChangeId,
    limits,
    queue::{Change, Changes, Phase, events::ChangeLeased, overlap},
    time::Timestamp,
};

/// What has to be remembered of the queue.
#[derive(Debug, Default)]
pub(super) struct Landings {
    landed: BTreeSet<ChangeId>,
    put_back: BTreeSet<ChangeId>,
    /// By the command whose events are coming.
    handed_in: BTreeSet<ChangeId>,
}

impl Landings {
    /// Checks an event against the changes before it.
    pub(super) fn check(&mut self, before: &Changes, recorded: &Recorded) {
        let of = |id: ChangeId| {
            let change = before.get(id).expect("NothingFromNowhere: a change");
            assert!(!change.has_ended(), "TerminalIsFinal: {recorded:?}");
            change
        };
        let under = |id: ChangeId, fence: u32| {
            let change = of(id);
            assert_eq!(fence, change.fence, "OnlyTheNewestFenceHasEffect: {recorded:?}");
            assert_eq!(change.worker(), Some(&recorded.actor), "OneWorkerAtATime: {recorded:?}");
            assert!(change.due_at().is_some_and(|until| recorded.time < until), "OnlyTheNewestFenceHasEffect");
            change
        };
        let ends = |id: ChangeId, fence: u32| {
            let change = under(id, fence);
            assert_eq!(change.landing, None, "NoOtherEndWhileItLands: {recorded:?}");
        };
        match &recorded.event {
            Event::ChangeSubmitted(submitted) => {
                self.handed_in.insert(recorded.id.into());
                if let Some(previous) = submitted.previous {
                    let dead = before.get(previous).expect("NothingFromNowhere: a change");
                    assert!(matches!(dead.phase, Phase::Dead { .. }), "OnlyTheDeadArePutBack: {dead:?}");
                    assert!(self.put_back.insert(previous), "PutBackOnce: {dead:?}");
                }
            }
            Event::ChangeLeased(leased) => check_claim(before, leased, recorded.time),
            Event::ChangeLeaseExtended(event) => drop(under(event.change, event.fence).id),
            Event::ChangeLeaseExpired(event) => {
                assert!(of(event.change).due_at().is_some_and(|until| until <= recorded.time), "NothingBeforeItIsDue");
            }
            Event::ChangeReturned(event) => drop(under(event.change, event.fence).id),
            Event::ChangeLandingStarted(event) => {
                let change = under(event.change, event.fence);
                assert_eq!(event.receipt.tree, event.receipt.tested_tree, "OnlyTheTestedTreeLands");
                let ahead = before.line(&change.target).take_while(|other| other.id != change.id).find(|other| {
                    let counts = other.worker().is_some() || other.is_ready(recorded.time);
                    let lands_with_it = other.landing.as_ref() == Some(&event.receipt);
                    counts && !lands_with_it && overlap(&other.paths, &change.paths)
                });
                assert!(ahead.is_none(), "OverlapsLandInTurn: {change:?} before {ahead:?}");
            }
            Event::ChangeLanded(event) => {
                let change = under(event.change, event.fence);
                assert_eq!(change.landing.as_ref(), Some(&event.receipt), "LandsOnlyAsAnnounced");
                assert!(self.landed.insert(event.change), "LandsOnce: {event:?}");
            }
            Event::ChangeConflicted(event) => ends(event.change, event.fence),
            Event::ChangeRejected(event) => ends(event.change, event.fence),
            Event::ChangeFailed(event) => ends(event.change, event.fence),
            Event::ChangeDied(event) => ends(event.change, event.fence),
            Event::ChangeApproved(event) => assert_ne!(of(event.change).agent, event.reviewer, "TheAuthorNeverCounts"),
            Event::ChangeDisapproved(event) => {
                assert_ne!(of(event.change).agent, event.reviewer, "TheAuthorNeverCounts");
            }
            Event::ChangeCancelled(event) => check_withdrawn(of(event.change), recorded),
            Event::ChangeSuperseded(event) => check_withdrawn(of(event.change), recorded),
            _ => {}
        }
    }

    /// Checks what one command made of the changes: what it took in may have taken the place of its twin.
    pub(super) fn end_group(&mut self, after: &Changes) {
        for id in std::mem::take(&mut self.handed_in) {
            let change = after.get(id).expect("NothingIsLost: what was just handed in");
            let twin = after.live(&change.task, &change.content, Some(id));
            assert!(change.has_ended() || twin.is_none(), "NoDuplicates: {change:?} beside {twin:?}");
        }
    }

    /// Checks what became of the changes that an event was about.
    pub(super) fn check_after(&self, after: &Changes, recorded: &Recorded) {
        let change = match &recorded.event {
            Event::ChangeFailed(event) => after.get(event.change),
            Event::ChangeApproved(event) => after.get(event.change),
            Event::ChangeSubmitted(_) => after.get(recorded.id.into()),
            _ => None,
        };
        let Some(change) = change else { return };
        assert!(change.failures < limits::QUEUE_ATTEMPTS_MAX, "AttemptsBounded: {change:?}");
        let needed = change.approval.as_ref().map_or(0, |rule| rule.needed);
        let is_queued = matches!(change.phase, Phase::Queued { .. });
        assert!(!is_queued || change.approvals() >= needed, "ApprovedBeforeItIsQueued: {change:?}");
    }
}

fn check_claim(before: &Changes, leased: &ChangeLeased, now: Timestamp) {
    let change = before.get(leased.change).expect("NothingFromNowhere: a change");
    assert_eq!(before.paused(), None, "PausedClaimsNothing: {leased:?}");
    assert_eq!(leased.fence, change.fence + 1, "FencesGrow: {leased:?}");
    assert!(change.is_ready(now), "OneWorkerAtATime: {change:?}");
    let others = before.line(&change.target).take_while(|other| other.id != change.id).find(|other| {
        let is_anothers = other.worker().is_some_and(|worker| *worker != leased.worker);
        is_anothers && overlap(&other.paths, &change.paths)
    });
    assert!(others.is_none(), "OverlapsLandInTurn: {change:?} while {others:?}");
}

fn check_withdrawn(change: &Change, recorded: &Recorded) {
    assert_eq!(change.agent, recorded.actor, "OthersWorkIsNotTouched: {recorded:?}");
    assert_eq!(change.landing, None, "NoOtherEndWhileItLands: {recorded:?}");
}
