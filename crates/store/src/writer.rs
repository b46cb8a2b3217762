//! The one thread that appends to a store, and the one that watches over it.
//!
//! The engine's calls block, so that they run here and not on the callers' async threads. A second thread looks once a
//! second whether a write hangs: sled can wait for ever for a write that has failed meanwhile.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use convoke_core::log::{Commit, Head};
use tokio::sync::oneshot;

use crate::{
    admission,
    error::AppendError,
    record,
    recorded_head::{Recorded, RecordedHead},
    shared::Shared,
    tiles::TilesFile,
};

/// How often the watcher looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After this long a write's outcome counts as unknown.
const PATIENCE: Duration = Duration::from_secs(60);

type Reply = oneshot::Sender<Result<Head, AppendError>>;

struct Request {
    expected: Head,
    commit: Commit,
    reply: Reply,
}

/// The append that is being written.
struct InFlight {
    since: Instant,
    /// Taken by whoever answers first.
    reply: Option<Reply>,
}

type Slot = Arc<Mutex<Option<InFlight>>>;

/// Hands appends to the thread; stops both threads when it is dropped.
#[derive(Debug)]
pub(crate) struct Writer {
    requests: Option<mpsc::Sender<Request>>,
    threads: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
}

impl Writer {
    /// Starts the threads.
    pub(crate) fn start(shared: Arc<Shared>, recorded: RecordedHead, tiles: TilesFile) -> std::io::Result<Self> {
        let (requests, queue) = mpsc::channel::<Request>();
        let (alive, ended) = mpsc::channel::<()>();
        let slot: Slot = Arc::default();
        let mut appender = Appender { shared: shared.clone(), recorded, tiles };
        let watched = (slot.clone(), shared.clone());
        let writing = thread::Builder::new().name("convoke-append".to_owned()).spawn(move || {
            let _alive = alive;
            for Request { expected, commit, reply } in queue {
                *lock(&slot) = Some(InFlight { since: Instant::now(), reply: Some(reply) });
                let outcome = appender.append(expected, &commit);
                if let Some(InFlight { reply: Some(reply), .. }) = lock(&slot).take() {
                    // Nobody may be waiting any more; the commit is written all the same.
                    let _ = reply.send(outcome);
                }
            }
            appender.tiles.sync().ok();
        })?;
        let watching = thread::Builder::new().name("convoke-watch".to_owned()).spawn(move || {
            while ended.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                look(&watched.0, &watched.1);
            }
        })?;
        Ok(Self { requests: Some(requests), threads: vec![writing, watching], shared })
    }

    /// Hands over an append; the answer comes through the receiver.
    pub(crate) fn append(&self, expected: Head, commit: Commit) -> oneshot::Receiver<Result<Head, AppendError>> {
        let (reply, answer) = oneshot::channel();
        if let Some(requests) = &self.requests {
            // If the thread is gone, so is the reply, and the receiver says so.
            let _ = requests.send(Request { expected, commit, reply });
        }
        answer
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.requests = None;
        if !self.shared.is_stuck() {
            for thread in self.threads.drain(..) {
                let _ = thread.join();
            }
        }
    }
}

/// Helps a write that hangs, or answers in its place.
fn look(slot: &Slot, shared: &Shared) {
    let Some(waited) = lock(slot).as_ref().map(|in_flight| in_flight.since.elapsed()) else { return };
    if waited >= LOOK_EVERY {
        shared.engine.wake_if_failed();
    }
    if waited >= PATIENCE
        && let Some(reply) = lock(slot).as_mut().and_then(|in_flight| in_flight.reply.take())
    {
        shared.give_up();
        let what = format!("the disk has not answered for {} seconds", PATIENCE.as_secs());
        let _ = reply.send(Err(AppendError::OutcomeUnknown(what)));
    }
}

fn lock(slot: &Slot) -> MutexGuard<'_, Option<InFlight>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Appender {
    shared: Arc<Shared>,
    recorded: RecordedHead,
    tiles: TilesFile,
}

impl Appender {
    fn append(&mut self, expected: Head, commit: &Commit) -> Result<Head, AppendError> {
        let shared = &self.shared;
        if shared.is_poisoned() {
            return Err(AppendError::Poisoned);
        }
        let actual = shared.head();
        if actual != expected {
            return Err(AppendError::Conflict { actual });
        }
        admission::check_log(shared.log_id(), commit)?;
        let (head, tiles_before) = {
            // The leaves stay in the tree if the write fails: the log is poisoned then, and readers ask only below the head.
            let mut tree = shared.tree_mut();
            let tiles_before = tree.tiles().len();
            commit.events().for_each(|event| tree.push(event.leaf()));
            (tree.head(), tiles_before)
        };
        let records = record::split(commit, &head.root);
        if let Err(error) = shared.engine.put(records).and_then(|()| shared.engine.sync()) {
            shared.poison();
            return Err(AppendError::OutcomeUnknown(error.into_text()));
        }
        let log_id = shared.learn_log_id(commit);
        if self.recorded.write(Recorded { log_id, head }).is_err() {
            // This commit is durable. Without its head on record a later loss of it would go unseen: no more of them.
            shared.poison();
        }
        let tree = shared.tree();
        if tree.tiles().len() > tiles_before {
            // An index: what cannot be written now is made anew when the log is opened.
            self.tiles.extend(tree.tiles()).ok();
        }
        drop(tree);
        shared.publish(head);
        Ok(head)
    }
}
