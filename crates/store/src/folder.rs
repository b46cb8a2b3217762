//! The folder of a store: its files, the lock on it, and what makes it whole on disk (`docs/log-format.md`, section 7).

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use crate::{
    engine::{describe, is_full},
    error::OpenError,
    recorded_head::RecordedHead,
};

/// The highest version of the folder's layout that this build reads, and the one it writes.
const VERSION: u32 = 1;
const HEAD: &str = "head";
const FORMAT_PREFIX: &str = "convoke-store ";

/// A store's folder, locked for as long as this lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Holds the lock. An empty one means that the store was never finished.
    format: File,
}

impl Folder {
    /// Locks a finished store.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let mut format = match OpenOptions::new().read(true).open(path.join("format")) {
            Ok(file) => file,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(OpenError::Missing(path.to_owned()));
            }
            Err(error) => return Err(io_error(path, &error)),
        };
        lock(path, &format)?;
        let text = read_format(path, &mut format)?;
        if text.is_empty() {
            no_log_without_format(path)?;
            return Err(OpenError::Missing(path.to_owned()));
        }
        check_format(path, &text)?;
        Ok(Self { path: path.to_owned(), format })
    }

    /// Locks a new store, to be completed with [`Folder::finish`]. What an interrupted creation left is taken over.
    pub(crate) fn create(path: &Path) -> Result<Self, OpenError> {
        let io = |error: io::Error| io_error(path, &error);
        fs::create_dir_all(path).map_err(io)?;
        let is_new = !path.join("format").exists();
        let mut options = OpenOptions::new();
        let mut format =
            options.read(true).write(true).create(true).truncate(false).open(path.join("format")).map_err(io)?;
        lock(path, &format)?;
        if !read_format(path, &mut format)?.is_empty() {
            return Err(OpenError::Exists(path.to_owned()));
        }
        if let Err(damaged) = no_log_without_format(path) {
            // A refusal leaves all as it was.
            let _ = is_new.then(|| fs::remove_file(path.join("format")));
            return Err(damaged);
        }
        let folder = Self { path: path.to_owned(), format };
        fs::create_dir_all(folder.engine()).map_err(io)?;
        Ok(folder)
    }

    /// Makes a new store's files durable and then says that it is one.
    pub(crate) fn finish(&mut self) -> Result<(), OpenError> {
        self.write_whole().map_err(|error| io_error(&self.path, &error))
    }

    /// Makes all its files durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        sync_files(&self.engine())?;
        sync_files(&self.path)
    }

    fn write_whole(&mut self) -> io::Result<()> {
        self.sync()?;
        self.format.write_all(format!("{FORMAT_PREFIX}{VERSION}\n").as_bytes())?;
        self.format.sync_all()?;
        match self.path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => sync_folder(Path::new(".")),
            Some(parent) => sync_folder(parent),
            None => Ok(()),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn engine(&self) -> PathBuf {
        self.path.join("sled")
    }

    pub(crate) fn head(&self) -> PathBuf {
        self.path.join(HEAD)
    }

    pub(crate) fn tiles(&self) -> PathBuf {
        self.path.join("tiles")
    }

    /// Copies the store's files, all but the lock, into another folder.
    pub(crate) fn copy_to(&self, other: &Path) -> io::Result<()> {
        copy_folder(&self.path, other)
    }
}

/// Refuses a folder whose head says that there is a log, though the file that names its format says nothing: that is not what
/// an interrupted creation leaves.
fn no_log_without_format(path: &Path) -> Result<(), OpenError> {
    match RecordedHead::open(&path.join(HEAD)) {
        Ok(Some((_, recorded))) if recorded.head.size > 0 => {
            let what =
                format!("its format file is empty or missing, but its head is that of {} events", recorded.head.size);
            Err(OpenError::Unreadable { folder: path.to_owned(), what })
        }
        _ => Ok(()),
    }
}

/// The refusal for an I/O error in a folder.
pub(crate) fn io_error(folder: &Path, error: &io::Error) -> OpenError {
    let (folder, what) = (folder.to_owned(), describe(error));
    if error.kind() == io::ErrorKind::ReadOnlyFilesystem {
        return OpenError::ReadOnly(folder);
    }
    if is_full(error) { OpenError::Full { folder, what } } else { OpenError::Io { folder, what } }
}

/// Makes the entries of a folder durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn sync_files(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            File::open(entry.path())?.sync_all()?;
        } else if entry.file_type()?.is_dir() {
            sync_folder(&entry.path())?;
        }
    }
    sync_folder(folder)
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else if entry.file_type()?.is_file() {
            copy_file(&entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Copies a file. Not as `fs::copy` does: a read-only file's copy must still be writable.
pub(crate) fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    io::copy(&mut File::open(from)?, &mut File::create(to)?).map(drop)
}

fn lock(path: &Path, format: &File) -> Result<(), OpenError> {
    match format.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(io_error(path, &error)),
    }
}

fn read_format(path: &Path, format: &mut File) -> Result<Vec<u8>, OpenError> {
    let mut text = Vec::new();
    // Longer than any version's text: a file that is something else is not read to its end.
    format.take(64).read_to_end(&mut text).map_err(|error| io_error(path, &error))?;
    Ok(text)
}

fn check_format(path: &Path, text: &[u8]) -> Result<(), OpenError> {
    let version = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.strip_prefix(FORMAT_PREFIX)?.strip_suffix('\n'))
        .filter(|version| !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit()));
    match version {
        Some("1") => Ok(()),
        Some(version) if !version.starts_with('0') => {
            Err(OpenError::NewerFormat { folder: path.to_owned(), found: version.to_owned(), supported: VERSION })
        }
        _ => Err(OpenError::Unreadable { folder: path.to_owned(), what: "its format file is malformed".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_a_store_only_once_it_is_finished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        assert!(matches!(Folder::open(&path), Err(OpenError::Missing(_))));
        let half = Folder::create(&path).unwrap();
        assert!(matches!(Folder::create(&path), Err(OpenError::Locked(_))));
        drop(half);
        assert!(matches!(Folder::open(&path), Err(OpenError::Missing(_))));
        let mut whole = Folder::create(&path).unwrap();
        whole.finish().unwrap();
        assert!(matches!(Folder::open(&path), Err(OpenError::Locked(_))));
        drop(whole);
        Folder::open(&path).unwrap();
        assert!(matches!(Folder::create(&path), Err(OpenError::Exists(_))));
    }

    #[test]
    fn only_this_version_is_opened() {
        let path = Path::new("log");
        check_format(path, b"convoke-store 1\n").unwrap();
        for newer in ["convoke-store 2\n", "convoke-store 10\n"] {
            assert!(matches!(check_format(path, newer.as_bytes()), Err(OpenError::NewerFormat { .. })), "{newer:?}");
        }
        for other in ["convoke-store 1", "convoke-store \n", "convoke-store 01\n", "convoke-stork 1\n", "\0", "2\n"] {
            assert!(matches!(check_format(path, other.as_bytes()), Err(OpenError::Unreadable { .. })), "{other:?}");
        }
    }
}
