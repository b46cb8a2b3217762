//! The state graph of countdowns, searched in the real `decide` and `evolve`, equals that of `specs/countdown/`.
//!
//! The tiny world is that of `GraphCountdown.tla`: every command, by everybody, with every parameter, in every state.

use std::{cell::RefCell, collections::BTreeSet};

use convoke_core::{
    countdown::{
        Countdown, Countdowns, Phase,
        decide::{self, Terms},
        events::{ReleasePolicy, ScrubCause},
    },
    event::{Event, Recorded},
    id::{CampaignId, CountdownId, EventId},
    name::{ActorName, Name, Word},
    refusal::Refusal,
    time::{Span, TimeSpec, Timestamp},
};
use convoke_model::{
    Graph, Machine, Seconds, Step, Value,
    countdown::{Asked, observe, step},
    explore,
};

type Decision = Result<Vec<Event>, Refusal>;

const LAST_INSTANT: i32 = 2;

/// The clock, and the fold of what was written.
type World = (i32, Countdowns);

/// Every refusal that it meets is remembered by its code.
#[derive(Default)]
struct TinyWorld {
    refused: RefCell<BTreeSet<&'static str>>,
}

impl Machine for TinyWorld {
    type State = World;

    fn initial(&self) -> Vec<World> {
        vec![(0, Countdowns::default())]
    }

    fn steps(&self, state: &World) -> Vec<(Step, World)> {
        let (now, countdowns) = state;
        let mut steps: Vec<_> =
            (now + 1..=LAST_INSTANT).map(|to| (Step::new("Advance", [("to", to)]), (to, countdowns.clone()))).collect();
        match countdowns.get(id()) {
            None => steps.extend(self.schedulings(state)),
            Some(countdown) => {
                steps.extend(self.commands(state, countdown));
                // What is due comes before everything; only the world's commands are tried all the same.
                let due: Vec<_> = countdowns.due(Seconds::moment(*now)).collect();
                assert!(
                    due.len() <= 1 && due.first().is_none_or(|(at, of)| *of == id() && countdown.due_at() == Some(*at))
                );
                if due.is_empty() {
                    steps.extend(self.by_campaign(state, countdown));
                    assert_eq!(decide::due(countdown, Seconds::moment(*now)), [], "nothing comes before it is due");
                } else {
                    let events = decide::due(countdown, Seconds::moment(*now));
                    assert_eq!(events.len(), 1, "what is due ends, by one event");
                    steps.extend(self.taken(state, &ActorName::system(), Ok(events), asked(false)));
                }
            }
        }
        steps
    }

    fn observe(&self, (now, countdowns): &World) -> Value {
        let countdown = observe(&mut Seconds, countdowns.get(id()));
        Value::record([("now", Value::Int(*now)), ("countdown", countdown)])
    }
}

impl TinyWorld {
    fn schedulings(&self, state: &World) -> Vec<(Step, World)> {
        let now = Seconds::moment(state.0);
        let mut steps = Vec::new();
        for (attendees, quorum, policy, slip_max, hold_max) in OFFERS {
            for (time, allow_past, in_campaign) in asked_how(state.0) {
                let terms = Terms {
                    name: Name::parse("review").unwrap(),
                    kind: Word::parse("meeting").unwrap(),
                    organizer: name("olga"),
                    time,
                    lead: Seconds::duration(1),
                    attendees: attendees.iter().map(|attendee| name(attendee)).collect(),
                    quorum: Some(quorum),
                    policy,
                    slip_max: Seconds::duration(slip_max),
                    hold_max: Seconds::duration(hold_max),
                    payload: None,
                    campaign: in_campaign.then_some(campaign(1)),
                    allow_past,
                };
                let scheduled = decide::schedule(terms, now).map(|event| vec![Event::from(event)]);
                steps.extend(self.taken(state, &name("olga"), scheduled.clone(), asked(allow_past)));
                let Ok(events) = scheduled else { continue };
                if !in_campaign {
                    continue;
                }
                // Its campaign may let it go at once, or scrub it since a predecessor has ended badly.
                let held = fold(state, &name("olga"), &events);
                let countdown = held.1.get(id()).unwrap();
                let blocks = (decide::scrub_for(countdown, ScrubCause::Predecessor(other())), Span::ZERO);
                let releases = NOTICES.map(|notice| (decide::release(countdown, notice, now), notice));
                for (more, notice) in releases.into_iter().chain([blocks]) {
                    let all = events.iter().cloned().chain(more).collect();
                    steps.extend(self.taken(state, &name("olga"), Ok(all), Asked { notice, allow_past }));
                }
            }
        }
        steps
    }

    fn commands(&self, state: &World, countdown: &Countdown) -> Vec<(Step, World)> {
        let now = Seconds::moment(state.0);
        let mut steps = Vec::new();
        for actor in ["ann", "bob", "olga"].map(name) {
            let mut decided: Vec<(Decision, bool)> = vec![
                (decide::confirm(countdown, &actor, now), false),
                (decide::decline(countdown, &actor, None, now), false),
                (decide::hold(countdown, &actor, None, now), false),
                (decide::resume(countdown, &actor, now), false),
                (decide::scrub(countdown, &actor, None, now), false),
                (decide::join(countdown, campaign(1), &actor, now), false),
                (decide::join(countdown, campaign(2), &actor, now), false),
            ];
            decided.extend(
                [0, 1, 2].map(|by| (decide::defer(countdown, &actor, Seconds::duration(by), None, now), false)),
            );
            let is_held = matches!(countdown.phase, Phase::Held { .. });
            for (time, allow_past, _) in asked_how(state.0).into_iter().filter(|(_, _, held)| *held == is_held) {
                decided.push((decide::reschedule(countdown, &actor, time, allow_past, now), allow_past));
            }
            for (decision, allow_past) in decided {
                steps.extend(self.taken(state, &actor, decision, asked(allow_past)));
            }
        }
        steps
    }

    /// What campaigns do to their countdowns: they release and block held ones, and end with all of theirs.
    fn by_campaign(&self, state: &World, countdown: &Countdown) -> Vec<(Step, World)> {
        let now = Seconds::moment(state.0);
        let mut decided: Vec<_> =
            NOTICES.map(|notice| (decide::release(countdown, notice, now), notice)).into_iter().collect();
        if countdown.campaign.is_some() {
            decided.push((decide::scrub_for(countdown, ScrubCause::CampaignCancelled), Span::ZERO));
        }
        if matches!(countdown.phase, Phase::Held { .. }) {
            decided.push((decide::scrub_for(countdown, ScrubCause::Predecessor(other())), Span::ZERO));
        }
        decided
            .into_iter()
            .filter_map(|(events, notice)| {
                self.taken(state, &ActorName::system(), Ok(events), Asked { notice, allow_past: false })
            })
            .collect()
    }

    /// The step that a decision is: none if it was refused, or wrote nothing.
    fn taken(&self, state: &World, by: &ActorName, decision: Decision, asked: Asked) -> Option<(Step, World)> {
        let events = decision.map_err(|refusal| self.refused.borrow_mut().insert(refusal.code())).ok()?;
        let all: Vec<&Event> = events.iter().collect();
        let step = step(&mut Seconds, &all, by, state.1.get(id()), asked)?;
        Some((step, fold(state, by, &events)))
    }
}

/// One of two; both of two; one, at T-0; a plain timer. The last two are refused. Attendees, quorum, policy, slip, hold.
const OFFERS: [(&[&str], u32, ReleasePolicy, u32, u32); 6] = [
    (&["ann", "bob"], 1, ReleasePolicy::OnQuorum, 1, 2),
    (&["ann", "bob"], 2, ReleasePolicy::OnQuorum, 0, 2),
    (&["ann"], 1, ReleasePolicy::AtT0, 2, 1),
    (&["ann"], 0, ReleasePolicy::OnQuorum, 0, 1),
    (&["ann"], 2, ReleasePolicy::OnQuorum, 0, 1),
    (&["ann"], 1, ReleasePolicy::OnQuorum, 0, 0),
];

const NOTICES: [Span; 2] = [Span::ZERO, Span::from_ms_capped(1000)];

fn asked(allow_past: bool) -> Asked {
    Asked { notice: Span::ZERO, allow_past }
}

/// Seconds 2 and 3, given as such or from now on; while a campaign holds the countdown one second after its release. With
/// whether a time in the past is to be accepted, and whether a campaign holds the countdown.
fn asked_how(now: i32) -> Vec<(TimeSpec, bool, bool)> {
    let absolute = [2, 3].map(|second| TimeSpec::At(Seconds::moment(second)));
    let from_now = [2, 3].map(|second| TimeSpec::In(Seconds::duration(u32::try_from(second - now).unwrap())));
    let after_release = [TimeSpec::In(Seconds::duration(1))];
    let by_itself = absolute.into_iter().chain(from_now).map(|time| (time, false));
    let held = absolute.into_iter().chain(after_release).map(|time| (time, true));
    by_itself.chain(held).flat_map(|(time, held)| [(time, false, held), (time, true, held)]).collect()
}

fn fold((now, countdowns): &World, by: &ActorName, events: &[Event]) -> World {
    let mut countdowns = countdowns.clone();
    for event in events {
        countdowns.evolve(&Recorded {
            position: 0,
            id: EventId::from_bytes([1; 16]),
            time: Seconds::moment(*now),
            actor: by.clone(),
            correlation: EventId::from_bytes([1; 16]),
            causation: None,
            idempotency: None,
            event: event.clone(),
        });
    }
    (*now, countdowns)
}

fn id() -> CountdownId {
    CountdownId::from_bytes([1; 16])
}

fn other() -> CountdownId {
    CountdownId::from_bytes([2; 16])
}

fn campaign(number: u8) -> CampaignId {
    CampaignId::from_bytes([number; 16])
}

fn name(text: &str) -> ActorName {
    ActorName::parse(text).unwrap()
}

#[test]
fn the_graph_of_the_code_is_that_of_the_spec() {
    let world = TinyWorld::default();
    let code = explore(&world, 20_000).unwrap_or_else(|error| panic!("{error}"));
    let spec = Graph::parse(include_str!("../../../specs/countdown/graph.txt")).unwrap();
    let difference = code.difference(&spec);
    assert!(difference.is_empty(), "{difference}");
    let refused: Vec<_> = world.refused.into_inner().into_iter().collect();
    assert_eq!(
        refused,
        [
            "already_fired",
            "already_missed",
            "already_scrubbed",
            "bad_request",
            "held",
            "in_a_campaign",
            "in_the_past",
            "not_attendee",
            "not_on_hold",
            "not_organizer",
            "on_hold",
            "quorum_too_large",
            "slip_exhausted",
        ],
        "every refusal worth having, and no other"
    );
}

#[test]
fn moments_between_the_seconds_would_be_seen() {
    let odd = Timestamp::from_us(Seconds::moment(1).us() + 1).unwrap();
    assert_eq!(convoke_model::Lens::at(&Seconds, odd), Value::Text("1000001 us".to_owned()));
}
