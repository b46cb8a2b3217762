//! The log on disk: sled below, and around it what sled does not promise.
//!
//! * `flush` of sled is not durable on Linux: each append is followed by `fdatasync` of sled's file ([`engine`](crate::engine)).
//! * sled drops a damaged tail silently: the recorded head says what was acknowledged.
//! * A commit that was cut short lies beyond the recorded head, and is removed on opening.

use std::{path::Path, sync::Arc};

use convoke_core::{
    id::LogId,
    log::{Commit, Hash, Head},
};
use tokio::{runtime::Handle, sync::watch};

use crate::{
    admission,
    error::{AppendError, OpenError, ReadError},
    folder::{Folder, io_error},
    log::{Log, Stored},
    opening::{self, Opened, engine_error},
    recorded_head::{Recorded, RecordedHead},
    scan,
    scratch::Scratch,
    shared::Shared,
    tiles::TilesFile,
    writer::Writer,
};

/// A log in a folder of its own, locked for as long as this lives. Opening and dropping it block for some milliseconds.
///
/// Dropping it closes the store. Reads that are under way finish first, and the lock is released after them.
#[derive(Debug)]
pub struct SledLog {
    writer: Writer,
    shared: Arc<Shared>,
    /// Removed after everything else.
    _scratch: Option<Scratch>,
}

impl SledLog {
    /// Opens the log in a folder.
    ///
    /// A torn tail beyond what was acknowledged is removed. Anything less than what was acknowledged is an error, and the
    /// store stays as it was: once what was damaged is repaired, all events are there again.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::start(Folder::open(folder.as_ref())?, None)
    }

    /// Makes an empty log in a folder, which may exist.
    ///
    /// # Errors
    /// [`OpenError::Exists`] if there is a log in it already, and [`OpenError`] if it cannot be made.
    pub fn create(folder: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::start(create(folder.as_ref())?, None)
    }

    /// Opens the log in a folder, or makes one there.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_or_create(folder: impl AsRef<Path>) -> Result<Self, OpenError> {
        match Self::open(folder.as_ref()) {
            Err(OpenError::Missing(_)) => Self::create(folder),
            other => other,
        }
    }

    /// Opens a copy of the log in a folder, made under `scratch` and removed when this is dropped: for looking at a log
    /// that must not be altered, as opening it with sled would. Nobody else may have it open while it is copied.
    ///
    /// # Errors
    /// [`OpenError`], as for [`SledLog::open`].
    pub fn open_copy(folder: impl AsRef<Path>, scratch: impl AsRef<Path>) -> Result<Self, OpenError> {
        let original = Folder::open(folder.as_ref())?;
        let (scratch, at) = (Scratch::create(scratch.as_ref()), scratch.as_ref());
        let scratch = scratch.map_err(|error| io_error(at, &error))?;
        original.copy_to(scratch.path()).map_err(|error| io_error(scratch.path(), &error))?;
        drop(original);
        let copy = Folder::open(scratch.path()).and_then(|copy| Self::start(copy, Some(scratch)));
        copy.map_err(|error| of_original(error, folder.as_ref()))
    }

    /// The folder it lies in; of a copy, the copy's.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.shared.folder()
    }

    fn start(folder: Folder, scratch: Option<Scratch>) -> Result<Self, OpenError> {
        let path = folder.path().to_owned();
        // First of all: the engine alters its files on opening.
        let recorded = RecordedHead::open(&folder.head()).map_err(|error| io_error(&path, &error))?;
        let Some((mut recorded_file, recorded)) = recorded else { return Err(OpenError::HeadLost(path)) };
        let Opened { engine, head, tiles, tree, log_id } = opening::open(&folder, recorded, scratch.is_some())?;
        if head != recorded.head
            && let Some(log_id) = log_id
        {
            // A process that was killed before its sync leaves commits in the machine's memory: they are read, and not yet
            // durable. Whoever repeats his request is told that they are.
            engine.sync().map_err(|error| engine_error(&path, error))?;
            recorded_file.write(Recorded { log_id, head }).map_err(|error| io_error(&path, &error))?;
        }
        let shared = Arc::new(Shared::new(folder, engine, tree, log_id));
        let writer = Writer::start(shared.clone(), recorded_file, tiles).map_err(|error| io_error(&path, &error))?;
        Ok(Self { writer, shared, _scratch: scratch })
    }

    /// Runs a read off the async threads, if there are any.
    async fn reading<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Shared) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let Ok(runtime) = Handle::try_current() else { return read(&self.shared) };
        let shared = self.shared.clone();
        let task = runtime.spawn_blocking(move || read(&shared));
        task.await.unwrap_or_else(|_| Err(ReadError::Io("the read was cancelled".to_owned())))
    }
}

impl Log for SledLog {
    fn head(&self) -> Head {
        self.shared.head()
    }

    fn log_id(&self) -> Option<LogId> {
        self.shared.log_id()
    }

    async fn append_if(&self, expected: Head, commit: Commit) -> Result<Head, AppendError> {
        admission::check_bounds(expected, &commit)?;
        match self.writer.append(expected, commit).await {
            Ok(outcome) => outcome,
            Err(_) if self.shared.is_poisoned() => Err(AppendError::Poisoned),
            Err(_) => {
                self.shared.poison();
                Err(AppendError::OutcomeUnknown("the thread that writes has ended".to_owned()))
            }
        }
    }

    async fn read(&self, from: u64, events_max: usize) -> Result<Vec<Stored>, ReadError> {
        self.reading(move |shared| scan::commits(&shared.engine, from, events_max, shared.head().size)).await
    }

    async fn range_root(&self, start: u64, end: u64) -> Result<Hash, ReadError> {
        self.reading(move |shared| shared.range_root(start, end)).await
    }

    fn watch(&self) -> watch::Receiver<Head> {
        self.shared.watch()
    }
}

/// Makes the files of an empty store.
pub(crate) fn create(path: &Path) -> Result<Folder, OpenError> {
    let mut folder = Folder::create(path)?;
    let engine = opening::open_engine(&folder)?;
    if engine.count() > 0 {
        let what = "it holds events, but the file that names its format is missing".to_owned();
        return Err(OpenError::Unreadable { folder: path.to_owned(), what });
    }
    engine.sync().map_err(|error| engine_error(path, error))?;
    drop(engine);
    RecordedHead::create(&folder.head()).map_err(|error| io_error(path, &error))?;
    TilesFile::open(&folder.tiles(), 0).map_err(|error| io_error(path, &error))?;
    folder.finish()?;
    Ok(folder)
}

/// The refusal of a copy, of the original that it is a copy of. A disk's failure stays the copy's.
fn of_original(error: OpenError, original: &Path) -> OpenError {
    let folder = original.to_owned();
    match error {
        OpenError::HeadLost(_) => OpenError::HeadLost(folder),
        OpenError::Unreadable { what, .. } => OpenError::Unreadable { folder, what },
        other => other,
    }
}
