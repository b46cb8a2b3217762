//! Countdowns: where they stand, who answered what and when, how they ended.

use std::collections::BTreeMap;

use convoke_core::{
    countdown::events::{CountdownScheduled, Plan, ReleasePolicy, ScrubCause},
    event::{Event, Recorded},
    id::{CampaignId, CountdownId},
    name::{ActorName, Name, Word},
    time::{Span, Timestamp},
};
use serde::{Deserialize, Serialize};

use crate::{
    campaigns::Campaigns,
    micros,
    view::{
        AnswerState, AttendeeView, CountdownCounts, CountdownLine, CountdownRef, CountdownState, EndView, HoldView,
    },
};

/// All countdowns, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Countdowns(BTreeMap<CountdownId, Countdown>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Countdown {
    pub(crate) name: Name,
    kind: Word,
    pub(crate) organizer: ActorName,
    pub(crate) campaign: Option<CampaignId>,
    pub(crate) plan: Plan,
    pub(crate) lead: Span,
    pub(crate) policy: ReleasePolicy,
    quorum: u32,
    answers: BTreeMap<ActorName, Answer>,
    pub(crate) slipped: Span,
    pub(crate) slip_max: Span,
    pub(crate) hold_max: Span,
    pub(crate) position: u64,
    #[serde(with = "micros")]
    pub(crate) scheduled_at: Timestamp,
    #[serde(with = "micros::optional")]
    pub(crate) released_at: Option<Timestamp>,
    #[serde(with = "micros::optional")]
    fire_at: Option<Timestamp>,
    /// Whether its first event has a payload for everybody.
    pub(crate) has_payload: bool,
    phase: Phase,
}

/// What an attendee has said so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Answer {
    answer: AnswerState,
    #[serde(with = "micros::optional")]
    at: Option<Timestamp>,
    reason: Option<Box<str>>,
    deferrals: u32,
    deferred: Span,
}

impl Answer {
    const NONE: Self =
        Self { answer: AnswerState::Pending, at: None, reason: None, deferrals: 0, deferred: Span::ZERO };

    fn give(&mut self, answer: AnswerState, at: Timestamp, reason: Option<&str>) {
        self.answer = answer;
        self.at = Some(at);
        self.reason = reason.map(Into::into);
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    Held,
    Counting,
    OnHold(Box<Hold>),
    Ended(Box<End>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Hold {
    #[serde(with = "micros")]
    since: Timestamp,
    #[serde(with = "micros")]
    until: Timestamp,
    by: ActorName,
    reason: Option<Box<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct End {
    state: CountdownState,
    #[serde(with = "micros")]
    at: Timestamp,
    by: ActorName,
    position: u64,
    cause: Option<ScrubCause>,
    reason: Option<Box<str>>,
}

impl Countdowns {
    pub(crate) fn apply(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::CountdownScheduled(scheduled) => {
                let countdown = || Countdown::scheduled(recorded, scheduled);
                self.0.entry(recorded.id.into()).or_insert_with(countdown);
            }
            Event::CountdownJoined(joined) => {
                if let Some(countdown) = self.live(joined.countdown) {
                    countdown.campaign = Some(joined.campaign);
                    countdown.fire_at = None;
                    countdown.phase = Phase::Held;
                }
            }
            Event::CountdownReleased(released) => {
                if let Some(countdown) = self.live(released.countdown) {
                    countdown.released_at = Some(recorded.time);
                    countdown.fire_at = Some(released.fire_at);
                    countdown.phase = Phase::Counting;
                }
            }
            Event::CountdownConfirmed(confirmed) => {
                if let Some(answer) = self.answer(confirmed.countdown, &confirmed.attendee) {
                    answer.give(AnswerState::Confirmed, recorded.time, None);
                }
            }
            Event::CountdownDeclined(declined) => {
                if let Some(answer) = self.answer(declined.countdown, &declined.attendee) {
                    answer.give(AnswerState::Declined, recorded.time, declined.reason.as_deref());
                }
            }
            Event::CountdownDeferred(deferred) => {
                if let Some(answer) = self.answer(deferred.countdown, &deferred.attendee) {
                    answer.give(AnswerState::Pending, recorded.time, deferred.reason.as_deref());
                    answer.deferrals = answer.deferrals.saturating_add(1);
                    answer.deferred = answer.deferred.plus(deferred.by_ms);
                }
                if let Some(countdown) = self.live(deferred.countdown) {
                    countdown.slipped = countdown.slipped.plus(deferred.by_ms);
                    countdown.fire_at = Some(deferred.fire_at);
                }
            }
            Event::CountdownHoldStarted(started) => {
                if let Some(countdown) = self.live(started.countdown) {
                    countdown.phase = Phase::OnHold(Box::new(Hold {
                        since: recorded.time,
                        until: started.until,
                        by: recorded.actor.clone(),
                        reason: started.reason.as_deref().map(Into::into),
                    }));
                }
            }
            Event::CountdownResumed(resumed) => {
                if let Some(countdown) = self.live(resumed.countdown) {
                    countdown.fire_at = Some(resumed.fire_at);
                    countdown.phase = Phase::Counting;
                }
            }
            Event::CountdownRescheduled(rescheduled) => {
                if let Some(countdown) = self.live(rescheduled.countdown) {
                    countdown.plan = rescheduled.plan;
                    countdown.fire_at = rescheduled.fire_at;
                    countdown.slipped = Span::ZERO;
                    countdown.answers.values_mut().for_each(|answer| *answer = Answer::NONE);
                }
            }
            Event::CountdownFired(fired) => self.end(fired.countdown, CountdownState::Fired, recorded, None, None),
            Event::CountdownMissed(missed) => {
                self.end(missed.countdown, CountdownState::Missed, recorded, None, None);
            }
            Event::CountdownScrubbed(scrubbed) => {
                let (cause, reason) = (Some(&scrubbed.cause), scrubbed.reason.as_deref());
                self.end(scrubbed.countdown, CountdownState::Scrubbed, recorded, cause, reason);
            }
            _ => {}
        }
    }

    fn live(&mut self, id: CountdownId) -> Option<&mut Countdown> {
        self.0.get_mut(&id).filter(|countdown| !matches!(countdown.phase, Phase::Ended(_)))
    }

    fn answer(&mut self, id: CountdownId, attendee: &ActorName) -> Option<&mut Answer> {
        self.live(id)?.answers.get_mut(attendee)
    }

    fn end(
        &mut self,
        id: CountdownId,
        state: CountdownState,
        recorded: &Recorded,
        cause: Option<&ScrubCause>,
        reason: Option<&str>,
    ) {
        let Some(countdown) = self.live(id) else { return };
        if state == CountdownState::Missed {
            let pending = countdown.answers.values_mut().filter(|answer| answer.answer == AnswerState::Pending);
            pending.for_each(|answer| answer.give(AnswerState::Missed, recorded.time, None));
        }
        countdown.phase = Phase::Ended(Box::new(End {
            state,
            at: recorded.time,
            by: recorded.actor.clone(),
            position: recorded.position,
            cause: cause.cloned(),
            reason: reason.map(Into::into),
        }));
    }

    pub(crate) fn get(&self, id: CountdownId) -> Option<&Countdown> {
        self.0.get(&id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (CountdownId, &Countdown)> {
        self.0.iter().map(|(id, countdown)| (*id, countdown))
    }

    pub(crate) fn reference(&self, id: CountdownId) -> Option<CountdownRef> {
        let countdown = self.get(id)?;
        Some(CountdownRef { id, short: id.short(), name: countdown.name.clone(), state: countdown.state() })
    }

    /// How many stand where; only of those that concern this actor if one is given.
    pub(crate) fn counts(&self, only: Option<&ActorName>) -> CountdownCounts {
        let mut counts = CountdownCounts::default();
        let asked = self.0.values().filter(|countdown| only.is_none_or(|actor| countdown.concerns(actor)));
        asked.for_each(|countdown| countdown.state().count_in(&mut counts));
        counts
    }
}

impl CountdownState {
    pub(crate) fn count_in(self, counts: &mut CountdownCounts) {
        let count = match self {
            Self::Held => &mut counts.held,
            Self::Counting => &mut counts.counting,
            Self::OnHold => &mut counts.on_hold,
            Self::Fired => &mut counts.fired,
            Self::Missed => &mut counts.missed,
            Self::Scrubbed => &mut counts.scrubbed,
        };
        *count += 1;
    }
}

/// The place of a countdown in a list: live ones by what happens next, then held ones, then ended ones, last ended first.
pub(crate) type Place = (u8, i64, u64, CountdownId);

impl Countdown {
    fn scheduled(recorded: &Recorded, scheduled: &CountdownScheduled) -> Self {
        Self {
            name: scheduled.name.clone(),
            kind: scheduled.kind.clone(),
            organizer: scheduled.organizer.clone(),
            campaign: scheduled.campaign,
            plan: scheduled.plan,
            lead: scheduled.lead_ms,
            policy: scheduled.policy,
            quorum: scheduled.quorum,
            answers: scheduled.attendees.iter().map(|name| (name.clone(), Answer::NONE)).collect(),
            slipped: Span::ZERO,
            slip_max: scheduled.slip_max_ms,
            hold_max: scheduled.hold_max_ms,
            position: recorded.position,
            scheduled_at: recorded.time,
            released_at: None,
            fire_at: scheduled.fire_at,
            has_payload: scheduled.payload.is_some(),
            phase: if scheduled.fire_at.is_none() { Phase::Held } else { Phase::Counting },
        }
    }

    pub(crate) fn state(&self) -> CountdownState {
        match &self.phase {
            Phase::Held => CountdownState::Held,
            Phase::Counting => CountdownState::Counting,
            Phase::OnHold(_) => CountdownState::OnHold,
            Phase::Ended(end) => end.state,
        }
    }

    /// When it ends by itself: T-0, or the limit of its hold.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Counting => self.fire_at,
            Phase::OnHold(hold) => Some(hold.until),
            Phase::Held | Phase::Ended(_) => None,
        }
    }

    pub(crate) fn place(&self, id: CountdownId) -> Place {
        match (&self.phase, self.next_at()) {
            (Phase::Ended(end), _) => (2, -end.at.us(), u64::MAX - end.position, id),
            (_, Some(at)) => (0, at.us(), self.position, id),
            (_, None) => (1, 0, self.position, id),
        }
    }

    /// Whether this actor attends or organizes it.
    pub(crate) fn concerns(&self, actor: &ActorName) -> bool {
        self.organizer == *actor || self.answers.contains_key(actor)
    }

    /// Whether it waits for this actor's answer.
    pub(crate) fn awaits(&self, actor: &ActorName) -> bool {
        !self.state().has_ended() && self.answers.get(actor).is_some_and(|answer| answer.answer == AnswerState::Pending)
    }

    fn count(&self, state: AnswerState) -> u32 {
        self.answers.values().filter(|answer| answer.answer == state).count() as u32
    }

    pub(crate) fn line(&self, id: CountdownId, campaigns: &Campaigns) -> CountdownLine {
        CountdownLine {
            id,
            short: id.short(),
            name: self.name.clone(),
            kind: self.kind.clone(),
            state: self.state(),
            fire_at: self.fire_at,
            ended_at: match &self.phase {
                Phase::Ended(end) => Some(end.at),
                _ => None,
            },
            hold_until: match &self.phase {
                Phase::OnHold(hold) => Some(hold.until),
                _ => None,
            },
            quorum: self.quorum,
            confirmed: self.count(AnswerState::Confirmed),
            declined: self.count(AnswerState::Declined),
            attendees: self.answers.len() as u32,
            organizer: self.organizer.clone(),
            campaign: self.campaign.and_then(|campaign| campaigns.reference(campaign)),
        }
    }

    pub(crate) fn answers(&self) -> Vec<AttendeeView> {
        let view = |(name, answer): (&ActorName, &Answer)| AttendeeView {
            name: name.clone(),
            answer: answer.answer,
            at: answer.at,
            reason: answer.reason.as_deref().map(Into::into),
            deferrals: answer.deferrals,
            deferred_ms: answer.deferred,
        };
        self.answers.iter().map(view).collect()
    }

    pub(crate) fn hold(&self) -> Option<HoldView> {
        let Phase::OnHold(hold) = &self.phase else { return None };
        Some(HoldView {
            since: hold.since,
            until: hold.until,
            by: hold.by.clone(),
            reason: hold.reason.as_deref().map(Into::into),
        })
    }

    pub(crate) fn end(&self) -> Option<EndView> {
        let Phase::Ended(end) = &self.phase else { return None };
        Some(EndView {
            at: end.at,
            by: end.by.clone(),
            position: end.position,
            cause: end.cause.clone(),
            reason: end.reason.as_deref().map(Into::into),
        })
    }
}
