//! A slice for the changes to one branch, and after a while for the next ones.
//!
//! A trace says after each step all that there is. So a slice ends as soon as it has many changes and none that anything can
//! become of; the next change begins another one. One that has too many all the same ends where it is.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Branch, ChangeId, ChangeSubmitted, Content, Event, GitHash, Lens, Look, Name, Recorded, Span, State, Step, Times,
    Timestamp, Value, observe, step, subject,
};
use crate::slices::{Group, Names, Slice, Slicer};

/// From so many changes on a slice ends when it can.
const ENOUGH: usize = 12;
/// Before more changes than these a trace ends.
const CHANGES_MAX: usize = 30;

/// How far each branch is.
#[derive(Debug, Default)]
pub struct Slices {
    branches: BTreeMap<Name, Current>,
}

/// The slice of a branch that goes on.
#[derive(Debug, Default)]
struct Current {
    number: u32,
    members: BTreeSet<ChangeId>,
    /// Those of them of which something can become.
    open: BTreeSet<ChangeId>,
    /// Whether its trace has ended before they did.
    is_full: bool,
}

impl Current {
    /// Takes a change in; in a slice of its own if that can be.
    fn submitted(&mut self, id: ChangeId, submitted: &ChangeSubmitted) {
        if self.open.is_empty() && self.members.len() >= ENOUGH {
            *self = Self { number: self.number + 1, ..Self::default() };
        }
        self.is_full |= self.members.len() >= CHANGES_MAX;
        self.members.insert(id);
        self.open.insert(id);
        if let Some(previous) = submitted.previous {
            self.open.remove(&previous);
        }
    }

    fn key(&self, target: &Name) -> String {
        format!("{target} {}", self.number)
    }
}

/// The changes of a slice, in the order in which they were handed in.
#[derive(Debug, Default)]
pub struct Memory {
    members: Vec<ChangeId>,
}

/// Names in the order of their appearance, times as in every trace.
struct InTrace<'a> {
    names: &'a mut Names,
    times: Times,
}

impl Lens for InTrace<'_> {
    fn actor(&mut self, actor: &convoke_core::name::ActorName) -> String {
        self.names.actor(actor)
    }

    fn at(&self, time: Timestamp) -> Value {
        self.times.at(time)
    }

    fn span(&self, span: Span) -> Value {
        Times::span(span)
    }
}

impl Look for InTrace<'_> {
    fn change(&mut self, change: ChangeId) -> String {
        self.names.name("c", change)
    }

    fn work(&mut self, task: &Name, content: &Content) -> String {
        self.names.name("k", format!("{task} {content:?}"))
    }

    fn part(&mut self, part: &str) -> String {
        self.names.name("p", part)
    }

    fn object(&mut self, hash: &GitHash) -> String {
        self.names.name("g", hash)
    }
}

fn target_of(key: &str) -> Option<Name> {
    Name::parse(key.rsplit_once(' ')?.0).ok()
}

/// Whether nothing becomes of a change any more after this event, unless it is dead.
fn ends(event: &Event) -> bool {
    matches!(
        event,
        Event::ChangeLanded(_)
            | Event::ChangeConflicted(_)
            | Event::ChangeRejected(_)
            | Event::ChangeCancelled(_)
            | Event::ChangeSuperseded(_)
    )
}

impl Slices {
    fn concerned_by(&mut self, recorded: &Recorded, before: &State) -> Vec<String> {
        if matches!(recorded.event, Event::QueuePaused(_) | Event::QueueResumed(_)) {
            let going_on = self.branches.iter().filter(|(_, current)| !current.is_full);
            return going_on.map(|(target, current)| current.key(target)).collect();
        }
        let target = if let Event::ChangeSubmitted(submitted) = &recorded.event {
            let current = self.branches.entry(submitted.target.clone()).or_default();
            current.submitted(recorded.id.into(), submitted);
            &submitted.target
        } else {
            let Some(change) = subject(&recorded.event).and_then(|id| before.changes.get(id)) else {
                return Vec::new();
            };
            if let (true, Some(current)) = (ends(&recorded.event), self.branches.get_mut(&change.target)) {
                current.open.remove(&change.id);
            }
            &change.target
        };
        let current = self.branches.get(target).filter(|current| !current.is_full);
        current.map(|current| current.key(target)).into_iter().collect()
    }
}

impl Slicer for Slices {
    type Memory = Memory;

    fn module(&self) -> &'static str {
        "queue"
    }

    fn concerned(&mut self, group: &Group<'_>, before: &State) -> Vec<String> {
        let keys: BTreeSet<String> =
            group.events.iter().flat_map(|recorded| self.concerned_by(recorded, before)).collect();
        keys.into_iter().collect()
    }

    fn step(&self, slice: &mut Slice<Memory>, group: &Group<'_>, before: &State) -> Option<Step> {
        let target = target_of(&slice.key)?;
        for recorded in group.events {
            if matches!(&recorded.event, Event::ChangeSubmitted(submitted) if submitted.target == target) {
                slice.memory.members.push(recorded.id.into());
            }
        }
        let mut look = InTrace { names: &mut slice.names, times: slice.times };
        step(group.events, &before.changes, &target, &mut look)
    }

    /// Besides the spec's variables the order in which the state has those that wait, which no command shows at once.
    fn observe(&self, slice: &mut Slice<Memory>, state: &State) -> Value {
        let Some(target) = target_of(&slice.key) else { return Value::from("no branch") };
        let mut look = InTrace { names: &mut slice.names, times: slice.times };
        let branch = Branch { target: &target, members: &slice.memory.members };
        let observed = observe(&state.changes, branch, &mut look);
        let line: Vec<String> = state.changes.line(&target).map(|change| look.change(change.id)).collect();
        Value::record(observed.into_iter().chain([("line", Value::sequence(line))]))
    }
}
