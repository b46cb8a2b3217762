//! The engine as `specs/engine/` sees it in a log: what was decided when, under which key, and what was due by then.

use convoke_core::{event::Event, name::ActorName, time::Timestamp, workspace::State};

use crate::{
    slices::{Group, Slice, Slicer, Times},
    value::{Step, Value},
};

/// Groups of events of one slice: a long log is cut into many.
const GROUPS: u64 = 50;

/// One slice for each so many groups.
#[derive(Debug, Default)]
pub struct Slices {
    groups: u64,
}

impl Slicer for Slices {
    type Memory = ();

    fn module(&self) -> &'static str {
        "engine"
    }

    fn concerned(&mut self, _group: &Group<'_>, _before: &State) -> Vec<String> {
        let number = self.groups / GROUPS;
        self.groups += 1;
        vec![format!("groups-{number:06}")]
    }

    fn step(&self, slice: &mut Slice<()>, group: &Group<'_>, before: &State) -> Option<Step> {
        let first = group.first();
        let place = [("first", Value::count(first.position)), ("count", Value::count(group.events.len() as u64))];
        let at = since_beginning(slice.times, first.time);
        // What is due next, before this.
        let due = Value::sequence(before.next_due().map(|due| since_beginning(slice.times, due)));
        if first.actor.as_str() == ActorName::SYSTEM {
            return Some(Step::new("BecameDue", place.into_iter().chain([("at", at), ("due", due)])));
        }
        let key = match &first.idempotency {
            Some(keyed) => slice.names.name("k", format_args!("{} {}", first.actor, keyed.key.as_str())),
            None => "none".to_owned(),
        };
        let accepts = group.events.iter().any(|recorded| matches!(recorded.event, Event::ClockAccepted(_)));
        Some(if accepts {
            Step::new("ClockAccepted", place.into_iter().chain([("at", at), ("key", key.into())]))
        } else {
            Step::new("CommandDecided", place.into_iter().chain([("at", at), ("due", due), ("key", key.into())]))
        })
    }

    fn observe(&self, slice: &mut Slice<()>, state: &State) -> Value {
        let time = since_beginning(slice.times, state.time);
        Value::record([
            ("time", time),
            ("size", Value::count(state.size)),
            ("keys", Value::count(state.keys.len() as u64)),
        ])
    }
}

/// A moment in a slice; its beginning, if it was before. What came earlier is no later than anything in the slice either way.
fn since_beginning(times: Times, moment: Timestamp) -> Value {
    let at = times.at(moment);
    let is_before =
        matches!(&at, Value::Sequence(pair) if pair.first().is_some_and(|seconds| *seconds < Value::Int(0)));
    if is_before { Times::zero() } else { at }
}
