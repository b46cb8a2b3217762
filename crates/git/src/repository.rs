//! A repository and its branches.

use std::path::{Path, PathBuf};

use convoke_core::queue::GitHash;

use crate::{command::Git, error::GitError};

/// A git repository, bare or with a checkout.
#[derive(Debug, Clone)]
pub struct Repository {
    git: Git,
    folder: PathBuf,
}

impl Repository {
    /// The repository that a folder is in.
    ///
    /// # Errors
    /// [`GitError::NotARepository`], [`GitError::NotInstalled`].
    pub fn find(folder: &Path) -> Result<Self, GitError> {
        let found = Git::discover(folder)?.ok_or_else(|| GitError::NotARepository(folder.to_path_buf()))?;
        Ok(Self { git: Git::bare(found.clone()), folder: found })
    }

    /// Git in this repository.
    pub(crate) fn git(&self) -> &Git {
        &self.git
    }

    /// The folder that holds its objects and refs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The tip of a branch.
    ///
    /// # Errors
    /// [`GitError::NoBranch`].
    pub fn tip(&self, branch: &str) -> Result<GitHash, GitError> {
        self.commit(&format!("refs/heads/{branch}"))?.ok_or_else(|| GitError::NoBranch(branch.to_owned()))
    }

    /// The commit that a revision means, if it means one.
    ///
    /// # Errors
    /// [`GitError`] if git cannot be asked.
    pub fn commit(&self, revision: &str) -> Result<Option<GitHash>, GitError> {
        self.object(&format!("{revision}^{{commit}}"))
    }

    /// The tree of a commit.
    ///
    /// # Errors
    /// [`GitError`] if there is no such commit, or git cannot be asked.
    pub fn tree(&self, commit: &GitHash) -> Result<Option<GitHash>, GitError> {
        self.object(&format!("{commit}^{{tree}}"))
    }

    /// Whether one commit is the other, or came before it.
    ///
    /// # Errors
    /// [`GitError`] if git cannot be asked.
    pub fn is_ancestor(&self, earlier: &GitHash, later: &GitHash) -> Result<bool, GitError> {
        let args = ["merge-base", "--is-ancestor", earlier.as_str(), later.as_str()];
        Ok(self.git.ask(&args, b"")?.ok)
    }

    /// Where a branch is checked out, if anywhere.
    ///
    /// # Errors
    /// [`GitError`] if git cannot be asked.
    pub fn checked_out_at(&self, branch: &str) -> Result<Option<PathBuf>, GitError> {
        let list = self.git.must(&["worktree", "list", "--porcelain"], b"")?;
        let wanted = format!("branch refs/heads/{branch}");
        let mut folder = None;
        for line in list.lines() {
            if let Some(path) = line.strip_prefix("worktree ") {
                folder = Some(PathBuf::from(path));
            }
            if line == wanted {
                return Ok(folder);
            }
        }
        Ok(None)
    }

    fn object(&self, revision: &str) -> Result<Option<GitHash>, GitError> {
        let said = self.git.ask(&["rev-parse", "--verify", "--quiet", "--end-of-options", revision], b"")?;
        let text = String::from_utf8_lossy(&said.out);
        Ok(if said.ok { GitHash::parse(text.trim()).ok() } else { None })
    }
}
