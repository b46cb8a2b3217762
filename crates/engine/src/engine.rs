//! The engine: one open log, its writer, and everything that may be asked of it.

use std::{
    future::poll_fn,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use convoke_core::{
    clock::{Readings, SteadyClock},
    command::{Command, CreateWorkspace, Request},
    event::Recorded,
    id::IdReference,
    log::Head,
    name::ActorName,
    time::Timestamp,
    workspace::State,
};
use convoke_projections::Views;
use convoke_store::{Log, SledLog};
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, oneshot, watch};

use crate::{
    api::{Answer, Fault},
    audit,
    fault::stopping,
    fold,
    machine::{Clock, MachineClock, RandomIds},
    offload::Offload,
    render,
    sequencer::Sequencer,
    snapshots::{self, Loaded},
    traces::no_lost_log,
    writer::{Done, WAITING_MAX, Work, Writer},
};

/// The store's folder below `.convoke`.
pub(crate) const STORE: &str = "store";
/// The snapshots' folder below `.convoke`.
pub(crate) const SNAPSHOTS: &str = "snapshots";

/// How many may read the whole log at once: views of the past, replays, verifications, exports, the audit.
const WHOLE_LOG_AT_ONCE: usize = 2;

/// How an engine is opened.
pub struct Settings {
    /// Where time comes from.
    pub clock: Box<dyn Clock>,
    /// Where ids and salts come from; if nobody says, from the operating system's randomness.
    pub ids: Option<RandomIds>,
    /// Where long work is done.
    pub offload: Offload,
    /// Whether snapshots are read and written.
    pub snapshots: bool,
    /// Whether what is due is decided when its time has come; otherwise before the next command.
    pub timer: bool,
    /// After how long without a commit the snapshot that it was opened from is audited.
    pub audit_after: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            clock: Box::new(MachineClock),
            ids: None,
            offload: Offload::Threads,
            snapshots: true,
            timer: true,
            audit_after: Duration::from_secs(20),
        }
    }
}

/// An open workspace. Cheap to clone; every clone is the same engine.
///
/// It runs on the tokio runtime that it was opened on, and fires by itself what becomes due.
pub struct Engine<L: Log = SledLog> {
    pub(crate) shared: Arc<Shared<L>>,
    work: mpsc::Sender<Work>,
    pub(crate) published: watch::Receiver<Head>,
}

impl<L: Log> Clone for Engine<L> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), work: self.work.clone(), published: self.published.clone() }
    }
}

/// What the writer and those who ask share.
pub(crate) struct Shared<L: Log> {
    pub(crate) log: Arc<L>,
    shown: RwLock<Shown>,
    clock: Mutex<SteadyClock>,
    readings: Box<dyn Clock>,
    poisoned: OnceLock<Fault>,
    /// What the audit of the snapshot met, if it met something.
    audit_fault: OnceLock<Fault>,
    next_due: Mutex<Option<Timestamp>>,
    duplicates: AtomicU64,
    snapshot_size: AtomicU64,
    /// No snapshot is left at its end.
    pub(crate) is_abandoned: AtomicBool,
    /// Few at a time read the whole log, so that they do not starve everybody else.
    whole_log: Semaphore,
    pub(crate) offload: Offload,
    pub(crate) folder: Option<PathBuf>,
}

/// The views, and the durable head that they are at, always.
pub(crate) struct Shown {
    pub(crate) views: Views,
    pub(crate) head: Head,
}

impl<L: Log> Shared<L> {
    pub(crate) fn shown(&self) -> RwLockReadGuard<'_, Shown> {
        self.shown.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn publish(&self, events: &[Recorded], head: Head) {
        let mut shown = self.shown.write().unwrap_or_else(PoisonError::into_inner);
        for recorded in events {
            shown.views.apply(recorded);
        }
        shown.head = head;
    }

    pub(crate) fn readings(&self) -> Readings {
        self.readings.readings()
    }

    pub(crate) fn set_clock(&self, clock: &SteadyClock) {
        clock.clone_into(&mut *self.clock.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Convoke's time, for those who look. While a jump of the clock is not accepted, the time at which it stands.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock().now(self.readings()).unwrap_or_else(|jump| jump.engine)
    }

    /// Whether decisions wait for the acceptance of a jump.
    pub(crate) fn clock_jumped(&self) -> bool {
        self.clock().now(self.readings()).is_err()
    }

    fn clock(&self) -> SteadyClock {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn poison(&self, fault: &Fault) {
        let _ = self.poisoned.set(fault.clone());
    }

    pub(crate) fn poisoned(&self) -> Option<Fault> {
        self.poisoned.get().cloned()
    }

    pub(crate) fn note_audit(&self, fault: &Fault) {
        let _ = self.audit_fault.set(fault.clone());
    }

    pub(crate) fn audit_fault(&self) -> Option<Fault> {
        self.audit_fault.get().cloned()
    }

    pub(crate) fn note_due(&self, next_due: Option<Timestamp>) {
        *self.next_due.lock().unwrap_or_else(PoisonError::into_inner) = next_due;
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        *self.next_due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note_duplicates(&self, count: u64) {
        self.duplicates.store(count, Ordering::Relaxed);
    }

    pub(crate) fn snapshot_size(&self) -> u64 {
        self.snapshot_size.load(Ordering::Relaxed)
    }

    pub(crate) fn set_snapshot_size(&self, size: u64) {
        self.snapshot_size.store(size, Ordering::Relaxed);
    }

    /// Leave to read the whole log, as soon as one of the few is free.
    pub(crate) async fn whole_log(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed; without a permit one would only be less patient.
        self.whole_log.acquire().await.ok()
    }

    /// The events that have this id, or created the thing with it (more than one only for a short id).
    pub(crate) async fn find(&self, reference: &str) -> Result<Vec<Recorded>, Fault> {
        let Some(reference) = IdReference::parse(reference) else { return Ok(Vec::new()) };
        let positions = self.shown().views.created(&reference);
        let mut found = Vec::new();
        for position in positions {
            let decoded = fold::decode(&*self.log, position, position + 1).await?;
            found.extend(decoded.into_iter().filter(|recorded| reference.matches(recorded.id)));
        }
        Ok(found)
    }
}

impl Engine<SledLog> {
    /// Makes a workspace in a folder (`.convoke`) that has none, with its first event.
    ///
    /// # Errors
    /// `workspace_exists`, or whatever keeps the store from being made.
    pub async fn create(folder: &Path, organizer: ActorName, settings: Settings) -> Result<Self, Fault> {
        no_lost_log(folder)?;
        let store = folder.join(STORE);
        // A folder whose making was interrupted holds a log without events: it is made anew.
        let log = open_store(move || SledLog::open_or_create(&store)).await?;
        if log.head().size > 0 {
            let what = format!("there is a workspace in {} already", folder.display());
            return Err(Fault::new("workspace_exists", what));
        }
        let engine = Self::start(log, Some(folder.to_owned()), settings).await?;
        let command = Command::CreateWorkspace(CreateWorkspace { organizer: organizer.clone() });
        engine.command(Request { actor: organizer, key: None, expect_head: Some(0), command }).await?;
        Ok(engine)
    }

    /// Opens the workspace in a folder (`.convoke`).
    ///
    /// # Errors
    /// `no_workspace`, `log_locked`, `log_truncated`, `log_damaged`, `newer_format`, …
    pub async fn open(folder: &Path, settings: Settings) -> Result<Self, Fault> {
        no_lost_log(folder)?;
        let store = folder.join(STORE);
        // The snapshots are read while the store is opened.
        let loading = load_snapshots(folder, &settings);
        let log = open_store(move || SledLog::open(&store)).await;
        let loaded = loading.await?;
        Self::start_from(log?, Some(folder.to_owned()), settings, loaded).await
    }
}

/// Begins to read the snapshots below a folder.
fn load_snapshots(folder: &Path, settings: &Settings) -> impl Future<Output = Result<Option<Loaded>, Fault>> + use<> {
    let folder = folder.join(SNAPSHOTS);
    let loading = settings.snapshots.then(|| settings.offload.begin(move || snapshots::load(&folder)));
    async {
        match loading {
            Some(loading) => loading.await.map_err(crate::fault::internal),
            None => Ok(None),
        }
    }
}

async fn open_store(
    open: impl FnOnce() -> Result<SledLog, convoke_store::OpenError> + Send + 'static,
) -> Result<SledLog, Fault> {
    Ok(tokio::task::spawn_blocking(open).await.map_err(crate::fault::internal)??)
}

impl<L: Log> Engine<L> {
    /// Starts on an open log: loads the newest snapshot that fits, folds the rest, and begins to decide.
    ///
    /// # Errors
    /// A log that cannot be read or folded.
    pub async fn start(log: L, folder: Option<PathBuf>, settings: Settings) -> Result<Self, Fault> {
        let loaded = match &folder {
            Some(folder) => load_snapshots(folder, &settings).await?,
            None => None,
        };
        Self::start_from(log, folder, settings, loaded).await
    }

    async fn start_from(
        log: L,
        folder: Option<PathBuf>,
        settings: Settings,
        loaded: Option<Loaded>,
    ) -> Result<Self, Fault> {
        let log = Arc::new(log);
        let head = log.head();
        let snapshots = folder.as_ref().filter(|_| settings.snapshots).map(|folder| folder.join(SNAPSHOTS));
        let loaded = match loaded {
            Some(loaded) if is_of_log(&loaded, &log, head).await? => Some(loaded),
            _ => None,
        };
        let opened_from = loaded.as_ref().map(|loaded| loaded.origin);
        let (state, views, from) = match loaded {
            Some(loaded) => (loaded.state, loaded.views, loaded.origin.head.size),
            None => (State::default(), Views::default(), 0),
        };
        let (state, views) = fold::fold_both(&log, settings.offload, from, head.size, state, views).await?;
        let sequencer = Sequencer::new(state, log.log_id(), settings.clock.readings());
        let shared = Arc::new(Shared {
            log,
            shown: RwLock::new(Shown { views, head }),
            clock: Mutex::new(sequencer.clock().clone()),
            readings: settings.clock,
            poisoned: OnceLock::new(),
            audit_fault: OnceLock::new(),
            next_due: Mutex::new(None),
            duplicates: AtomicU64::new(0),
            snapshot_size: AtomicU64::new(from),
            is_abandoned: AtomicBool::new(false),
            whole_log: Semaphore::new(WHOLE_LOG_AT_ONCE),
            offload: settings.offload,
            folder,
        });
        shared.note_due(sequencer.state().next_due());
        let (work, inbox) = mpsc::channel(WAITING_MAX);
        let (publisher, published) = watch::channel(head);
        let ids = match settings.ids {
            Some(ids) => ids,
            None => RandomIds::new().map_err(crate::fault::internal)?,
        };
        let audit =
            opened_from.map(|snapshot| audit::start(&shared, published.clone(), snapshot, settings.audit_after));
        let engine = Self { shared: Arc::clone(&shared), work, published };
        let writer = Writer {
            shared: Arc::clone(&shared),
            sequencer,
            ids,
            inbox,
            published: publisher,
            snapshots,
            timer: settings.timer,
            audit,
            durable: head,
            unanswered: None,
            snapshot_tried: 0,
        };
        let writing = tokio::spawn(writer.run());
        tokio::spawn(async move {
            if let Err(panic) = writing.await
                && panic.is_panic()
            {
                shared.poison(&crate::fault::internal(panic));
            }
        });
        Ok(engine)
    }

    /// Decides a request, and answers when what it rests on is durable.
    ///
    /// # Errors
    /// A refusal, or `outcome_unknown` if the log failed: then the same request with the same key finds out.
    pub async fn command(&self, request: Request) -> Result<Answer, Fault> {
        self.submit(request).await?.answer().await
    }

    /// Hands in a request and does not wait for its answer. Requests are decided in the order of these calls; it waits
    /// only while too many are waiting already.
    ///
    /// # Errors
    /// The engine takes no more requests.
    pub async fn submit(&self, request: Request) -> Result<Pending<L>, Fault> {
        let (reply, done) = oneshot::channel();
        if self.work.send(Work::Decide(Box::new(request), reply)).await.is_err() {
            return Err(self.gone());
        }
        Ok(Pending { shared: Arc::clone(&self.shared), done })
    }

    /// Looks at the deciding state between two batches; what is seen is durable.
    pub(crate) async fn inspect<T: Send + 'static>(
        &self,
        look: impl FnOnce(&State) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let (reply, seen) = oneshot::channel();
        let look = Box::new(move |state: &State| {
            let _ = reply.send(look(state));
        });
        self.work.send(Work::Inspect(look)).await.map_err(|_| self.gone())?;
        seen.await.map_err(|_| self.gone())
    }

    /// The durable head.
    #[must_use]
    pub fn head(&self) -> Head {
        *self.published.borrow()
    }

    /// When the next thing is due: a countdown's T-0, the end of a hold or of a lease.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.shared.next_due()
    }

    /// How many changes were handed in to this engine that were there already: each was answered with the one that was there, and
    /// left no trace in the log.
    #[must_use]
    pub fn duplicates_answered(&self) -> u64 {
        self.shared.duplicates.load(Ordering::Relaxed)
    }

    /// Why the engine takes no more work, if it does not: the log failed, or a snapshot was wrong. Open it anew.
    #[must_use]
    pub fn failed(&self) -> Option<Fault> {
        self.shared.poisoned()
    }

    /// Ends: takes no more requests, answers those that wait, writes a snapshot. The log itself closes when the last
    /// clone is gone.
    pub async fn close(self) {
        let (reply, closed) = oneshot::channel();
        if self.work.send(Work::Close(reply)).await.is_ok() {
            let _ = closed.await;
        }
    }

    /// Ends as [`Engine::close`] does, but leaves no snapshot: its folder was deleted, and may be another's already.
    pub async fn abandon(self) {
        self.shared.is_abandoned.store(true, Ordering::Relaxed);
        self.close().await;
    }

    fn gone(&self) -> Fault {
        self.shared.poisoned().unwrap_or_else(stopping)
    }
}

/// A request that was handed in.
pub struct Pending<L: Log = SledLog> {
    shared: Arc<Shared<L>>,
    done: oneshot::Receiver<Result<Done, Fault>>,
}

impl<L: Log> Pending<L> {
    /// The answer, when what it rests on is durable.
    ///
    /// # Errors
    /// As [`Engine::command`].
    pub async fn answer(self) -> Result<Answer, Fault> {
        let shared = Arc::clone(&self.shared);
        let done = self.done().await?;
        render::answer(&shared, &done).await
    }

    /// The answer without the events' texts: for bulk work.
    ///
    /// # Errors
    /// As [`Engine::command`].
    pub async fn brief(mut self) -> Result<Brief, Fault> {
        poll_fn(|cx| self.poll_brief(cx)).await
    }

    /// The same, for whoever waits for many at once. Not to be asked again once it was ready.
    ///
    /// # Errors
    /// As [`Engine::command`].
    pub fn poll_brief(&mut self, cx: &mut Context<'_>) -> Poll<Result<Brief, Fault>> {
        let brief = |Done { outcome, head, .. }: Done| Brief {
            first: outcome.first,
            events: outcome.count,
            repeated: outcome.repeated,
            head,
        };
        Pin::new(&mut self.done).poll(cx).map(|done| match done {
            Ok(done) => done.map(brief),
            Err(_) => Err(self.shared.poisoned().unwrap_or_else(stopping)),
        })
    }

    async fn done(self) -> Result<Done, Fault> {
        self.done.await.map_err(|_| self.shared.poisoned().unwrap_or_else(stopping))?
    }
}

/// The answer to a request in bulk work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Brief {
    /// The position of the first event.
    pub first: u64,
    /// How many events; none if nothing changed.
    pub events: u32,
    /// Whether an earlier request with the same key wrote them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeated: bool,
    /// The durable head.
    #[serde(skip, default = "crate::api::empty_head")]
    pub head: Head,
}

/// Whether a snapshot is of this log, and of a head that it has.
async fn is_of_log<L: Log>(loaded: &Loaded, log: &Arc<L>, head: Head) -> Result<bool, Fault> {
    if log.log_id() != Some(loaded.log_id) || loaded.origin.head.size > head.size {
        return Ok(false);
    }
    if loaded.origin.head == head {
        return Ok(true);
    }
    let ends_it = log.read(loaded.origin.head.size.saturating_sub(1), 1).await?;
    Ok(ends_it.first().is_some_and(|stored| stored.head() == loaded.origin.head))
}
