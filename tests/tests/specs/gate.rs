//! A log whose appends stop at two gates, so that a test stands between their steps.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use convoke_core::{
    id::LogId,
    log::{Commit, Hash, Head},
};
use convoke_store::{AppendError, Log, ReadError, Stored};
use tokio::sync::{Semaphore, watch};

/// Another log behind a gate in front of each write and one after it.
#[derive(Debug)]
pub(crate) struct GatedLog<L> {
    pub(crate) inner: L,
    pub(crate) gates: Gates,
}

/// The gates, shared with the one who opens them. A clone is the same gates.
#[derive(Debug, Clone)]
pub(crate) struct Gates {
    before: Arc<Semaphore>,
    after: Arc<Semaphore>,
}

impl Gates {
    /// Both closed.
    pub(crate) fn closed() -> Self {
        Self { before: Arc::new(Semaphore::new(0)), after: Arc::new(Semaphore::new(0)) }
    }

    /// Lets one append write.
    pub(crate) fn let_write(&self) {
        self.before.add_permits(1);
    }

    /// Lets one append that wrote say so.
    pub(crate) fn let_return(&self) {
        self.after.add_permits(1);
    }
}

async fn pass(gate: &Semaphore) {
    gate.acquire().await.unwrap().forget();
}

impl<L: Log> Log for GatedLog<L> {
    fn head(&self) -> Head {
        self.inner.head()
    }

    fn log_id(&self) -> Option<LogId> {
        self.inner.log_id()
    }

    async fn append_if(&self, expected: Head, commit: Commit) -> Result<Head, AppendError> {
        pass(&self.gates.before).await;
        let outcome = self.inner.append_if(expected, commit).await;
        pass(&self.gates.after).await;
        outcome
    }

    async fn read(&self, from: u64, events_max: usize) -> Result<Vec<Stored>, ReadError> {
        self.inner.read(from, events_max).await
    }

    async fn range_root(&self, start: u64, end: u64) -> Result<Hash, ReadError> {
        self.inner.range_root(start, end).await
    }

    fn watch(&self) -> watch::Receiver<Head> {
        self.inner.watch()
    }
}

/// Polls once.
pub(crate) fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// The outcome of what need not wait.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    match poll(&mut Box::pin(future)) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("it waits"),
    }
}
