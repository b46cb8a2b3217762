//! The rules of mailboxes, one sentence each: given a history, when something is asked, then these events or this
//! refusal. Times are seconds; the message with number n is the n-th event of its history, from ann to bob if not said.

mod dead_letters;
mod leases;
mod taking;

use serde_json::json;

use super::{
    Delivery, DeliveryState, Mailboxes, Token,
    commands::ReceiveMessages,
    events::{
        DeadReason, MessageAcked, MessageDeadLettered, MessageLeaseExpired, MessageLeaseExtended, MessageNacked,
        MessageRedriven, MessageSent, MessageTaken,
    },
    receive,
};
use crate::{
    event::{Event, Recorded},
    id::{EventId, MessageId},
    limits::{self, LEASE_MS},
    name::{ActorName, Word},
    priority::Priority,
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
