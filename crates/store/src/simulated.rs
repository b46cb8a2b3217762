//! A log on a simulated disk, for simulations: what is written is lost in a power cut until it was synced, a crash may
//! come between any two steps of an append, and what a crash left of one is removed on opening.
//!
//! The disk holds the same records as a real store, so that a torn tail is what it is there: a record too few, in the
//! middle, or cut short. As on a real disk, the recorded head never claims more than was synced.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use convoke_core::{
    id::LogId,
    log::{Commit, Frontier, Hash, Head},
};
use tokio::sync::{Notify, watch};

use crate::{
    admission,
    error::{AppendError, OpenError, ReadError},
    log::{Log, Stored},
    memory_log::MemoryLog,
    record::{self, Joiner, Record},
};

/// A place between two steps of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// Nothing is written.
    BeforeWrite,
    /// Some of the records are written: half of them, rounded down.
    MidWrite,
    /// All are written, none is synced.
    BeforeSync,
    /// All is durable, and nobody knows.
    AfterSync,
}

impl Point {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::BeforeWrite, Self::MidWrite, Self::BeforeSync, Self::AfterSync];
}

/// What goes wrong with an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The disk reports an error here; the log is poisoned.
    Fails(Point),
    /// The process dies here: the append never returns, and [`Disk::dying`] does.
    Dies(Point),
}

/// What becomes of one append.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fate {
    /// How long the writing takes.
    pub write: Duration,
    /// How long the sync takes.
    pub sync: Duration,
    /// What goes wrong, if anything.
    pub trouble: Option<Trouble>,
}

/// A disk that outlives the logs that are opened on it. A clone is the same disk.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    medium: Arc<Mutex<Medium>>,
    dying: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Medium {
    /// The records in the order in which they were written.
    records: Vec<Vec<u8>>,
    /// How many of them would survive a power cut.
    synced: usize,
    /// The commits that are durable.
    durable: Vec<Stored>,
    /// What was recorded beside the log after a sync.
    recorded: Head,
}

impl Disk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn medium(&self) -> MutexGuard<'_, Medium> {
        self.medium.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The head of what is durable.
    #[must_use]
    pub fn durable(&self) -> Head {
        self.medium().durable.last().map_or(Head::EMPTY, Stored::head)
    }

    /// The durable commits, without the first so many.
    #[must_use]
    pub fn commits_from(&self, index: usize) -> Vec<Stored> {
        self.medium().durable.get(index..).unwrap_or_default().to_vec()
    }

    /// Returns when an append came to the point where the process dies.
    pub async fn dying(&self) {
        self.dying.notified().await;
    }

    /// Cuts the power; no log may be open. Of each record that was not synced, this many bytes survive.
    pub fn cut_power(&self, mut survives: impl FnMut(&[u8]) -> usize) {
        let mut medium = self.medium();
        let unsynced = medium.synced;
        let tail = medium.records.split_off(unsynced);
        for mut record in tail {
            record.truncate(survives(&record));
            if !record.is_empty() {
                medium.records.push(record);
            }
        }
    }

    /// Leaves these records behind the end, as written and not synced; no log may be open.
    pub fn leave(&self, records: impl IntoIterator<Item = Vec<u8>>) {
        self.medium().records.extend(records);
    }

    fn write(&self, records: impl IntoIterator<Item = Vec<u8>>) {
        self.medium().records.extend(records);
    }

    fn sync(&self, stored: Stored) {
        let mut medium = self.medium();
        medium.synced = medium.records.len();
        medium.recorded = stored.head();
        medium.durable.push(stored);
    }
}

/// An open log on a [`Disk`].
pub struct SimulatedLog {
    disk: Disk,
    /// What has been acknowledged.
    shown: MemoryLog,
    writing: tokio::sync::Mutex<Writing>,
    poisoned: AtomicBool,
}

/// One append at a time.
struct Writing {
    fates: Box<dyn FnMut() -> Fate + Send>,
    frontier: Frontier,
}

impl fmt::Debug for SimulatedLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SimulatedLog").field("head", &self.head()).finish_non_exhaustive()
    }
}

impl SimulatedLog {
    /// Opens the log on a disk: removes what a crash left of an append, and syncs what is whole. Each append asks for its fate.
    ///
    /// # Errors
    /// [`OpenError::Truncated`] if the disk lost what was acknowledged.
    pub fn open(disk: &Disk, fates: impl FnMut() -> Fate + Send + 'static) -> Result<Self, OpenError> {
        let commits = disk.whole_commits();
        let (shown, mut frontier) = (MemoryLog::new(), Frontier::default());
        for stored in &commits {
            stored.commit.events().for_each(|event| frontier.push(event.leaf()));
            let appended = shown.append(shown.head(), stored.commit.clone());
            if appended.ok() != Some(stored.head()) {
                let (position, what) = (stored.commit.first(), "not the root of its events".to_owned());
                return Err(OpenError::Damaged { position, what });
            }
        }
        let mut medium = disk.medium();
        let (found, recorded) = (shown.head(), medium.recorded);
        if found.size < recorded.size {
            return Err(OpenError::Truncated { found, recorded });
        }
        if recorded.size > 0 && !commits.iter().any(|stored| stored.head() == recorded) {
            return Err(OpenError::OtherRoot { recorded });
        }
        medium.synced = medium.records.len();
        medium.recorded = found;
        medium.durable = commits;
        drop(medium);
        let writing = tokio::sync::Mutex::new(Writing { fates: Box::new(fates), frontier });
        Ok(Self { disk: disk.clone(), shown, writing, poisoned: AtomicBool::new(false) })
    }

    /// Opens the log; nothing goes wrong.
    ///
    /// # Errors
    /// As [`SimulatedLog::open`].
    pub fn open_without_trouble(disk: &Disk) -> Result<Self, OpenError> {
        Self::open(disk, Fate::default)
    }

    /// Passes a point: fails there, dies there, or goes on.
    async fn pass(&self, point: Point, trouble: Option<Trouble>) -> Result<(), AppendError> {
        match trouble {
            Some(Trouble::Fails(at)) if at == point => {
                Err(AppendError::OutcomeUnknown(format!("a simulated disk failed at {point:?}")))
            }
            Some(Trouble::Dies(at)) if at == point => {
                self.disk.dying.notify_one();
                std::future::pending().await
            }
            _ => Ok(()),
        }
    }
}

impl Disk {
    /// The commits that are whole from the beginning on; what follows them is removed.
    fn whole_commits(&self) -> Vec<Stored> {
        let mut medium = self.medium();
        let (mut commits, mut joiner, mut whole, mut next) = (Vec::new(), Joiner::default(), 0, 0);
        for (index, value) in medium.records.iter().enumerate() {
            let Ok(record) = Record::decode(value) else { break };
            if record.first != next {
                break;
            }
            next = record.end();
            match joiner.take(&record) {
                Ok(Some(stored)) => {
                    commits.push(stored);
                    whole = index + 1;
                }
                Ok(None) => {}
                Err(_) => break,
            }
        }
        medium.records.truncate(whole);
        commits
    }
}

impl Log for SimulatedLog {
    fn head(&self) -> Head {
        self.shown.head()
    }

    fn log_id(&self) -> Option<LogId> {
        self.shown.log_id()
    }

    async fn append_if(&self, expected: Head, commit: Commit) -> Result<Head, AppendError> {
        admission::check_bounds(expected, &commit)?;
        let mut writing = self.writing.lock().await;
        if self.poisoned.load(Ordering::Acquire) {
            return Err(AppendError::Poisoned);
        }
        let actual = self.head();
        if actual != expected {
            return Err(AppendError::Conflict { actual });
        }
        admission::check_log(self.log_id(), &commit)?;
        let Fate { write, sync, trouble } = (writing.fates)();
        // Whatever ends this from now on, a future that is dropped too, leaves the outcome open.
        self.poisoned.store(true, Ordering::Release);
        self.pass(Point::BeforeWrite, trouble).await?;
        commit.events().for_each(|event| writing.frontier.push(event.leaf()));
        let stored = Stored { root: writing.frontier.root(), commit: commit.clone() };
        let mut records = record::split(&stored.commit, &stored.root);
        let rest = records.split_off(records.len() / 2);
        self.disk.write(records);
        self.pass(Point::MidWrite, trouble).await?;
        pause(write).await;
        self.disk.write(rest);
        self.pass(Point::BeforeSync, trouble).await?;
        pause(sync).await;
        self.disk.sync(stored);
        self.pass(Point::AfterSync, trouble).await?;
        let head = self.shown.append(expected, commit)?;
        self.poisoned.store(false, Ordering::Release);
        Ok(head)
    }

    async fn read(&self, from: u64, events_max: usize) -> Result<Vec<Stored>, ReadError> {
        self.shown.read(from, events_max).await
    }

    async fn range_root(&self, start: u64, end: u64) -> Result<Hash, ReadError> {
        self.shown.range_root(start, end).await
    }

    fn watch(&self) -> watch::Receiver<Head> {
        self.shown.watch()
    }
}

async fn pause(duration: Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}
