//! Content beside the log, named by its hash: what changes bring, too large for an event.
//!
//! The event that names a blob is written after it, so whatever the log names is there. A blob is written once and never
//! changed; whoever reads it recomputes its hash.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use convoke_core::log::{Hash, blob_hash};

/// The longest blob.
pub const BLOB_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A folder of blobs.
#[derive(Debug, Clone)]
pub struct Blobs {
    folder: PathBuf,
}

/// Why a blob could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// It is not there.
    #[error("the content {0} is not there")]
    Missing(Hash),
    /// It is not what its name says.
    #[error("the content {0} is damaged: it has another hash")]
    Damaged(Hash),
    /// Longer than the limit.
    #[error("the content has {bytes} bytes; the limit is {BLOB_BYTES_MAX}")]
    TooLong {
        /// Its length.
        bytes: u64,
    },
    /// The file system refused.
    #[error("the content cannot be {what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Blobs {
    /// The blobs of a workspace, in a folder of their own. Nothing is made before the first is written.
    #[must_use]
    pub fn of(workspace: &Path) -> Self {
        Self { folder: workspace.join("blobs") }
    }

    /// Writes a blob and gives its name. When this returns it survives a power cut. One that is there already stays.
    ///
    /// # Errors
    /// [`BlobError::TooLong`], [`BlobError::Io`].
    pub fn put(&self, content: &[u8]) -> Result<Hash, BlobError> {
        let io = |source| BlobError::Io { what: "written", source };
        let bytes = content.len() as u64;
        if bytes > BLOB_BYTES_MAX {
            return Err(BlobError::TooLong { bytes });
        }
        let hash = blob_hash(content);
        let path = self.path(&hash);
        if self.get(&hash).is_ok() {
            return Ok(hash);
        }
        let folder = path.parent().unwrap_or(&self.folder);
        let is_new = !folder.exists();
        fs::create_dir_all(folder).map_err(io)?;
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let half_written = folder.join(format!(".{}-{number}", std::process::id()));
        let written = File::create_new(&half_written)
            .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&half_written, &path))
            .and_then(|()| sync_folder(folder));
        if written.is_err() {
            fs::remove_file(&half_written).ok();
        }
        written.map_err(io)?;
        if is_new {
            sync_folder(&self.folder).map_err(io)?;
            self.folder.parent().map_or(Ok(()), sync_folder).map_err(io)?;
        }
        Ok(hash)
    }

    /// Reads a blob, and checks that it is what its name says.
    ///
    /// # Errors
    /// [`BlobError`].
    pub fn get(&self, hash: &Hash) -> Result<Vec<u8>, BlobError> {
        let content = fs::read(self.path(hash)).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => BlobError::Missing(*hash),
            _ => BlobError::Io { what: "read", source },
        })?;
        if blob_hash(&content) == *hash { Ok(content) } else { Err(BlobError::Damaged(*hash)) }
    }

    fn path(&self, hash: &Hash) -> PathBuf {
        let name = hash.to_string();
        self.folder.join(&name[..2]).join(&name)
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_read_back_under_its_hash_and_its_damage_is_found() {
        let workspace = tempfile::tempdir().unwrap();
        let blobs = Blobs::of(workspace.path());
        let hash = blobs.put(b"content").unwrap();
        assert_eq!(blobs.put(b"content").unwrap(), hash);
        assert_eq!(blobs.get(&hash).unwrap(), b"content");
        assert!(matches!(blobs.get(&Hash([7; 32])), Err(BlobError::Missing(_))));
        fs::write(blobs.path(&hash), b"another").unwrap();
        assert!(matches!(blobs.get(&hash), Err(BlobError::Damaged(_))));
        assert_eq!(blobs.put(b"content").unwrap(), hash, "a damaged one is written anew");
        assert_eq!(blobs.get(&hash).unwrap(), b"content");
    }
}
