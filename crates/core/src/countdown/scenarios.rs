//! The rules of one countdown, one sentence each: given a history, when something is asked, then these events or this
//! refusal. Times are minutes after noon; every countdown here is planned for minute 60.

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

// --- quorum

#[test]
fn a_confirmation_below_quorum_only_confirms() {
    check(&[counting(2, &["ann", "bob"])], (1, confirm("ann")), Ok(vec![confirmed("ann")]));
}

#[test]
fn the_confirmation_that_reaches_quorum_fires_in_the_same_commit() {
    check(
        &[counting(2, &["ann", "bob", "cy"]), (1, confirmed("ann"))],
        (2, confirm("bob")),
        Ok(vec![confirmed("bob"), fired(2)]),
    );
}

#[test]
fn confirming_twice_succeeds_and_writes_nothing() {
    check(&[counting(2, &["ann", "bob"]), (1, confirmed("ann"))], (2, confirm("ann")), Ok(vec![]));
}

#[test]
fn a_withdrawn_confirmation_does_not_count() {
    check(
        &[counting(2, &["ann", "bob", "cy"]), (1, confirmed("ann")), (2, declined("ann"))],
        (3, confirm("bob")),
        Ok(vec![confirmed("bob")]),
    );
}

#[test]
fn one_who_declined_may_confirm_and_make_the_quorum() {
    check(
        &[counting(2, &["ann", "bob", "cy"]), (1, declined("ann")), (2, confirmed("bob"))],
        (3, confirm("ann")),
        Ok(vec![confirmed("ann"), fired(2)]),
    );
}

#[test]
fn only_attendees_answer() {
    let given = [counting(1, &["ann", "bob"])];
    check(&given, (1, confirm("eve")), Err("not_attendee"));
    check(&given, (1, decline("eve")), Err("not_attendee"));
    check(&given, (1, defer("eve", minutes(5))), Err("not_attendee"));
    check(&given, (1, confirm("olga")), Err("not_attendee"));
}

#[test]
fn at_t0_a_reached_quorum_waits_for_t0() {
    let given = [counting_to_t0(1, &["ann", "bob"])];
    check(&given, (1, confirm("ann")), Ok(vec![confirmed("ann")]));
    let given = [counting_to_t0(1, &["ann", "bob"]), (1, confirmed("ann"))];
    check(&given, (59, time()), Ok(vec![]));
    check(&given, (60, time()), Ok(vec![fired(1)]));
}

#[test]
fn at_t0_a_quorum_that_was_lost_again_is_missed() {
    check(
        &[counting_to_t0(1, &["ann", "bob"]), (1, confirmed("ann")), (2, declined("ann"))],
        (60, time()),
        Ok(vec![missed(0)]),
    );
    check(
        &[counting_to_t0(1, &["ann", "bob"]), (1, confirmed("ann")), (2, deferred("ann", 10, 70))],
        (70, time()),
        Ok(vec![missed(0)]),
    );
}

#[test]
fn a_plain_timer_always_waits_for_t0() {
    check(&[counting(0, &["ann"])], (1, confirm("ann")), Ok(vec![confirmed("ann")]));
    check(&[counting(0, &["ann"])], (60, time()), Ok(vec![fired(0)]));
    check(&[held(0, &[])], (10, release(minutes(1))), Ok(vec![released(60)]));
    check(
        &[counting(0, &["ann"]), (1, confirmed("ann")), (2, hold_started(122))],
        (3, resume("olga")),
        Ok(vec![resumed(61)]),
    );
}

// --- T-0

#[test]
fn nothing_is_due_before_t0() {
    check(&[counting(1, &["ann"])], (59, time()), Ok(vec![]));
}

#[test]
fn without_quorum_at_t0_it_is_missed_once_with_every_pending_answer() {
    let given = [counting(2, &["ann", "bob", "cy"]), (1, confirmed("ann")), (1, declined("cy"))];
    check(&given, (60, time()), Ok(vec![missed(1)]));
    let ended = folded(&[given.as_slice(), &[(60, missed(1))]].concat());
    let answers: Vec<Answer> = ended.attendees.into_values().collect();
    assert_eq!(answers, [Answer::Confirmed, Answer::Missed, Answer::Declined]);
    check(&[given.as_slice(), &[(60, missed(1))]].concat(), (61, time()), Ok(vec![]));
}

#[test]
fn nothing_slips_in_at_t0_even_if_nobody_decided_what_was_due() {
    let given = [counting(1, &["ann"])];
    check(&given, (60, confirm("ann")), Err("already_missed"));
    check(&given, (60, decline("ann")), Err("already_missed"));
    check(&given, (60, defer("ann", minutes(5))), Err("already_missed"));
    check(&given, (60, hold("olga")), Err("already_missed"));
    check(&given, (60, reschedule("olga", TimeSpec::In(minutes(5)))), Err("already_missed"));
    check(&given, (60, join("olga")), Err("already_missed"));
    check(&[counting(0, &["ann"])], (61, confirm("ann")), Err("already_fired"));
    check(&[counting(1, &["ann"]), (1, hold_started(121))], (121, resume("olga")), Err("already_scrubbed"));
    check(&given, (59, confirm("ann")), Ok(vec![confirmed("ann"), fired(1)]));
}

// --- decline

#[test]
fn a_decline_that_leaves_enough_for_the_quorum_only_declines() {
    check(&[counting(2, &["ann", "bob", "cy"])], (1, decline("ann")), Ok(vec![declined("ann")]));
}

#[test]
fn a_decline_that_leaves_too_few_scrubs_at_once() {
    check(
        &[counting(2, &["ann", "bob", "cy"]), (1, declined("ann"))],
        (2, decline("bob")),
        Ok(vec![declined("bob"), scrubbed(ScrubCause::NoGo)]),
    );
    check(&[held(1, &["ann"])], (1, decline("ann")), Ok(vec![declined("ann"), scrubbed(ScrubCause::NoGo)]));
    check(
        &[counting(1, &["ann"]), (1, hold_started(121))],
        (2, decline("ann")),
        Ok(vec![declined("ann"), scrubbed(ScrubCause::NoGo)]),
    );
}

#[test]
fn no_decline_scrubs_a_plain_timer() {
    check(&[counting(0, &["ann"])], (1, decline("ann")), Ok(vec![declined("ann")]));
}

#[test]
fn declining_twice_succeeds_and_writes_nothing() {
    check(&[counting(1, &["ann", "bob"]), (1, declined("ann"))], (2, decline("ann")), Ok(vec![]));
}

// --- defer

#[test]
fn a_deferral_moves_t0_later_and_puts_the_attendee_back_to_pending() {
    let given = [counting(2, &["ann", "bob"]), (1, confirmed("ann"))];
    check(&given, (2, defer("ann", minutes(10))), Ok(vec![deferred("ann", 10, 70)]));
    let after = folded(&[given.as_slice(), &[(2, deferred("ann", 10, 70))]].concat());
    assert_eq!(after.attendees[&name("ann")], Answer::Pending);
    assert_eq!(after.due_at(), Some(at(70)));
    check(&[given.as_slice(), &[(2, deferred("ann", 10, 70))]].concat(), (60, time()), Ok(vec![]));
}

#[test]
fn deferrals_add_up_to_the_limit_and_beyond_it_are_refused_whole() {
    let given = [counting(2, &["ann", "bob"]), (1, deferred("ann", 10, 70)), (2, deferred("bob", 15, 85))];
    check(&given, (3, defer("ann", minutes(5))), Ok(vec![deferred("ann", 5, 90)]));
    let refusal = decide::defer(&folded(&given), &name("ann"), minutes(6), None, at(3)).unwrap_err();
    assert_eq!(
        refusal,
        Refusal::SlipExhausted {
            name: "review".to_owned(),
            asked: minutes(6),
            remaining: minutes(5),
            slip_max: minutes(30)
        }
    );
    assert_eq!(refusal.to_string(), r#"a deferral by 6m exceeds the slip of "review"; 5m of 30m remain"#);
}

#[test]
fn only_a_counting_countdown_can_be_deferred() {
    check(&[held(1, &["ann"])], (1, defer("ann", minutes(5))), Err("held"));
    check(&[counting(1, &["ann"]), (1, hold_started(121))], (2, defer("ann", minutes(5))), Err("on_hold"));
}

#[test]
fn a_deferral_by_nothing_or_past_the_end_of_time_is_refused() {
    check(&[counting(1, &["ann"])], (1, defer("ann", Span::ZERO)), Err("bad_request"));
    let last = CountdownScheduled { fire_at: Some(Timestamp::MAX), ..scheduled(1, &["ann"]) };
    check(&[(0, last.into())], (1, defer("ann", minutes(5))), Err("bad_time"));
}

#[test]
fn holds_do_not_use_up_slip() {
    let given = [counting(1, &["ann", "bob"]), (1, hold_started(121)), (100, resumed(159))];
    check(&given, (101, defer("ann", minutes(30))), Ok(vec![deferred("ann", 30, 189)]));
}

#[test]
fn a_deferral_by_one_who_declined_makes_the_quorum_reachable_again_and_fires_nothing() {
    let given = [counting_to_t0(2, &["ann", "bob", "cy"]), (1, confirmed("ann")), (1, confirmed("bob"))];
    let given = [given.as_slice(), &[(2, declined("cy"))]].concat();
    check(&given, (3, defer("cy", minutes(10))), Ok(vec![deferred("cy", 10, 70)]));
}

// --- hold and resume

#[test]
fn a_hold_stops_the_clock_for_its_limit_at_most() {
    check(&[counting(1, &["ann"])], (10, hold("olga")), Ok(vec![hold_started(130)]));
    let on_hold = [counting(1, &["ann"]), (10, hold_started(130))];
    check(&on_hold, (60, time()), Ok(vec![]));
    check(&on_hold, (129, time()), Ok(vec![]));
    check(&on_hold, (130, time()), Ok(vec![scrubbed(ScrubCause::HoldExpired)]));
}

#[test]
fn holding_twice_succeeds_and_writes_nothing() {
    check(&[counting(1, &["ann"]), (10, hold_started(130))], (20, hold("olga")), Ok(vec![]));
}

#[test]
fn what_its_campaign_holds_cannot_be_put_on_hold() {
    check(&[held(1, &["ann"])], (1, hold("olga")), Err("held"));
}

#[test]
fn resuming_moves_t0_by_the_time_on_hold() {
    check(&[counting(1, &["ann"]), (10, hold_started(130))], (35, resume("olga")), Ok(vec![resumed(85)]));
    check(&[counting(1, &["ann"])], (35, resume("olga")), Err("not_on_hold"));
    check(&[held(1, &["ann"])], (35, resume("olga")), Err("not_on_hold"));
}

#[test]
fn a_quorum_reached_on_hold_fires_on_resuming_and_not_before() {
    let on_hold = [counting(1, &["ann"]), (10, hold_started(130))];
    check(&on_hold, (11, confirm("ann")), Ok(vec![confirmed("ann")]));
    let met = [on_hold.as_slice(), &[(11, confirmed("ann"))]].concat();
    check(&met, (35, resume("olga")), Ok(vec![resumed(85), fired(1)]));
    let met = [counting_to_t0(1, &["ann"]), (10, hold_started(130)), (11, confirmed("ann"))];
    check(&met, (35, resume("olga")), Ok(vec![resumed(85)]));
}

// --- the campaign's grip

#[test]
fn answers_are_accepted_while_held_but_fire_only_on_release() {
    check(&[held(1, &["ann"])], (1, confirm("ann")), Ok(vec![confirmed("ann")]));
    check(&[held(1, &["ann"])], (100, time()), Ok(vec![]));
    let met = [held(1, &["ann"]), (1, confirmed("ann"))];
    check(&met, (10, release(minutes(1))), Ok(vec![released(60), fired(1)]));
    let to_t0 = CountdownScheduled {
        policy: ReleasePolicy::AtT0,
        campaign: Some(campaign()),
        fire_at: None,
        ..scheduled(1, &["ann"])
    };
    let met = [(0, to_t0.into()), (1, confirmed("ann"))];
    check(&met, (10, release(minutes(1))), Ok(vec![released(60)]));
}

#[test]
fn on_release_t0_is_the_planned_one_but_never_before_the_notice_is_over() {
    check(&[held(1, &["ann"])], (10, release(minutes(1))), Ok(vec![released(60)]));
    check(&[held(1, &["ann"])], (58, release(minutes(5))), Ok(vec![released(63)]));
    let with_lead = CountdownScheduled {
        lead_ms: minutes(15),
        campaign: Some(campaign()),
        fire_at: None,
        ..scheduled(1, &["ann"])
    };
    check(&[(0, with_lead.into())], (10, release(minutes(1))), Ok(vec![released(45)]));
}

#[test]
fn a_relative_t0_counts_from_the_release_whatever_lead_and_notice_say() {
    check(&[held_for(minutes(3), minutes(2))], (100, release(minutes(30))), Ok(vec![released(103)]));
}

#[test]
fn only_a_held_countdown_is_released() {
    check(&[counting(1, &["ann"])], (1, release(minutes(1))), Ok(vec![]));
    check(&[held(1, &["ann"]), (1, released(60))], (2, release(minutes(1))), Ok(vec![]));
}

#[test]
fn a_counting_countdown_joins_a_campaign_with_its_answers_and_deferrals() {
    check(&[counting(2, &["ann", "bob"])], (1, join("olga")), Ok(vec![joined()]));
    let given = [counting(2, &["ann", "bob"]), (1, confirmed("bob")), (1, deferred("ann", 10, 70)), (2, joined())];
    check(&given, (3, join("olga")), Ok(vec![]));
    check(&given, (3, release(minutes(1))), Ok(vec![released(70)]));
    check(&given, (3, confirm("ann")), Ok(vec![confirmed("ann")]));
    check(&given, (100, time()), Ok(vec![]));
    let with_lead = CountdownScheduled { lead_ms: minutes(15), fire_at: Some(at(45)), ..scheduled(1, &["ann"]) };
    let given = [(0, with_lead.into()), (1, deferred("ann", 10, 55)), (2, joined())];
    check(&given, (3, release(minutes(1))), Ok(vec![released(55)]));
}

#[test]
fn only_what_counts_outside_of_campaigns_and_is_ones_own_joins() {
    check(&[counting(1, &["ann"])], (1, join("ann")), Err("not_organizer"));
    check(&[counting(1, &["ann"]), (1, hold_started(121))], (2, join("olga")), Err("on_hold"));
    check(&[counting(1, &["ann"]), (1, confirmed("ann")), (1, fired(1))], (2, join("olga")), Err("already_fired"));
    let elsewhere = CountdownScheduled { campaign: Some(CampaignId::from_bytes([98; 16])), ..scheduled(1, &["ann"]) };
    check(&[(0, elsewhere.into())], (1, join("olga")), Err("in_a_campaign"));
}

#[test]
fn what_happened_elsewhere_scrubs_it_unless_it_has_ended() {
    let cause = ScrubCause::Predecessor(CountdownId::from_bytes([7; 16]));
    check(&[held(1, &["ann"])], (1, scrub_for(cause.clone())), Ok(vec![scrubbed(cause.clone())]));
    check(&[counting(1, &["ann"])], (1, scrub_for(cause.clone())), Ok(vec![scrubbed(cause.clone())]));
    check(&[counting(0, &[]), (60, fired(0))], (61, scrub_for(cause)), Ok(vec![]));
}

// --- reschedule

#[test]
fn rescheduling_clears_the_answers_and_starts_the_slip_again() {
    let given = [counting(3, &["ann", "bob", "cy"]), (1, confirmed("ann")), (2, deferred("bob", 30, 90))];
    check(&given, (3, reschedule("olga", TimeSpec::At(at(50)))), Ok(vec![rescheduled(Plan::At(at(50)), Some(50))]));
    let given = [given.as_slice(), &[(3, rescheduled(Plan::At(at(50)), Some(50)))]].concat();
    assert!(folded(&given).attendees.values().all(|answer| *answer == Answer::Pending));
    check(&given, (4, defer("cy", minutes(30))), Ok(vec![deferred("cy", 30, 80)]));
    check(&given, (50, time()), Ok(vec![missed(0)]));
}

#[test]
fn a_relative_new_time_counts_from_now_or_while_held_from_the_release() {
    let soon = TimeSpec::In(minutes(20));
    check(&[counting(1, &["ann"])], (10, reschedule("olga", soon)), Ok(vec![rescheduled(Plan::At(at(30)), Some(30))]));
    check(
        &[held(1, &["ann"])],
        (10, reschedule("olga", soon)),
        Ok(vec![rescheduled(Plan::AfterReleaseMs(minutes(20)), None)]),
    );
    check(
        &[held(1, &["ann"]), (5, released(60))],
        (10, reschedule("olga", soon)),
        Ok(vec![rescheduled(Plan::At(at(30)), Some(30))]),
    );
    check(
        &[held(1, &["ann"])],
        (10, reschedule("olga", TimeSpec::At(at(90)))),
        Ok(vec![rescheduled(Plan::At(at(90)), None)]),
    );
    let given = [held(1, &["ann"]), (10, rescheduled(Plan::AfterReleaseMs(minutes(20)), None))];
    check(&given, (40, release(minutes(1))), Ok(vec![released(60)]));
}

#[test]
fn only_what_is_held_or_counting_is_rescheduled_and_not_into_the_past() {
    let on_hold = [counting(1, &["ann"]), (1, hold_started(121))];
    check(&on_hold, (2, reschedule("olga", TimeSpec::At(at(90)))), Err("on_hold"));
    check(&[counting(1, &["ann"])], (2, reschedule("olga", TimeSpec::At(at(2)))), Err("in_the_past"));
    check(&[held(1, &["ann"])], (2, reschedule("olga", TimeSpec::At(at(1)))), Err("in_the_past"));
    let past = decide::reschedule(&folded(&[counting(1, &["ann"])]), &name("olga"), TimeSpec::At(at(1)), true, at(2));
    assert_eq!(past, Ok(vec![rescheduled(Plan::At(at(1)), Some(1))]));
}

// --- who, and the end

#[test]
fn only_the_organizer_holds_resumes_reschedules_and_scrubs() {
    let given = [counting(1, &["ann"])];
    check(&given, (1, hold("ann")), Err("not_organizer"));
    check(&given, (1, resume("ann")), Err("not_organizer"));
    check(&given, (1, reschedule("ann", TimeSpec::In(minutes(5)))), Err("not_organizer"));
    check(&given, (1, scrub("ann")), Err("not_organizer"));
    check(&given, (1, scrub("olga")), Ok(vec![scrubbed(ScrubCause::Organizer)]));
    check(&[held(1, &["ann"])], (1, scrub("olga")), Ok(vec![scrubbed(ScrubCause::Organizer)]));
    let on_hold = [counting(1, &["ann"]), (1, hold_started(121))];
    check(&on_hold, (2, scrub("olga")), Ok(vec![scrubbed(ScrubCause::Organizer)]));
}

#[test]
fn after_the_end_everything_is_refused_saying_which_end() {
    let ends =
        [(fired(1), "already_fired"), (missed(0), "already_missed"), (scrubbed(ScrubCause::NoGo), "already_scrubbed")];
    for (end, code) in ends {
        let given = [counting(1, &["ann"]), (10, end)];
        for ask in [
            confirm("ann"),
            decline("ann"),
            defer("ann", minutes(1)),
            hold("olga"),
            resume("olga"),
            reschedule("olga", TimeSpec::In(minutes(90))),
            scrub("olga"),
            join("olga"),
        ] {
            check(&given, (11, ask), Err(code));
        }
        check(&given, (61, time()), Ok(vec![]));
        check(&given, (11, release(minutes(1))), Ok(vec![]));
    }
}

#[test]
fn a_reason_is_kept_and_has_a_limit() {
    let countdown = folded(&[counting(1, &["ann", "bob"])]);
    let long = "x".repeat(limits::REASON_BYTES_MAX + 1);
    let (ann, olga) = (name("ann"), name("olga"));
    let refused = [
        decide::decline(&countdown, &ann, Some(&long), at(1)),
        decide::defer(&countdown, &ann, minutes(1), Some(&long), at(1)),
        decide::hold(&countdown, &olga, Some(&long), at(1)),
        decide::scrub(&countdown, &olga, Some(&long), at(1)),
    ];
    for decision in refused {
        assert_eq!(decision.map_err(|refusal| refusal.code()), Err("over_limit"));
    }
    let scrubbed =
        CountdownScrubbed { countdown: id(), cause: ScrubCause::Organizer, reason: Some(long[1..].to_owned()) };
    assert_eq!(decide::scrub(&countdown, &olga, Some(&long[1..]), at(1)), Ok(vec![scrubbed.into()]));
}

// --- schedule

fn terms(time: TimeSpec, quorum: Option<u32>, attendees: &[&str]) -> decide::Terms {
    decide::Terms {
        name: Name::parse("review").unwrap(),
        kind: Word::parse("meeting").unwrap(),
        organizer: name("olga"),
        time,
        lead: Span::ZERO,
        attendees: attendees.iter().map(|attendee| name(attendee)).collect(),
        quorum,
        policy: ReleasePolicy::OnQuorum,
        slip_max: minutes(30),
        hold_max: minutes(120),
        payload: None,
        campaign: None,
        allow_past: false,
    }
}

fn refusal_of(terms: decide::Terms) -> &'static str {
    decide::schedule(terms, at(0)).expect_err("is refused").code()
}

#[test]
fn the_default_quorum_is_one_with_attendees_and_none_without() {
    let soon = TimeSpec::At(at(60));
    assert_eq!(decide::schedule(terms(soon, None, &["ann", "bob"]), at(0)), Ok(scheduled(1, &["ann", "bob"])));
    assert_eq!(decide::schedule(terms(soon, None, &[]), at(0)), Ok(scheduled(0, &[])));
    assert_eq!(decide::schedule(terms(soon, Some(2), &["ann", "bob"]), at(0)), Ok(scheduled(2, &["ann", "bob"])));
}

#[test]
fn a_quorum_above_the_distinct_attendees_is_refused() {
    assert_eq!(refusal_of(terms(TimeSpec::At(at(60)), Some(3), &["ann", "bob", "ann"])), "quorum_too_large");
    assert_eq!(refusal_of(terms(TimeSpec::At(at(60)), Some(1), &[])), "quorum_too_large");
}

#[test]
fn t0_is_the_planned_time_minus_the_lead_and_must_be_in_the_future() {
    let with_lead = |time, lead, allow_past| decide::Terms { lead, allow_past, ..terms(time, Some(0), &[]) };
    let event = decide::schedule(with_lead(TimeSpec::At(at(60)), minutes(15), false), at(0)).unwrap();
    assert_eq!((event.plan, event.fire_at), (Plan::At(at(60)), Some(at(45))));
    assert_eq!(refusal_of(with_lead(TimeSpec::At(at(60)), minutes(60), false)), "in_the_past");
    assert_eq!(refusal_of(with_lead(TimeSpec::In(Span::ZERO), Span::ZERO, false)), "in_the_past");
    let event = decide::schedule(with_lead(TimeSpec::At(at(60)), minutes(70), true), at(0)).unwrap();
    assert_eq!(event.fire_at, Some(at(-10)));
}

#[test]
fn a_relative_time_outside_a_campaign_is_resolved_at_once() {
    let event = decide::schedule(terms(TimeSpec::In(minutes(5)), None, &["ann"]), at(10)).unwrap();
    assert_eq!((event.plan, event.fire_at), (Plan::At(at(15)), Some(at(15))));
    assert_eq!(
        decide::schedule(terms(TimeSpec::In(minutes(5)), None, &[]), Timestamp::MAX).unwrap_err().code(),
        "bad_time"
    );
}

#[test]
fn in_a_campaign_t0_is_open_until_the_release() {
    let in_campaign = |time| decide::Terms { campaign: Some(campaign()), ..terms(time, None, &["ann"]) };
    let event = decide::schedule(in_campaign(TimeSpec::In(minutes(5))), at(0)).unwrap();
    assert_eq!((event.plan, event.fire_at), (Plan::AfterReleaseMs(minutes(5)), None));
    let event = decide::schedule(in_campaign(TimeSpec::At(at(60))), at(0)).unwrap();
    assert_eq!((event.plan, event.fire_at), (Plan::At(at(60)), None));
    assert_eq!(refusal_of(in_campaign(TimeSpec::At(at(-1)))), "in_the_past");
}

#[test]
fn what_a_countdown_carries_has_limits() {
    let soon = TimeSpec::At(at(60));
    let many: Vec<String> = (0..=limits::ATTENDEES_MAX).map(|n| format!("agent-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(refusal_of(terms(soon, None, &many)), "over_limit");
    assert!(decide::schedule(terms(soon, None, &many[1..]), at(0)).is_ok());
    assert_eq!(refusal_of(terms(soon, None, &["all"])), "reserved_name");
    assert_eq!(refusal_of(decide::Terms { hold_max: Span::ZERO, ..terms(soon, None, &[]) }), "bad_request");

    let carrying = |payload| decide::Terms { payload: Some(payload), ..terms(soon, None, &[]) };
    assert_eq!(refusal_of(carrying(json!("x".repeat(limits::ATTACHED_JSON_BYTES_MAX)))), "over_limit");
    assert!(decide::schedule(carrying(json!("x".repeat(limits::ATTACHED_JSON_BYTES_MAX - 2))), at(0)).is_ok());
    let nested = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(refusal_of(carrying(nested(limits::ATTACHED_JSON_DEPTH_MAX + 1))), "bad_request");
    assert!(decide::schedule(carrying(nested(limits::ATTACHED_JSON_DEPTH_MAX)), at(0)).is_ok());
    assert_eq!(decide::schedule(carrying(json!(null)), at(0)).unwrap().payload, None);
}

#[test]
fn a_command_that_leaves_things_out_gets_the_defaults() {
    let command: crate::command::ScheduleCountdown =
        serde_json::from_value(json!({"name": "review", "time": "+5m", "attendees": ["ann", "Ann"]})).unwrap();
    let terms = decide::Terms::of(&command, name("olga"), None).unwrap();
    assert_eq!(terms.kind.as_str(), "meeting");
    assert_eq!(terms.attendees, BTreeSet::from([name("ann")]));
    assert_eq!((terms.slip_max.to_string(), terms.hold_max.to_string()), ("1d".to_owned(), "1d".to_owned()));
    let looks_like_an_id = crate::command::ScheduleCountdown { name: "gate2026".to_owned(), ..command };
    assert_eq!(decide::Terms::of(&looks_like_an_id, name("olga"), None).unwrap_err().code(), "name_looks_like_an_id");
}

// --- all of them

#[test]
fn what_is_due_comes_in_order_of_time_then_id() {
    let mut countdowns = Countdowns::default();
    for (position, fire_at) in [(0, 30), (1, 20), (2, 20), (3, 40)] {
        let event = CountdownScheduled { fire_at: Some(at(fire_at)), ..scheduled(0, &[]) };
        countdowns.evolve(&recorded(position, at(0), event.into()));
    }
    let nth = |n| CountdownId::from_bytes([n; 16]);
    assert_eq!(countdowns.next_due(), Some((at(20), nth(2))));
    assert_eq!(countdowns.due(at(19)).count(), 0);
    let due: Vec<_> = countdowns.due(at(30)).collect();
    assert_eq!(due, [(at(20), nth(2)), (at(20), nth(3)), (at(30), nth(1))]);
    countdowns.evolve(&recorded(4, at(20), CountdownFired { countdown: nth(2), confirmed: 0 }.into()));
    assert_eq!(countdowns.next_due(), Some((at(20), nth(3))));
}

#[test]
fn a_name_means_the_one_that_lives_and_in_a_campaign_its_own() {
    let mut countdowns = Countdowns::default();
    countdowns.evolve(&recorded(0, at(0), scheduled(0, &[]).into()));
    countdowns.evolve(&recorded(1, at(0), held(0, &[]).1));
    let (free, member) = (CountdownId::from_bytes([1; 16]), CountdownId::from_bytes([2; 16]));
    assert_eq!(countdowns.find("review", None).unwrap_err().code(), "ambiguous");
    assert_eq!(countdowns.find("review", Some(campaign())), Ok(member));
    assert_eq!(countdowns.find(&free.short(), Some(campaign())), Ok(free));
    countdowns.evolve(&recorded(2, at(60), CountdownFired { countdown: free, confirmed: 0 }.into()));
    assert_eq!(countdowns.find("review", None), Ok(member));
    assert!(matches!(countdowns.get(free).unwrap().phase, Phase::Fired { .. }));
    assert_eq!(countdowns.find("retro", None).unwrap_err().to_string(), r#"there is no countdown "retro""#);
}
