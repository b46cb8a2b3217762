//! Dead letters and their way back, and what the fold keeps.

use super::*;

// --- dead letters

#[test]
fn the_fifth_lease_that_runs_out_makes_a_dead_letter_in_the_same_commit() {
    let given = with(let_go(3), taken(3 * LEASE_S, 1, 4));
    check(&given, 4 * LEASE_S, what_is_due, Ok(vec![expired_event(1, 4)]));
    let given = with(let_go(4), taken(4 * LEASE_S, 1, 5));
    let expected = vec![expired_event(1, 5), dead_event(1, DeadReason::LeaseExpired)];
    check(&given, 5 * LEASE_S, what_is_due, Ok(expected));
}

#[test]
fn the_fifth_delivery_handed_back_is_a_dead_letter_in_the_same_commit() {
    let given = with(let_go(4), taken(4 * LEASE_S, 1, 5));
    let expected = vec![nacked_event(1, 5, 4 * LEASE_S + 1), dead_event(1, DeadReason::Nacked)];
    check(&given, 4 * LEASE_S, nack(1, 5, "bob"), Ok(expected));
}

#[test]
fn the_fifth_delivery_can_still_be_acked() {
    let given = with(let_go(4), taken(4 * LEASE_S, 1, 5));
    check(&given, 4 * LEASE_S, ack(1, 5, "bob"), Ok(vec![acked_event(1, 5)]));
}

fn dead_letter() -> Vec<Step> {
    with(let_go(5), (5 * LEASE_S, "system", dead_event(1, DeadReason::LeaseExpired)))
}

#[test]
fn a_dead_letter_is_not_delivered_and_its_token_says_so() {
    check(&dead_letter(), 9 * LEASE_S, recv(1), Ok(vec![]));
    let why = "its lease ran out, and after 5 deliveries it is a dead letter";
    check_why(&dead_letter(), 5 * LEASE_S, ack(1, 5, "bob"), why);
}

fn redrive(mailboxes: &Mailboxes, _: Timestamp) -> Decision {
    mailboxes.redrive(message(1), &name("bob"), &letter(&["bob", "cy"], Priority::High), message(99))
}

#[test]
fn a_redrive_sends_the_same_message_to_the_same_mailbox_only() {
    let again = MessageSent { redrive_of: Some(message(1)), ..letter(&["bob"], Priority::High) };
    let redriven = MessageRedriven { message: message(1), mailbox: name("bob"), again: message(99) };
    check(&dead_letter(), 0, redrive, Ok(vec![again.into(), redriven.into()]));
}

#[test]
fn a_repeated_redrive_succeeds_and_writes_nothing() {
    let redriven = MessageRedriven { message: message(1), mailbox: name("bob"), again: message(99) };
    check(&with(dead_letter(), (0, "bob", redriven.into())), 0, redrive, Ok(vec![]));
}

#[test]
fn what_is_not_a_dead_letter_is_not_redriven() {
    for given in [vec![], vec![sent(&["bob"])], vec![sent(&["bob"]), taken(0, 1, 1)]] {
        check(&given, 0, redrive, Err("not_dead"));
    }
}

#[test]
fn a_dead_letter_is_found_by_its_id_in_its_mailbox() {
    let find = |given: &[Step], mailbox: &str, reference: &str| {
        folded(given).find_dead(&name(mailbox), reference).map_err(|refusal| refusal.code())
    };
    let id = message(1);
    assert_eq!(find(&dead_letter(), "bob", &id.to_string()), Ok(id));
    assert_eq!(find(&dead_letter(), "bob", &id.short()), Ok(id));
    assert_eq!(find(&dead_letter(), "cy", &id.short()), Err("not_found"));
    assert_eq!(find(&dead_letter(), "bob", "nothing"), Err("not_found"));
    assert_eq!(find(&dead_letter(), "bob", &message(2).short()), Err("not_found"));
    assert_eq!(find(&[sent(&["bob"])], "bob", &id.short()), Err("not_dead"));
    assert_eq!(folded(&[sent(&["bob"])]).find(&name("bob"), &id.short()), Ok(id));
}

#[test]
fn an_id_that_two_messages_end_with_is_ambiguous() {
    let mut mailboxes = Mailboxes::default();
    for first in [1, 2] {
        let mut bytes = [9; 16];
        bytes[0] = first;
        let id = EventId::from_bytes(bytes);
        let (position, time, actor, event) = (first.into(), at(0), name("ann"), letter(&["bob"], Priority::Low).into());
        let recorded =
            Recorded { position, id, time, actor, correlation: id, causation: None, idempotency: None, event };
        mailboxes.evolve(&recorded, &[name("bob")]);
    }
    let found = mailboxes.find(&name("bob"), &MessageId::from_bytes([9; 16]).short());
    assert!(matches!(found, Err(Refusal::Ambiguous { candidates, .. }) if candidates.len() == 2));
}

// --- the fold

#[test]
fn events_that_make_no_sense_change_nothing() {
    let given = [sent(&["bob"]), taken(0, 1, 1)];
    let again = MessageRedriven { message: message(1), mailbox: name("bob"), again: message(9) };
    for nonsense in [
        acked_event(1, 2),
        acked_event(2, 1),
        nacked_event(1, 2, 9),
        nacked_event(7, 1, 9),
        expired_event(1, 0),
        extended_event(1, 3, 9 * LEASE_S),
        taken_event(1, "cy", 2, 9),
        dead_event(1, DeadReason::Nacked),
        again.into(),
    ] {
        assert_eq!(folded(&with(given.to_vec(), (0, "cy", nonsense.clone()))), folded(&given), "{nonsense:?}");
    }
    let wrong_fence = taken_event(1, "bob", 4, 9);
    assert_eq!(folded(&with(let_go(1), (LEASE_S, "cy", wrong_fence))), folded(&let_go(1)));
}

#[test]
fn nothing_is_left_of_what_has_ended_but_the_latest_acks() {
    let mut mailboxes = folded(&[sent(&["bob", "cy"]), taken(0, 1, 1), acked(1, 1, 1)]);
    assert_eq!(mailboxes.iter().map(|delivery: &Delivery| delivery.mailbox.as_str()).collect::<Vec<_>>(), ["cy"]);
    mailboxes = folded(&[sent(&["bob"]), taken(0, 1, 1), acked(1, 1, 1)]);
    let only_the_acks = Mailboxes { ended: mailboxes.ended.clone(), ..Mailboxes::default() };
    assert_eq!(mailboxes, only_the_acks);
}
