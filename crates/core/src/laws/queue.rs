//! What must hold of every change in the queue, under the names of `specs/queue/Queue.tla`. The indexes of the code are not asked:
//! every change is looked at.

use std::collections::BTreeSet;

use crate::{
    event::{Event, Recorded},
    id::ChangeId,
    limits,
    name::ActorName,
    queue::{
        Change, Changes, Phase,
        events::{ChangeLeased, ChangeSubmitted, FailureClass},
        overlap, turn_at,
    },
    time::Timestamp,
};

/// What the laws of the queue need to remember.
#[derive(Debug, Default)]
pub(super) struct QueueLaws {
    landed: BTreeSet<ChangeId>,
}

impl QueueLaws {
    /// Checks an event against the changes before it.
    pub(super) fn check(&mut self, recorded: &Recorded, changes: &Changes) {
        let (now, actor) = (recorded.time, &recorded.actor);
        let get = |id| changes.get(id).expect("NothingFromNowhere: a change");
        let claimed = |id, fence| is_newest(get(id), fence, actor, now);
        match &recorded.event {
            Event::ChangeSubmitted(submitted) => check_submitted(submitted, changes),
            Event::ChangeApproved(event) => check_review(get(event.change), &event.reviewer, actor),
            Event::ChangeDisapproved(event) => check_review(get(event.change), &event.reviewer, actor),
            Event::ChangeLeased(leased) => check_leased(leased, get(leased.change), changes, now),
            Event::ChangeLeaseExtended(extended) => {
                let before = claimed(extended.change, extended.fence);
                let grows = before.due_at().is_some_and(|until| until < extended.until);
                assert!(grows, "a lease never becomes shorter: {extended:?}");
            }
            Event::ChangeLeaseExpired(expired) => {
                let before = get(expired.change);
                let is_over = before.due_at().is_some_and(|until| until <= now);
                assert!(is_over && before.fence == expired.fence, "NothingBeforeItIsDue: {before:?}");
            }
            Event::ChangeReturned(returned) => drop(claimed(returned.change, returned.fence)),
            Event::ChangeLandingStarted(started) => {
                let before = claimed(started.change, started.fence);
                assert_eq!(started.receipt.tree, started.receipt.tested_tree, "OnlyTheTestedTreeLands: {started:?}");
                assert_eq!(before.landing, None, "a landing is announced once: {started:?}");
                let first = ahead(before, changes).find(|other| other.is_ready(now) || other.worker().is_some());
                assert!(first.is_none(), "OverlapsLandInTurn: {before:?} before {first:?}");
            }
            Event::ChangeLanded(landed) => {
                let before = claimed(landed.change, landed.fence);
                assert_eq!(before.landing.as_ref(), Some(&landed.receipt), "LandsOnlyAsAnnounced: {before:?}");
                assert!(self.landed.insert(landed.change), "LandedAtMostOnce: {landed:?}");
            }
            Event::ChangeConflicted(event) => check_other_end(claimed(event.change, event.fence)),
            Event::ChangeRejected(event) => check_other_end(claimed(event.change, event.fence)),
            Event::ChangeFailed(failed) => {
                let before = claimed(failed.change, failed.fence);
                check_other_end(before);
                assert!(before.failures + 1 < limits::QUEUE_ATTEMPTS_MAX, "AttemptsBounded: {before:?}");
                assert!(failed.class != FailureClass::Final && failed.not_before > now, "AttemptsBounded: {failed:?}");
            }
            Event::ChangeDied(died) => {
                let before = claimed(died.change, died.fence);
                check_other_end(before);
                let is_last = before.failures + 1 >= limits::QUEUE_ATTEMPTS_MAX;
                assert!(is_last || died.class == FailureClass::Final, "given up too early: {before:?}");
            }
            Event::ChangeCancelled(event) => check_withdrawn(get(event.change), actor),
            Event::ChangeSuperseded(event) => check_withdrawn(get(event.change), actor),
            Event::QueuePaused(_) => assert_eq!(changes.paused(), None, "what changes nothing is not written"),
            Event::QueueResumed(_) => assert!(changes.paused().is_some(), "what changes nothing is not written"),
            _ => {}
        }
    }
}

/// Those whose turn is before a change's, and that it overlaps with.
fn ahead<'c>(change: &'c Change, changes: &'c Changes) -> impl Iterator<Item = &'c Change> {
    let turn = |change: &Change| (turn_at(change.submitted_at, change.priority), change.position);
    changes.iter().filter(move |other| {
        (other.target == change.target && !other.has_ended() && turn(other) < turn(change))
            && overlap(&other.paths, &change.paths)
    })
}

/// Only the newest claim has effect, for its worker, and until its lease ends.
fn is_newest<'c>(before: &'c Change, fence: u32, actor: &ActorName, now: Timestamp) -> &'c Change {
    assert_eq!(before.fence, fence, "OnlyTheNewestFence: {before:?}");
    assert_eq!(before.worker(), Some(actor), "OneWorkerAtATime: {before:?}");
    assert!(before.due_at().is_some_and(|until| now < until), "OnlyTheNewestFence: {before:?} at {now}");
    before
}

fn check_submitted(submitted: &ChangeSubmitted, changes: &Changes) {
    let is_same = |other: &&Change| other.task == submitted.task && other.content == submitted.content;
    let live = changes.iter().find(|other| !other.has_ended() && is_same(other));
    assert!(live.is_none(), "NoDuplicates: {submitted:?} beside {live:?}");
    if let Some(previous) = submitted.previous {
        let before = changes.get(previous).expect("NothingFromNowhere: a change");
        assert!(matches!(before.phase, Phase::Dead { requeued: None, .. }), "PutBackOnce: {before:?}");
        assert_eq!(before.agent, submitted.agent, "what is put back is still its author's");
    }
}

fn check_review(before: &Change, reviewer: &ActorName, actor: &ActorName) {
    assert_eq!(before.phase, Phase::AwaitingApproval, "ApprovedBeforeItIsQueued: {before:?}");
    assert!(reviewer == actor && *reviewer != before.agent, "its author does not approve it: {before:?}");
    let may = before.approval.as_ref().is_some_and(|rule| rule.of.contains(reviewer));
    assert!(may, "only who is asked approves: {before:?}");
}

fn check_leased(leased: &ChangeLeased, before: &Change, changes: &Changes, now: Timestamp) {
    assert_eq!(changes.paused(), None, "PausedClaimsNothing: {leased:?}");
    assert!(before.is_ready(now), "OneWorkerAtATime: {before:?}");
    assert_eq!(leased.fence, before.fence + 1, "FencesGrow: {before:?}");
    let needed = before.approval.as_ref().map_or(0, |rule| rule.needed);
    assert!(before.approvals() >= needed, "ApprovedBeforeItIsQueued: {before:?}");
    let is_in_the_way = |other: &&Change| match other.worker() {
        Some(worker) => *worker != leased.worker,
        None => other.is_ready(now),
    };
    let other = ahead(before, changes).find(is_in_the_way);
    assert!(other.is_none(), "OthersWorkIsNotTouched: {leased:?} and {other:?}");
}

fn check_withdrawn(before: &Change, actor: &ActorName) {
    assert_eq!(before.agent, *actor, "only its author withdraws a change: {before:?}");
    check_other_end(before);
}

/// It ends, or fails, without having landed.
fn check_other_end(before: &Change) {
    assert!(!before.has_ended(), "TerminalIsFinal: {before:?}");
    assert_eq!(before.landing, None, "NoOtherEndWhileItLands: {before:?}");
}

/// What its author is told of a change: that it ended without his doing, or was not approved.
pub(super) fn is_told(event: &Event) -> bool {
    matches!(
        event,
        Event::ChangeLanded(_)
            | Event::ChangeConflicted(_)
            | Event::ChangeRejected(_)
            | Event::ChangeDied(_)
            | Event::ChangeDisapproved(_)
    )
}
