//! The log as `specs/log/` sees it: commits, one behind the other.

use convoke_core::workspace::State;

use crate::{
    slices::{Group, Slice, Slicer},
    value::{Step, Value},
};

/// Commits of one slice: a long log is cut into many.
const COMMITS: u64 = 50;

/// One slice for each so many commits.
#[derive(Debug, Default)]
pub struct Slices {
    /// The positions of the commit that the latest group is part of.
    first: u64,
    end: u64,
    commits: u64,
}

impl Slicer for Slices {
    type Memory = ();

    fn module(&self) -> &'static str {
        "log"
    }

    fn is_timed(&self) -> bool {
        false
    }

    /// The first group of a commit, before which a slice may begin, and the last, after which the commit is whole.
    fn concerned(&mut self, group: &Group<'_>, _before: &State) -> Vec<String> {
        let is_first = self.commits == 0 || group.commit_end != self.end;
        if is_first {
            (self.first, self.end) = (group.first().position, group.commit_end);
            self.commits += 1;
        }
        let number = (self.commits - 1) / COMMITS;
        (is_first || is_last(group)).then(|| format!("commits-{number:06}")).into_iter().collect()
    }

    fn step(&self, _slice: &mut Slice<()>, group: &Group<'_>, _before: &State) -> Option<Step> {
        let count = self.end.saturating_sub(self.first);
        is_last(group)
            .then(|| Step::new("Appended", [("first", Value::count(self.first)), ("count", Value::count(count))]))
    }

    fn observe(&self, _slice: &mut Slice<()>, state: &State) -> Value {
        Value::record([("size", Value::count(state.size))])
    }
}

fn is_last(group: &Group<'_>) -> bool {
    group.events.last().is_some_and(|last| last.position + 1 == group.commit_end)
}
