//! What can go wrong with git.

use std::{io, path::PathBuf};

/// Why something could not be done in the repository.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no `git` on this machine.
    #[error("git is not installed, or not in PATH")]
    NotInstalled,
    /// The folder is not in a git repository.
    #[error("{} is not in a git repository", .0.display())]
    NotARepository(PathBuf),
    /// The branch is not there.
    #[error("there is no branch {0}")]
    NoBranch(String),
    /// The target moved, or the claim's fence was outranked: nothing was changed.
    #[error("the refs are not what they were: {0}")]
    RefMoved(String),
    /// Somebody has the target checked out; moving it under them would make their files look changed.
    #[error("{branch} is checked out in {}", at.display())]
    CheckedOut {
        /// The branch.
        branch: String,
        /// Where.
        at: PathBuf,
    },
    /// Git refused.
    #[error("git {what} failed: {said}")]
    Failed {
        /// The subcommand.
        what: String,
        /// What it said, shortened.
        said: String,
    },
    /// The disk is full.
    #[error("no space is left on the disk")]
    DiskFull,
    /// A file or process could not be used.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl GitError {
    pub(crate) fn io(what: &'static str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Io { what, source },
        }
    }
}
