//! The state graph of real code, searched breadth first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use thiserror::Error;

use crate::{
    graph::Graph,
    value::{Step, Value},
};

/// A machine small enough to be searched whole: real states, real decisions, in a tiny world.
pub trait Machine {
    /// A state of the code, with what the world around it needs (the time, say). States that are equal are the same state.
    type State: Clone + Ord;

    /// Where it begins.
    fn initial(&self) -> Vec<Self::State>;

    /// Everything that can happen next: what every command of the tiny world, and the world itself, makes of this state.
    /// What is refused, and what writes nothing, is no step.
    fn steps(&self, state: &Self::State) -> Vec<(Step, Self::State)>;

    /// How the spec sees it.
    fn observe(&self, state: &Self::State) -> Value;
}

/// Why a search gave no graph.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ExploreError {
    /// The world is not tiny enough.
    #[error("there are more than {states_max} states")]
    TooLarge {
        /// The limit.
        states_max: usize,
    },
    /// The abstraction hides something that matters.
    #[error("two states look alike but do not behave alike: {state}\n  one can: {one:?}\n  the other: {other:?}")]
    Unlike {
        /// How both look.
        state: String,
        /// What only one of them can do, as (step, how the next state looks).
        one: Vec<(String, String)>,
        /// What only the other can.
        other: Vec<(String, String)>,
    },
}

/// The graph of a machine, as its spec sees it. States are told apart as they are; those that look alike must behave alike.
///
/// # Errors
/// See [`ExploreError`].
pub fn explore<M: Machine>(machine: &M, states_max: usize) -> Result<Graph, ExploreError> {
    let mut graph = Graph::default();
    let mut seen: BTreeSet<M::State> = BTreeSet::new();
    let mut behaviours: BTreeMap<Value, BTreeSet<(Step, Value)>> = BTreeMap::new();
    let mut waiting: VecDeque<M::State> = VecDeque::new();
    for state in machine.initial() {
        graph.begin(&machine.observe(&state));
        if seen.insert(state.clone()) {
            waiting.push_back(state);
        }
    }
    while let Some(state) = waiting.pop_front() {
        let look = machine.observe(&state);
        let mut behaviour = BTreeSet::new();
        for (step, next) in machine.steps(&state) {
            let next_look = machine.observe(&next);
            graph.add(&look, &step, &next_look);
            behaviour.insert((step, next_look));
            if seen.insert(next.clone()) {
                waiting.push_back(next);
            }
        }
        if seen.len() > states_max {
            return Err(ExploreError::TooLarge { states_max });
        }
        match behaviours.get(&look) {
            Some(known) if *known != behaviour => return Err(unlike(&look, known, &behaviour)),
            Some(_) => {}
            None => drop(behaviours.insert(look, behaviour)),
        }
    }
    Ok(graph)
}

fn unlike(look: &Value, one: &BTreeSet<(Step, Value)>, other: &BTreeSet<(Step, Value)>) -> ExploreError {
    let only = |a: &BTreeSet<(Step, Value)>, b: &BTreeSet<(Step, Value)>| {
        a.difference(b).map(|(step, next)| (step.to_string(), next.to_string())).collect()
    };
    ExploreError::Unlike { state: look.to_string(), one: only(one, other), other: only(other, one) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts to three; a second part that the spec does not see decides, or not, what can follow.
    struct Counter {
        hidden_matters: bool,
    }

    impl Machine for Counter {
        type State = (i32, bool);

        fn initial(&self) -> Vec<Self::State> {
            vec![(0, false), (0, true)]
        }

        fn steps(&self, (count, hidden): &Self::State) -> Vec<(Step, Self::State)> {
            let goes_on = *count < 3 && !(self.hidden_matters && *hidden && *count == 1);
            goes_on.then(|| (Step::new("Up", [("to", count + 1)]), (count + 1, *hidden))).into_iter().collect()
        }

        fn observe(&self, (count, _): &Self::State) -> Value {
            Value::Int(*count)
        }
    }

    #[test]
    fn a_machine_is_searched_to_its_last_state() {
        let graph = explore(&Counter { hidden_matters: false }, 100).unwrap();
        assert_eq!((graph.states.len(), graph.edges.len()), (4, 3));
        assert_eq!(explore(&Counter { hidden_matters: false }, 3), Err(ExploreError::TooLarge { states_max: 3 }));
    }

    #[test]
    fn states_that_look_alike_must_behave_alike() {
        let error = explore(&Counter { hidden_matters: true }, 100).unwrap_err();
        assert!(matches!(error, ExploreError::Unlike { state, .. } if state == "1"));
    }
}
