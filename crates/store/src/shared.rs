//! What the threads of an open store share.

use std::{
    path::Path,
    sync::{
        OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use convoke_core::{
    id::LogId,
    log::{Commit, Hash, Head},
};
use tokio::sync::watch;

use crate::{
    admission,
    engine::Engine,
    error::ReadError,
    folder::Folder,
    scan,
    tree::{RangeRoot, Tree},
};

/// An open store without its writer. Dropping the last reference closes it.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    tree: RwLock<Tree>,
    log_id: OnceLock<LogId>,
    head: watch::Sender<Head>,
    poisoned: AtomicBool,
    stuck: AtomicBool,
    /// Last, so that the lock is released when all else is closed.
    folder: Folder,
}

impl Shared {
    pub(crate) fn new(folder: Folder, engine: Engine, tree: Tree, log_id: Option<LogId>) -> Self {
        let head = watch::Sender::new(tree.head());
        let log_id = log_id.map_or_else(OnceLock::new, OnceLock::from);
        Self {
            engine,
            tree: RwLock::new(tree),
            log_id,
            head,
            poisoned: AtomicBool::new(false),
            stuck: AtomicBool::new(false),
            folder,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn head(&self) -> Head {
        *self.head.borrow()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Head> {
        self.head.subscribe()
    }

    pub(crate) fn publish(&self, head: Head) {
        self.head.send_replace(head);
    }

    pub(crate) fn log_id(&self) -> Option<LogId> {
        self.log_id.get().copied()
    }

    /// The log's id, which its first commit brings.
    pub(crate) fn learn_log_id(&self, commit: &Commit) -> LogId {
        // A commit that was admitted names a log in every header.
        *self.log_id.get_or_init(|| admission::log_id_of(commit).unwrap_or(LogId::from_bytes([0; 16])))
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Acquire)
    }

    pub(crate) fn poison(&self) {
        self.poisoned.store(true, Ordering::Release);
    }

    pub(crate) fn tree(&self) -> RwLockReadGuard<'_, Tree> {
        self.tree.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tree_mut(&self) -> RwLockWriteGuard<'_, Tree> {
        self.tree.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a thread is inside the engine for good.
    pub(crate) fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Acquire)
    }

    /// Says so.
    pub(crate) fn give_up(&self) {
        self.poison();
        self.stuck.store(true, Ordering::Release);
        self.engine.give_up();
    }

    pub(crate) fn range_root(&self, start: u64, end: u64) -> Result<Hash, ReadError> {
        let size = self.head().size;
        if end > size {
            return Err(ReadError::Beyond { position: end, size });
        }
        let wanted = self.tree().range_root(start, end);
        match wanted {
            RangeRoot::Known(root) => Ok(root),
            RangeRoot::Needs { start: leaves_start, end: leaves_end } => {
                let mut leaves = Vec::new();
                let mut position = None;
                scan::each_commit(&self.engine, leaves_start, size, |stored| {
                    let mut at = *position.get_or_insert(stored.commit.first());
                    for event in stored.commit.events() {
                        if (leaves_start..leaves_end).contains(&at) {
                            leaves.push(event.leaf());
                        }
                        at += 1;
                    }
                    position = Some(at);
                    at < leaves_end
                })?;
                Ok(self.tree().range_root_with(start, leaves_start, &leaves))
            }
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.engine.close(&self.folder.engine(), !self.is_poisoned());
    }
}
