//! Cutting a log into traces: for each object that a spec speaks of, the steps that concern it and how it looked after each.
//!
//! A [`Slicer`] says for one spec which slices a group of events concerns, which step that is, and how the spec sees the
//! object. The [`Cutter`] does the rest in one pass: it folds the log with the real state, notices that time passed, and hands
//! out each trace when its object has ended, or the log.

mod cutter;
mod files;
mod names;
mod rows;

use std::collections::BTreeMap;

use convoke_core::{event::Recorded, time::Timestamp, workspace::State};
use serde::Serialize;

pub use cutter::{Cutter, Limits, Row, row};
pub use files::TraceFiles;
pub use names::{Names, Times};
pub use rows::rows;

use crate::value::{Step, Value};

/// All events of one command or of one item that became due, in order. There is at least one.
#[derive(Debug, Clone, Copy)]
pub struct Group<'a> {
    /// The events.
    pub events: &'a [Recorded],
    /// The size of the log after the commit that the group is part of: groups of one commit have the same.
    pub commit_end: u64,
}

impl<'a> Group<'a> {
    /// The first event: what the others follow from.
    #[must_use]
    pub fn first(&self) -> &'a Recorded {
        &self.events[0]
    }

    /// When it was decided.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.first().time
    }
}

/// One slice while it is being cut.
#[derive(Debug)]
pub struct Slice<M> {
    /// What tells it from the others of its module: an id, mostly.
    pub key: String,
    /// What the ids and names of its events are called in the trace.
    pub names: Names,
    /// What its times are in the trace.
    pub times: Times,
    /// What its slicer keeps of it.
    pub memory: M,
}

/// How the traces of one spec are cut.
pub trait Slicer {
    /// What is kept of a slice from step to step because the state forgets it, or never knew it. `()` if nothing.
    type Memory: Default;

    /// The spec, by its folder.
    fn module(&self) -> &'static str;

    /// Whether the spec has the time in its state, and so the action `Advance(to)`. The cutter then puts such a step before each
    /// one that is later than the one before it. The time begins with [`Times::zero`].
    fn is_timed(&self) -> bool {
        true
    }

    /// The keys of the slices that a group of events concerns. A slice begins with the first group that concerns it.
    /// `before` is the state before the group.
    fn concerned(&mut self, group: &Group<'_>, before: &State) -> Vec<String>;

    /// The step that the group is for a slice that it concerns; `None` if it is none after all.
    fn step(&self, slice: &mut Slice<Self::Memory>, group: &Group<'_>, before: &State) -> Option<Step>;

    /// How the spec sees the object of the slice, in any state: also in one where it is not there yet, or not any more.
    fn observe(&self, slice: &mut Slice<Self::Memory>, state: &State) -> Value;

    /// Whether nothing more can become of it, so that its trace need not be kept until the log ends.
    fn has_ended(&self, _slice: &Slice<Self::Memory>, _state: &State) -> bool {
        false
    }
}

/// The steps of one slice. The first line is how it began: the action is `Init`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The slice's key.
    pub key: String,
    /// The steps.
    pub lines: Vec<Line>,
    /// How many more steps there were than a trace may have.
    pub left_off: u64,
}

/// A step, and how the object looked after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The position of the first event of the group; of the group that comes next if time passed.
    pub position: u64,
    /// The step.
    pub step: Step,
    /// The observation after it.
    pub state: Value,
}

impl Line {
    /// As a record of `TraceData.tla`.
    #[must_use]
    pub fn to_tla(&self) -> String {
        let Step { action, params } = &self.step;
        format!("[action |-> \"{action}\", params |-> {params}, state |-> {}]", self.state)
    }

    /// As a line for people.
    #[must_use]
    pub fn to_json<'a>(&'a self, trace: &'a str) -> impl Serialize + 'a {
        let Step { action, params } = &self.step;
        JsonLine { trace, position: self.position, action, params, state: &self.state }
    }
}

#[derive(Serialize)]
struct JsonLine<'a> {
    trace: &'a str,
    position: u64,
    action: &'a str,
    params: &'a Value,
    state: &'a Value,
}

/// What was cut, by module: traces, steps, and steps that were left off.
pub type Summary = BTreeMap<&'static str, Counts>;

/// How much was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Traces.
    pub traces: u64,
    /// Lines of them, the beginnings included.
    pub steps: u64,
    /// Steps beyond what one trace may have.
    pub left_off: u64,
    /// Slices beyond what one module may have.
    pub slices_left_off: u64,
}
