//! sled behind a wall: its settings, the sync it lacks, its panics and its errors. Nothing else names sled.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use sled::{Db, IVec};

use crate::{panics, record::SEGMENT_BYTES, slots};

/// Pages that sled keeps in memory. Small: the log is read rarely and in order.
const CACHE_BYTES: u64 = 8 * 1024 * 1024;
/// Bytes of an entry for each further access to its page (see [`touch`]); a written one is accessed otherwise, too. A leaf of
/// seven whole records comes to 64 accesses by it.
const READ_BYTES_PER_TOUCH: usize = 1792;
const WRITTEN_BYTES_PER_TOUCH: usize = 2048;
/// The same for an entry that is looked up by itself: what is looked up next is mostly on another page, so that this one has
/// to make room by itself.
const LOOKED_UP_BYTES_PER_TOUCH: usize = 256;
/// How long a broken engine may take to let go of its files.
const RELEASE_TIME: Duration = Duration::from_secs(2);
/// From this much written since it was opened, a closing engine writes its index so that the next opening is fast.
const INDEX_WORTH_BYTES: u64 = 16 * 1024 * 1024;

/// What went wrong below the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EngineError {
    /// Another process, or a broken log in this one, holds the files.
    Locked,
    /// The files are damaged.
    Damaged(String),
    /// The disk is full.
    Full(String),
    /// The disk or folder failed.
    Failed(String),
}

impl EngineError {
    /// What happened, as a part of a sentence.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Locked => "another process has it open".to_owned(),
            Self::Damaged(what) | Self::Full(what) | Self::Failed(what) => what,
        }
    }
}

/// A record as the engine gives it.
pub(crate) type Value = IVec;

/// An open database, and sled's data file for the sync that sled does not do.
#[derive(Debug)]
pub(crate) struct Engine {
    /// Taken only when it is dropped.
    db: Option<Db>,
    data: File,
    /// It failed once; its destructor is not to be trusted.
    broken: AtomicBool,
    /// It does not come back from a call; it is never dropped.
    stuck: AtomicBool,
    written_bytes: AtomicU64,
    /// How many records there are, those that are not durable yet included.
    count: AtomicU64,
    /// The groups below this have their fillers, as far as they need any.
    filled: AtomicU64,
    /// Where the last reading ended: the number of a record that begins a commit, and the position of its first event.
    resume: Mutex<Option<(u64, u64)>>,
}

impl Engine {
    /// Opens or makes the database in a folder. This alters its files.
    pub(crate) fn open(folder: &Path) -> Result<Self, EngineError> {
        let config = sled::Config::new()
            .path(folder)
            .segment_size(SEGMENT_BYTES)
            .cache_capacity(CACHE_BYTES)
            .use_compression(false)
            .flush_every_ms(None);
        let db = open_when_free(&config)?;
        let data = OpenOptions::new().read(true).write(true).open(folder.join("db")).map_err(|e| failed(&e))?;
        let count = guard(|| count(&db))?;
        Ok(Self {
            db: Some(db),
            count: AtomicU64::new(count),
            filled: AtomicU64::new(0),
            resume: Mutex::default(),
            data,
            broken: AtomicBool::new(false),
            stuck: AtomicBool::new(false),
            written_bytes: AtomicU64::new(0),
        })
    }

    /// How many records there are.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Adds records, in the order given; [`Engine::sync`] makes them durable. A crash may leave the first of them only. There
    /// is one thread at a time that does this.
    pub(crate) fn put(&self, records: Vec<Vec<u8>>) -> Result<(), EngineError> {
        let bytes: usize = records.iter().map(Vec::len).sum();
        self.written_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.call(|db| {
            for value in records {
                let number = self.count();
                for group in slots::groups_to_fill(number, value.len()) {
                    self.fill(db, group)?;
                }
                let (key, touches) = (slots::key_of(number), value.len() / WRITTEN_BYTES_PER_TOUCH);
                db.insert(key, value)?;
                self.count.store(number + 1, Ordering::Release);
                touch(db, &key, touches)?;
            }
            Ok(())
        })
    }

    /// Puts the fillers of a group, unless they are there.
    fn fill(&self, db: &Db, group: u64) -> sled::Result<()> {
        if group < self.filled.load(Ordering::Relaxed) {
            return Ok(());
        }
        // The last filler is the last to come.
        if let Some(last) = slots::fillers(group).next_back()
            && !db.contains_key(last)?
        {
            slots::fillers(group).try_for_each(|filler| db.insert(filler, &[]).map(drop))?;
        }
        self.filled.store(group + 1, Ordering::Relaxed);
        Ok(())
    }

    /// Removes the last records, so that this many stay.
    pub(crate) fn shorten(&self, count: u64) -> Result<(), EngineError> {
        let removed = (count..self.count()).rev();
        self.call(|db| removed.into_iter().try_for_each(|number| db.remove(slots::key_of(number)).map(drop)))?;
        self.count.store(count, Ordering::Release);
        *self.resume.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    /// Makes everything written durable. sled's `flush` moves it into the file and starts the write-back; only `fdatasync`
    /// makes file size and disk cache durable on Linux.
    pub(crate) fn sync(&self) -> Result<(), EngineError> {
        self.call(|db| db.flush().map(drop))?;
        self.data.sync_data().map_err(|error| self.broke(failed(&error)))?;
        match self.data.metadata() {
            Ok(metadata) if metadata.nlink() == 0 => {
                Err(self.broke(EngineError::Failed("its files were deleted while it was open".to_owned())))
            }
            Ok(_) => Ok(()),
            Err(error) => Err(self.broke(failed(&error))),
        }
    }

    /// The record of this number.
    pub(crate) fn get(&self, number: u64) -> Result<Option<Value>, EngineError> {
        self.call(|db| {
            let key = slots::key_of(number);
            let value = db.get(key)?;
            touch(db, &key, value.as_ref().map_or(0, |value| value.len() / LOOKED_UP_BYTES_PER_TOUCH))?;
            Ok(value)
        })
    }

    /// Calls `each` with the records from a number on, in order, until it says stop.
    pub(crate) fn each_from(&self, number: u64, mut each: impl FnMut(Value) -> bool) -> Result<(), EngineError> {
        self.call(|db| {
            let mut untouched_bytes = 0;
            for found in db.range(slots::key_of(number)..) {
                let (key, value) = found?;
                if slots::number_of(&key).is_some() {
                    untouched_bytes += value.len();
                    touch(db, &key, untouched_bytes / READ_BYTES_PER_TOUCH)?;
                    untouched_bytes %= READ_BYTES_PER_TOUCH;
                    if !each(value) {
                        break;
                    }
                }
            }
            Ok(())
        })
    }

    /// Remembers where a reading ended, which is where a commit begins: the next one often goes on from there.
    pub(crate) fn remember(&self, position: u64, number: u64) {
        *self.resume.lock().unwrap_or_else(PoisonError::into_inner) = Some((number, position));
    }

    /// A record that begins a commit at or before this position, and where it begins, if one is remembered.
    pub(crate) fn recall(&self, position: u64) -> Option<(u64, u64)> {
        let resume = *self.resume.lock().unwrap_or_else(PoisonError::into_inner);
        resume.filter(|(number, begins)| *begins <= position && *number < self.count())
    }

    /// Wakes a call that waits for a write which has failed meanwhile: sled does not always do that itself.
    pub(crate) fn wake_if_failed(&self) {
        if let Some(db) = &self.db {
            // A flush after a failure returns that failure at once, and wakes all who wait.
            let _ = panics::catch(|| db.context.global_error().or_else(|_| db.flush().map(drop)));
        }
    }

    /// Declares that a call into it does not come back.
    pub(crate) fn give_up(&self) {
        self.stuck.store(true, Ordering::Relaxed);
    }

    /// Closes it. If much was written since it was opened, its index is written, for which sled must open it once more.
    pub(crate) fn close(&mut self, folder: &Path, healthy: bool) {
        if !healthy {
            self.broken.store(true, Ordering::Relaxed);
        }
        let wants_index = !self.is_broken() && self.written_bytes.load(Ordering::Relaxed) >= INDEX_WORTH_BYTES;
        self.release();
        if wants_index {
            // Without the index the next opening reads all that was written, and is only slower.
            drop(Self::open(folder));
        }
    }

    fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed) || self.stuck.load(Ordering::Relaxed)
    }

    fn call<T>(&self, call: impl FnOnce(&Db) -> sled::Result<T>) -> Result<T, EngineError> {
        let Some(db) = &self.db else { return Err(EngineError::Failed("it is closed".to_owned())) };
        guard(|| call(db)).map_err(|error| self.broke(error))
    }

    fn broke(&self, error: EngineError) -> EngineError {
        if !matches!(error, EngineError::Damaged(_)) {
            self.broken.store(true, Ordering::Relaxed);
        }
        error
    }

    fn release(&mut self) {
        let Some(db) = self.db.take() else { return };
        if self.stuck.load(Ordering::Relaxed) {
            // A thread of ours or of sled is inside for good; its memory and files go with the process.
            std::mem::forget(db);
        } else if self.broken.load(Ordering::Relaxed) {
            // sled's destructor may panic or wait for ever now, and nothing is left to save. But it lets go of the lock.
            let (done, wait) = mpsc::channel::<()>();
            let release = move || {
                let _ = panics::catch(|| drop(db));
                drop(done);
            };
            if thread::Builder::new().name("convoke-release".to_owned()).spawn(release).is_ok() {
                let _ = wait.recv_timeout(RELEASE_TIME);
            }
        } else {
            let _ = panics::catch(|| drop(db));
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.release();
    }
}

fn count(db: &Db) -> sled::Result<u64> {
    for entry in db.iter().rev() {
        if let Some(last) = slots::number_of(&entry?.0) {
            return Ok(last + 1);
        }
    }
    Ok(0)
}

/// Lets sled's cache shrink. It evicts pages only after 64 accesses to one of its 256 parts, however large they are: a log
/// read or written once, in order, would stay in memory whole. So a page is accessed once for some bytes of it.
fn touch(db: &Db, key: &[u8], times: usize) -> sled::Result<()> {
    for _ in 0..times {
        db.contains_key(key)?;
    }
    Ok(())
}

/// Opens a database that a thread of sled's may not have let go of yet: one that was just closed in this process. Other
/// processes are kept out by the lock on the folder.
fn open_when_free(config: &sled::Config) -> Result<Db, EngineError> {
    let deadline = Instant::now() + RELEASE_TIME;
    loop {
        match guard(|| config.open()) {
            Err(EngineError::Locked) if Instant::now() < deadline => thread::sleep(Duration::from_millis(1)),
            other => return other,
        }
    }
}

fn guard<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, EngineError> {
    match panics::catch(call) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(translate(error)),
        Err(panic) => Err(EngineError::Damaged(format!("the storage engine stopped: {panic}"))),
    }
}

fn translate(error: sled::Error) -> EngineError {
    match error {
        // sled gives the lock's refusal no kind of its own.
        sled::Error::Io(error) if error.to_string().contains("could not acquire lock") => EngineError::Locked,
        sled::Error::Io(error) => failed(&error),
        sled::Error::Corruption { .. } => EngineError::Damaged("the storage engine found a damaged page".to_owned()),
        sled::Error::CollectionNotFound(_) => EngineError::Damaged("the storage engine lost the log's tree".to_owned()),
        sled::Error::Unsupported(what) => EngineError::Damaged(format!("the storage engine refuses its files: {what}")),
        sled::Error::ReportableBug(what) => EngineError::Failed(what),
    }
}

fn failed(error: &io::Error) -> EngineError {
    match error.kind() {
        _ if is_full(error) => EngineError::Full(describe(error)),
        // What sled expected in its files is not there.
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => EngineError::Damaged(describe(error)),
        _ => EngineError::Failed(describe(error)),
    }
}

/// Whether an I/O error says that nothing more can be kept.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// An I/O error as a part of a sentence, without the decoration that sled adds to it.
pub(crate) fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "no space is left on the disk".to_owned(),
        io::ErrorKind::QuotaExceeded => "the disk quota is used up".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the filesystem is read-only".to_owned(),
        io::ErrorKind::NotFound => "a file or folder is missing".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_opening_is_refused_and_works_once_the_first_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::open(folder.path()).unwrap();
        assert_eq!(Engine::open(folder.path()).unwrap_err(), EngineError::Locked);
        drop(engine);
        Engine::open(folder.path()).unwrap();
    }

    #[test]
    fn a_sync_of_deleted_files_is_refused_and_the_engine_can_still_be_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::open(folder.path()).unwrap();
        engine.put(vec![vec![1]]).unwrap();
        engine.sync().unwrap();
        std::fs::remove_dir_all(folder.path()).unwrap();
        engine.put(vec![vec![1]]).unwrap();
        let error = engine.sync().unwrap_err();
        assert!(error.into_text().contains("deleted"));
    }
}
