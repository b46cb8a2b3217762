//! A private worktree in which checks run. Nobody else's files are touched.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use convoke_core::queue::GitHash;

use crate::{command::Git, error::GitError, repository::Repository};

/// A worktree of a repository, for one lane of a worker.
#[derive(Debug)]
pub struct Worktree {
    repository: Repository,
    folder: PathBuf,
    git: Git,
}

impl Worktree {
    /// Opens the worktree in this folder, making it if it is not there or was left half made.
    ///
    /// # Errors
    /// [`GitError`] if git refuses or the folder cannot be used.
    pub fn open(repository: &Repository, folder: &Path, at: &GitHash) -> Result<Self, GitError> {
        let git = repository.git();
        let path = folder.to_string_lossy().into_owned();
        let mut linked = Git::discover_own(folder)?;
        if linked.is_none() {
            remove(folder)?;
            git.must(&["worktree", "prune"], b"")?;
            git.must(&["worktree", "add", "--detach", "--force", "--no-checkout", &path, at.as_str()], b"")?;
            linked = Git::discover_own(folder)?;
        }
        let linked = linked.ok_or_else(|| GitError::NotARepository(folder.to_path_buf()))?;
        let git = Git::in_worktree(linked, folder.to_path_buf());
        let worktree = Self { repository: repository.clone(), folder: folder.to_path_buf(), git };
        worktree.reset(at)?;
        Ok(worktree)
    }

    /// Makes the worktree in this folder anew, whatever is there.
    ///
    /// # Errors
    /// [`GitError`] if git refuses or the folder cannot be used.
    pub fn renew(repository: &Repository, folder: &Path, at: &GitHash) -> Result<Self, GitError> {
        remove(folder)?;
        Self::open(repository, folder, at)
    }

    /// Where the files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes it exactly that commit: no changed and no other file.
    ///
    /// # Errors
    /// [`GitError`] if git refuses.
    pub fn reset(&self, to: &GitHash) -> Result<(), GitError> {
        self.git.must(&["reset", "--hard", "--quiet", to.as_str()], b"")?;
        self.git.must(&["clean", "-ffdxq"], b"").map(drop)
    }

    /// Takes the worktree away.
    ///
    /// # Errors
    /// [`GitError`] if the folder cannot be removed.
    pub fn remove(self) -> Result<(), GitError> {
        remove(&self.folder)?;
        self.repository.git().must(&["worktree", "prune"], b"").map(drop)
    }
}

impl Repository {
    /// Forgets worktrees whose folders are gone.
    ///
    /// # Errors
    /// [`GitError`] if git refuses.
    pub fn prune_worktrees(&self) -> Result<(), GitError> {
        self.git().must(&["worktree", "prune"], b"").map(drop)
    }
}

fn remove(folder: &Path) -> Result<(), GitError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(GitError::io("a worktree cannot be removed", error))
        }
        _ => Ok(()),
    }
}
