//! Short names for ids and actors, and small numbers for times, so that equal behaviours give equal traces.

use std::{collections::BTreeMap, fmt};

use convoke_core::time::{Span, Timestamp};

use crate::value::Value;

/// Names in the order of their appearance: `a1`, `a2` for actors, `c1` for countdowns.
#[derive(Debug, Clone, Default)]
pub struct Names {
    known: BTreeMap<(&'static str, String), String>,
    counts: BTreeMap<&'static str, u32>,
}

impl Names {
    /// The name of this one of its sort, given now if it has none.
    pub fn name(&mut self, sort: &'static str, real: impl fmt::Display) -> String {
        let count = self.counts.entry(sort).or_default();
        let given = || {
            *count += 1;
            format!("{sort}{count}")
        };
        self.known.entry((sort, real.to_string())).or_insert_with(given).clone()
    }

    /// The name of an actor.
    pub fn actor(&mut self, actor: &convoke_core::name::ActorName) -> String {
        self.name("a", actor)
    }
}

/// Times as pairs `<<seconds, microseconds>>`, from the first second of a slice; see `specs/lib/wide/Time.tla`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    origin_s: i64,
}

/// Fifty years: so far from the beginning of a slice an instant stays within the checkers' 32 bits, also when ten years,
/// the longest span, are added.
const FAR_S: i64 = 50 * 365 * 24 * 3600;
const SECOND_US: i64 = 1_000_000;

impl Times {
    /// Counted from the second of this moment.
    #[must_use]
    pub fn from_second_of(first: Timestamp) -> Self {
        Self { origin_s: first.us().div_euclid(SECOND_US) }
    }

    /// The first second.
    #[must_use]
    pub fn zero() -> Value {
        pair(0, 0)
    }

    /// A moment. One that is more than fifty years away is taken for fifty years away.
    #[must_use]
    pub fn at(self, time: Timestamp) -> Value {
        let seconds = time.us().div_euclid(SECOND_US) - self.origin_s;
        if (-FAR_S..FAR_S).contains(&seconds) {
            pair(seconds, time.us().rem_euclid(SECOND_US))
        } else {
            pair(seconds.clamp(-FAR_S, FAR_S), 0)
        }
    }

    /// A span.
    #[must_use]
    pub fn span(span: Span) -> Value {
        pair(span.us() / SECOND_US, span.us() % SECOND_US)
    }
}

/// Both are within 32 bits: seconds by [`FAR_S`] or the longest span.
fn pair(seconds: i64, us: i64) -> Value {
    let int = |number: i64| i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX });
    Value::sequence([int(seconds), int(us)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_given_in_order_and_kept() {
        let mut names = Names::default();
        let given = ["zoe", "ann", "zoe"].map(|name| names.name("a", name));
        assert_eq!(given, ["a1", "a2", "a1"]);
        assert_eq!(names.name("c", "zoe"), "c1");
    }

    #[test]
    fn times_count_from_the_first_second_and_end_after_fifty_years() {
        let first = Timestamp::from_us(5_400_000).unwrap();
        let times = Times::from_second_of(first);
        assert_eq!(times.at(first).to_string(), "<<0, 400000>>");
        assert_eq!(times.at(Timestamp::from_us(4_999_999).unwrap()).to_string(), "<<-1, 999999>>");
        assert_eq!(times.at(Timestamp::MAX).to_string(), "<<1576800000, 0>>");
        assert_eq!(Times::span(Span::from_ms_capped(1_500)).to_string(), "<<1, 500000>>");
    }
}
