//! Labelled state graphs in a canonical text, and the difference of two.

use std::{collections::BTreeSet, fmt};

use thiserror::Error;

use crate::value::{Step, Value};

/// From one state by a step to another, each in its canonical text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    /// Before.
    pub from: String,
    /// The action and its parameters.
    pub step: String,
    /// After.
    pub to: String,
}

/// Every state that can be reached, and every step between them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Graph {
    /// Where it may begin.
    pub initial: BTreeSet<String>,
    /// Every state.
    pub states: BTreeSet<String>,
    /// Every step.
    pub edges: BTreeSet<Edge>,
}

/// A line of a graph's file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line} of the graph is neither a state nor an edge between states that stand before it")]
pub struct GraphError {
    line: usize,
}

impl Graph {
    /// Adds a state where it may begin.
    pub fn begin(&mut self, state: &Value) {
        self.initial.insert(state.to_string());
        self.states.insert(state.to_string());
    }

    /// Adds a step with both its states.
    pub fn add(&mut self, from: &Value, step: &Step, to: &Value) {
        let (from, step, to) = (from.to_string(), step.to_string(), to.to_string());
        self.states.extend([from.clone(), to.clone()]);
        self.edges.insert(Edge { from, step, to });
    }

    /// Reads the canonical form: `state N TEXT` (`initial N TEXT` where it may begin), then `edge N M STEP`. Empty lines and
    /// lines that begin with `#` are skipped.
    ///
    /// # Errors
    /// [`GraphError`] names the first line that is not of this form.
    pub fn parse(text: &str) -> Result<Self, GraphError> {
        let mut graph = Self::default();
        let mut states: Vec<&str> = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let error = GraphError { line: index + 1 };
            let (word, rest) = line.split_once(' ').ok_or_else(|| error.clone())?;
            match word {
                "state" | "initial" => {
                    let (number, state) = rest.split_once(' ').ok_or_else(|| error.clone())?;
                    if number.parse() != Ok(states.len()) || !graph.states.insert(state.to_owned()) {
                        return Err(error);
                    }
                    if word == "initial" {
                        graph.initial.insert(state.to_owned());
                    }
                    states.push(state);
                }
                "edge" => {
                    let mut parts = rest.splitn(3, ' ');
                    let mut state = || {
                        let number: usize = parts.next()?.parse().ok()?;
                        states.get(number).copied()
                    };
                    let (Some(from), Some(to)) = (state(), state()) else { return Err(error) };
                    let step = parts.next().ok_or_else(|| error.clone())?;
                    let edge = Edge { from: from.to_owned(), step: step.to_owned(), to: to.to_owned() };
                    graph.edges.insert(edge);
                }
                _ => return Err(error),
            }
        }
        Ok(graph)
    }

    /// What only one of two graphs has; empty if they are equal. `self` is the code's, the other the spec's.
    #[must_use]
    pub fn difference(&self, spec: &Self) -> Difference {
        let mut lines = BTreeSet::new();
        let mut compare = |side: &'static str, ours: &Self, theirs: &Self| {
            lines.extend(ours.initial.difference(&theirs.initial).map(|state| (side, format!("initial {state}"))));
            lines.extend(ours.states.difference(&theirs.states).map(|state| (side, format!("state {state}"))));
            lines.extend(ours.edges.difference(&theirs.edges).map(|edge| (side, edge.to_string())));
        };
        compare("only in code", self, spec);
        compare("only in spec", spec, self);
        Difference { lines }
    }
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n    from {}\n    to   {}", self.step, self.from, self.to)
    }
}

/// The canonical form, as [`Graph::parse`] reads it.
impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let states: Vec<&String> = self.states.iter().collect();
        for (number, state) in states.iter().enumerate() {
            let word = if self.initial.contains(*state) { "initial" } else { "state" };
            writeln!(f, "{word} {number} {state}")?;
        }
        let number = |state: &String| states.binary_search(&state).unwrap_or(usize::MAX);
        let mut edges: Vec<_> =
            self.edges.iter().map(|edge| (number(&edge.from), number(&edge.to), &edge.step)).collect();
        edges.sort_unstable();
        edges.iter().try_for_each(|(from, to, step)| writeln!(f, "edge {from} {to} {step}"))
    }
}

/// How two graphs differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    lines: BTreeSet<(&'static str, String)>,
}

impl Difference {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// The first twenty differences of each side, and how many there are.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for side in ["only in code", "only in spec"] {
            let lines: Vec<_> = self.lines.iter().filter(|(of, _)| *of == side).map(|(_, line)| line).collect();
            writeln!(f, "{side}: {}", lines.len())?;
            lines.iter().take(20).try_for_each(|line| writeln!(f, "  {line}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(i32, &str, i32)]) -> Graph {
        let mut graph = Graph::default();
        graph.begin(&Value::Int(0));
        for (from, action, to) in edges {
            graph.add(&(*from).into(), &Step::new(action, [("by", "ann")]), &(*to).into());
        }
        graph
    }

    #[test]
    fn the_canonical_form_is_read_back() {
        let graph = graph(&[(0, "Up", 1), (1, "Up", 2), (2, "Down", 0), (2, "Stay", 2)]);
        assert_eq!(Graph::parse(&graph.to_string()), Ok(graph));
    }

    #[test]
    fn what_only_one_side_has_is_named_with_its_side() {
        let (code, spec) = (graph(&[(0, "Up", 1)]), graph(&[(0, "Up", 2)]));
        let text = code.difference(&spec).to_string();
        assert!(text.contains("only in code: 2") && text.contains("only in spec: 2"), "{text}");
        assert!(code.difference(&code).is_empty());
    }

    #[test]
    fn an_edge_to_a_state_that_is_not_there_is_an_error() {
        assert_eq!(Graph::parse("initial 0 1\nedge 0 1 Up <<>>\n"), Err(GraphError { line: 2 }));
        assert_eq!(Graph::parse("initial 1 1\n"), Err(GraphError { line: 1 }));
    }
}
