//! Laws of the fold, on random histories: plausible ones, and ones that no decision would ever have made.

use std::collections::{BTreeMap, BTreeSet};

use convoke_core::{
    actors::events::{
        ActorKind, ActorKindChanged, ActorRegistered, ClockAccepted, Membership, MembershipSet, WorkspaceCreated,
    },
    campaign::events::{
        CampaignCancelled, CampaignCompleted, CampaignCreated, CampaignFailed, CampaignLinked, CampaignStarted,
        CampaignUnlinked, FailurePolicy,
    },
    countdown::events::{
        CountdownConfirmed, CountdownDeclined, CountdownDeferred, CountdownFired, CountdownHoldStarted,
        CountdownJoined, CountdownMissed, CountdownReleased, CountdownRescheduled, CountdownResumed,
        CountdownScheduled, CountdownScrubbed, Plan, ReleasePolicy, ScrubCause,
    },
    event::{Event, KINDS, Recorded},
    id::{EventId, IdReference},
    log::Hash,
    mailbox::events::{
        DeadReason, MessageAcked, MessageDeadLettered, MessageLeaseExpired, MessageLeaseExtended, MessageNacked,
        MessageRedriven, MessageSent, MessageTaken,
    },
    name::{ActorName, Name},
    priority::Priority,
    queue::{
        GitHash, RepoPath,
        events::{
            ApprovalRule, ChangeApproved, ChangeCancelled, ChangeConflicted, ChangeDied, ChangeDisapproved,
            ChangeFailed, ChangeLanded, ChangeLandingStarted, ChangeLeaseExpired, ChangeLeaseExtended, ChangeLeased,
            ChangeRejected, ChangeReturned, ChangeSubmitted, ChangeSuperseded, CheckResult, Content, FailureClass,
            QueuePaused, QueueResumed, Receipt,
        },
    },
    time::{Span, Timestamp},
};
use convoke_projections::{
    FOLD_NAME, FOLD_VERSION, Query, View, Views, about,
    query::{
        ActorQuery, ActorsQuery, CampaignsQuery, ChangeFilter, ChangesQuery, CountdownsQuery, DeadLettersQuery,
        InboxQuery, QueueMetricsQuery, Reference, StatusQuery, ThreadQuery,
    },
    snapshot::Envelope,
    view::{CountdownState, MailCounts},
};
use proptest::prelude::*;

use crate::history::{actor, ask, counting_id, message, minute, word};

const ACTORS: [&str; 6] = ["ann", "bob", "cid", "dan", "supervisor", "system"];

/// What one event is made from: small numbers that choose among what there is.
type Draw = (u8, u8, u8, u8, u16);

fn draws() -> impl Strategy<Value = Vec<Draw>> {
    // Kinds are drawn so that things are created often enough to have something happen to them.
    let kind = prop_oneof![
        3 => 0..KINDS.len() as u8,
        2 => prop::sample::select(kinds(&["countdown.released", "campaign.created", "message.sent", "message.sent", "message.taken", "message.taken", "message.acked"])),
        1 => prop::sample::select(kinds(&["change.submitted", "change.leased"])),
    ];
    prop::collection::vec((kind, any::<u8>(), any::<u8>(), any::<u8>(), any::<u16>()), 0..120)
}

/// Where these kinds stand among all.
fn kinds(wanted: &[&str]) -> Vec<u8> {
    let place = |kind: &&str| KINDS.iter().position(|(known, _)| known == kind).expect("a known kind") as u8;
    wanted.iter().map(place).collect()
}

/// Events made from draws. Tame ones refer to what was created before; wild ones to anything, at any time and position.
fn events(draws: &[Draw], wild: bool) -> Vec<Recorded> {
    let mut events: Vec<Recorded> = Vec::new();
    let mut created: BTreeMap<&'static str, Vec<EventId>> = BTreeMap::new();
    let mut time = minute(0);
    for (at, draw @ (_, a, b, c, d)) in draws.iter().enumerate() {
        let some = |what: &str, n: u8| match created.get(what) {
            Some(ids) if !wild || !n.is_multiple_of(4) => ids[usize::from(n) % ids.len()],
            _ => counting_id(u64::from(n % 50)),
        };
        let event = event(*draw, &some);
        let id = if wild { counting_id(u64::from(*b % 50)) } else { counting_id(at as u64) };
        let passed = Span::from_ms_capped(u64::from(*d) * 10);
        time = match (wild, *c) {
            (true, 255) => Timestamp::MAX,
            (true, 0..5) => Timestamp::default(),
            _ => time.plus(passed),
        };
        let what = match &event {
            Event::CountdownScheduled(_) => "countdown",
            Event::CampaignCreated(_) => "campaign",
            Event::MessageSent(_) => "message",
            Event::ChangeSubmitted(_) => "change",
            _ => "other",
        };
        let position = match (wild, *a) {
            (true, 255) => u64::MAX,
            (true, 250..) => 1 << 40,
            (true, 240..) => 3,
            _ => at as u64,
        };
        let by = actor(ACTORS[usize::from(*a) % ACTORS.len()]);
        let recorded =
            Recorded { position, id, time, actor: by, correlation: id, causation: None, idempotency: None, event };
        created.entry(what).or_default().push(id);
        events.push(recorded);
    }
    events
}

fn event((kind, a, b, c, d): Draw, some: &dyn Fn(&str, u8) -> EventId) -> Event {
    let who = |n: u8| actor(ACTORS[usize::from(n) % ACTORS.len()]);
    let when = || minute(u64::from(d));
    let reason = || (c % 2 == 0).then(|| format!("reason {c}"));
    let (countdown, campaign, id) =
        (some("countdown", a).into(), some("campaign", a).into(), some("message", a).into());
    let (before, after) = (some("countdown", b).into(), some("countdown", c).into());
    let change = some("change", a).into();
    let (mailbox, fence) = (who(b), 1 + u32::from(c % 3));
    let by_ms = Span::from_ms_capped(if d == u16::MAX { u64::MAX } else { u64::from(d) });
    match KINDS[usize::from(kind) % KINDS.len()].0 {
        "workspace.created" => WorkspaceCreated { organizer: who(a) }.into(),
        "workspace.membership_set" => {
            let membership = if a % 2 == 0 { Membership::Open } else { Membership::Closed };
            MembershipSet { membership }.into()
        }
        "clock.accepted" => ClockAccepted { wall: when(), engine: when(), reason: String::new() }.into(),
        "actor.registered" => {
            let kind = [ActorKind::Human, ActorKind::Agent, ActorKind::System][usize::from(b % 3)];
            ActorRegistered { name: who(a), kind }.into()
        }
        "actor.kind_changed" => ActorKindChanged { name: who(a), kind: ActorKind::Human }.into(),
        "countdown.scheduled" => {
            let campaign = (b % 2 == 0).then(|| some("campaign", b).into());
            let scheduled = CountdownScheduled {
                name: Name::parse(&format!("countdown {}", a % 20)).unwrap(),
                kind: word("review"),
                organizer: who(a),
                plan: if b % 3 == 0 { Plan::AfterReleaseMs(by_ms) } else { Plan::At(when()) },
                lead_ms: by_ms,
                attendees: (0..c % 4).map(who).collect(),
                quorum: u32::from(c % 3),
                policy: ReleasePolicy::OnQuorum,
                slip_max_ms: by_ms,
                hold_max_ms: by_ms,
                payload: (c % 5 == 0).then(|| serde_json::json!([c, {"d": d}])),
                campaign,
                fire_at: (campaign.is_none() || c % 7 == 0).then(when),
            };
            scheduled.into()
        }
        "countdown.joined" => CountdownJoined { countdown, campaign: some("campaign", b).into() }.into(),
        "countdown.released" => CountdownReleased { countdown, fire_at: when() }.into(),
        "countdown.confirmed" => CountdownConfirmed { countdown, attendee: who(b) }.into(),
        "countdown.declined" => CountdownDeclined { countdown, attendee: who(b), reason: reason() }.into(),
        "countdown.deferred" => {
            CountdownDeferred { countdown, attendee: who(b), by_ms, fire_at: when(), reason: reason() }.into()
        }
        "countdown.hold_started" => CountdownHoldStarted { countdown, until: when(), reason: reason() }.into(),
        "countdown.resumed" => CountdownResumed { countdown, fire_at: when() }.into(),
        "countdown.rescheduled" => {
            CountdownRescheduled { countdown, plan: Plan::At(when()), fire_at: (b % 2 == 0).then(when) }.into()
        }
        "countdown.fired" => CountdownFired { countdown, confirmed: u32::from(b) }.into(),
        "countdown.missed" => CountdownMissed { countdown, confirmed: u32::from(b) }.into(),
        "countdown.scrubbed" => {
            let cause = if b % 2 == 0 { ScrubCause::NoGo } else { ScrubCause::Predecessor(before) };
            CountdownScrubbed { countdown, cause, reason: reason() }.into()
        }
        "campaign.created" => {
            let created = CampaignCreated {
                name: Name::parse(&format!("campaign {}", a % 5)).unwrap(),
                organizer: who(b),
                policy: FailurePolicy::Continue,
                notice_ms: by_ms,
            };
            created.into()
        }
        "campaign.linked" => CampaignLinked { campaign, before, after }.into(),
        "campaign.unlinked" => CampaignUnlinked { campaign, before, after }.into(),
        "campaign.started" => CampaignStarted { campaign }.into(),
        "campaign.completed" => CampaignCompleted { campaign }.into(),
        "campaign.failed" => CampaignFailed { campaign }.into(),
        "campaign.cancelled" => CampaignCancelled { campaign, reason: reason() }.into(),
        "message.sent" => {
            let priority = [Priority::Critical, Priority::High, Priority::Normal, Priority::Low][usize::from(b % 4)];
            let to: Vec<ActorName> = if c % 5 == 0 { vec![ActorName::all()] } else { (0..c % 4).map(who).collect() };
            let thread = (b % 3 == 0).then(|| some("message", b).into());
            let redrive_of = (b % 7 == 0).then(|| some("message", c).into());
            let sent = MessageSent {
                to,
                priority,
                thread,
                in_reply_to: thread,
                redrive_of,
                ..message(who(a).as_str(), &[], "text")
            };
            sent.into()
        }
        "message.taken" => MessageTaken { message: id, mailbox, holder: who(b), fence, until: when() }.into(),
        "message.acked" => MessageAcked { message: id, mailbox, fence }.into(),
        "message.nacked" => MessageNacked { message: id, mailbox, fence, again_at: when(), reason: reason() }.into(),
        "message.lease_extended" => MessageLeaseExtended { message: id, mailbox, fence, until: when() }.into(),
        "message.lease_expired" => MessageLeaseExpired { message: id, mailbox, fence, holder: who(c) }.into(),
        "message.dead_lettered" => {
            MessageDeadLettered { message: id, mailbox, reason: DeadReason::LeaseExpired }.into()
        }
        "message.redriven" => MessageRedriven { message: id, mailbox, again: some("message", c).into() }.into(),
        "change.submitted" => {
            let content = if b % 2 == 0 { Content::Commit(git_hash(a)) } else { Content::Operations(Hash([c; 32])) };
            let approval = (c % 3 == 0).then(|| ApprovalRule { needed: 1, of: BTreeSet::from([who(b), who(c)]) });
            let submitted = ChangeSubmitted {
                task: Name::parse(&format!("task {}", a % 9)).unwrap(),
                agent: who(a),
                target: Name::parse(["main", "next"][usize::from(b % 2)]).unwrap(),
                priority: [Priority::High, Priority::Normal][usize::from(c % 2)],
                content,
                paths: BTreeSet::from([path(a)]),
                checks: Vec::new(),
                approval,
                metadata: (d % 2 == 0).then(|| serde_json::json!({ "intent": d })),
                previous: (b % 9 == 0).then_some(change),
            };
            submitted.into()
        }
        "change.rejected" => ChangeRejected { change, fence, faults: vec![format!("fault {c}")] }.into(),
        "change.approved" => ChangeApproved { change, reviewer: who(b), reason: reason() }.into(),
        "change.disapproved" => ChangeDisapproved { change, reviewer: who(b), reason: format!("{c}") }.into(),
        "change.leased" => ChangeLeased { change, worker: who(b), fence, until: when() }.into(),
        "change.lease_extended" => ChangeLeaseExtended { change, fence, until: when() }.into(),
        "change.lease_expired" => ChangeLeaseExpired { change, fence }.into(),
        "change.returned" => ChangeReturned { change, fence, reason: format!("{c}") }.into(),
        "change.landing_started" => ChangeLandingStarted { change, fence, receipt: receipt(b, by_ms) }.into(),
        "change.landed" => ChangeLanded { change, fence, receipt: receipt(b, by_ms), recovered: c % 2 == 0 }.into(),
        "change.conflicted" => {
            let against = (c % 2 == 0).then(|| some("change", c).into());
            ChangeConflicted { change, fence, paths: BTreeSet::from([path(b)]), against, detail: String::new() }.into()
        }
        "change.failed" => {
            let (class, cause) = (FailureClass::Check, format!("{c}"));
            ChangeFailed { change, fence, class, cause, output: reason(), not_before: when() }.into()
        }
        "change.died" => {
            ChangeDied { change, fence, class: FailureClass::Final, cause: format!("{c}"), output: reason() }.into()
        }
        "change.cancelled" => ChangeCancelled { change, reason: reason() }.into(),
        "change.superseded" => ChangeSuperseded { change, by: some("change", c).into() }.into(),
        "queue.paused" => QueuePaused { reason: format!("{c}") }.into(),
        "queue.resumed" => QueueResumed {}.into(),
        other => panic!("{other} is not made here yet"),
    }
}

fn git_hash(n: u8) -> GitHash {
    GitHash::parse(&format!("{n:040x}")).unwrap()
}

fn path(n: u8) -> RepoPath {
    RepoPath::parse(&format!("src/{}.rs", n % 7)).unwrap()
}

fn receipt(n: u8, took_ms: Span) -> Receipt {
    let checks = vec![CheckResult { command: "make".into(), took_ms, runs: 1 }];
    Receipt { base: git_hash(0), tested_tree: git_hash(n), commit: git_hash(1), tree: git_hash(n), checks }
}

fn fold(events: &[Recorded]) -> Views {
    let mut views = Views::default();
    events.iter().for_each(|event| views.apply(event));
    views
}

fn restored(views: &Views) -> Views {
    let mut bytes = b"before".to_vec();
    views.save(&mut bytes).unwrap();
    Views::load(&bytes[6..]).expect("what was saved is loaded")
}

/// Every kind of query, about things that are there and things that are not.
fn queries(events: &[Recorded]) -> Vec<Query> {
    let mut queries = vec![
        Query::Status(StatusQuery::default()),
        Query::Status(StatusQuery { actor: Some(actor("bob")), limit: Some(2) }),
        Query::Countdowns(CountdownsQuery::default()),
        Query::Campaigns(CampaignsQuery::default()),
        Query::DeadLetters(DeadLettersQuery { redriven: true, ..DeadLettersQuery::default() }),
        Query::Actors(ActorsQuery::default()),
        Query::Changes(ChangesQuery::default()),
        Query::Changes(ChangesQuery { state: Some(ChangeFilter::Live), limit: Some(2), ..ChangesQuery::default() }),
        Query::QueueMetrics(QueueMetricsQuery::default()),
    ];
    for name in ACTORS {
        queries.push(Query::Inbox(InboxQuery { mailbox: actor(name), limit: Some(3) }));
        queries.push(Query::Actor(ActorQuery { name: actor(name) }));
    }
    let references = events.iter().map(|event| event.id.short());
    for reference in references.chain(["countdown 1".into(), "campaign 1".into(), "task 1".into()]).take(20) {
        queries.push(Query::Thread(ThreadQuery { message: reference.clone(), limit: None }));
        let reference = Reference { reference };
        queries.push(Query::Countdown(reference.clone()));
        queries.push(Query::Campaign(reference.clone()));
        queries.push(Query::Order(reference.clone()));
        queries.push(Query::Graph(reference.clone()));
        queries.push(Query::Change(reference.clone()));
        queries.push(Query::History(reference));
    }
    queries
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_snapshot_and_the_tail_after_it_are_the_replay_from_zero(
        draws in draws(),
        wild: bool,
        cut: prop::sample::Index,
    ) {
        let events = events(&draws, wild);
        let cut = cut.index(events.len() + 1);
        let whole = fold(&events);
        let mut from_snapshot = restored(&fold(&events[..cut]));
        events[cut..].iter().for_each(|event| from_snapshot.apply(event));
        prop_assert_eq!(&from_snapshot, &whole);
        let (mut one, mut other) = (Vec::new(), Vec::new());
        whole.save(&mut one).unwrap();
        from_snapshot.save(&mut other).unwrap();
        prop_assert_eq!(one, other, "and its bytes are the same");
    }

    #[test]
    fn a_view_is_a_function_of_the_prefix_and_survives_json(draws in draws(), cut: prop::sample::Index) {
        let events = events(&draws, false);
        let prefix = &events[..cut.index(events.len() + 1)];
        // One fold that went on and was asked on the way, one of the prefix alone.
        let now = prefix.last().map_or(minute(0), |event| event.time);
        let (alone, mut on_the_way) = (fold(prefix), Views::default());
        for event in prefix {
            on_the_way.apply(event);
            let _ = on_the_way.answer(&Query::Status(StatusQuery::default()), event.time);
        }
        for query in queries(prefix) {
            let view = ask(&alone, prefix, &query, now);
            prop_assert_eq!(&ask(&on_the_way, prefix, &query, now), &view);
            if let Ok(view) = view {
                let json = serde_json::to_value(&view).unwrap();
                let read: View = serde_json::from_value(json.clone()).unwrap();
                prop_assert_eq!(serde_json::to_value(&read).unwrap(), json);
            }
        }
    }

    #[test]
    fn any_events_in_any_order_are_folded_and_every_query_is_answered(draws in draws(), late: bool) {
        let events = events(&draws, true);
        let views = fold(&events);
        let now = if late { Timestamp::MAX } else { Timestamp::default() };
        for query in queries(&events) {
            if let Err(refusal) = ask(&views, &events, &query, now) {
                prop_assert!(["not_found", "ambiguous"].contains(&refusal.code()), "{refusal}");
            }
        }
        // Filled with events that nobody asked for, too.
        for query in queries(&events) {
            if let Ok(mut view) = views.answer(&query, now) {
                let _ = views.fill(&mut view, &events);
            }
        }
        prop_assert_eq!(&restored(&views), &views);
    }

    #[test]
    fn every_event_about_a_thing_is_in_its_history(draws in draws()) {
        let events = events(&draws, false);
        let views = fold(&events);
        for event in &events {
            let expected: Vec<u64> = events
                .iter()
                .filter(|other| about::is_about(other, event.id))
                .map(|other| other.position)
                .collect();
            prop_assert!(expected.contains(&event.position));
            for reference in [event.id.to_string(), event.id.short()] {
                let query = Query::History(Reference { reference });
                let Ok(View::History(view)) = ask(&views, &events, &query, event.time) else { panic!("no history") };
                prop_assert_eq!((view.id, &view.positions), (Some(event.id), &expected));
            }
            prop_assert_eq!(views.positions(&IdReference::Full(event.id.to_bytes())), expected);
        }
    }

    #[test]
    fn pages_of_a_list_are_the_list(draws in draws(), limit in 1_u32..5) {
        let events = events(&draws, false);
        let views = fold(&events);
        let now = minute(0);
        let list = |after: Option<String>, limit| {
            let query = Query::Countdowns(CountdownsQuery { after, limit, ..CountdownsQuery::default() });
            match views.answer(&query, now) {
                Ok(View::Countdowns(view)) => view,
                other => panic!("{other:?}"),
            }
        };
        let whole = list(None, Some(1000)).countdowns;
        let scheduled = events.iter().filter(|event| matches!(event.event, Event::CountdownScheduled(_))).count();
        prop_assert_eq!(whole.len(), scheduled);
        let mut paged = Vec::new();
        loop {
            let after = paged.last().map(|line: &convoke_projections::view::CountdownLine| line.id.to_string());
            let page = list(after, Some(limit));
            prop_assert_eq!(page.more as usize, whole.len() - paged.len() - page.countdowns.len());
            paged.extend(page.countdowns);
            if page.more == 0 {
                break;
            }
        }
        prop_assert_eq!(paged, whole);
    }

    /// Against a count that knows only the last thing that happened to each delivery.
    #[test]
    fn mailboxes_hold_what_was_delivered_and_not_acknowledged(draws in draws()) {
        let events = events(&draws, false);
        let now = events.last().map_or(minute(0), |event| event.time);
        let mut registered: BTreeMap<ActorName, ActorKind> = BTreeMap::new();
        let mut last: BTreeMap<(EventId, ActorName), &str> = BTreeMap::new();
        for recorded in &events {
            match &recorded.event {
                Event::WorkspaceCreated(created) => {
                    registered.entry(created.organizer.clone()).or_insert(ActorKind::Human);
                }
                Event::ActorRegistered(new) => {
                    registered.entry(new.name.clone()).or_insert(new.kind);
                }
                Event::ActorKindChanged(changed) => {
                    registered.entry(changed.name.clone()).and_modify(|kind| *kind = changed.kind);
                }
                Event::MessageSent(sent) => {
                    let to: BTreeSet<ActorName> = if sent.to == [ActorName::all()] {
                        let everybody = registered.iter().filter(|(_, kind)| **kind != ActorKind::System);
                        everybody.map(|(name, _)| name.clone()).filter(|name| *name != sent.from).collect()
                    } else {
                        sent.to.iter().cloned().collect()
                    };
                    last.extend(to.into_iter().map(|name| ((recorded.id, name), "ready")));
                }
                event => {
                    let (message, mailbox, state) = match event {
                        Event::MessageTaken(taken) => (taken.message, &taken.mailbox, "taken"),
                        Event::MessageAcked(acked) => (acked.message, &acked.mailbox, "acked"),
                        Event::MessageNacked(nacked) => {
                            let state = if nacked.again_at <= now { "ready" } else { "paused" };
                            (nacked.message, &nacked.mailbox, state)
                        }
                        Event::MessageLeaseExpired(expired) => (expired.message, &expired.mailbox, "ready"),
                        Event::MessageDeadLettered(dead) => (dead.message, &dead.mailbox, "dead"),
                        Event::MessageRedriven(redriven) => (redriven.message, &redriven.mailbox, "redriven"),
                        _ => continue,
                    };
                    match last.get_mut(&(message.into(), mailbox.clone())) {
                        None | Some(&mut "acked") => {}
                        Some(before) if state == "redriven" && *before != "dead" => {}
                        Some(before) => *before = state,
                    }
                }
            }
        }
        let views = fold(&events);
        for name in ACTORS.map(actor) {
            let mine = || last.iter().filter(|((_, mailbox), _)| *mailbox == name).map(|(_, state)| *state);
            let count = |state| mine().filter(|mine| *mine == state).count() as u64;
            let expected = MailCounts {
                ready: count("ready"),
                paused: count("paused"),
                taken: count("taken"),
                dead: count("dead"),
                acked: count("acked"),
            };
            let query = Query::Inbox(InboxQuery { mailbox: name.clone(), limit: Some(1000) });
            let Ok(View::Inbox(inbox)) = ask(&views, &events, &query, now) else { panic!("no inbox") };
            prop_assert_eq!(inbox.counts, expected, "{}", name);
            prop_assert_eq!(inbox.messages.len() as u64, expected.ready + expected.paused + expected.taken);
            prop_assert!(inbox.messages.iter().all(|line| line.body.as_deref() == Some("text")));
            let order = |line: &convoke_projections::view::DeliveryLine| (line.priority, line.position);
            prop_assert!(inbox.messages.is_sorted_by_key(order));
        }
    }

    #[test]
    fn what_has_ended_stays_as_it_is(draws in draws(), cut: prop::sample::Index) {
        let events = events(&draws, false);
        let prefix = &events[..cut.index(events.len() + 1)];
        let lines = |views: &Views| {
            let query = Query::Countdowns(CountdownsQuery { limit: Some(1000), ..CountdownsQuery::default() });
            let Ok(View::Countdowns(mut view)) = views.answer(&query, minute(0)) else { panic!("no countdowns") };
            // The draws know countdowns of campaigns that are only created later.
            view.countdowns.iter_mut().for_each(|line| line.campaign = None);
            view.countdowns
        };
        let later = lines(&fold(&events));
        for line in lines(&fold(prefix)).into_iter().filter(|line| line.state.has_ended()) {
            prop_assert!(later.contains(&line), "{:?}", line);
        }
        let changes = |views: &Views| {
            let query = Query::Changes(ChangesQuery { limit: Some(1000), ..ChangesQuery::default() });
            let Ok(View::Changes(view)) = views.answer(&query, minute(0)) else { panic!("no changes") };
            view.changes
        };
        let changes_later = changes(&fold(&events));
        for line in changes(&fold(prefix)).into_iter().filter(|line| line.state.has_ended()) {
            prop_assert!(changes_later.contains(&line), "{:?}", line);
        }
        prop_assert!(later.iter().all(|line| (line.state == CountdownState::Held) <= line.ended_at.is_none()));
    }

    #[test]
    fn arbitrary_bytes_are_no_saved_views(
        draws in draws(),
        flip: prop::sample::Index,
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = Views::load(&bytes);
        let views = fold(&events(&draws, false));
        let mut saved = Vec::new();
        views.save(&mut saved).unwrap();
        for end in 0..saved.len().min(64) {
            let _ = Views::load(&saved[..end]);
        }
        // Whatever a flipped byte makes of it, it is loaded or it is not; the envelope's digest is what finds it.
        let log_id = convoke_core::id::LogId::from_bytes([1; 16]);
        let head = convoke_core::log::Head { size: views.size(), root: convoke_core::log::Hash::ZERO };
        let envelope = Envelope { fold: FOLD_NAME, fold_version: FOLD_VERSION, log_id, head, body: &saved };
        let mut bytes = envelope.encode();
        prop_assert_eq!(Envelope::decode(&bytes).and_then(|envelope| Views::load(envelope.body)), Some(views));
        let at = flip.index(bytes.len());
        bytes[at] ^= 0x10;
        prop_assert_eq!(Envelope::decode(&bytes), None);
        let at = flip.index(saved.len());
        saved[at] ^= 0x10;
        let _ = Views::load(&saved);
    }
}

#[test]
fn every_kind_of_event_is_among_those_drawn() {
    let draws: Vec<Draw> = (0..KINDS.len() as u8).map(|kind| (kind, 1, 2, 3, 4)).collect();
    let made: Vec<&str> = events(&draws, false).iter().map(|recorded| recorded.event.kind()).collect();
    let kinds: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(made, kinds);
}
