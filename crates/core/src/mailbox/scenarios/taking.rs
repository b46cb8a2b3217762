//! Taking messages, and acknowledging them.

use super::*;

// --- taking

#[test]
fn a_taken_message_is_leased_for_half_an_hour_with_the_first_fence() {
    check(&[sent(&["bob"])], 5, recv(1), Ok(vec![taken_event(1, "bob", 1, 5 + LEASE_S)]));
}

#[test]
fn nothing_is_taken_from_an_empty_mailbox() {
    check(&[], 0, recv(1), Ok(vec![]));
    check(&[sent(&["bob"])], 0, recv_from("cy", 1), Ok(vec![]));
}

#[test]
fn a_taken_message_is_not_taken_again() {
    check(&[sent(&["bob"]), taken(0, 1, 1)], LEASE_S - 1, recv(9), Ok(vec![]));
}

#[test]
fn messages_come_by_priority_and_then_by_position() {
    use Priority::{Critical, High, Low, Normal};
    let given = [sent_as(Low), sent_as(Normal), sent_as(Critical), sent_as(High), sent_as(Normal), sent_as(Critical)];
    let order = [3, 6, 4, 2, 5, 1];
    check(&given, 0, recv(9), Ok(order.map(|number| taken_event(number, "bob", 1, LEASE_S)).to_vec()));
    check(&given, 0, recv(2), Ok(order[..2].iter().map(|number| taken_event(*number, "bob", 1, LEASE_S)).collect()));
}

#[test]
fn each_recipient_has_a_delivery_of_his_own() {
    let given = [sent(&["bob", "cy"]), taken(0, 1, 1), acked(1, 1, 1)];
    check(&given, 1, recv(1), Ok(vec![]));
    let his = MessageTaken {
        message: message(1),
        mailbox: name("cy"),
        holder: name("bob"),
        fence: 1,
        until: at(1 + LEASE_S),
    };
    check(&given, 1, recv_from("cy", 1), Ok(vec![his.into()]));
}

#[test]
fn a_message_to_the_same_mailbox_twice_lies_in_it_once() {
    check(&[sent(&["bob", "bob"])], 0, recv(9), Ok(vec![taken_event(1, "bob", 1, LEASE_S)]));
}

#[test]
fn recv_with_ack_hands_out_and_acknowledges_in_one() {
    let command = ReceiveMessages { mailbox: None, max: Some(2), lease_ms: Some(seconds(60)), ack: true };
    let expected =
        vec![taken_event(1, "bob", 1, 60), acked_event(1, 1), taken_event(2, "bob", 1, 60), acked_event(2, 1)];
    let given = [sent(&["bob"]), sent(&["bob"]), sent(&["bob"])];
    check(
        &given,
        0,
        |mailboxes, now| receive(mailboxes, &command, &name("bob"), &name("bob"), now),
        Ok(expected.clone()),
    );
    let mut history = given.to_vec();
    history.extend(expected.into_iter().map(|event| (0, "bob", event)));
    check(&history, 0, recv(9), Ok(vec![taken_event(3, "bob", 1, LEASE_S)]));
}

#[test]
fn no_message_no_lease_or_too_many_messages_is_no_way_to_ask() {
    let ask = |max, lease_ms| {
        let command = ReceiveMessages { mailbox: None, max: Some(max), lease_ms, ack: false };
        move |mailboxes: &Mailboxes, now| receive(mailboxes, &command, &name("bob"), &name("bob"), now)
    };
    check(&[sent(&["bob"])], 0, ask(0, None), Err("bad_request"));
    check(&[sent(&["bob"])], 0, ask(1, Some(Span::ZERO)), Err("bad_request"));
    check(&[sent(&["bob"])], 0, ask(101, None), Err("over_limit"));
    check(&[sent(&["bob"])], 0, ask(100, Some(seconds(1))), Ok(vec![taken_event(1, "bob", 1, 1)]));
}

// --- acknowledging

#[test]
fn an_acked_message_never_comes_again() {
    let given = [sent(&["bob"]), taken(0, 1, 1)];
    check(&given, 1, ack(1, 1, "bob"), Ok(vec![acked_event(1, 1)]));
    let given = [sent(&["bob"]), taken(0, 1, 1), acked(1, 1, 1)];
    check(&given, 9 * LEASE_S, recv(1), Ok(vec![]));
    check(&given, 9 * LEASE_S, what_is_due, Ok(vec![]));
}

#[test]
fn a_repeated_ack_succeeds_and_writes_nothing() {
    check(&[sent(&["bob"]), taken(0, 1, 1), acked(1, 1, 1)], 2, ack(1, 1, "bob"), Ok(vec![]));
}

#[test]
fn a_repeated_ack_of_somebody_else_is_refused() {
    let given = [sent(&["bob"]), taken(0, 1, 1), acked(1, 1, 1)];
    check_why(&given, 2, ack(1, 1, "cy"), "bob has acked the message, with claim 1");
    check_why(
        &given,
        2,
        ack(1, 2, "bob"),
        "no message is known for it; it was never handed out, or has ended long ago",
    );
}

#[test]
fn an_acked_message_is_neither_handed_back_nor_extended() {
    let given = [sent(&["bob"]), taken(0, 1, 1), acked(1, 1, 1)];
    check_why(&given, 2, nack(1, 1, "bob"), "you have acked the message, with claim 1");
    check_why(&given, 2, extend(1, 1, None), "you have acked the message, with claim 1");
}

#[test]
fn only_the_holder_uses_a_token() {
    let given = [sent(&["bob"]), taken(0, 1, 1)];
    check_why(&given, 1, ack(1, 1, "cy"), "the claim is bob's");
    check_why(&given, 1, nack(1, 1, "cy"), "the claim is bob's");
}

/// Both have a first claim on the same message, each on the one in a mailbox of their own.
#[test]
fn of_a_message_in_several_mailboxes_the_own_one_is_meant() {
    let event =
        MessageTaken { message: message(1), mailbox: name("cy"), holder: name("cy"), fence: 1, until: at(LEASE_S) };
    let given = [sent(&["bob", "cy"]), taken(0, 1, 1), (0, "cy", event.into()), expired(LEASE_S, 1, 1)];
    check_why(&given, 9, ack(1, 1, "bob"), "its lease ran out, and it is back in the mailbox of bob");
    check_why(&given, LEASE_S, ack(1, 1, "cy"), &format!("its lease ran out at {}", at(LEASE_S)));
}

#[test]
fn a_token_from_the_future_or_for_nothing_is_refused() {
    check_why(&[sent(&["bob"]), taken(0, 1, 1)], 1, ack(1, 2, "bob"), "no claim with this number was made yet");
    let unknown = "no message is known for it; it was never handed out, or has ended long ago";
    check_why(&[sent(&["bob"])], 1, ack(1, 1, "bob"), unknown);
    check_why(&[], 1, ack(1, 1, "bob"), unknown);
}

#[test]
fn a_mailbox_is_full_when_as_much_lies_in_it_as_may_and_all_together_are_too() {
    let given = [sent(&["bob"]), sent(&["bob", "cy"]), taken(1, 1, 1), acked(1, 1, 1)];
    let mailboxes = folded(&given);
    assert!(mailboxes.has_room_within(&[], 1, (1, 2)).is_err_and(|refusal| refusal.code() == "over_limit"));
    let room = |named: &[&str], recipients, limits| {
        let named: Vec<ActorName> = named.iter().map(|to| name(to)).collect();
        mailboxes.has_room_within(&named, recipients, limits).map_err(|refusal| refusal.to_string())
    };
    assert_eq!(room(&["bob"], 1, (2, 3)), Ok(()));
    let full = "1 messages lie in the mailbox of cy, and that is the limit";
    assert_eq!(room(&["eve", "cy"], 2, (1, 100)), Err(full.to_owned()));
    assert_eq!(room(&["eve"], 1, (1, 3)), Ok(()));
    let over = "the number of messages in all mailboxes is 4; the limit is 3";
    assert_eq!(room(&[], 2, (1, 3)), Err(over.to_owned()));
}

#[test]
fn an_outdated_token_is_looked_up_without_a_search() {
    let mut mailboxes = folded(&[sent(&["bob"]), taken(1, 1, 1), acked(1, 1, 1)]);
    let other = |n: u64| Token { tail: n.wrapping_mul(0x9e37_79b9_7f4a_7c15), fence: 1 };
    (1..limits::ENDED_DELIVERIES_KEPT as u64).for_each(|n| mailboxes.ended.push(other(n), &name("cy")));
    // To read through all of them each time takes minutes.
    let begun = std::time::Instant::now();
    for _ in 0..10_000 {
        assert_eq!(mailboxes.ack(token(1, 1), &name("bob"), at(1)), Ok(vec![]));
        assert!(mailboxes.ack(token(1, 1), &name("eve"), at(1)).is_err());
    }
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}

#[test]
fn the_acks_of_one_message_are_found_after_others_went_out_and_after_a_reload() {
    let mut ended = super::super::ended::Ended::default();
    let other = |n: u64| Token { tail: 1 << 40 | n, fence: 1 };
    let claims = |ended: &super::super::ended::Ended| -> Vec<(u32, String)> {
        ended.of(token(7, 1)).map(|acked| (acked.fence, acked.by.to_string())).collect()
    };
    ended.push(token(7, 1), &name("ann"));
    ended.push(token(7, 2), &name("bob"));
    (3..limits::ENDED_DELIVERIES_KEPT as u64).for_each(|n| ended.push(other(n), &name("cy")));
    ended.push(token(7, 3), &name("cy"));
    let [ann, bob, cy] = [(1, "ann".to_owned()), (2, "bob".to_owned()), (3, "cy".to_owned())];
    assert_eq!(claims(&ended), [cy.clone(), bob.clone(), ann]);
    ended.push(other(0), &name("cy"));
    assert_eq!(claims(&ended), [cy.clone(), bob]);
    ended.push(other(1), &name("cy"));
    assert_eq!(claims(&ended), std::slice::from_ref(&cy));
    let reloaded = serde_json::from_value(serde_json::to_value(&ended).unwrap()).unwrap();
    assert_eq!(claims(&reloaded), [cy]);
    assert_eq!(reloaded, ended);
}

#[test]
fn acks_are_compared_by_what_is_remembered_and_not_read_where_they_were_cut() {
    let ended = |by: &str| {
        let mut ended = super::super::ended::Ended::default();
        ended.push(token(7, 1), &name(by));
        ended
    };
    let (ann, bob) = (ended("ann"), ended("bob"));
    assert_ne!(ann, bob);
    assert_eq!(ann.partial_cmp(&bob), Some(std::cmp::Ordering::Less));
    let hash = |ended: &super::super::ended::Ended| {
        let mut hasher = std::hash::DefaultHasher::new();
        std::hash::Hash::hash(ended, &mut hasher);
        std::hash::Hasher::finish(&hasher)
    };
    assert_eq!(hash(&ann), hash(&ended("ann")));
    assert_ne!(hash(&ann), hash(&bob));
    let mut bytes = postcard::to_stdvec(&ann).unwrap();
    // The length of the entries, and their first byte.
    bytes[0] -= 1;
    bytes.remove(1);
    assert!(postcard::from_bytes::<super::super::ended::Ended>(&bytes).is_err());
}

#[test]
fn the_latest_acks_are_remembered_and_the_oldest_forgotten() {
    let mut mailboxes = folded(&[sent(&["bob"]), taken(0, 1, 1), acked(0, 1, 1)]);
    assert_eq!(mailboxes.ack(token(1, 1), &name("bob"), at(1)), Ok(vec![]));
    let other = MessageId::from_bytes([200; 16]);
    for _ in 0..limits::ENDED_DELIVERIES_KEPT - 1 {
        mailboxes.ended.push(Token::new(other, 1), &name("cy"));
    }
    assert_eq!(mailboxes.ack(token(1, 1), &name("bob"), at(1)), Ok(vec![]));
    mailboxes.ended.push(Token::new(other, 1), &name("cy"));
    let forgotten = mailboxes.ack(token(1, 1), &name("bob"), at(1)).map_err(|refusal| refusal.code());
    assert_eq!(forgotten, Err("stale_fence"));
}

#[test]
fn what_one_actor_took_from_two_mailboxes_ends_as_one_message() {
    let from_supervisor = MessageTaken {
        message: message(1),
        mailbox: ActorName::supervisor(),
        holder: name("bob"),
        fence: 1,
        until: at(LEASE_S),
    };
    let given = [sent(&["bob", "supervisor"]), taken(0, 1, 1), (0, "bob", from_supervisor.into())];
    let other = MessageAcked { message: message(1), mailbox: ActorName::supervisor(), fence: 1 };
    check(&given, 1, ack(1, 1, "bob"), Ok(vec![acked_event(1, 1), other.into()]));
}
