//! Rules that only the whole shows: registration, effects across machines, and what one command may do to everybody else.

use convoke_core::{
    actors::events::ActorKind,
    command::{Command, Request},
    event::Event,
    id::{EventId, IdSource, MessageId, uuid_v7},
    limits::MAILBOX_LIVE_MAX,
    log::Salt,
    mailbox::events::MessageSent,
    name::ActorName,
    refusal::Refusal,
    time::{Span, Timestamp},
    workspace::{Context, Handled, Past, State, handle, handle_due},
};
use serde_json::{Value, json};

/// Ids and salts that count.
#[derive(Default)]
struct Counted(u64);

impl IdSource for Counted {
    fn fresh(&mut self) -> EventId {
        self.0 += 1;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.0.to_be_bytes());
        EventId::from_bytes(uuid_v7(self.0, random))
    }

    fn salt(&mut self) -> Salt {
        [7; 16]
    }
}

struct Nothing;

impl Past for Nothing {
    fn message(&self, reference: &str) -> Result<(MessageId, MessageSent), Refusal> {
        Err(Refusal::NotFound { what: "message", reference: reference.to_owned() })
    }
}

/// A workspace of olga's, and its time.
struct Given {
    state: State,
    ids: Counted,
    now: Timestamp,
}

impl Given {
    fn new() -> Self {
        let now = Timestamp::parse("2026-11-21T09:00:00Z").unwrap();
        let mut given = Self { state: State::default(), ids: Counted::default(), now };
        given.kinds("olga", json!({"create_workspace": {"organizer": "olga"}}));
        given
    }

    fn ask(&mut self, actor: &str, command: Value) -> Result<Handled, Refusal> {
        let command: Command = serde_json::from_value(command).unwrap();
        let request = Request { actor: ActorName::parse(actor).unwrap(), key: None, expect_head: None, command };
        let mut context = Context { now: self.now, jump: None, ids: &mut self.ids, past: &Nothing };
        handle(&mut self.state, &request, &mut context)
    }

    fn kinds(&mut self, actor: &str, command: Value) -> Vec<&'static str> {
        match self.ask(actor, command).unwrap() {
            Handled::Wrote(events) => events.iter().map(|recorded| recorded.event.kind()).collect(),
            Handled::Repeated { .. } => panic!("no command here has a key"),
        }
    }

    fn pass(&mut self, span: &str) -> Vec<&'static str> {
        self.now = self.now.plus(Span::parse(span).unwrap());
        handle_due(&mut self.state, self.now, &mut self.ids).iter().map(|recorded| recorded.event.kind()).collect()
    }
}

#[test]
fn who_adds_himself_is_registered_once_as_what_he_says_he_is() {
    let mut given = Given::new();
    assert_eq!(given.kinds("ann", json!({"add_actor": {"name": "ann", "kind": "human"}})), ["actor.registered"]);
    let ann = ActorName::parse("ann").unwrap();
    assert_eq!(given.state.actors.get(&ann).unwrap().kind, ActorKind::Human);
}

#[test]
fn a_workspace_is_created_by_its_organizer() {
    let mut given = Given { state: State::default(), ..Given::new() };
    let create = json!({"create_workspace": {"organizer": "olga"}});
    assert!(matches!(given.ask("robot", create), Err(Refusal::NotYou { .. })));
    assert_eq!(given.state, State::default());
}

#[test]
fn a_failure_scrubs_what_depends_on_it_in_one_commit_and_each_once() {
    let mut given = Given::new();
    given.kinds("olga", json!({"create_campaign": {"name": "c"}}));
    // A diamond: two ways lead from the first to the last.
    for (name, after) in [("a", vec![]), ("b", vec!["a"]), ("c", vec!["a"]), ("d", vec!["b", "c"])] {
        let schedule = json!({"name": name, "time": "+5m", "attendees": ["ann"], "campaign": "c", "after": after});
        given.kinds("olga", json!({"schedule_countdown": schedule}));
    }
    given.kinds("olga", json!({"start_campaign": {"campaign": "c"}}));
    let cascade = given.pass("5m");
    assert_eq!(cascade.iter().filter(|kind| **kind == "countdown.scrubbed").count(), 3);
    assert_eq!(cascade.iter().filter(|kind| **kind == "message.sent").count(), 4);
    assert_eq!(cascade.iter().filter(|kind| **kind == "campaign.failed").count(), 1);
    assert_eq!(given.state.next_due(), None);
}

#[test]
fn a_link_behind_a_failure_blocks_at_once() {
    let mut given = Given::new();
    given.kinds("olga", json!({"create_campaign": {"name": "c"}}));
    for (name, time) in [("a", "+1m"), ("b", "+1h"), ("last", "+1h")] {
        let after: &[&str] = if name == "last" { &["b"] } else { &[] };
        let schedule = json!({"name": name, "time": time, "attendees": ["ann"], "campaign": "c", "after": after});
        given.kinds("olga", json!({"schedule_countdown": schedule}));
    }
    given.kinds("olga", json!({"start_campaign": {"campaign": "c"}}));
    assert_eq!(given.pass("1m"), ["countdown.missed", "message.sent"]);
    let link = json!({"link_campaign": {"campaign": "c", "before": "a", "after": "last"}});
    assert_eq!(given.kinds("olga", link), ["campaign.linked", "countdown.scrubbed", "message.sent"]);
}

#[test]
fn accepting_a_clock_is_no_sign_of_life() {
    let mut given = Given::new();
    given.kinds("ann", json!({"send_message": {"to": ["olga"], "body": "x"}}));
    given.kinds("olga", json!({"receive_messages": {}}));
    let engine = given.now;
    given.now = given.now.plus(Span::parse("2h").unwrap());
    let jump = convoke_core::clock::Jump { wall: given.now, engine };
    let command: Command = serde_json::from_value(json!({"accept_clock": {"reason": "summer"}})).unwrap();
    let request = Request { actor: ActorName::parse("olga").unwrap(), key: None, expect_head: None, command };
    let mut context = Context { now: given.now, jump: Some(jump), ids: &mut given.ids, past: &Nothing };
    handle(&mut given.state, &request, &mut context).unwrap();
    assert_eq!(given.pass("0s"), ["message.lease_expired"]);
}

#[test]
fn a_mailbox_that_nobody_reads_fills_up_and_says_so() {
    let mut given = Given::new();
    let send = json!({"send_message": {"to": ["bob"], "body": "x"}});
    given.kinds("ann", send.clone());
    let Ok(Handled::Wrote(sent)) = given.ask("ann", send.clone()) else { panic!("it is sent") };
    let mut recorded = sent[0].clone();
    for _ in 2..MAILBOX_LIVE_MAX {
        recorded.position += 1;
        recorded.id = given.ids.fresh();
        assert!(matches!(recorded.event, Event::MessageSent(_)));
        given.state.evolve(&recorded);
    }
    let refused = given.ask("ann", send);
    assert!(matches!(&refused, Err(Refusal::MailboxFull { mailbox, .. }) if mailbox.as_str() == "bob"), "{refused:?}");
    assert!(given.ask("ann", json!({"send_message": {"to": ["carol"], "body": "x"}})).is_ok());
}
