//! What may be scheduled, and the defaults.

use super::*;
use crate::countdown::commands::ScheduleCountdown;

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
    let command: ScheduleCountdown =
        serde_json::from_value(json!({"name": "review", "time": "+5m", "attendees": ["ann", "Ann"]})).unwrap();
    let terms = decide::Terms::of(&command, name("olga"), None).unwrap();
    assert_eq!(terms.kind.as_str(), "meeting");
    assert_eq!(terms.attendees, BTreeSet::from([name("ann")]));
    assert_eq!((terms.slip_max.to_string(), terms.hold_max.to_string()), ("1d".to_owned(), "1d".to_owned()));
    let looks_like_an_id = ScheduleCountdown { name: "gate2026".to_owned(), ..command };
    assert_eq!(decide::Terms::of(&looks_like_an_id, name("olga"), None).unwrap_err().code(), "name_looks_like_an_id");
}
