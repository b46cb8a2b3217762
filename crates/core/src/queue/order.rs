//! Whose turn it is. An urgent change overtakes, but not for ever: the turn is a time, so that waiting counts.

use super::state::Change;
use crate::{
    id::ChangeId,
    priority::Priority,
    time::{Span, Timestamp},
};

/// A change's turn: the earlier goes first. It follows from the log's times and never changes while the change waits.
pub(super) type Turn = (Timestamp, u64, ChangeId);

/// How much later an equally old change of this priority has its turn. So a critical change overtakes the ordinary ones of
/// the last half hour, and a low one waits for those that come within the hour after it.
fn handicap(priority: Priority) -> Span {
    const MINUTE_MS: u64 = 60_000;
    Span::from_ms_capped(match priority {
        Priority::Critical => 0,
        Priority::High => 15 * MINUTE_MS,
        Priority::Normal => 30 * MINUTE_MS,
        Priority::Low => 60 * MINUTE_MS,
    })
}

impl Change {
    /// Its turn.
    pub(super) fn turn(&self) -> Turn {
        (turn_at(self.submitted_at, self.priority), self.position, self.id)
    }
}

/// When a change of this age and priority has its turn: the earlier goes first.
#[must_use]
pub fn turn_at(submitted_at: Timestamp, priority: Priority) -> Timestamp {
    submitted_at.plus(handicap(priority))
}
