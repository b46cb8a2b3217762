//! One countdown, and what each event makes of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::events::{CountdownScheduled, Plan, ReleasePolicy, ScrubCause};
use crate::{
    event::{Event, Recorded},
    id::{CampaignId, CountdownId},
    name::{ActorName, Name, Word},
    time::{Span, Timestamp},
};

/// A countdown as its events made it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Countdown {
    /// The id of its `countdown.scheduled`.
    pub id: CountdownId,
    /// Its name; several may have the same.
    pub name: Name,
    /// Its kind.
    pub kind: Word,
    /// Who may hold, resume, reschedule and scrub it.
    pub organizer: ActorName,
    /// The campaign it belongs to.
    pub campaign: Option<CampaignId>,
    /// How long T-0 is before the time of its plan.
    pub lead: Span,
    /// Who answers, and what each said last.
    pub attendees: BTreeMap<ActorName, Answer>,
    /// How many must confirm; 0 is a plain timer.
    pub quorum: u32,
    /// Whether it fires on quorum or at T-0.
    pub policy: ReleasePolicy,
    /// By how much deferrals may move T-0 in total.
    pub slip_max: Span,
    /// By how much they moved it, since it was last scheduled.
    pub slipped: Span,
    /// How long it may be on hold at a time.
    pub hold_max: Span,
    /// Handed to everybody when it ends, and not kept any longer: JSON text.
    pub payload: Option<String>,
    /// Where it is.
    pub phase: Phase,
}

/// What an attendee said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Answer {
    /// Nothing yet.
    Pending,
    /// Go.
    Confirmed,
    /// No-go.
    Declined,
    /// Nothing until T-0, and the countdown was missed.
    Missed,
}

/// Where a countdown is on its way. The last three are final.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Its campaign has not let it go.
    Held {
        /// When it is to happen.
        plan: Plan,
    },
    /// The clock runs.
    Counting {
        /// When it was to happen; deferrals and holds moved only T-0.
        plan: Plan,
        /// T-0.
        fire_at: Timestamp,
    },
    /// The clock stands still.
    OnHold {
        /// When it was to happen.
        plan: Plan,
        /// T-0, if it had not been stopped.
        fire_at: Timestamp,
        /// Stopped then.
        since: Timestamp,
        /// Scrubbed then, unless resumed.
        until: Timestamp,
    },
    /// Go.
    Fired {
        /// When.
        at: Timestamp,
    },
    /// T-0 came without quorum.
    Missed {
        /// When.
        at: Timestamp,
    },
    /// Called off.
    Scrubbed {
        /// When.
        at: Timestamp,
        /// Why.
        cause: ScrubCause,
    },
}

impl Countdown {
    /// How many gave this answer.
    #[must_use]
    pub fn count(&self, answer: Answer) -> u32 {
        u32::try_from(self.attendees.values().filter(|given| **given == answer).count()).unwrap_or(u32::MAX)
    }

    /// Whether it is fired, missed or scrubbed.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Fired { .. } | Phase::Missed { .. } | Phase::Scrubbed { .. })
    }

    /// When time itself will change it: at T-0 if it counts, at the hold's limit if it is on hold.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Counting { fire_at, .. } => Some(fire_at),
            Phase::OnHold { until, .. } => Some(until),
            Phase::Held { .. } | Phase::Fired { .. } | Phase::Missed { .. } | Phase::Scrubbed { .. } => None,
        }
    }

    /// As it was scheduled.
    pub(super) fn scheduled(id: CountdownId, event: &CountdownScheduled) -> Self {
        Self {
            id,
            name: event.name.clone(),
            kind: event.kind.clone(),
            organizer: event.organizer.clone(),
            campaign: event.campaign,
            lead: event.lead_ms,
            attendees: event.attendees.iter().map(|name| (name.clone(), Answer::Pending)).collect(),
            quorum: event.quorum,
            policy: event.policy,
            slip_max: event.slip_max_ms,
            slipped: Span::ZERO,
            hold_max: event.hold_max_ms,
            payload: event.payload.as_ref().map(ToString::to_string),
            phase: match event.fire_at {
                Some(fire_at) => Phase::Counting { plan: event.plan, fire_at },
                None => Phase::Held { plan: event.plan },
            },
        }
    }

    /// What an event of this countdown makes of it. What cannot be (an answer after the end, a stranger's answer) is
    /// ignored, so that an end is final whatever is folded.
    pub(super) fn evolve(&mut self, recorded: &Recorded) {
        if self.has_ended() {
            return;
        }
        let at = recorded.time;
        match (&recorded.event, &mut self.phase) {
            (Event::CountdownJoined(event), Phase::Counting { fire_at, .. }) => {
                // Deferrals and holds before it joined stay in force: it is to happen when it was to happen by then.
                let plan = Plan::At(fire_at.plus(self.lead));
                self.campaign = Some(event.campaign);
                self.phase = Phase::Held { plan };
            }
            (Event::CountdownReleased(event), Phase::Held { plan }) => {
                self.phase = Phase::Counting { plan: *plan, fire_at: event.fire_at };
            }
            (Event::CountdownConfirmed(event), _) => self.answer(&event.attendee, Answer::Confirmed),
            (Event::CountdownDeclined(event), _) => self.answer(&event.attendee, Answer::Declined),
            (Event::CountdownDeferred(event), Phase::Counting { fire_at, .. }) => {
                *fire_at = event.fire_at;
                self.slipped = Span::from_ms_capped(self.slipped.ms() + event.by_ms.ms());
                self.answer(&event.attendee, Answer::Pending);
            }
            (Event::CountdownHoldStarted(event), Phase::Counting { plan, fire_at }) => {
                self.phase = Phase::OnHold { plan: *plan, fire_at: *fire_at, since: at, until: event.until };
            }
            (Event::CountdownResumed(event), Phase::OnHold { plan, .. }) => {
                self.phase = Phase::Counting { plan: *plan, fire_at: event.fire_at };
            }
            (Event::CountdownRescheduled(event), phase) => {
                match (phase, event.fire_at) {
                    (Phase::Held { plan }, None) => *plan = event.plan,
                    (Phase::Counting { plan, fire_at }, Some(moved)) => (*plan, *fire_at) = (event.plan, moved),
                    _ => return,
                }
                self.slipped = Span::ZERO;
                self.attendees.values_mut().for_each(|answer| *answer = Answer::Pending);
            }
            (Event::CountdownFired(_), _) => self.phase = Phase::Fired { at },
            (Event::CountdownMissed(_), _) => {
                self.phase = Phase::Missed { at };
                for answer in self.attendees.values_mut().filter(|answer| **answer == Answer::Pending) {
                    *answer = Answer::Missed;
                }
            }
            (Event::CountdownScrubbed(event), _) => self.phase = Phase::Scrubbed { at, cause: event.cause.clone() },
            _ => {}
        }
    }

    fn answer(&mut self, attendee: &ActorName, answer: Answer) {
        if let Some(given) = self.attendees.get_mut(attendee) {
            *given = answer;
        }
    }
}
