//! Handing back, and leases that run out.

use super::*;

// --- handing back

#[test]
fn a_message_that_was_handed_back_pauses_for_a_second_and_then_comes_again() {
    check(&[sent(&["bob"]), taken(0, 1, 1)], 5, nack(1, 1, "bob"), Ok(vec![nacked_event(1, 1, 6)]));
    let given = [sent(&["bob"]), taken(0, 1, 1), nacked(5, 1, 1, 6)];
    check(&given, 5, recv(1), Ok(vec![]));
    check(&given, 6, recv(1), Ok(vec![taken_event(1, "bob", 2, 6 + LEASE_S)]));
    let is_ready = |second| folded(&given).get(message(1), &name("bob")).map(|delivery| delivery.is_ready(at(second)));
    assert_eq!((is_ready(5), is_ready(6)), (Some(false), Some(true)));
}

#[test]
fn the_pause_doubles_with_each_nack() {
    let mut given = vec![sent(&["bob"])];
    let mut second = 0;
    for (fence, pause) in (1..).zip([1, 2, 4, 8]) {
        given.push(taken(second, 1, fence));
        check(&given, second, nack(1, fence, "bob"), Ok(vec![nacked_event(1, fence, second + pause)]));
        given.push(nacked(second, 1, fence, second + pause));
        second += pause;
    }
}

#[test]
fn a_lease_that_ran_out_does_not_make_the_next_pause_longer() {
    let given = with(let_go(1), taken(LEASE_S, 1, 2));
    check(&given, LEASE_S, nack(1, 2, "bob"), Ok(vec![nacked_event(1, 2, LEASE_S + 1)]));
}

#[test]
fn others_overtake_a_message_that_pauses_and_it_gets_its_turn_back() {
    let given = [sent(&["bob"]), sent(&["bob"]), taken(0, 1, 1), nacked(0, 1, 1, 10), sent(&["bob"])];
    let (two, five) = (taken_event(2, "bob", 1, 9 + LEASE_S), taken_event(5, "bob", 1, 9 + LEASE_S));
    check(&given, 9, recv(9), Ok(vec![two, five]));
    let one = taken_event(1, "bob", 2, 10 + LEASE_S);
    let (two, five) = (taken_event(2, "bob", 1, 10 + LEASE_S), taken_event(5, "bob", 1, 10 + LEASE_S));
    check(&given, 10, recv(9), Ok(vec![one, two, five]));
}

#[test]
fn a_pause_that_ended_is_noted_with_the_next_take_of_the_mailbox() {
    let given = [sent(&["bob"]), sent(&["bob"]), taken(0, 1, 1), nacked(0, 1, 1, 1), taken(5, 2, 1)];
    let state = |mailboxes: &Mailboxes| mailboxes.get(message(1), &name("bob")).map(|delivery| delivery.state.clone());
    assert_eq!(state(&folded(&given[..4])), Some(DeliveryState::Paused { until: at(1) }));
    assert_eq!(state(&folded(&given)), Some(DeliveryState::Ready));
}

#[test]
fn a_token_is_good_for_nothing_after_a_nack() {
    let given = [sent(&["bob"]), taken(0, 1, 1), nacked(5, 1, 1, 6)];
    let why = "the message was handed back, and it is back in the mailbox of bob";
    check_why(&given, 5, ack(1, 1, "bob"), why);
    check_why(&given, 9, nack(1, 1, "bob"), why);
    let why = "the message was handed back, and you took it again, as claim 2";
    check_why(&with(given.to_vec(), taken(6, 1, 2)), 7, ack(1, 1, "bob"), why);
}

#[test]
fn the_reason_of_a_nack_is_bounded() {
    let given = [sent(&["bob"]), taken(0, 1, 1)];
    let ask = |bytes| {
        let reason = "x".repeat(bytes);
        move |mailboxes: &Mailboxes, now| mailboxes.nack(token(1, 1), &name("bob"), Some(&reason), now)
    };
    check(&given, 0, ask(1_001), Err("over_limit"));
    assert!(ask(1_000)(&folded(&given), at(0)).is_ok());
}

// --- leases

#[test]
fn a_lease_runs_out_at_its_end_and_the_message_is_back() {
    let given = [sent(&["bob"]), taken(0, 1, 1)];
    check(&given, LEASE_S - 1, what_is_due, Ok(vec![]));
    check(&given, LEASE_S, what_is_due, Ok(vec![expired_event(1, 1)]));
    check(&let_go(1), LEASE_S, recv(1), Ok(vec![taken_event(1, "bob", 2, 2 * LEASE_S)]));
}

#[test]
fn a_token_is_good_for_nothing_from_the_end_of_its_lease_on() {
    let given = [sent(&["bob"]), taken(0, 1, 1)];
    check(&given, LEASE_S - 1, ack(1, 1, "bob"), Ok(vec![acked_event(1, 1)]));
    let why = format!("its lease ran out at {}", at(LEASE_S));
    check_why(&given, LEASE_S, ack(1, 1, "bob"), &why);
    let why = "its lease ran out, and it is back in the mailbox of bob";
    check_why(&let_go(1), LEASE_S, ack(1, 1, "bob"), why);
    check_why(&let_go(1), LEASE_S, nack(1, 1, "bob"), why);
    check_why(&let_go(1), LEASE_S, extend(1, 1, None), why);
}

#[test]
fn who_comes_too_late_learns_who_has_it_now() {
    let given = with(let_go(1), (LEASE_S, "cy", taken_event(1, "cy", 2, 2 * LEASE_S)));
    check_why(&given, LEASE_S + 1, ack(1, 1, "bob"), "its lease ran out, and cy took it again, as claim 2");
    check(&given, LEASE_S + 1, ack(1, 2, "cy"), Ok(vec![acked_event(1, 2)]));
}

#[test]
fn any_event_of_the_holder_extends_its_leases() {
    let given = [sent(&["bob"]), taken(0, 1, 1), (100, "bob", letter(&["ann"], Priority::Low).into())];
    check(&given, LEASE_S, what_is_due, Ok(vec![]));
    check(&given, LEASE_S + 100, what_is_due, Ok(vec![expired_event(1, 1)]));
}

#[test]
fn an_event_of_somebody_else_or_of_the_system_extends_nothing() {
    for actor in ["cy", "system"] {
        let given = [sent(&["bob"]), taken(0, 1, 1), (100, actor, letter(&["ann"], Priority::Low).into())];
        check(&given, LEASE_S, what_is_due, Ok(vec![expired_event(1, 1)]));
    }
}

#[test]
fn extend_gives_the_lease_its_length_from_now() {
    let given = [sent(&["bob"]), taken(0, 1, 1)];
    check(&given, 100, extend(1, 1, None), Ok(vec![extended_event(1, 1, 100 + LEASE_S)]));
    check(&given, 0, extend(1, 1, None), Ok(vec![]));
    let given = with(given.to_vec(), (100, "bob", extended_event(1, 1, 100 + LEASE_S)));
    check(&given, LEASE_S + 99, what_is_due, Ok(vec![]));
    check(&given, LEASE_S + 100, what_is_due, Ok(vec![expired_event(1, 1)]));
}

#[test]
fn a_longer_lease_is_given_and_a_shorter_one_is_not() {
    let given = [sent(&["bob"]), taken(0, 1, 1)];
    check(&given, 1, extend(1, 1, Some(2 * LEASE_S)), Ok(vec![extended_event(1, 1, 1 + 2 * LEASE_S)]));
    check(&given, 1, extend(1, 1, Some(1)), Ok(vec![extended_event(1, 1, 1 + LEASE_S)]));
    let given = with(given.to_vec(), (1, "bob", extended_event(1, 1, 1 + 2 * LEASE_S)));
    check(&given, 2 * LEASE_S, what_is_due, Ok(vec![]));
    check(&given, 2 * LEASE_S + 1, what_is_due, Ok(vec![expired_event(1, 1)]));
}

#[test]
fn what_is_due_comes_in_the_order_of_its_end() {
    let given = [
        sent(&["bob"]),
        sent(&["bob"]),
        sent(&["bob"]),
        (0, "bob", taken_event(1, "bob", 1, 30)),
        (0, "bob", taken_event(2, "bob", 1, 10)),
        (0, "cy", taken_event(3, "cy", 1, 20)),
    ];
    let mailboxes = folded(&given);
    let due = |now| mailboxes.due(at(now)).map(|(end, message, _)| (end, message)).collect::<Vec<_>>();
    assert_eq!(mailboxes.next_due(), Some(at(10)));
    assert_eq!(due(9), []);
    assert_eq!(due(29), [(at(10), message(2)), (at(20), message(3))]);
    assert_eq!(due(30), [(at(10), message(2)), (at(20), message(3)), (at(30), message(1))]);
}

#[test]
fn nothing_expires_that_is_not_taken() {
    for given in [vec![], vec![sent(&["bob"])], let_go(1)] {
        check(&given, 0, |mailboxes, _| Ok(mailboxes.expire(message(1), &name("bob"))), Ok(vec![]));
    }
}

#[test]
fn a_waiter_is_told_when_a_pause_ends() {
    let next = |given: &[Step], second| folded(given).next_ready_at(&name("bob"), at(second));
    assert_eq!(next(&[], 0), None);
    assert_eq!(next(&[sent(&["bob"])], 7), Some(at(7)));
    let given = [sent(&["bob"]), taken(0, 1, 1), nacked(5, 1, 1, 6)];
    assert_eq!(next(&given[..2], 1), None);
    assert_eq!(next(&given, 5), Some(at(6)));
    assert_eq!(next(&given, 8), Some(at(8)));
}
