//! The engine as `specs/engine/` sees it in a log: what was decided when, under which key, and what was due by then.

use convoke_core::{event::Event, name::ActorName, workspace::State};

use crate::{
    slices::{Group, Slice, Slicer},
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
        let at = slice.times.at(first.time);
        // What is due next, before this.
        let due = Value::sequence(before.next_due().map(|due| slice.times.at(due)));
        if first.actor.as_str() == ActorName::SYSTEM {
            return Some(Step::new("BecameDue", [("at", at), ("due", due)]));
        }
        let key = match &first.idempotency {
            Some(keyed) => slice.names.name("k", format_args!("{} {}", first.actor, keyed.key.as_str())),
            None => "none".to_owned(),
        };
        let accepts = group.events.iter().any(|recorded| matches!(recorded.event, Event::ClockAccepted(_)));
        Some(if accepts {
            Step::new("ClockAccepted", [("at", at), ("key", key.into())])
        } else {
            Step::new("CommandDecided", [("at", at), ("due", due), ("key", key.into())])
        })
    }

    fn observe(&self, slice: &mut Slice<()>, state: &State) -> Value {
        let keys = i32::try_from(state.keys.len()).unwrap_or(i32::MAX);
        Value::record([("time", slice.times.at(state.time)), ("keys", keys.into())])
    }
}
