//! What moves T-0: deferrals, holds, new plans.

use super::*;

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
