//! The laws of the whole workspace (`convoke_core::laws`), on random commands of several actors to many objects at once, with jumps of time
//! and commands given again: what each machine keeps by itself must hold of all of them together.

use convoke_core::{
    event::{Event, Recorded},
    laws::{CountingIds, Step, World, step},
    time::Timestamp,
    workspace::{State, handle, handle_due},
};
use proptest::{collection::vec, prelude::*};
use serde_json::Value;

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn every_law_holds_on_random_commands(steps in vec(step(), 1..600)) {
        check(&steps);
    }

    #[test]
    fn the_fold_is_total_and_so_is_deciding_on_whatever_it_folded(
        steps in vec(step(), 20..80),
        shuffled in vec((any::<usize>(), any::<usize>(), any::<u64>(), any::<i64>()), 1..120),
        commands in vec(step(), 1..20),
    ) {
        let mut world = World::new();
        steps.iter().for_each(|step| world.take(step));
        let mut state = State::default();
        let mut ids = CountingIds::default();
        let log = world.log();
        for (which, with, position, us) in shuffled {
            let (recorded, other) = (&log[which % log.len()], &log[with % log.len()]);
            let nonsense = Recorded {
                position: if us % 2 == 0 { position } else { recorded.position },
                time: Timestamp::from_us(us).unwrap_or(if us % 3 == 0 { Timestamp::MAX } else { other.time }),
                actor: other.actor.clone(),
                event: spoiled(&recorded.event, position).unwrap_or_else(|| other.event.clone()),
                idempotency: other.idempotency.clone(),
                ..recorded.clone()
            };
            state.evolve(&nonsense);
        }
        for step in &commands {
            if let Some(request) = world.request(step) {
                let _ = handle(&mut state, &request, &mut world.context(&mut ids));
            }
            let mut rounds = 0;
            while !handle_due(&mut state, Timestamp::MAX, &mut ids).is_empty() {
                rounds += 1;
                prop_assert!(rounds < 1_000, "what is due comes to an end");
            }
        }
    }
}

/// Plays the steps, checking after each; then compares the live state with the folds of the log.
fn check(steps: &[Step]) -> World {
    let mut world = World::new();
    for step in steps {
        world.take(step);
    }
    world.check_the_folds();
    world
}

/// One long run, always the same.
#[test]
fn every_law_holds_on_thousands_of_commands() {
    use proptest::{
        strategy::{Strategy as _, ValueTree as _},
        test_runner::TestRunner,
    };
    let mut runner = TestRunner::deterministic();
    let steps = vec(step(), 8_000).new_tree(&mut runner).unwrap().current();
    let world = check(&steps);
    // A run in which nearly everything is refused proves little.
    let kinds: std::collections::BTreeSet<_> = world.log().iter().map(|recorded| recorded.event.kind()).collect();
    let never = convoke_core::event::KINDS.iter().map(|(kind, _)| *kind).filter(|kind| !kinds.contains(kind));
    assert_eq!(never.collect::<Vec<_>>(), ["clock.accepted"], "every other kind of event came about");
    let written = world.written();
    assert!(written * 4 > steps.len(), "only {written} of {} steps wrote something", steps.len());
}

/// The event with one value of its JSON replaced, if that is still an event.
fn spoiled(event: &Event, seed: u64) -> Option<Event> {
    let mut payload = Vec::new();
    event.encode(&mut payload);
    let mut json: Value = serde_json::from_slice(&payload).ok()?;
    let members = json.as_object_mut()?;
    let place = usize::try_from(seed).unwrap_or_default() % members.len().max(1);
    let value = members.values_mut().nth(place)?;
    *value = match value {
        Value::Number(_) => [0, 1, u64::from(u32::MAX), 316_224_000_000][(seed >> 8) as usize % 4].into(),
        Value::Array(items) => items.iter().skip(1).cloned().collect(),
        Value::String(text) if text.starts_with("20") => "9999-12-31T23:59:59.999999Z".into(),
        _ => Value::Null,
    };
    Event::decode(event.kind(), event.schema(), json.to_string().as_bytes()).ok()
}
