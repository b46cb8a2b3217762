//! The log in memory: for tests, simulations, and whoever wants no files.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use convoke_core::{
    id::LogId,
    log::{Commit, Frontier, Hash, Head, range_root},
};
use tokio::sync::watch;

use crate::{
    admission,
    error::{AppendError, ReadError},
    log::{Log, Stored},
};

/// A log that lasts as long as it or a clone of it does. A clone is the same log.
#[derive(Debug, Clone)]
pub struct MemoryLog {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    head: watch::Sender<Head>,
}

#[derive(Debug, Default)]
struct State {
    commits: Vec<Stored>,
    leaves: Vec<Hash>,
    frontier: Frontier,
    log_id: Option<LogId>,
}

impl MemoryLog {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self { shared: Arc::new(Shared { state: Mutex::default(), head: watch::Sender::new(Head::EMPTY) }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryLog {
    /// Appends without waiting.
    pub(crate) fn append(&self, expected: Head, commit: Commit) -> Result<Head, AppendError> {
        admission::check_bounds(expected, &commit)?;
        let mut state = self.state();
        let actual = self.head();
        if actual != expected {
            return Err(AppendError::Conflict { actual });
        }
        admission::check_log(state.log_id, &commit)?;
        state.log_id = admission::log_id_of(&commit);
        for event in commit.events() {
            let leaf = event.leaf();
            state.leaves.push(leaf);
            state.frontier.push(leaf);
        }
        let stored = Stored { commit, root: state.frontier.root() };
        let head = stored.head();
        state.commits.push(stored);
        self.shared.head.send_replace(head);
        Ok(head)
    }
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

impl Log for MemoryLog {
    fn head(&self) -> Head {
        *self.shared.head.borrow()
    }

    fn log_id(&self) -> Option<LogId> {
        self.state().log_id
    }

    async fn append_if(&self, expected: Head, commit: Commit) -> Result<Head, AppendError> {
        self.append(expected, commit)
    }

    async fn read(&self, from: u64, events_max: usize) -> Result<Vec<Stored>, ReadError> {
        let state = self.state();
        let start = state.commits.partition_point(|stored| stored.commit.end() <= from);
        let mut events = 0;
        let wanted = state.commits[start..].iter().take_while(|stored| {
            let more = events == 0 || events < events_max;
            events += stored.commit.len();
            more
        });
        Ok(wanted.cloned().collect())
    }

    async fn range_root(&self, start: u64, end: u64) -> Result<Hash, ReadError> {
        let state = self.state();
        let size = state.leaves.len() as u64;
        if end > size {
            return Err(ReadError::Beyond { position: end, size });
        }
        Ok(if start < end { range_root(&state.leaves[start as usize..end as usize]) } else { Hash::ZERO })
    }

    fn watch(&self) -> watch::Receiver<Head> {
        self.shared.head.subscribe()
    }
}
