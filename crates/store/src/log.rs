//! The promise of an append-only log, and its conformance suite's table of contents.

use std::future::Future;

use convoke_core::{
    id::LogId,
    log::{Commit, Hash, Head},
};
use tokio::sync::watch;

use crate::error::{AppendError, ReadError};

/// A commit as a log gives it back: the bytes as they were appended, and the head after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The events.
    pub commit: Commit,
    /// The root after the commit.
    pub root: Hash,
}

impl Stored {
    /// The head after this commit.
    #[must_use]
    pub fn head(&self) -> Head {
        Head { size: self.commit.end(), root: self.root }
    }
}

/// An append-only log. What every backend owes its callers:
///
/// * **Durable**: when `append_if` returns `Ok`, the events survive a power cut.
/// * **Atomic**: after a crash, all events of one append are there or none is.
/// * **Ordered**: positions grow by one, with no gaps, in the order of the appends.
/// * **Conditional**: [`AppendError::Conflict`] means that nothing was written.
/// * **Exact**: the bytes read are the bytes appended, and the head's root is the Merkle root over them.
/// * **Poisoned**: after [`AppendError::OutcomeUnknown`] every further append is refused until the log is opened anew.
/// * **Bounded**: an empty commit, one that does not start at the head, or one over the limits is refused and writes nothing.
/// * **Watchable**: `watch` shows each durable head, and readers never see beyond it.
pub trait Log: Send + Sync + 'static {
    /// The durable head.
    fn head(&self) -> Head;

    /// The id of the log; `None` while it has no event.
    fn log_id(&self) -> Option<LogId>;

    /// Appends one commit if the head is still `expected`, and gives the new head once it is durable. A future that is dropped before it is
    /// ready leaves the outcome open, without poisoning the log: the commit may still be written.
    ///
    /// # Errors
    /// [`AppendError`]; only [`AppendError::OutcomeUnknown`] leaves open whether the commit was written.
    fn append_if(&self, expected: Head, commit: Commit) -> impl Future<Output = Result<Head, AppendError>> + Send;

    /// Reads whole commits in order, the first being the one that holds position `from`, until they hold `events_max` events or more or
    /// the durable head is reached. Empty if `from` is at or beyond the head.
    ///
    /// # Errors
    /// [`ReadError`] if stored bytes are damaged or cannot be read.
    fn read(&self, from: u64, events_max: usize) -> impl Future<Output = Result<Vec<Stored>, ReadError>> + Send;

    /// The root over the leaves `start..end`, for proofs; costs about one tile of events and one hash per tile at most.
    ///
    /// # Errors
    /// [`ReadError`] if stored bytes are damaged or cannot be read, or if `end` is beyond the durable head.
    fn range_root(&self, start: u64, end: u64) -> impl Future<Output = Result<Hash, ReadError>> + Send;

    /// Wakes with each new durable head.
    fn watch(&self) -> watch::Receiver<Head>;
}
