//! The rules of mailboxes, one sentence each: given a history, when something is asked, then these events or this
//! refusal. Times are seconds; the message with number n is the n-th event of its history, from ann to bob if not said.

use serde_json::json;

use super::{
    Delivery, DeliveryState, Mailboxes, Token,
    events::{
        DeadReason, MessageAcked, MessageDeadLettered, MessageLeaseExpired, MessageLeaseExtended, MessageNacked,
        MessageRedriven, MessageSent, MessageTaken, Priority,
    },
    receive,
};
use crate::{
    command::ReceiveMessages,
    event::{Event, Recorded},
    id::{EventId, MessageId},
    limits::{self, LEASE_MS},
    name::{ActorName, Word},
    refusal::Refusal,
    time::{Span, Timestamp},
};

type Decision = Result<Vec<Event>, Refusal>;
/// When, by whom, what.
type Step = (u64, &'static str, Event);

/// Given these events, when this is asked at this second, then these events or the refusal of this code.
#[track_caller]
fn check(
    given: &[Step],
    second: u64,
    ask: impl Fn(&Mailboxes, Timestamp) -> Decision,
    expected: Result<Vec<Event>, &str>,
) {
    let decided = ask(&folded(given), at(second));
    assert_eq!(decided.map_err(|refusal| refusal.code()), expected);
}

/// Given these events, what the refusal says of the token.
#[track_caller]
fn check_why(given: &[Step], second: u64, ask: impl Fn(&Mailboxes, Timestamp) -> Decision, expected: &str) {
    match ask(&folded(given), at(second)) {
        Err(Refusal::StaleFence { why }) => assert_eq!(why, expected),
        other => panic!("expected a stale fence, not {other:?}"),
    }
}

fn folded(given: &[Step]) -> Mailboxes {
    let mut mailboxes = Mailboxes::default();
    for (index, (second, actor, event)) in given.iter().enumerate() {
        let position = index as u64;
        let id = EventId::from(message(index + 1));
        let (time, actor, event) = (at(*second), name(actor), event.clone());
        if actor != ActorName::system() {
            mailboxes.touched(&actor, time);
        }
        let recipients = match &event {
            Event::MessageSent(sent) => sent.to.clone(),
            _ => Vec::new(),
        };
        let recorded =
            Recorded { position, id, time, actor, correlation: id, causation: None, idempotency: None, event };
        mailboxes.evolve(&recorded, &recipients);
    }
    mailboxes
}

// --- words for histories and commands

const LEASE_S: u64 = LEASE_MS / 1000;

fn at(second: u64) -> Timestamp {
    Timestamp::from_us(1_795_262_400_000_000).unwrap().plus(seconds(second))
}

fn seconds(seconds: u64) -> Span {
    Span::from_ms(seconds * 1000).unwrap()
}

fn name(text: &str) -> ActorName {
    ActorName::parse(text).unwrap()
}

fn message(number: usize) -> MessageId {
    MessageId::from_bytes([u8::try_from(number).unwrap(); 16])
}

fn token(number: usize, fence: u32) -> Token {
    Token::new(message(number), fence)
}

fn letter(to: &[&str], priority: Priority) -> MessageSent {
    MessageSent {
        from: name("ann"),
        to: to.iter().map(|to| name(to)).collect(),
        kind: Word::parse("task").unwrap(),
        priority,
        subject: Some("a subject".to_owned()),
        body: "a text".to_owned(),
        data: Some(json!({ "n": 1 })),
        in_reply_to: None,
        thread: None,
        references: vec!["src/lib.rs".to_owned()],
        redrive_of: None,
    }
}

fn sent(to: &[&str]) -> Step {
    (0, "ann", letter(to, Priority::Normal).into())
}

fn sent_as(priority: Priority) -> Step {
    (0, "ann", letter(&["bob"], priority).into())
}

fn taken_event(number: usize, holder: &str, fence: u32, until: u64) -> Event {
    MessageTaken { message: message(number), mailbox: name("bob"), holder: name(holder), fence, until: at(until) }
        .into()
}

fn taken(second: u64, number: usize, fence: u32) -> Step {
    (second, "bob", taken_event(number, "bob", fence, second + LEASE_S))
}

fn acked_event(number: usize, fence: u32) -> Event {
    MessageAcked { message: message(number), mailbox: name("bob"), fence }.into()
}

fn acked(second: u64, number: usize, fence: u32) -> Step {
    (second, "bob", acked_event(number, fence))
}

fn nacked_event(number: usize, fence: u32, again_at: u64) -> Event {
    let (message, mailbox, again_at) = (message(number), name("bob"), at(again_at));
    MessageNacked { message, mailbox, fence, again_at, reason: None }.into()
}

fn nacked(second: u64, number: usize, fence: u32, again_at: u64) -> Step {
    (second, "bob", nacked_event(number, fence, again_at))
}

fn extended_event(number: usize, fence: u32, until: u64) -> Event {
    MessageLeaseExtended { message: message(number), mailbox: name("bob"), fence, until: at(until) }.into()
}

fn expired_event(number: usize, fence: u32) -> Event {
    MessageLeaseExpired { message: message(number), mailbox: name("bob"), fence, holder: name("bob") }.into()
}

fn expired(second: u64, number: usize, fence: u32) -> Step {
    (second, "system", expired_event(number, fence))
}

fn dead_event(number: usize, reason: DeadReason) -> Event {
    MessageDeadLettered { message: message(number), mailbox: name("bob"), reason }.into()
}

fn recv(max: usize) -> impl Fn(&Mailboxes, Timestamp) -> Decision {
    recv_from("bob", max)
}

fn recv_from(mailbox: &str, max: usize) -> impl Fn(&Mailboxes, Timestamp) -> Decision {
    let command = ReceiveMessages { mailbox: None, max: u32::try_from(max).ok(), lease_ms: None, ack: false };
    let mailbox = name(mailbox);
    move |mailboxes, now| receive(mailboxes, &command, &mailbox, &name("bob"), now)
}

fn ack(number: usize, fence: u32, actor: &str) -> impl Fn(&Mailboxes, Timestamp) -> Decision {
    let actor = name(actor);
    move |mailboxes, now| mailboxes.ack(token(number, fence), &actor, now)
}

fn nack(number: usize, fence: u32, actor: &str) -> impl Fn(&Mailboxes, Timestamp) -> Decision {
    let actor = name(actor);
    move |mailboxes, now| mailboxes.nack(token(number, fence), &actor, None, now)
}

fn extend(number: usize, fence: u32, length: Option<u64>) -> impl Fn(&Mailboxes, Timestamp) -> Decision {
    move |mailboxes, now| mailboxes.extend(token(number, fence), &name("bob"), length.map(seconds), now)
}

fn what_is_due(mailboxes: &Mailboxes, now: Timestamp) -> Decision {
    Ok(mailboxes.due(now).flat_map(|(_, message, mailbox)| mailboxes.expire(message, &mailbox)).collect())
}

/// A history in which bob took message 1 so often, and each time let the lease run out.
fn let_go(times: u32) -> Vec<Step> {
    let mut history = vec![sent(&["bob"])];
    for fence in 1..=times {
        let second = u64::from(fence - 1) * LEASE_S;
        history.push(taken(second, 1, fence));
        history.push(expired(second + LEASE_S, 1, fence));
    }
    history
}

fn with(mut history: Vec<Step>, step: Step) -> Vec<Step> {
    history.push(step);
    history
}

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
    let mut ended = super::ended::Ended::default();
    let other = |n: u64| Token { tail: 1 << 40 | n, fence: 1 };
    let claims = |ended: &super::ended::Ended| -> Vec<(u32, String)> {
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
