//! Opening a store so that one which is refused stays as it was.
//!
//! sled alters its files when it opens them, and zeroes what it takes for a torn tail. So they are looked at first
//! ([`sled_files`]). After a clean end nothing is at risk, and the database is opened. Otherwise what is at risk is kept
//! aside ([`Undo`]) until the opened log has been found to hold all that was acknowledged; if it does not, all is put back.
//!
//! | found | done |
//! | --- | --- |
//! | messages up to an end, and nothing behind | opened |
//! | something behind the end | kept aside; the recorded head must be there, with its root |
//! | unreadable messages in between | kept aside; the recorded head, and every event up to the end, must be there |
//! | a damaged index, or an index that does not fit | tried without on a copy; if all events are there, done to the store too |

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use convoke_core::{
    id::LogId,
    log::{Head, TILE_LEAVES},
};

use crate::{
    admission,
    engine::{Engine, EngineError},
    error::{OpenError, ReadError},
    folder::{Folder, copy_file, io_error, sync_folder},
    log::Stored,
    recorded_head::Recorded,
    scan::{self, Tail},
    scratch::Scratch,
    sled_files::{self, look},
    tiles::TilesFile,
    tree::Tree,
    undo::Undo,
};

/// How long a database that was closed in this process may hold its file.
const RELEASE_TIME: Duration = Duration::from_secs(2);

/// A database that holds what was acknowledged.
pub(crate) struct Opened {
    pub(crate) engine: Engine,
    pub(crate) head: Head,
    pub(crate) tiles: TilesFile,
    pub(crate) tree: Tree,
    pub(crate) log_id: Option<LogId>,
}

/// Opens the database of a store. What is refused is left as it is, or put back; in a copy, which `is_copy` declares, nobody
/// cares.
pub(crate) fn open(folder: &Folder, recorded: Recorded, is_copy: bool) -> Result<Opened, OpenError> {
    let io = |error: io::Error| io_error(folder.path(), &error);
    if !folder.engine().is_dir() {
        let what = "the folder of its database is missing".to_owned();
        return Err(OpenError::Unreadable { folder: folder.path().to_owned(), what });
    }
    wait_for_release(folder)?;
    if let Some(undo) = Undo::left_in(folder) {
        undo.restore().map_err(io)?;
    }
    sled_files::remove_unfinished_index(&folder.engine()).map_err(io)?;
    let seen = look(&folder.engine()).map_err(io)?;
    if seen.file_bytes == 0 && recorded.head.size > 0 {
        // sled would make a new database.
        return Err(OpenError::Truncated { found: Head::EMPTY, recorded: recorded.head });
    }
    let undo = match seen.at_risk.is_empty() || is_copy {
        true => None,
        false => Some(Undo::save(folder, &seen).map_err(io)?),
    };
    let opened = open_checked(folder, recorded, seen.has_holes);
    match (opened, undo) {
        (Ok((opened, tail)), undo) => {
            undo.map_or(Ok(()), Undo::discard).map_err(io)?;
            remove_unfinished(&opened.engine, &tail).map_err(|error| engine_error(folder.path(), error))?;
            Ok(opened)
        }
        (Err(refusal), undo) => {
            wait_for_release(folder)?;
            undo.map_or(Ok(()), Undo::restore).map_err(io)?;
            match refusal {
                OpenError::Unreadable { .. } => without_index(folder, recorded)?.ok_or(refusal),
                refusal => Err(refusal),
            }
        }
    }
}

/// Opens the database and checks that it holds what was acknowledged; with `is_suspect`, every event up to its end.
fn open_checked(folder: &Folder, recorded: Recorded, is_suspect: bool) -> Result<(Opened, Tail), OpenError> {
    let read_error = |error| read_error(folder.path(), error);
    let engine = open_engine(folder)?;
    let tail = scan::tail(&engine).map_err(read_error)?;
    let log_id = stored_log_id(&engine, tail.head).map_err(read_error)?;
    check_recorded(&engine, tail.head, log_id, recorded).map_err(|error| error.into_open(folder.path()))?;
    let (tiles, tree) = load_tree(folder, &engine, tail.head, is_suspect)?;
    Ok((Opened { engine, head: tail.head, tiles, tree, log_id }, tail))
}

/// Opens the database from its log alone, if that leads to all events, which is tried on a copy.
fn without_index(folder: &Folder, recorded: Recorded) -> Result<Option<Opened>, OpenError> {
    let io = |error: io::Error| io_error(folder.path(), &error);
    let index = sled_files::index_files(&folder.engine()).map_err(io)?;
    if index.is_empty() || !leads_to_all(folder, recorded).unwrap_or(false) {
        return Ok(None);
    }
    index.iter().try_for_each(fs::remove_file).map_err(io)?;
    let (opened, tail) = open_checked(folder, recorded, true)?;
    remove_unfinished(&opened.engine, &tail).map_err(|error| engine_error(folder.path(), error))?;
    Ok(Some(opened))
}

/// Whether a copy of the database without its index holds all that was acknowledged.
fn leads_to_all(folder: &Folder, recorded: Recorded) -> io::Result<bool> {
    let scratch = Scratch::create(folder.path())?;
    for name in ["conf", "db"] {
        copy_file(&folder.engine().join(name), &scratch.path().join(name))?;
    }
    let Ok(engine) = Engine::open(scratch.path()) else { return Ok(false) };
    let Ok(tail) = scan::tail(&engine) else { return Ok(false) };
    let Ok(log_id) = stored_log_id(&engine, tail.head) else { return Ok(false) };
    let holds = check_recorded(&engine, tail.head, log_id, recorded).is_ok();
    Ok(holds && matches!(whole_tree(&engine, tail.head.size), Ok(Ok(_))))
}

/// Waits until a database that was just closed in this process lets go of its file. Other processes are kept out by the lock
/// on the folder.
fn wait_for_release(folder: &Folder) -> Result<(), OpenError> {
    let Ok(file) = File::open(folder.engine().join("db")) else { return Ok(()) };
    let deadline = Instant::now() + RELEASE_TIME;
    while let Err(TryLockError::WouldBlock) = file.try_lock() {
        if Instant::now() > deadline {
            return Err(OpenError::Locked(folder.path().to_owned()));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
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
/// With `is_suspect` always from all events.
fn load_tree(folder: &Folder, engine: &Engine, head: Head, is_suspect: bool) -> Result<(TilesFile, Tree), OpenError> {
    let path = folder.path();
    let (mut file, roots) =
        TilesFile::open(&folder.tiles(), head.size / TILE_LEAVES).map_err(|error| io_error(path, &error))?;
    let mut tree = Tree::from_tiles(roots);
    // Whatever is wrong here may be the tile roots' fault.
    if !is_suspect && grow(&mut tree, engine, head.size, |_, _| true).is_ok() && tree.head() == head {
        file.extend(tree.tiles()).map_err(|error| io_error(path, &error))?;
        return Ok((file, tree));
    }
    let tree = whole_tree(engine, head.size).map_err(|error| read_error(path, error))?;
    let tree = tree.map_err(|position| {
        let what = "the stored root is not the root over the events".to_owned();
        OpenError::Damaged { position, what }
    })?;
    file.rewrite(tree.tiles()).map_err(|error| io_error(path, &error))?;
    Ok((file, tree))
}

/// The tree over all events, with the root of each commit compared; or the position of the first commit with another.
fn whole_tree(engine: &Engine, size: u64) -> Result<Result<Tree, u64>, ReadError> {
    let mut tree = Tree::default();
    let mut wrong = None;
    grow(&mut tree, engine, size, |stored, grown| {
        if stored.root != grown.root() {
            wrong = Some(stored.commit.first());
        }
        wrong.is_none()
    })?;
    Ok(wrong.map_or(Ok(tree), Err))
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

fn read_error(path: &Path, error: ReadError) -> OpenError {
    match error {
        ReadError::Damaged { position, what } => OpenError::Damaged { position, what },
        other => OpenError::Io { folder: path.to_owned(), what: other.to_string() },
    }
}
