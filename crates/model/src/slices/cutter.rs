//! One pass over a log that cuts all of its traces.

use std::{collections::HashMap, mem};

use convoke_core::{event::Recorded, time::Timestamp, workspace::State};

use super::{Group, Line, Names, Slice, Slicer, Summary, Times, Trace};
use crate::value::{Step, Value};

/// How much is cut at most; what is beyond is counted.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Slices of a module: the first that begin.
    pub slices_max: usize,
    /// Lines of a trace: its beginning.
    pub lines_max: usize,
}

/// A module in the table of what can be cut.
pub trait Row {
    /// The spec, by its folder.
    fn module(&self) -> &'static str;
    /// Called before the group is folded.
    fn before(&mut self, group: &Group<'_>, state: &State, limits: Limits, summary: &mut Summary);
    /// Called after it; traces that ended are handed out.
    fn after(&mut self, state: &State, limits: Limits, ended: &mut dyn FnMut(Trace));
    /// The traces of what has not ended.
    fn finish(&mut self, ended: &mut dyn FnMut(Trace));
}

/// A module's row: its slicer.
pub fn row<S: Slicer + 'static>(slicer: S) -> Box<dyn Row> {
    Box::new(Cut { slicer, slices: HashMap::new(), begun: 0, open: Vec::new() })
}

struct Cut<S: Slicer> {
    slicer: S,
    slices: HashMap<String, Open<S::Memory>>,
    begun: usize,
    /// The slices that the group between `before` and `after` concerns, with its position.
    open: Vec<(String, u64, Step)>,
}

struct Open<M> {
    slice: Slice<M>,
    /// The order in which slices began, so that the same log gives the same files.
    number: usize,
    time: Option<Timestamp>,
    trace: Trace,
}

impl<M> Open<M> {
    fn add(&mut self, limits: Limits, position: u64, step: Step, state: Value) {
        if self.trace.lines.len() < limits.lines_max {
            self.trace.lines.push(Line { position, step, state });
        } else {
            self.trace.left_off += 1;
        }
    }
}

impl<S: Slicer> Row for Cut<S> {
    fn module(&self) -> &'static str {
        self.slicer.module()
    }

    fn before(&mut self, group: &Group<'_>, state: &State, limits: Limits, summary: &mut Summary) {
        let position = group.first().position;
        for key in self.slicer.concerned(group, state) {
            if !self.slices.contains_key(&key) {
                if self.begun == limits.slices_max {
                    summary.entry(self.slicer.module()).or_default().slices_left_off += 1;
                    continue;
                }
                self.begin(key.clone(), group, state, limits);
            }
            let Some(open) = self.slices.get_mut(&key) else { continue };
            let passed = self.slicer.is_timed() && open.time.is_none_or(|time| time < group.time());
            let to = open.slice.times.at(group.time());
            // Looked at before the slicer takes the step: it may remember something of it.
            let look = (passed && (open.time.is_some() || to != Times::zero()))
                .then(|| self.slicer.observe(&mut open.slice, state));
            let Some(step) = self.slicer.step(&mut open.slice, group, state) else { continue };
            if let Some(look) = look {
                open.add(limits, position, Step::new("Advance", [("to", to)]), look);
            }
            open.time = Some(group.time());
            self.open.push((key, position, step));
        }
    }

    fn after(&mut self, state: &State, limits: Limits, ended: &mut dyn FnMut(Trace)) {
        for (key, position, step) in mem::take(&mut self.open) {
            let Some(open) = self.slices.get_mut(&key) else { continue };
            let look = self.slicer.observe(&mut open.slice, state);
            open.add(limits, position, step, look);
            if self.slicer.has_ended(&open.slice, state)
                && let Some(open) = self.slices.remove(&key)
            {
                ended(open.trace);
            }
        }
    }

    fn finish(&mut self, ended: &mut dyn FnMut(Trace)) {
        let mut rest: Vec<_> = mem::take(&mut self.slices).into_values().collect();
        rest.sort_unstable_by_key(|open| open.number);
        rest.into_iter().for_each(|open| ended(open.trace));
    }
}

impl<S: Slicer> Cut<S> {
    fn begin(&mut self, key: String, group: &Group<'_>, state: &State, limits: Limits) {
        let slice = Slice {
            key: key.clone(),
            names: Names::default(),
            times: Times::from_second_of(group.time()),
            memory: S::Memory::default(),
        };
        let trace = Trace { key: key.clone(), lines: Vec::new(), left_off: 0 };
        let mut open = Open { slice, number: self.begun, time: None, trace };
        let look = self.slicer.observe(&mut open.slice, state);
        open.add(limits, group.first().position, Step::new::<&str, Value>("Init", []), look);
        self.slices.insert(key, open);
        self.begun += 1;
    }
}

/// Cuts a log that is handed to it commit by commit, from its first event on.
pub struct Cutter<'a> {
    rows: Vec<Box<dyn Row>>,
    limits: Limits,
    state: State,
    summary: Summary,
    sink: Box<dyn FnMut(&'static str, Trace) + 'a>,
}

impl<'a> Cutter<'a> {
    /// Cuts the traces of these modules; `sink` gets each with its module's name, as soon as it is whole.
    pub fn new(rows: Vec<Box<dyn Row>>, limits: Limits, sink: impl FnMut(&'static str, Trace) + 'a) -> Self {
        let summary = rows.iter().map(|row| (row.module(), super::Counts::default())).collect();
        Self { rows, limits, state: State::default(), summary, sink: Box::new(sink) }
    }

    /// Cuts the events of the next commit.
    pub fn commit(&mut self, events: &[Recorded]) {
        let commit_end = events.last().map_or(0, |last| last.position + 1);
        for events in events.chunk_by(|one, next| one.correlation == next.correlation) {
            let group = Group { events, commit_end };
            for row in &mut self.rows {
                row.before(&group, &self.state, self.limits, &mut self.summary);
            }
            for event in events {
                self.state.evolve(event);
            }
            for row in &mut self.rows {
                let module = row.module();
                row.after(&self.state, self.limits, &mut |trace| {
                    hand_out(module, trace, &mut self.summary, &mut self.sink)
                });
            }
        }
    }

    /// Hands out the traces of what has not ended; how much was cut.
    pub fn finish(mut self) -> Summary {
        for row in &mut self.rows {
            let module = row.module();
            row.finish(&mut |trace| hand_out(module, trace, &mut self.summary, &mut self.sink));
        }
        self.summary
    }
}

fn hand_out(module: &'static str, trace: Trace, summary: &mut Summary, sink: &mut dyn FnMut(&'static str, Trace)) {
    let counts = summary.entry(module).or_default();
    counts.traces += 1;
    counts.steps += trace.lines.len() as u64;
    counts.left_off += trace.left_off;
    sink(module, trace);
}
