//! What decisions rest on: every machine's state, folded from one log.

use serde::{Deserialize, Serialize};

use crate::{
    actors::Actors,
    campaign::Campaigns,
    countdown::Countdowns,
    event::{Event, Recorded},
    keys::Keys,
    mailbox::Mailboxes,
    name::ActorName,
    queue::Changes,
    time::Timestamp,
};

/// Everything that decisions rest on: a fold of the log.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// How many events were folded.
    pub size: u64,
    /// The time of the last of them.
    pub time: Timestamp,
    /// Who takes part.
    pub actors: Actors,
    /// The countdowns.
    pub countdowns: Countdowns,
    /// The campaigns.
    pub campaigns: Campaigns,
    /// The mailboxes.
    pub mailboxes: Mailboxes,
    /// The queue.
    pub changes: Changes,
    /// The idempotency keys.
    pub keys: Keys,
}

impl State {
    /// Folds one event. Cannot fail: what makes no sense is ignored.
    pub fn evolve(&mut self, recorded: &Recorded) {
        self.size = recorded.position.saturating_add(1);
        self.time = self.time.max(recorded.time);
        self.keys.evolve(recorded);
        // The clock's acceptance carries the new time and is decided before what became due in between: as a sign of life
        // it would revive the leases that ended while the clock stood wrong.
        let is_sign_of_life = !matches!(recorded.event, Event::ClockAccepted(_));
        if recorded.actor.as_str() != ActorName::SYSTEM && is_sign_of_life {
            self.mailboxes.touched(&recorded.actor, recorded.time);
        }
        match &recorded.event {
            Event::WorkspaceCreated(_)
            | Event::MembershipSet(_)
            | Event::ActorRegistered(_)
            | Event::ActorKindChanged(_) => self.actors.evolve(recorded),
            Event::ClockAccepted(_) => {}
            Event::CountdownScheduled(_)
            | Event::CountdownJoined(_)
            | Event::CountdownReleased(_)
            | Event::CountdownConfirmed(_)
            | Event::CountdownDeclined(_)
            | Event::CountdownDeferred(_)
            | Event::CountdownHoldStarted(_)
            | Event::CountdownResumed(_)
            | Event::CountdownRescheduled(_)
            | Event::CountdownFired(_)
            | Event::CountdownMissed(_)
            | Event::CountdownScrubbed(_) => {
                self.countdowns.evolve(recorded);
                self.tell_campaigns(recorded);
            }
            Event::CampaignCreated(_)
            | Event::CampaignLinked(_)
            | Event::CampaignUnlinked(_)
            | Event::CampaignStarted(_)
            | Event::CampaignCompleted(_)
            | Event::CampaignFailed(_)
            | Event::CampaignCancelled(_) => self.campaigns.evolve(recorded),
            Event::MessageSent(sent) => {
                // Whoever a countdown's end concerns has its payload now; a hundred thousand ended ones need not keep it.
                if sent.from.as_str() == ActorName::SYSTEM {
                    sent.references.iter().filter_map(|id| id.parse().ok()).for_each(|id| self.countdowns.told(id));
                }
                if sent.to.iter().any(|to| to.as_str() == ActorName::ALL) {
                    let recipients = self.actors.everybody_but(&sent.from);
                    self.mailboxes.evolve(recorded, &recipients);
                } else {
                    self.mailboxes.evolve(recorded, &sent.to);
                }
            }
            Event::MessageTaken(_)
            | Event::MessageAcked(_)
            | Event::MessageNacked(_)
            | Event::MessageLeaseExtended(_)
            | Event::MessageLeaseExpired(_)
            | Event::MessageDeadLettered(_)
            | Event::MessageRedriven(_) => self.mailboxes.evolve(recorded, &[]),
            Event::ChangeSubmitted(_)
            | Event::ChangeRejected(_)
            | Event::ChangeApproved(_)
            | Event::ChangeDisapproved(_)
            | Event::ChangeLeased(_)
            | Event::ChangeLeaseExtended(_)
            | Event::ChangeLeaseExpired(_)
            | Event::ChangeReturned(_)
            | Event::ChangeLandingStarted(_)
            | Event::ChangeLanded(_)
            | Event::ChangeConflicted(_)
            | Event::ChangeFailed(_)
            | Event::ChangeDied(_)
            | Event::ChangeCancelled(_)
            | Event::ChangeSuperseded(_)
            | Event::QueuePaused(_)
            | Event::QueueResumed(_) => self.changes.evolve(recorded),
        }
    }

    /// Campaigns follow what becomes of their countdowns.
    fn tell_campaigns(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::CountdownScheduled(scheduled) => {
                if let Some(campaign) = scheduled.campaign {
                    self.campaigns.member_added(campaign, recorded.id.into(), scheduled.name.clone());
                }
            }
            Event::CountdownJoined(joined) => {
                if let Some(countdown) = self.countdowns.get(joined.countdown) {
                    self.campaigns.member_added(joined.campaign, joined.countdown, countdown.name.clone());
                }
            }
            Event::CountdownReleased(released) => self.campaigns.member_released(released.countdown),
            Event::CountdownFired(fired) => self.campaigns.member_ended(fired.countdown, true),
            Event::CountdownMissed(missed) => self.campaigns.member_ended(missed.countdown, false),
            Event::CountdownScrubbed(scrubbed) => self.campaigns.member_ended(scrubbed.countdown, false),
            _ => {}
        }
    }

    /// When the next thing is due, if any.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let countdown = self.countdowns.next_due().map(|(time, _)| time);
        let lease = self.mailboxes.next_due();
        let claim = self.changes.next_due().map(|(time, _)| time);
        countdown.into_iter().chain(lease).chain(claim).min()
    }
}
