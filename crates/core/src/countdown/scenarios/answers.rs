//! Go and no-go: the quorum, T-0, who may answer.

use super::*;

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
