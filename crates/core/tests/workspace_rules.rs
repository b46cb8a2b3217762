//! Rules that more than one machine has a part in, one sentence each: what requests and the time do to a whole workspace.

use std::time::{Duration, Instant};

use convoke_core::{
    campaign,
    clock::Jump,
    command::{Command, Request},
    event::{Event, Recorded},
    id::{EventId, IdSource},
    laws::{CountingIds, Sent},
    limits,
    name::ActorName,
    refusal::Refusal,
    time::{Span, Timestamp},
    workspace::{Context, Handled, State, handle, handle_due},
};
use serde_json::{Value, json};

/// A workspace of olga's, at second 0.
struct World {
    state: State,
    now: Timestamp,
    ids: CountingIds,
    sent: Sent,
}

impl World {
    fn new() -> Self {
        let now = Timestamp::from_us(1_795_262_400_000_000).unwrap();
        let mut world = Self { state: State::default(), now, ids: CountingIds::default(), sent: Sent::default() };
        world.does("olga", json!({"create_workspace": {"organizer": "olga"}}));
        world
    }

    fn asks(&mut self, actor: &str, command: Value, jump: Option<Jump>) -> Result<Vec<Recorded>, Refusal> {
        let request = request(actor, command);
        let mut context = Context { now: self.now, jump, ids: &mut self.ids, past: &self.sent };
        match handle(&mut self.state, &request, &mut context)? {
            Handled::Wrote(events) => Ok(events),
            Handled::Repeated { .. } => panic!("no command here has a key"),
        }
    }

    #[track_caller]
    fn does(&mut self, actor: &str, command: Value) -> Vec<Recorded> {
        let events = self.asks(actor, command, None).unwrap();
        for recorded in &events {
            self.sent.keep(recorded);
        }
        events
    }

    fn refused(&mut self, actor: &str, command: Value) -> String {
        self.asks(actor, command, None).unwrap_err().to_string()
    }

    fn passes(&mut self, ms: u64) -> Vec<Recorded> {
        self.now = self.now.plus(Span::from_ms_capped(ms));
        let mut all = Vec::new();
        loop {
            let events = handle_due(&mut self.state, self.now, &mut self.ids);
            if events.is_empty() {
                return all;
            }
            all.extend(events);
        }
    }

    fn schedules(&mut self, schedule: Value) -> EventId {
        let events = self.does("olga", json!({"schedule_countdown": schedule}));
        let scheduled = events.iter().find(|recorded| matches!(recorded.event, Event::CountdownScheduled(_)));
        scheduled.map(|recorded| recorded.id).expect("it was scheduled")
    }
}

fn request(actor: &str, command: Value) -> Request {
    let command: Command = serde_json::from_value(command).unwrap();
    Request { actor: name(actor), key: None, expect_head: None, command }
}

fn name(text: &str) -> ActorName {
    ActorName::parse(text).unwrap()
}

fn kinds(events: &[Recorded]) -> Vec<&'static str> {
    events.iter().map(|recorded| recorded.event.kind()).collect()
}

#[test]
fn a_new_name_that_adds_itself_is_registered_once_and_as_it_says() {
    let mut world = World::new();
    let events = world.does("ann", json!({"add_actor": {"name": "ann", "kind": "human"}}));
    assert_eq!(kinds(&events), ["actor.registered"]);
    let kind = world.state.actors.get(&name("ann")).map(|member| member.kind);
    assert_eq!(serde_json::to_value(kind).unwrap(), "human");
    let events = world.does("bob", json!({"add_actor": {"name": "cy", "kind": "human"}}));
    assert_eq!(kinds(&events), ["actor.registered", "actor.registered"]);
}

#[test]
fn nobody_creates_a_workspace_for_another() {
    let mut world = World::new();
    world.state = State::default();
    for actor in ["eve", "system"] {
        let sentence = world.refused(actor, json!({"create_workspace": {"organizer": "olga"}}));
        assert_eq!(sentence, format!("{actor} cannot answer for olga"));
    }
    assert_eq!(world.state, State::default());
}

#[test]
fn what_somebody_expects_of_the_log_is_checked_first() {
    let mut world = World::new();
    let send =
        |expect_head| Request { expect_head, ..request("ann", json!({"send_message": {"to": ["bob"], "body": "x"}})) };
    let size = world.state.size;
    let mut asks = |request: &Request| {
        let mut context = Context { now: world.now, jump: None, ids: &mut world.ids, past: &world.sent };
        handle(&mut world.state, request, &mut context).map(|_| ())
    };
    let refusal = asks(&send(Some(size + 1))).unwrap_err();
    assert!(matches!(refusal, Refusal::HeadMoved { expected, actual } if (expected, actual) == (size + 1, size)));
    asks(&send(Some(size))).unwrap();
    assert!(asks(&send(Some(size))).is_err(), "it has moved on");
}

#[test]
fn nobody_answers_a_countdown_for_another() {
    let mut world = World::new();
    world.schedules(json!({"name": "a", "time": "+1h", "attendees": ["ann", "bob"]}));
    let answer = |attendee: &str| json!({"confirm_countdown": {"countdown": "a", "attendee": attendee}});
    assert_eq!(world.refused("ann", answer("bob")), "ann cannot answer for bob");
    assert_eq!(kinds(&world.does("ann", answer("ann")))[0], "countdown.confirmed");
}

#[test]
fn a_countdown_without_a_campaign_comes_after_none() {
    let mut world = World::new();
    let schedule = json!({"schedule_countdown": {"name": "b", "time": "+1h", "after": ["a"]}});
    assert_eq!(world.refused("olga", schedule), "`after` needs a campaign");
}

#[test]
fn an_entry_of_a_countdown_that_is_due_can_be_dropped() {
    let mut world = World::new();
    let first = world.schedules(json!({"name": "a", "time": "+1h"}));
    world.schedules(json!({"name": "b", "time": "+2h"}));
    let mut countdowns = world.state.countdowns.clone();
    let due = countdowns.next_due();
    countdowns.drop_due(world.ids.fresh().into());
    assert_eq!(countdowns.next_due(), due);
    countdowns.drop_due(first.into());
    assert!(countdowns.next_due() > due, "the other one is next");
    countdowns.drop_due(countdowns.next_due().unwrap().1);
    assert_eq!(countdowns.next_due(), None);
}

#[test]
fn one_commit_decides_so_many_due_items_and_no_more() {
    let mut world = World::new();
    let over = 3;
    for _ in 0..limits::DUE_PER_COMMIT_MAX + over {
        world.does("ann", json!({"send_message": {"to": ["olga"], "body": "x"}}));
    }
    while world.state.mailboxes.live_in(&name("olga")) > 0 {
        let taken = world.does("olga", json!({"receive_messages": {"max": 100}}));
        if taken.is_empty() {
            break;
        }
    }
    world.now = world.now.plus(Span::from_ms_capped(24 * 3600 * 1000));
    let sizes: Vec<usize> = (0..3).map(|_| handle_due(&mut world.state, world.now, &mut world.ids).len()).collect();
    assert_eq!(sizes, [limits::DUE_PER_COMMIT_MAX, over, 0]);
}

#[test]
fn a_commit_takes_no_further_due_item_when_it_is_full() {
    let mut world = World::new();
    let countdowns = limits::DUE_EVENTS_FULL / 2 + 3;
    for n in 0..countdowns {
        world.schedules(json!({"name": format!("c{n}"), "time": "+1h", "attendees": ["ann"]}));
    }
    world.now = world.now.plus(Span::from_ms_capped(3600 * 1000));
    // Each is missed, and the organizer is told.
    let sizes: Vec<usize> = (0..3).map(|_| handle_due(&mut world.state, world.now, &mut world.ids).len()).collect();
    assert_eq!(sizes, [limits::DUE_EVENTS_FULL, 6, 0]);
}

#[test]
fn a_notice_says_why_a_countdown_was_called_off() {
    let mut world = World::new();
    let said = |events: &[Recorded]| -> Vec<String> {
        let bodies = events.iter().filter_map(|recorded| match &recorded.event {
            Event::MessageSent(sent) => sent.body.split_once(": ").map(|(_, why)| why.to_owned()),
            _ => None,
        });
        bodies.collect()
    };
    world.schedules(json!({"name": "a", "time": "+1h", "attendees": ["ann"]}));
    let events = world.does("olga", json!({"scrub_countdown": {"countdown": "a", "reason": "rain"}}));
    assert_eq!(said(&events), ["its organizer called it off (rain)."]);
    campaign(&mut world, &[("b", "+5m", &[]), ("c", "+5m", &["b"])]);
    let events = world.passes(300_000);
    assert!(said(&events).contains(&"b, which it waited for, did not fire.".to_owned()), "{:?}", said(&events));
}

#[test]
fn accepting_a_clock_revives_no_lease_that_was_over() {
    let mut world = World::new();
    world.does("ann", json!({"send_message": {"to": ["olga"], "body": "please look"}}));
    world.does("olga", json!({"receive_messages": {"lease_ms": 600_000}}));
    let lease_ends = world.state.next_due().expect("the lease ends some day");
    let engine = world.now;
    world.now = world.now.plus(Span::from_ms_capped(3_600_000));
    let jump = Jump { wall: world.now, engine };
    let accepted = world.asks("olga", json!({"accept_clock": {"reason": "it slept"}}), Some(jump)).unwrap();
    assert_eq!(kinds(&accepted), ["clock.accepted"]);
    assert_eq!(world.state.next_due(), Some(lease_ends));
    assert_eq!(kinds(&world.passes(0)), ["message.lease_expired"]);
}

#[test]
fn a_full_mailbox_takes_only_what_the_system_tells() {
    let mut world = World::new();
    let one = world.does("olga", json!({"send_message": {"to": ["bob"], "body": "again and again"}}));
    let letter = one.last().unwrap().clone();
    for _ in 1..limits::MAILBOX_LIVE_MAX {
        let (id, position) = (world.ids.fresh(), world.state.size);
        world.state.evolve(&Recorded { id, position, correlation: id, ..letter.clone() });
    }
    let full = "100000 messages lie in the mailbox of bob, and that is the limit";
    assert_eq!(world.refused("ann", json!({"send_message": {"to": ["cy", "bob"], "body": "one more"}})), full);
    world.does("ann", json!({"send_message": {"to": ["cy"], "body": "one more"}}));
    world.does("ann", json!({"send_message": {"to": ["all"], "body": "one more"}}));
    world.schedules(json!({"name": "a", "time": "+1s", "attendees": ["bob"]}));
    assert_eq!(kinds(&world.passes(1_000)), ["countdown.missed", "message.sent"]);
    assert_eq!(world.state.mailboxes.live_in(&name("bob")), limits::MAILBOX_LIVE_MAX + 2);
    for _ in 0..3 {
        world.does("bob", json!({"receive_messages": {"ack": true}}));
    }
    world.does("ann", json!({"send_message": {"to": ["bob"], "body": "there is room again"}}));
}

#[test]
fn an_ended_countdown_keeps_its_payload_no_longer_than_until_everybody_has_it() {
    let mut world = World::new();
    let payload = json!({"agenda": "everything"});
    let campaign = world.does("olga", json!({"create_campaign": {"name": "launch"}}))[0].id.to_string();
    let schedule = |n: usize| json!({"name": format!("c{n}"), "time": "+1h", "payload": payload, "campaign": campaign});
    let ids: Vec<EventId> = (0..3).map(|n| world.schedules(schedule(n))).collect();
    let held = world.state.countdowns.get(ids[0].into()).unwrap();
    assert_eq!(held.payload.as_deref(), Some(payload.to_string().as_str()));
    let events = world.does("olga", json!({"cancel_campaign": {"campaign": campaign}}));
    let told = events.iter().filter_map(|recorded| match &recorded.event {
        Event::MessageSent(sent) => sent.data.as_ref().map(|data| data["payload"].clone()),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), [payload.clone(), payload.clone(), payload.clone()]);
    for countdown in world.state.countdowns.iter() {
        assert_eq!(countdown.payload, None, "{countdown:?}");
    }
}

#[test]
fn a_reschedule_tells_everybody_and_the_payload_stays() {
    let mut world = World::new();
    let id = world.schedules(json!({"name": "a", "time": "+1h", "payload": {"n": 1}})).to_string();
    let events = world.does("olga", json!({"reschedule_countdown": {"countdown": id, "time": "+2h"}}));
    assert_eq!(kinds(&events), ["countdown.rescheduled", "message.sent"]);
    assert!(world.state.countdowns.iter().all(|countdown| countdown.payload.is_some()));
}

/// What a snapshot that somebody made by hand can hold: the same delivery twice, once taken and once not.
#[test]
fn what_is_due_for_ever_in_a_state_that_no_log_has_does_not_keep_the_rest_from_being_decided() {
    let mut world = World::new();
    world.does("ann", json!({"send_message": {"to": ["bob"], "body": "please look"}}));
    world.does("bob", json!({"receive_messages": {"lease_ms": 1_000}}));
    let mut forged = serde_json::to_value(&world.state).unwrap();
    let deliveries = forged["mailboxes"]["deliveries"].as_array_mut().unwrap();
    let mut twin = deliveries[0].clone();
    twin["state"] = json!("Ready");
    deliveries.extend([twin.clone(), twin]);
    world.state = serde_json::from_value(forged).unwrap();
    world.schedules(json!({"name": "a", "time": "+2s"}));
    assert_eq!(kinds(&world.passes(2_000)), ["countdown.fired", "message.sent"]);
    assert_eq!(world.state.next_due(), None);
}

/// Schedules, links, starts and fires so many campaigns of so many countdowns, and says how long that took.
fn time_of(campaigns: usize, members: usize) -> Duration {
    let begun = Instant::now();
    for _ in 0..campaigns {
        let mut world = World::new();
        let created = world.does("olga", json!({"create_campaign": {"name": "launch", "notice_ms": 0}}));
        let campaign = created[0].id.to_string();
        let mut ids: Vec<String> = Vec::new();
        for n in 0..members {
            let after = &ids[n.saturating_sub(9)..n];
            let schedule = json!({"name": format!("c{n}"), "time": "+0s", "campaign": campaign, "after": after});
            ids.push(world.schedules(schedule).to_string());
        }
        world.does("olga", json!({"start_campaign": {"campaign": campaign}}));
        let mut fired = 0;
        while world.state.next_due().is_some() {
            fired += kinds(&world.passes(0)).iter().filter(|kind| **kind == "countdown.fired").count();
        }
        assert_eq!(fired, members);
        let ended = world.state.campaigns.iter().next().unwrap();
        assert!(matches!(ended.phase, campaign::Phase::Ended(campaign::Outcome::Completed)));
    }
    begun.elapsed()
}

/// Were all members looked at with each step, the large campaign would take ten times as long as the ten small ones.
#[test]
fn a_countdown_of_the_largest_campaign_costs_no_more_than_one_of_a_small_one() {
    let ratio = || {
        let small = time_of(10, limits::CAMPAIGN_MEMBERS_MAX / 10);
        time_of(1, limits::CAMPAIGN_MEMBERS_MAX).as_secs_f64() / small.as_secs_f64()
    };
    // Other tests run beside this one; once in three times they leave it alone.
    let best = (0..3).map(|_| ratio()).fold(f64::INFINITY, f64::min);
    assert!(best < 3.0, "{best} times as long");
}

/// The campaign `c`: countdowns by name, with when they are and what each comes after.
fn campaign(world: &mut World, members: &[(&str, &str, &[&str])]) {
    world.does("olga", json!({"create_campaign": {"name": "c"}}));
    for (name, time, after) in members {
        world.schedules(json!({"name": name, "time": time, "attendees": ["ann"], "campaign": "c", "after": after}));
    }
    world.does("olga", json!({"start_campaign": {"campaign": "c"}}));
}

#[test]
fn a_failure_scrubs_what_depends_on_it_in_one_commit_and_each_once() {
    let mut world = World::new();
    // A diamond: two ways lead from the first to the last.
    campaign(&mut world, &[("a", "+5m", &[]), ("b", "+5m", &["a"]), ("c", "+5m", &["a"]), ("d", "+5m", &["b", "c"])]);
    world.now = world.now.plus(Span::from_ms_capped(300_000));
    let cascade = kinds(&handle_due(&mut world.state, world.now, &mut world.ids));
    let count = |kind: &str| cascade.iter().filter(|other| **other == kind).count();
    assert_eq!(
        (count("countdown.scrubbed"), count("message.sent"), count("campaign.failed")),
        (3, 4, 1),
        "{cascade:?}"
    );
    assert_eq!(world.state.next_due(), None);
}

#[test]
fn a_link_behind_a_failure_blocks_at_once() {
    let mut world = World::new();
    campaign(&mut world, &[("a", "+1m", &[]), ("b", "+1h", &[]), ("last", "+1h", &["b"])]);
    assert_eq!(kinds(&world.passes(60_000)), ["countdown.missed", "message.sent"]);
    let linked = world.does("olga", json!({"link_campaign": {"campaign": "c", "before": "a", "after": "last"}}));
    assert_eq!(kinds(&linked), ["campaign.linked", "countdown.scrubbed", "message.sent"]);
}
