//! A private worktree in which checks run. Nobody else's files are touched.
//!
//! A check may do to it what it likes: put a branch into it, hide files from git, or make another repository of it. None of this
//! outlasts the next reset, which begins from an index that checks do not use.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use convoke_core::queue::GitHash;

use crate::{
    command::Git,
    error::GitError,
    repository::{Linked, Repository},
};

/// The index that resets use. Checks have a copy of it, where git looks for one.
const INDEX: &str = "convoke-index";

/// A worktree of a repository, for one lane of a worker.
#[derive(Debug)]
pub struct Worktree {
    repository: Repository,
    folder: PathBuf,
    /// Its own part of the repository.
    own: PathBuf,
    /// What the file says that leads there.
    link: Vec<u8>,
    git: Git,
}

impl Worktree {
    /// Opens the worktree in this folder, making it if it is not there or was left half made.
    ///
    /// # Errors
    /// [`GitError`] if git refuses or the folder cannot be used.
    pub fn open(repository: &Repository, folder: &Path, at: &GitHash) -> Result<Self, GitError> {
        let path = folder.to_string_lossy().into_owned();
        let mut own = own_part(repository, folder)?;
        if own.is_none() {
            remove(folder)?;
            // Twice "force": one of this name may be known, and half made.
            let args = ["worktree", "add", "--detach", "--force", "--force", "--no-checkout", &path, at.as_str()];
            repository.git().must(&args, b"")?;
            own = own_part(repository, folder)?;
        }
        let own = own.ok_or_else(|| GitError::NotARepository(folder.to_path_buf()))?;
        let error = |error| GitError::io("a worktree cannot be made", error);
        fs::write(own.join(Linked::LANE), "").map_err(error)?;
        let link = fs::read(folder.join(".git")).map_err(error)?;
        let git = Git::in_worktree(own.clone(), folder.to_path_buf(), own.join(INDEX));
        let worktree = Self { repository: repository.clone(), folder: folder.to_path_buf(), own, link, git };
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

    /// Makes it exactly that commit: no changed and no other file, and no branch that would move with it.
    ///
    /// # Errors
    /// [`GitError`] if git refuses, or the folder is not this worktree any more.
    pub fn reset(&self, to: &GitHash) -> Result<(), GitError> {
        if !self.is_there() {
            return Err(GitError::NotARepository(self.folder.clone()));
        }
        // Not `git reset`: where a check put a branch into the worktree, that would move the branch.
        self.git.must(&["checkout", "--force", "--detach", "--quiet", to.as_str()], b"")?;
        self.git.must(&["clean", "-ffdxq"], b"")?;
        let error = |error| GitError::io("a worktree cannot be made ready", error);
        match fs::remove_file(self.own.join("index.lock")) {
            Err(failed) if failed.kind() != io::ErrorKind::NotFound => return Err(error(failed)),
            _ => {}
        }
        fs::copy(self.own.join(INDEX), self.own.join("index")).map_err(error).map(drop)
    }

    /// Whether the folder still is this worktree.
    #[must_use]
    pub fn is_there(&self) -> bool {
        fs::read(self.folder.join(".git")).is_ok_and(|link| link == self.link)
    }

    /// Takes the worktree away.
    ///
    /// # Errors
    /// [`GitError`] if the folder cannot be removed.
    pub fn remove(self) -> Result<(), GitError> {
        remove(&self.folder)?;
        self.repository.forget_lost_lanes(&self.folder)
    }
}

impl Repository {
    /// Forgets lanes whose folders are gone, and whatever was in this folder and is gone. Other worktrees stay known: theirs may lie
    /// on a disk that is not mounted, and what git would forget with them is somebody's.
    ///
    /// # Errors
    /// [`GitError`] if that is not possible.
    pub fn forget_lost_lanes(&self, within: &Path) -> Result<(), GitError> {
        // A worker may have been killed before it could say that a worktree is a lane.
        let within = fs::canonicalize(within).unwrap_or_else(|_| within.to_path_buf());
        let mut lost = self.linked().into_iter().filter(|linked| linked.is_lost(&within));
        lost.try_for_each(|lane| remove(&lane.own))
    }
}

/// A worktree's own part of its repository, if the folder is one of this repository's.
fn own_part(repository: &Repository, folder: &Path) -> Result<Option<PathBuf>, GitError> {
    let all = fs::canonicalize(repository.folder().join("worktrees")).ok();
    let is_ours = |own: &PathBuf| own.parent().and_then(|all| fs::canonicalize(all).ok()) == all;
    Ok(Git::discover_own(folder)?.filter(is_ours))
}

fn remove(folder: &Path) -> Result<(), GitError> {
    remove_folder(folder).map_err(|error| GitError::io("a worktree cannot be removed", error))
}

/// Takes a folder away in which checks may have run, if it is there. Some tools write-protect the folders that they fill.
///
/// # Errors
/// What the system says.
pub fn remove_folder(folder: &Path) -> io::Result<()> {
    let mut removed = fs::remove_dir_all(folder);
    if removed.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
        unprotect(folder);
        removed = fs::remove_dir_all(folder);
    }
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes it possible to remove what is in a folder, as far as its owner can. What a symlink leads to is somewhere else.
fn unprotect(folder: &Path) {
    let is_folder = fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir());
    if is_folder && fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).is_ok() {
        fs::read_dir(folder).into_iter().flatten().flatten().for_each(|entry| unprotect(&entry.path()));
    }
}
