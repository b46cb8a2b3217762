//! What an event is about: itself, and the things that its payload names.

use convoke_core::{
    event::{Event, Recorded},
    id::EventId,
};

/// The most things that one event is about, besides itself.
pub(crate) const SUBJECTS_MAX: usize = 3;

/// The ids of all that an event is about, its own first: the countdown, campaign or message that it created or changed, the countdowns that it
/// links, the first message of its thread, the dead letter whose place it takes.
pub fn about(event: &Recorded) -> impl Iterator<Item = EventId> + use<> {
    std::iter::once(event.id).chain(subjects(&event.event).into_iter().flatten())
}

/// Whether an event is about this thing.
#[must_use]
pub fn is_about(event: &Recorded, id: EventId) -> bool {
    about(event).any(|subject| subject == id)
}

fn subjects(event: &Event) -> [Option<EventId>; SUBJECTS_MAX] {
    fn one(id: impl Into<EventId>) -> [Option<EventId>; SUBJECTS_MAX] {
        [Some(id.into()), None, None]
    }
    match event {
        Event::WorkspaceCreated(_)
        | Event::MembershipSet(_)
        | Event::ClockAccepted(_)
        | Event::ActorRegistered(_)
        | Event::ActorKindChanged(_)
        | Event::CampaignCreated(_)
        | Event::QueuePaused(_)
        | Event::QueueResumed(_) => [None; SUBJECTS_MAX],
        Event::CountdownScheduled(scheduled) => [scheduled.campaign.map(Into::into), None, None],
        Event::CountdownJoined(joined) => [Some(joined.countdown.into()), Some(joined.campaign.into()), None],
        Event::CountdownReleased(released) => one(released.countdown),
        Event::CountdownConfirmed(confirmed) => one(confirmed.countdown),
        Event::CountdownDeclined(declined) => one(declined.countdown),
        Event::CountdownDeferred(deferred) => one(deferred.countdown),
        Event::CountdownHoldStarted(started) => one(started.countdown),
        Event::CountdownResumed(resumed) => one(resumed.countdown),
        Event::CountdownRescheduled(rescheduled) => one(rescheduled.countdown),
        Event::CountdownFired(fired) => one(fired.countdown),
        Event::CountdownMissed(missed) => one(missed.countdown),
        Event::CountdownScrubbed(scrubbed) => one(scrubbed.countdown),
        Event::CampaignLinked(linked) => {
            [Some(linked.campaign.into()), Some(linked.before.into()), Some(linked.after.into())]
        }
        Event::CampaignUnlinked(unlinked) => {
            [Some(unlinked.campaign.into()), Some(unlinked.before.into()), Some(unlinked.after.into())]
        }
        Event::CampaignStarted(started) => one(started.campaign),
        Event::CampaignCompleted(completed) => one(completed.campaign),
        Event::CampaignFailed(failed) => one(failed.campaign),
        Event::CampaignCancelled(cancelled) => one(cancelled.campaign),
        Event::MessageSent(sent) => [sent.thread.map(Into::into), sent.redrive_of.map(Into::into), None],
        Event::MessageTaken(taken) => one(taken.message),
        Event::MessageAcked(acked) => one(acked.message),
        Event::MessageNacked(nacked) => one(nacked.message),
        Event::MessageLeaseExtended(extended) => one(extended.message),
        Event::MessageLeaseExpired(expired) => one(expired.message),
        Event::MessageDeadLettered(dead) => one(dead.message),
        Event::ChangeSubmitted(submitted) => [submitted.previous.map(Into::into), None, None],
        Event::ChangeRejected(event) => one(event.change),
        Event::ChangeApproved(event) => one(event.change),
        Event::ChangeDisapproved(event) => one(event.change),
        Event::ChangeLeased(event) => one(event.change),
        Event::ChangeLeaseExtended(event) => one(event.change),
        Event::ChangeLeaseExpired(event) => one(event.change),
        Event::ChangeReturned(event) => one(event.change),
        Event::ChangeLandingStarted(event) => one(event.change),
        Event::ChangeLanded(event) => one(event.change),
        Event::ChangeConflicted(event) => [Some(event.change.into()), event.against.map(Into::into), None],
        Event::ChangeFailed(event) => one(event.change),
        Event::ChangeDied(event) => one(event.change),
        Event::ChangeCancelled(event) => one(event.change),
        Event::ChangeSuperseded(event) => [Some(event.change.into()), Some(event.by.into()), None],
        Event::MessageRedriven(redriven) => [Some(redriven.message.into()), Some(redriven.again.into()), None],
    }
}
