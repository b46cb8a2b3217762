//! Many durations in little space: counts by size, in steps of some six percent, so that quantiles of a whole log follow from the
//! log alone and are the same after every replay.

use std::collections::BTreeMap;

use convoke_core::time::Span;
use serde::{Deserialize, Serialize};

use crate::view::Quantiles;

/// Durations, each kept as the step that it falls into.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Durations {
    steps: BTreeMap<u64, u64>,
    sum_ms: u64,
}

/// Steps within one doubling: each is a sixteenth of its beginning.
const STEPS_PER_DOUBLING: u64 = 16;

/// The upper end of the step that this many milliseconds fall into: exact below 32, then within 7 percent above.
fn step(ms: u64) -> u64 {
    let doubling = ms.max(1).ilog2();
    match doubling.checked_sub(STEPS_PER_DOUBLING.ilog2()) {
        None | Some(0) => ms,
        Some(shift) => ms | ((1 << shift) - 1),
    }
}

impl Extend<Span> for Durations {
    fn extend<I: IntoIterator<Item = Span>>(&mut self, durations: I) {
        for duration in durations {
            *self.steps.entry(step(duration.ms())).or_default() += 1;
            self.sum_ms = self.sum_ms.saturating_add(duration.ms());
        }
    }
}

impl Durations {
    pub(crate) fn quantiles(&self) -> Quantiles {
        let count: u64 = self.steps.values().sum();
        let at = |percent: u64| {
            let wanted = (count * percent).div_ceil(100);
            let mut seen = 0;
            let step = self.steps.iter().find(|(_, many)| {
                seen += **many;
                seen >= wanted
            });
            step.map_or(0, |(ms, _)| *ms)
        };
        Quantiles { count, sum_ms: self.sum_ms, p50_ms: at(50), p95_ms: at(95), p99_ms: at(99) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_within_seven_percent() {
        let mut durations = Durations::default();
        durations.extend((1..=10_000).map(Span::from_ms_capped));
        let quantiles = durations.quantiles();
        assert_eq!((quantiles.count, quantiles.sum_ms), (10_000, 50_005_000));
        for (found, exact) in [(quantiles.p50_ms, 5_000), (quantiles.p95_ms, 9_500), (quantiles.p99_ms, 9_900)] {
            assert!((exact..=exact + exact * 7 / 100).contains(&found), "{found} for {exact}");
        }
        assert_eq!(Durations::default().quantiles(), Quantiles::default());
    }
}
