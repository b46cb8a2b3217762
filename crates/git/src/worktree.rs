//! A private worktree in which changes are built and checked. Nobody else's files are touched.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use convoke_core::queue::{GitHash, RepoPath};

use crate::{command::Git, error::GitError, merge::Merged, repository::Repository};

/// One file operation of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Write the file, which may be there or not.
    Write {
        /// Which.
        path: RepoPath,
        /// What it holds from now on.
        content: Vec<u8>,
    },
    /// Take the file away. It must be there.
    Delete {
        /// Which.
        path: RepoPath,
    },
    /// Apply a unified diff, as git does: plainly, and three-way where that fails.
    Patch {
        /// The diff, with its file headers.
        diff: Vec<u8>,
    },
}

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

    /// Carries the operations out, one after another, and gives the tree that they make. If one does not apply, the worktree is
    /// left for the next [`Worktree::reset`].
    ///
    /// # Errors
    /// [`GitError`] if a file cannot be written or git cannot be asked.
    pub fn apply(&self, operations: &[Operation]) -> Result<Merged, GitError> {
        for operation in operations {
            let refused = match operation {
                Operation::Write { path, content } => self.write(path, content)?,
                Operation::Delete { path } => self.delete(path)?,
                Operation::Patch { diff } => self.patch(diff)?,
            };
            if let Some(conflict) = refused {
                return Ok(conflict);
            }
        }
        let tree = self.git.must(&["write-tree"], b"")?;
        GitHash::parse(&tree)
            .map(Merged::Tree)
            .map_err(|error| GitError::Failed { what: "write-tree".to_owned(), said: error.to_string() })
    }

    /// Takes the worktree away.
    ///
    /// # Errors
    /// [`GitError`] if the folder cannot be removed.
    pub fn remove(self) -> Result<(), GitError> {
        remove(&self.folder)?;
        self.repository.git().must(&["worktree", "prune"], b"").map(drop)
    }

    fn patch(&self, diff: &[u8]) -> Result<Option<Merged>, GitError> {
        let plain = self.git.ask(&["apply", "--index", "--whitespace=nowarn", "-"], diff)?;
        if plain.ok {
            return Ok(None);
        }
        let merged = self.git.ask(&["apply", "--3way", "--whitespace=nowarn", "-"], diff)?;
        if merged.ok {
            return Ok(None);
        }
        let unmerged = self.git.must(&["diff", "--name-only", "-z", "--diff-filter=U"], b"")?;
        let mut paths: Vec<String> = unmerged.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
        if paths.is_empty() {
            paths = named_in(&plain.text);
        }
        Ok(Some(Merged::Conflict { paths, detail: plain.text }))
    }

    fn write(&self, path: &RepoPath, content: &[u8]) -> Result<Option<Merged>, GitError> {
        if let Some(conflict) = self.obstacle(path)? {
            return Ok(Some(conflict));
        }
        let at = self.folder.join(path.as_str());
        let error = |error| GitError::io("a file of the change cannot be written", error);
        if let Some(parent) = at.parent() {
            fs::create_dir_all(parent).map_err(error)?;
        }
        let mode = fs::symlink_metadata(&at).ok().filter(fs::Metadata::is_file).map(|known| known.permissions().mode());
        fs::write(&at, content).map_err(error)?;
        if let Some(mode) = mode {
            fs::set_permissions(&at, fs::Permissions::from_mode(mode)).map_err(error)?;
        }
        self.git.must(&["add", "--force", "--", path.as_str()], b"")?;
        Ok(None)
    }

    fn delete(&self, path: &RepoPath) -> Result<Option<Merged>, GitError> {
        let said = self.git.ask(&["rm", "--quiet", "--force", "--", path.as_str()], b"")?;
        Ok((!said.ok).then(|| Merged::Conflict { paths: vec![path.to_string()], detail: said.text }))
    }

    /// What stands where a file is to be: a folder, a symlink, or a file where a folder must be. Writing through a symlink
    /// would leave the repository.
    fn obstacle(&self, path: &RepoPath) -> Result<Option<Merged>, GitError> {
        let conflict = |detail: String| Ok(Some(Merged::Conflict { paths: vec![path.to_string()], detail }));
        let mut at = self.folder.clone();
        let parts: Vec<&str> = path.as_str().split('/').collect();
        for (index, part) in parts.iter().enumerate() {
            at.push(part);
            let is_last = index + 1 == parts.len();
            match fs::symlink_metadata(&at) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(GitError::io("a file of the worktree cannot be looked at", error)),
                Ok(found) if found.is_symlink() => {
                    return conflict(format!("{} is a symlink", parts[..=index].join("/")));
                }
                Ok(found) if is_last && found.is_dir() => return conflict("it is a folder".to_owned()),
                Ok(found) if !is_last && !found.is_dir() => {
                    return conflict(format!("{} is a file", parts[..=index].join("/")));
                }
                Ok(_) => {}
            }
        }
        Ok(None)
    }
}

/// The files that `git apply` complains about: `error: patch failed: src/a.rs:3`, `error: src/a.rs: does not exist in index`.
fn named_in(said: &str) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for line in said.lines().filter_map(|line| line.strip_prefix("error: ")) {
        let path = match line.strip_prefix("patch failed: ") {
            Some(place) => place.rsplit_once(':').map(|(path, _)| path),
            None => line.split_once(": ").map(|(path, _)| path),
        };
        paths.extend(path.filter(|path| !paths.iter().any(|known| known == path)).map(str::to_owned));
    }
    paths
}

fn remove(folder: &Path) -> Result<(), GitError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(GitError::io("a worktree cannot be removed", error))
        }
        _ => Ok(()),
    }
}
