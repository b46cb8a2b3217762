//! The rules of one countdown, one sentence each: given a history, when something is asked, then these events or this
//! refusal. Times are minutes after noon; every countdown here is planned for minute 60.

mod answers;
mod authority;
mod campaigns;
mod clock;
mod terms;

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    Answer, Countdown, Countdowns, Phase, decide,
    events::{
        CountdownConfirmed, CountdownDeclined, CountdownDeferred, CountdownFired, CountdownHoldStarted,
        CountdownJoined, CountdownMissed, CountdownReleased, CountdownRescheduled, CountdownResumed,
        CountdownScheduled, CountdownScrubbed, Plan, ReleasePolicy, ScrubCause,
    },
};
use crate::{
    event::{Event, Recorded},
    id::{CampaignId, CountdownId, EventId},
    limits,
    name::{ActorName, Name, Word},
    refusal::Refusal,
    time::{Span, TimeSpec, Timestamp},
};

type Decision = Result<Vec<Event>, Refusal>;
type Ask = Box<dyn Fn(&Countdown, Timestamp) -> Decision>;

/// Given these events, when this is asked at this minute, then these events or the refusal of this code.
fn check(given: &[(i64, Event)], (minute, ask): (i64, Ask), expected: Result<Vec<Event>, &str>) {
    let decided = ask(&folded(given), at(minute));
    assert_eq!(decided.map_err(|refusal| refusal.code()), expected);
}

fn folded(given: &[(i64, Event)]) -> Countdown {
    let mut countdowns = Countdowns::default();
    for (position, (minute, event)) in given.iter().enumerate() {
        countdowns.evolve(&recorded(position as u64, at(*minute), event.clone()));
    }
    countdowns.get(id()).expect("the history begins with countdown.scheduled").clone()
}

fn recorded(position: u64, time: Timestamp, event: Event) -> Recorded {
    let id = EventId::from_bytes([u8::try_from(position).unwrap() + 1; 16]);
    let actor = ActorName::system();
    Recorded { position, id, time, actor, correlation: id, causation: None, idempotency: None, event }
}

// --- words for histories

fn id() -> CountdownId {
    CountdownId::from_bytes([1; 16])
}

fn campaign() -> CampaignId {
    CampaignId::from_bytes([99; 16])
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_us(1_795_262_400_000_000 + minute * 60_000_000).unwrap()
}

fn minutes(minutes: u64) -> Span {
    Span::from_ms(minutes * 60_000).unwrap()
}

fn name(text: &str) -> ActorName {
    ActorName::parse(text).unwrap()
}

/// Organized by olga, T-0 at minute 60, at most 30 minutes of slip, holds of at most 120 minutes.
fn scheduled(quorum: u32, attendees: &[&str]) -> CountdownScheduled {
    CountdownScheduled {
        name: Name::parse("review").unwrap(),
        kind: Word::parse("meeting").unwrap(),
        organizer: name("olga"),
        plan: Plan::At(at(60)),
        lead_ms: Span::ZERO,
        attendees: attendees.iter().map(|attendee| name(attendee)).collect(),
        quorum,
        policy: ReleasePolicy::OnQuorum,
        slip_max_ms: minutes(30),
        hold_max_ms: minutes(120),
        payload: None,
        campaign: None,
        fire_at: Some(at(60)),
    }
}

fn counting(quorum: u32, attendees: &[&str]) -> (i64, Event) {
    (0, scheduled(quorum, attendees).into())
}

fn counting_to_t0(quorum: u32, attendees: &[&str]) -> (i64, Event) {
    (0, CountdownScheduled { policy: ReleasePolicy::AtT0, ..scheduled(quorum, attendees) }.into())
}

fn held(quorum: u32, attendees: &[&str]) -> (i64, Event) {
    (0, CountdownScheduled { campaign: Some(campaign()), fire_at: None, ..scheduled(quorum, attendees) }.into())
}

fn held_for(offset: Span, lead: Span) -> (i64, Event) {
    let plan = Plan::AfterReleaseMs(offset);
    let held =
        CountdownScheduled { campaign: Some(campaign()), fire_at: None, plan, lead_ms: lead, ..scheduled(0, &[]) };
    (0, held.into())
}

fn confirmed(attendee: &str) -> Event {
    CountdownConfirmed { countdown: id(), attendee: name(attendee) }.into()
}

fn declined(attendee: &str) -> Event {
    CountdownDeclined { countdown: id(), attendee: name(attendee), reason: None }.into()
}

fn deferred(attendee: &str, by: u64, fire_at: i64) -> Event {
    let (attendee, by_ms, fire_at) = (name(attendee), minutes(by), at(fire_at));
    CountdownDeferred { countdown: id(), attendee, by_ms, fire_at, reason: None }.into()
}

fn hold_started(until: i64) -> Event {
    CountdownHoldStarted { countdown: id(), until: at(until), reason: None }.into()
}

fn resumed(fire_at: i64) -> Event {
    CountdownResumed { countdown: id(), fire_at: at(fire_at) }.into()
}

fn released(fire_at: i64) -> Event {
    CountdownReleased { countdown: id(), fire_at: at(fire_at) }.into()
}

fn rescheduled(plan: Plan, fire_at: Option<i64>) -> Event {
    CountdownRescheduled { countdown: id(), plan, fire_at: fire_at.map(at) }.into()
}

fn joined() -> Event {
    CountdownJoined { countdown: id(), campaign: campaign() }.into()
}

fn fired(confirmed: u32) -> Event {
    CountdownFired { countdown: id(), confirmed }.into()
}

fn missed(confirmed: u32) -> Event {
    CountdownMissed { countdown: id(), confirmed }.into()
}

fn scrubbed(cause: ScrubCause) -> Event {
    CountdownScrubbed { countdown: id(), cause, reason: None }.into()
}

// --- words for what is asked

fn confirm(actor: &str) -> Ask {
    let actor = name(actor);
    Box::new(move |countdown, now| decide::confirm(countdown, &actor, now))
}

fn decline(actor: &str) -> Ask {
    let actor = name(actor);
    Box::new(move |countdown, now| decide::decline(countdown, &actor, None, now))
}

fn defer(actor: &str, by: Span) -> Ask {
    let actor = name(actor);
    Box::new(move |countdown, now| decide::defer(countdown, &actor, by, None, now))
}

fn hold(actor: &str) -> Ask {
    let actor = name(actor);
    Box::new(move |countdown, now| decide::hold(countdown, &actor, None, now))
}

fn resume(actor: &str) -> Ask {
    let actor = name(actor);
    Box::new(move |countdown, now| decide::resume(countdown, &actor, now))
}

fn reschedule(actor: &str, time: TimeSpec) -> Ask {
    let actor = name(actor);
    Box::new(move |countdown, now| decide::reschedule(countdown, &actor, time, false, now))
}

fn scrub(actor: &str) -> Ask {
    let actor = name(actor);
    Box::new(move |countdown, now| decide::scrub(countdown, &actor, None, now))
}

fn join(actor: &str) -> Ask {
    let actor = name(actor);
    Box::new(move |countdown, now| decide::join(countdown, campaign(), &actor, now))
}

fn release(notice: Span) -> Ask {
    Box::new(move |countdown, now| Ok(decide::release(countdown, notice, now)))
}

fn scrub_for(cause: ScrubCause) -> Ask {
    Box::new(move |countdown, _| Ok(decide::scrub_for(countdown, cause.clone())))
}

fn time() -> Ask {
    Box::new(|countdown, now| Ok(decide::due(countdown, now)))
}
