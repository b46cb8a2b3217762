//! How long a failed change waits.

use crate::{id::ChangeId, limits, time::Span};

/// The pause after this many failures: doubled with each, up to a limit, and between half of that and all of it, so that
/// changes that failed together do not come back together. The share is the change's own: a replay gives the same.
#[must_use]
pub(super) fn pause(change: ChangeId, failures: u32) -> Span {
    let doubled = 1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX);
    let full_ms = limits::QUEUE_PAUSE_MS.saturating_mul(doubled).min(limits::QUEUE_PAUSE_MS_MAX);
    // The random end of the id, turned by the number of failures so that each pause has another share.
    let share = change.tail().rotate_left(failures.wrapping_mul(16)) % 1000;
    Span::from_ms_capped(full_ms / 2 + full_ms / 2 * share / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::uuid_v7;

    #[test]
    fn pauses_double_with_jitter_up_to_a_limit() {
        for random in 0..50 {
            let change = ChangeId::from_bytes(uuid_v7(0, [random; 10]));
            for failures in 1..100 {
                let full = (limits::QUEUE_PAUSE_MS << (failures - 1).min(20)).min(limits::QUEUE_PAUSE_MS_MAX);
                let pause = pause(change, failures).ms();
                assert!((full / 2..=full).contains(&pause), "{failures}: {pause} of {full}");
            }
        }
        let shares: std::collections::BTreeSet<_> =
            (0..50).map(|random| pause(ChangeId::from_bytes(uuid_v7(0, [random; 10])), 5)).collect();
        assert!(shares.len() > 20, "changes that failed together come back together");
    }
}
