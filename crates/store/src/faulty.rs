//! A log that fails when it is told to: for the conformance suite, the engine's tests and simulations.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use convoke_core::{
    id::LogId,
    log::{Commit, Hash, Head},
};
use tokio::sync::watch;

use crate::{
    admission,
    error::{AppendError, ReadError},
    log::{Log, Stored},
};

/// How an append fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is written.
    BeforeWrite,
    /// The commit is written, and nobody is told.
    LostAcknowledgement,
}

/// The faults to come, shared with the one who plans them. A clone is the same plan.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    plan: Arc<Mutex<Option<(u64, Fault)>>>,
}

impl Faults {
    /// After this many more writes, the next one fails like this. Replaces what was planned before.
    pub fn plan(&self, after_writes: u64, fault: Fault) {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = Some((after_writes, fault));
    }

    /// What happens to the write that is about to be made.
    fn next(&self) -> Option<Fault> {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        match plan.as_mut()? {
            (0, fault) => {
                let fault = *fault;
                *plan = None;
                Some(fault)
            }
            (writes, _) => {
                *writes -= 1;
                None
            }
        }
    }
}

/// Another log, whose appends fail as planned. After a failure it is poisoned, and must be opened anew: that is, a new
/// `FaultyLog` must be put around the log inside.
#[derive(Debug)]
pub struct FaultyLog<L> {
    inner: L,
    faults: Faults,
    /// One write at a time, so that the plan counts them in their order.
    writing: tokio::sync::Mutex<()>,
    head: watch::Sender<Head>,
    poisoned: AtomicBool,
}

impl<L: Log> FaultyLog<L> {
    /// A log that fails as planned in `faults`.
    pub fn new(inner: L, faults: Faults) -> Self {
        let head = watch::Sender::new(inner.head());
        Self { inner, faults, writing: tokio::sync::Mutex::default(), head, poisoned: AtomicBool::new(false) }
    }

    /// The log inside, to be opened anew.
    pub fn into_inner(self) -> L {
        self.inner
    }

    fn fail(&self, what: &str) -> AppendError {
        self.poisoned.store(true, Ordering::Release);
        AppendError::OutcomeUnknown(what.to_owned())
    }
}

impl<L: Log> Log for FaultyLog<L> {
    fn head(&self) -> Head {
        *self.head.borrow()
    }

    fn log_id(&self) -> Option<LogId> {
        self.inner.log_id()
    }

    async fn append_if(&self, expected: Head, commit: Commit) -> Result<Head, AppendError> {
        admission::check_bounds(expected, &commit)?;
        let _writing = self.writing.lock().await;
        if self.poisoned.load(Ordering::Acquire) {
            return Err(AppendError::Poisoned);
        }
        let actual = self.head();
        if actual != expected {
            return Err(AppendError::Conflict { actual });
        }
        match self.faults.next() {
            Some(Fault::BeforeWrite) => Err(self.fail("a fault was planned before the write")),
            Some(Fault::LostAcknowledgement) => {
                self.inner.append_if(expected, commit).await?;
                Err(self.fail("a fault was planned after the write"))
            }
            None => {
                let head = self.inner.append_if(expected, commit).await?;
                self.head.send_replace(head);
                Ok(head)
            }
        }
    }

    async fn read(&self, from: u64, events_max: usize) -> Result<Vec<Stored>, ReadError> {
        let mut commits = self.inner.read(from, events_max).await?;
        // What was written without an acknowledgement is beyond this log's head.
        let size = self.head().size;
        commits.retain(|stored| stored.commit.end() <= size);
        Ok(commits)
    }

    async fn range_root(&self, start: u64, end: u64) -> Result<Hash, ReadError> {
        let size = self.head().size;
        if end > size {
            return Err(ReadError::Beyond { position: end, size });
        }
        self.inner.range_root(start, end).await
    }

    fn watch(&self) -> watch::Receiver<Head> {
        self.head.subscribe()
    }
}
