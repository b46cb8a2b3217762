//! The log on disk: sled below, and around it what sled does not promise.
//!
//! * `flush` of sled is not durable on Linux: each append is followed by `fdatasync` of sled's file ([`engine`](crate::engine)).
//! * sled drops a damaged tail silently: the recorded head says what was acknowledged.
//! * A commit that was cut short lies beyond the recorded head, and is removed on opening. A whole one that lies there is made
//!   durable and recorded before anybody sees it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use convoke_core::{
    id::LogId,
    log::{Commit, Hash, Head, TILE_LEAVES},
};
use tokio::{runtime::Handle, sync::watch};

use crate::{
    admission,
    engine::{Engine, EngineError},
    error::{AppendError, OpenError, ReadError},
    folder::{Folder, io_error, sync_folder},
    log::{Log, Stored},
    recorded_head::{Recorded, RecordedHead},
    scan::{self, Tail},
    scratch::Scratch,
    shared::Shared,
    tiles::TilesFile,
    tree::Tree,
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
    /// A torn tail beyond what was acknowledged is removed. Anything less than what was acknowledged is an error, and
    /// nothing is written to it. (sled itself alters its files on opening, and may clear what it takes for torn.)
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
        let engine = open_engine(&folder)?;
        let tail = scan::tail(&engine).map_err(|error| read_error(&path, error))?;
        let log_id = stored_log_id(&engine, tail.head).map_err(|error| read_error(&path, error))?;
        check_recorded(&engine, tail.head, log_id, recorded).map_err(|error| error.into_open(&path))?;
        remove_unfinished(&engine, &tail).map_err(|error| engine_error(&path, error))?;
        if let Some(log_id) = log_id.filter(|_| tail.head != recorded.head) {
            // Beyond what is on record: a process ended between its write and its sync, perhaps, or before it recorded the
            // head. From now on readers see it, so it must be durable, and its loss must not go unseen.
            engine.sync().map_err(|error| engine_error(&path, error))?;
            let found = Recorded { log_id, head: tail.head };
            recorded_file.write(found).map_err(|error| io_error(&path, &error))?;
        }
        let (tiles, tree) = load_tree(&folder, &engine, tail.head)?;
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
    let engine = open_engine(&folder)?;
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

pub(crate) fn open_engine(folder: &Folder) -> Result<Engine, OpenError> {
    let path = folder.path();
    let engine = Engine::open(&folder.engine()).map_err(|error| engine_error(path, error))?;
    // sled writes its index by renaming a file.
    sync_folder(&folder.engine()).map_err(|error| io_error(path, &error))?;
    Ok(engine)
}

fn stored_log_id(engine: &Engine, head: Head) -> Result<Option<LogId>, ReadError> {
    let first = scan::commits(engine, 0, 1, head.size.min(1))?;
    Ok(first.first().and_then(|stored| admission::log_id_of(&stored.commit)))
}

/// Why the log found is not the one that was acknowledged.
enum Mismatch {
    Truncated { found: Head, recorded: Head },
    Other { recorded: Head },
    Read(ReadError),
}

impl Mismatch {
    fn into_open(self, path: &Path) -> OpenError {
        match self {
            Self::Truncated { found, recorded } => OpenError::Truncated { found, recorded },
            Self::Other { recorded } => OpenError::OtherRoot { recorded },
            Self::Read(error) => read_error(path, error),
        }
    }
}

fn check_recorded(
    engine: &Engine,
    found: Head,
    log_id: Option<LogId>,
    Recorded { log_id: recorded_id, head: recorded }: Recorded,
) -> Result<(), Mismatch> {
    if recorded.size == 0 {
        return Ok(());
    }
    if found.size < recorded.size {
        return Err(Mismatch::Truncated { found, recorded });
    }
    let root = scan::root_at(engine, recorded.size).map_err(Mismatch::Read)?;
    if root != Some(recorded.root) || log_id != Some(recorded_id) {
        return Err(Mismatch::Other { recorded });
    }
    Ok(())
}

/// Removes what an append that was cut short left behind: a later commit must never be read together with it.
fn remove_unfinished(engine: &Engine, tail: &Tail) -> Result<(), EngineError> {
    if engine.count() == tail.records {
        return Ok(());
    }
    engine.shorten(tail.records)?;
    engine.sync()
}

/// The tree over the log: from the tile roots and the events after them, or from all events if that gives another root.
fn load_tree(folder: &Folder, engine: &Engine, head: Head) -> Result<(TilesFile, Tree), OpenError> {
    let path = folder.path();
    let (mut file, roots) =
        TilesFile::open(&folder.tiles(), head.size / TILE_LEAVES).map_err(|error| io_error(path, &error))?;
    let mut tree = Tree::from_tiles(roots);
    // Whatever is wrong here may be the tile roots' fault.
    let grown = grow(&mut tree, engine, head.size, |_, _| true);
    if grown.is_ok() && tree.head() == head {
        file.extend(tree.tiles()).map_err(|error| io_error(path, &error))?;
        return Ok((file, tree));
    }
    let mut tree = Tree::default();
    let mut wrong = None;
    grow(&mut tree, engine, head.size, |stored, grown| {
        if stored.root != grown.root() {
            wrong = Some(stored.commit.first());
        }
        wrong.is_none()
    })
    .map_err(|error| read_error(path, error))?;
    if let Some(position) = wrong {
        let what = "the stored root is not the root over the events".to_owned();
        return Err(OpenError::Damaged { position, what });
    }
    file.rewrite(tree.tiles()).map_err(|error| io_error(path, &error))?;
    Ok((file, tree))
}

/// Adds the leaves of the events from the tree's size up to `size`.
fn grow(
    tree: &mut Tree,
    engine: &Engine,
    size: u64,
    mut is_right: impl FnMut(&Stored, &Tree) -> bool,
) -> Result<(), ReadError> {
    let from = tree.size();
    scan::each_commit(engine, from, size, |stored| {
        let skip = usize::try_from(from.saturating_sub(stored.commit.first())).unwrap_or(usize::MAX);
        stored.commit.events().skip(skip).for_each(|event| tree.push(event.leaf()));
        is_right(&stored, tree)
    })
}

pub(crate) fn engine_error(path: &Path, error: EngineError) -> OpenError {
    let folder: PathBuf = path.to_owned();
    match error {
        EngineError::Locked => OpenError::Locked(folder),
        EngineError::Damaged(what) => OpenError::Unreadable { folder, what },
        EngineError::Full(what) => OpenError::Full { folder, what },
        EngineError::Failed(what) => OpenError::Io { folder, what },
    }
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

fn read_error(path: &Path, error: ReadError) -> OpenError {
    match error {
        ReadError::Damaged { position, what } => OpenError::Damaged { position, what },
        other => OpenError::Io { folder: path.to_owned(), what: other.to_string() },
    }
}
