//! Invariants of countdowns on random commands, under the names that the specification uses, and the laws of the fold.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    Answer, Countdown, Countdowns, Phase, decide,
    events::{
        CountdownConfirmed, CountdownDeclined, CountdownDeferred, CountdownFired, CountdownHoldStarted,
        CountdownJoined, CountdownMissed, CountdownReleased, CountdownRescheduled, CountdownResumed,
        CountdownScheduled, CountdownScrubbed, Plan, ReleasePolicy, ScrubCause,
    },
};
use crate::{
    event::{Event, Recorded},
    id::{CampaignId, CountdownId, EventId, uuid_v7},
    limits,
    name::{ActorName, Name, Word},
    refusal::Refusal,
    time::{Span, TimeSpec, Timestamp},
};

const ACTORS: [&str; 5] = ["ann", "bob", "cy", "dan", "olga"];
const SLIP_MAX_S: u64 = 300;

fn name(actor: usize) -> ActorName {
    ActorName::parse(ACTORS[actor % ACTORS.len()]).unwrap()
}

fn seconds(seconds: u64) -> Span {
    Span::from_ms_capped(seconds * 1000)
}

/// Most such floats need all of their 17 digits.
fn awkward_float(seed: u64) -> f64 {
    f64::from_bits(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2)
}

/// What happens next. Countdowns are counted from the latest; actors from [`ACTORS`].
#[derive(Debug, Clone)]
enum Step {
    Advance { seconds: u64 },
    Schedule { in_s: u64, lead_s: u64, attend: usize, quorum: u32, policy: ReleasePolicy, in_campaign: bool },
    Confirm { which: usize, actor: usize },
    Decline { which: usize, actor: usize },
    Defer { which: usize, actor: usize, by_s: u64 },
    Hold { which: usize, actor: usize },
    Resume { which: usize, actor: usize },
    Reschedule { which: usize, actor: usize, in_s: u64 },
    Scrub { which: usize, actor: usize },
    Join { which: usize },
    Release { which: usize },
    ScrubFor { which: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let (which, actor) = (|| 0..5_usize, || 0..ACTORS.len());
    let policy = select(vec![ReleasePolicy::OnQuorum, ReleasePolicy::OnQuorum, ReleasePolicy::AtT0]);
    prop_oneof![
        6 => (0..90_u64).prop_map(|seconds| Step::Advance { seconds }),
        4 => (0..600_u64, 0..60_u64, 0..5_usize, 0..4_u32, policy, any::<bool>()).prop_map(
            |(in_s, lead_s, attend, quorum, policy, in_campaign)| {
                Step::Schedule { in_s, lead_s, attend, quorum, policy, in_campaign }
            }
        ),
        10 => (which(), actor()).prop_map(|(which, actor)| Step::Confirm { which, actor }),
        3 => (which(), actor()).prop_map(|(which, actor)| Step::Decline { which, actor }),
        4 => (which(), actor(), 0..200_u64).prop_map(|(which, actor, by_s)| Step::Defer { which, actor, by_s }),
        6 => (which(), 3..5_usize).prop_map(|(which, actor)| Step::Hold { which, actor }),
        6 => (which(), 3..5_usize).prop_map(|(which, actor)| Step::Resume { which, actor }),
        2 => (which(), 3..5_usize, 0..600_u64)
            .prop_map(|(which, actor, in_s)| Step::Reschedule { which, actor, in_s }),
        1 => (which(), 3..5_usize).prop_map(|(which, actor)| Step::Scrub { which, actor }),
        1 => which().prop_map(|which| Step::Join { which }),
        4 => which().prop_map(|which| Step::Release { which }),
        1 => which().prop_map(|which| Step::ScrubFor { which }),
    ]
}

/// A log being written: due first, then what is asked, every event checked as it is folded.
struct World {
    now: Timestamp,
    countdowns: Countdowns,
    ids: Vec<CountdownId>,
    log: Vec<Recorded>,
    slip_since_scheduled: BTreeMap<CountdownId, Span>,
}

impl World {
    fn new() -> Self {
        Self {
            now: Timestamp::from_us(1_795_262_400_000_000).unwrap(),
            countdowns: Countdowns::default(),
            ids: Vec::new(),
            log: Vec::new(),
            slip_since_scheduled: BTreeMap::new(),
        }
    }

    fn take(&mut self, step: &Step) {
        if let Step::Advance { seconds: by } = step {
            self.now = self.now.plus(seconds(*by));
        }
        self.decide_what_is_due();
        if let Some(Ok(events)) = self.decide(step) {
            events.into_iter().for_each(|event| self.write(event));
        }
        self.check_states();
    }

    fn decide_what_is_due(&mut self) {
        let due: Vec<_> = self.countdowns.due(self.now).collect();
        for (due_at, id) in due {
            let countdown = self.countdowns.get(id).unwrap();
            assert_eq!(countdown.due_at(), Some(due_at), "the timers are the countdowns'");
            let events = decide::due(countdown, self.now);
            assert_eq!(events.len(), 1, "what is due ends, by one event");
            events.into_iter().for_each(|event| self.write(event));
        }
        assert!(self.countdowns.due(self.now).next().is_none(), "nothing is due twice");
    }

    fn decide(&self, step: &Step) -> Option<Result<Vec<Event>, Refusal>> {
        let now = self.now;
        let get = |which: &usize| {
            let id = self.ids.iter().rev().nth(*which)?;
            self.countdowns.get(*id)
        };
        Some(match step {
            Step::Advance { .. } => return None,
            Step::Schedule { in_s, lead_s, attend, quorum, policy, in_campaign } => {
                let terms = decide::Terms {
                    name: Name::parse("review").unwrap(),
                    kind: Word::parse("meeting").unwrap(),
                    organizer: name(4),
                    time: TimeSpec::In(seconds(*in_s)),
                    lead: seconds(*lead_s),
                    attendees: (0..*attend).map(name).collect(),
                    quorum: Some(*quorum),
                    policy: *policy,
                    slip_max: seconds(SLIP_MAX_S),
                    hold_max: seconds(120),
                    payload: Some(serde_json::json!({"in_s": in_s, "share": awkward_float(*in_s)})),
                    campaign: in_campaign.then(|| CampaignId::from_bytes([9; 16])),
                    allow_past: false,
                };
                decide::schedule(terms, now).map(|event| vec![event.into()])
            }
            Step::Confirm { which, actor } => decide::confirm(get(which)?, &name(*actor), now),
            Step::Decline { which, actor } => decide::decline(get(which)?, &name(*actor), None, now),
            Step::Defer { which, actor, by_s } => {
                decide::defer(get(which)?, &name(*actor), seconds(*by_s), Some("not yet"), now)
            }
            Step::Hold { which, actor } => decide::hold(get(which)?, &name(*actor), None, now),
            Step::Resume { which, actor } => decide::resume(get(which)?, &name(*actor), now),
            Step::Reschedule { which, actor, in_s } => {
                decide::reschedule(get(which)?, &name(*actor), TimeSpec::In(seconds(*in_s)), false, now)
            }
            Step::Scrub { which, actor } => decide::scrub(get(which)?, &name(*actor), None, now),
            Step::Join { which } => decide::join(get(which)?, CampaignId::from_bytes([9; 16]), &name(4), now),
            Step::Release { which } => Ok(decide::release(get(which)?, seconds(60), now)),
            Step::ScrubFor { which } => Ok(decide::scrub_for(get(which)?, ScrubCause::CampaignCancelled)),
        })
    }

    fn write(&mut self, event: Event) {
        let position = self.log.len() as u64;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&position.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        let id = EventId::from_bytes(uuid_v7(self.now.ms(), random));
        let about = countdown_of(&event).unwrap_or(id.into());
        let before = self.countdowns.get(about).cloned();
        let (actor, time) = (ActorName::system(), self.now);
        let recorded =
            Recorded { position, id, time, actor, correlation: id, causation: None, idempotency: None, event };
        self.countdowns.evolve(&recorded);
        let after = self.countdowns.get(about).expect("no event is of a countdown that is not there").clone();
        match before {
            Some(before) => self.check_step(&before, &recorded.event, &after),
            None => self.ids.push(about),
        }
        self.log.push(recorded);
    }

    fn check_step(&mut self, before: &Countdown, event: &Event, after: &Countdown) {
        assert!(!before.has_ended(), "TerminalIsFinal: {event:?} on {before:?}");
        match event {
            Event::CountdownFired(fired) => {
                let Phase::Counting { fire_at, .. } = before.phase else { panic!("HeldNeverFires: {before:?}") };
                assert_eq!(fired.confirmed, before.count(Answer::Confirmed));
                assert!(fired.confirmed >= before.quorum, "FiredOnlyWithQuorum: {before:?}");
                let waits_for_t0 = before.quorum == 0 || before.policy == ReleasePolicy::AtT0;
                assert!(!waits_for_t0 || fire_at <= self.now, "FiredNotBeforeT0: {before:?}");
            }
            Event::CountdownMissed(_) => {
                let Phase::Counting { fire_at, .. } = before.phase else {
                    panic!("MissedOnlyFromCounting: {before:?}")
                };
                assert!(fire_at <= self.now && before.count(Answer::Confirmed) < before.quorum, "{before:?}");
                assert_eq!(after.count(Answer::Pending), 0, "MissedLeavesNobodyPending: {after:?}");
            }
            Event::CountdownConfirmed(CountdownConfirmed { attendee, .. })
            | Event::CountdownDeclined(CountdownDeclined { attendee, .. }) => {
                assert!(before.attendees.contains_key(attendee), "OnlyAttendeesAnswer: {attendee} on {before:?}");
            }
            Event::CountdownDeferred(deferred) => {
                assert!(before.attendees.contains_key(&deferred.attendee), "OnlyAttendeesAnswer: {before:?}");
                assert_eq!(after.due_at(), before.due_at().map(|due_at| due_at.plus(deferred.by_ms)), "{before:?}");
                assert!(after.due_at() > before.due_at(), "ADeferralMovesT0Later: {before:?}");
                let slip = self.slip_since_scheduled.entry(before.id).or_default();
                *slip = Span::from_ms_capped(slip.ms() + deferred.by_ms.ms());
            }
            Event::CountdownRescheduled(_) => {
                assert_eq!(after.count(Answer::Pending) as usize, after.attendees.len());
                self.slip_since_scheduled.remove(&before.id);
            }
            _ => {}
        }
        let slip = self.slip_since_scheduled.get(&before.id).copied().unwrap_or_default();
        assert_eq!(after.slipped, slip, "OnlyDeferralsCountAsSlip: {after:?}");
        assert!(slip <= seconds(SLIP_MAX_S), "SlipIsBounded: {after:?}");
        assert!(before.attendees.keys().eq(after.attendees.keys()), "AttendeesNeverChange: {after:?}");
    }

    /// What holds between commits.
    fn check_states(&self) {
        for countdown in self.countdowns.iter().filter(|countdown| !countdown.has_ended()) {
            let declined = countdown.count(Answer::Declined) as usize;
            let can_come = countdown.attendees.len() - declined;
            assert!(can_come >= countdown.quorum as usize, "NoGoEndsAtOnce: {countdown:?}");
            if matches!(countdown.phase, Phase::Counting { .. })
                && countdown.policy == ReleasePolicy::OnQuorum
                && countdown.quorum > 0
            {
                assert!(countdown.count(Answer::Confirmed) < countdown.quorum, "QuorumFiresAtOnce: {countdown:?}");
            }
        }
    }
}

fn countdown_of(event: &Event) -> Option<CountdownId> {
    match event {
        Event::CountdownJoined(event) => Some(event.countdown),
        Event::CountdownReleased(event) => Some(event.countdown),
        Event::CountdownConfirmed(event) => Some(event.countdown),
        Event::CountdownDeclined(event) => Some(event.countdown),
        Event::CountdownDeferred(event) => Some(event.countdown),
        Event::CountdownHoldStarted(event) => Some(event.countdown),
        Event::CountdownResumed(event) => Some(event.countdown),
        Event::CountdownRescheduled(event) => Some(event.countdown),
        Event::CountdownFired(event) => Some(event.countdown),
        Event::CountdownMissed(event) => Some(event.countdown),
        Event::CountdownScrubbed(event) => Some(event.countdown),
        _ => None,
    }
}

/// The state with its indexes made anew, as after loading a snapshot.
fn reloaded(countdowns: &Countdowns) -> Countdowns {
    serde_json::from_str(&serde_json::to_string(countdowns).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_invariant_holds_on_random_commands(steps in vec(step(), 1..400)) {
        let mut world = World::new();
        steps.iter().for_each(|step| world.take(step));

        prop_assert_eq!(&reloaded(&world.countdowns), &world.countdowns, "a snapshot is the state");

        let mut replayed = Countdowns::default();
        for recorded in &world.log {
            let mut payload = Vec::new();
            recorded.event.encode(&mut payload);
            let event = Event::decode(recorded.event.kind(), recorded.event.schema(), &payload).unwrap();
            replayed.evolve(&Recorded { event, ..recorded.clone() });
        }
        prop_assert_eq!(&replayed, &world.countdowns, "replay from zero is the live state");

        // EveryCountingCountdownEnds: when nobody does anything any more, time ends all that is not held.
        for _ in 0..2 {
            world.take(&Step::Advance { seconds: 100_000 });
        }
        for countdown in world.countdowns.iter() {
            let is_held = matches!(countdown.phase, Phase::Held { .. });
            prop_assert!(is_held || countdown.has_ended(), "{:?}", countdown);
        }
    }

    #[test]
    fn the_fold_is_total_and_ends_are_final_on_any_events(events in vec(any_event(), 1..60)) {
        let mut countdowns = Countdowns::default();
        let mut ended: BTreeMap<CountdownId, Countdown> = BTreeMap::new();
        for (position, (time, event)) in events.into_iter().enumerate() {
            let id = EventId::from_bytes([u8::try_from(position % 4).unwrap(); 16]);
            let (position, actor) = (position as u64, ActorName::system());
            let recorded =
                Recorded { position, id, time, actor, correlation: id, causation: None, idempotency: None, event };
            countdowns.evolve(&recorded);
            for countdown in countdowns.iter() {
                // Whatever was folded, deciding does not panic either.
                let _ = decide::due(countdown, time);
                let _ = decide::release(countdown, Span::from_ms_capped(u64::MAX), time);
                let _ = decide::resume(countdown, &countdown.organizer, time);
                let _ = decide::decline(countdown, &name(0), None, time);
                let _ = decide::defer(countdown, &name(0), Span::from_ms_capped(u64::MAX), None, time);
            }
            for (id, end) in &ended {
                prop_assert_eq!(countdowns.get(*id), Some(end), "TerminalIsFinal");
            }
            ended.extend(countdowns.iter().filter(|one| one.has_ended()).map(|one| (one.id, one.clone())));
            prop_assert_eq!(&reloaded(&countdowns), &countdowns, "the indexes follow the countdowns");
        }
    }
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        (0..5_i64).prop_map(|us| Timestamp::from_us(us).unwrap()),
        (0..=Timestamp::MAX.us()).prop_map(|us| Timestamp::from_us(us).unwrap()),
        Just(Timestamp::MAX),
    ]
}

fn any_span() -> impl Strategy<Value = Span> {
    prop_oneof![0..3_u64, 0..=limits::SPAN_MS_MAX, Just(limits::SPAN_MS_MAX)].prop_map(Span::from_ms_capped)
}

fn any_plan() -> impl Strategy<Value = Plan> {
    prop_oneof![any_time().prop_map(Plan::At), any_span().prop_map(Plan::AfterReleaseMs)]
}

/// Any event of a countdown, sensible or not, of four countdowns and some that are not there.
fn any_event() -> impl Strategy<Value = (Timestamp, Event)> {
    let countdown = || (0..5_u8).prop_map(|byte| CountdownId::from_bytes([byte; 16]));
    let campaign = || (0..2_u8).prop_map(|byte| CampaignId::from_bytes([byte; 16]));
    let attendee = || (0..5_usize).prop_map(name);
    let scheduled = (
        (any_plan(), any_span(), 0..5_usize, any::<u32>(), any::<bool>()),
        (any_span(), any_span(), proptest::option::of(campaign()), proptest::option::of(any_time())),
    )
        .prop_map(|((plan, lead_ms, attend, quorum, to_t0), (slip_max_ms, hold_max_ms, campaign, fire_at))| {
            CountdownScheduled {
                name: Name::parse("review").unwrap(),
                kind: Word::parse("meeting").unwrap(),
                organizer: name(4),
                plan,
                lead_ms,
                attendees: (0..attend).map(name).collect(),
                quorum: if to_t0 { quorum } else { quorum % 4 },
                policy: if to_t0 { ReleasePolicy::AtT0 } else { ReleasePolicy::OnQuorum },
                slip_max_ms,
                hold_max_ms,
                payload: None,
                campaign,
                fire_at,
            }
            .into()
        });
    let deferred =
        (countdown(), attendee(), any_span(), any_time()).prop_map(|(countdown, attendee, by_ms, fire_at)| {
            CountdownDeferred { countdown, attendee, by_ms, fire_at, reason: None }.into()
        });
    let event = prop_oneof![
        4 => scheduled,
        4 => deferred,
        1 => (countdown(), campaign())
            .prop_map(|(countdown, campaign)| CountdownJoined { countdown, campaign }.into()),
        2 => (countdown(), any_time()).prop_map(|(countdown, fire_at)| CountdownReleased { countdown, fire_at }.into()),
        2 => (countdown(), attendee())
            .prop_map(|(countdown, attendee)| CountdownConfirmed { countdown, attendee }.into()),
        2 => (countdown(), attendee())
            .prop_map(|(countdown, attendee)| CountdownDeclined { countdown, attendee, reason: None }.into()),
        3 => (countdown(), any_time())
            .prop_map(|(countdown, until)| CountdownHoldStarted { countdown, until, reason: None }.into()),
        2 => (countdown(), any_time()).prop_map(|(countdown, fire_at)| CountdownResumed { countdown, fire_at }.into()),
        2 => (countdown(), any_plan(), proptest::option::of(any_time()))
            .prop_map(|(countdown, plan, fire_at)| CountdownRescheduled { countdown, plan, fire_at }.into()),
        1 => (countdown(), any::<u32>())
            .prop_map(|(countdown, confirmed)| CountdownFired { countdown, confirmed }.into()),
        1 => (countdown(), any::<u32>())
            .prop_map(|(countdown, confirmed)| CountdownMissed { countdown, confirmed }.into()),
        1 => countdown().prop_map(|countdown| {
            CountdownScrubbed { countdown, cause: ScrubCause::Organizer, reason: None }.into()
        }),
    ];
    (any_time(), event)
}
