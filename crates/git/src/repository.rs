//! A repository and its branches.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use convoke_core::queue::GitHash;

use crate::{command::Git, error::GitError};

/// A git repository, bare or with a checkout.
#[derive(Debug, Clone)]
pub struct Repository {
    git: Git,
    folder: PathBuf,
    is_bare: bool,
}

/// A worktree that is linked to a repository.
#[derive(Debug)]
pub(crate) struct Linked {
    /// Its own part of the repository.
    pub(crate) own: PathBuf,
    /// The file `.git` in its folder.
    pub(crate) link: PathBuf,
}

impl Linked {
    /// The file that says of a worktree that it is a lane of some worker, and nobody's.
    pub(crate) const LANE: &str = "convoke-lane";

    fn is_lane(&self) -> bool {
        self.own.join(Self::LANE).exists()
    }

    /// Whether it is a lane, or was in this folder, and is gone.
    pub(crate) fn is_lost(&self, within: &Path) -> bool {
        (self.is_lane() || self.link.starts_with(within)) && !self.link.exists()
    }
}

impl Repository {
    /// The repository that a folder is in.
    ///
    /// # Errors
    /// [`GitError::NotARepository`], [`GitError::NotInstalled`].
    pub fn find(folder: &Path) -> Result<Self, GitError> {
        let found = Git::discover(folder)?.ok_or_else(|| GitError::NotARepository(folder.to_path_buf()))?;
        let git = Git::bare(found.clone());
        let is_bare = git.must(&["rev-parse", "--is-bare-repository"], b"")? == "true";
        Ok(Self { git, folder: found, is_bare })
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
        // A ref in a file of its own is the newest word; looking there saves a process before every claim.
        if let Ok(text) = fs::read_to_string(self.folder.join("refs/heads").join(branch))
            && let Ok(hash) = GitHash::parse(text.trim())
        {
            return Ok(hash);
        }
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
        let said = self.git.ask(&args, b"")?;
        match said.code {
            0 => Ok(true),
            1 => Ok(false),
            // A commit that is not there came before nothing. Whatever else keeps git from answering is no answer.
            _ if self.commit(earlier.as_str())?.is_none() => Ok(false),
            _ => Err(GitError::Failed { what: "merge-base".to_owned(), said: said.text }),
        }
    }

    /// Where somebody has a branch checked out, if anywhere. A lane that has is nobody's: its check did that.
    ///
    /// # Errors
    /// [`GitError`] if git cannot be asked.
    pub fn checked_out_at(&self, branch: &str) -> Result<Option<PathBuf>, GitError> {
        if self.folder.join("reftable").is_dir() {
            return self.listed_at(branch);
        }
        // Read here, as this is asked before every landing: "ref: refs/heads/main" in a file `HEAD` of each worktree.
        let mut wanted = vec![format!("ref: refs/heads/{branch}")];
        // A branch that is another name of a branch moves that one.
        let other = fs::read_to_string(self.folder.join("refs/heads").join(branch)).unwrap_or_default();
        wanted.extend(other.starts_with("ref: ").then(|| other.trim().to_owned()));
        let is_on = |folder: &Path| {
            fs::read_to_string(folder.join("HEAD")).is_ok_and(|head| wanted.iter().any(|wanted| head.trim() == wanted))
        };
        if !self.is_bare && is_on(&self.folder) {
            return Ok(Some(self.folder.parent().unwrap_or(&self.folder).to_path_buf()));
        }
        let at =
            self.linked().into_iter().filter(|linked| !linked.is_lane() && is_on(&linked.own)).find_map(|linked| {
                // Where it is, or was: one that somebody deleted keeps nobody from landing.
                linked.link.exists().then(|| linked.link.parent().map(Path::to_path_buf)).flatten()
            });
        Ok(at)
    }

    fn listed_at(&self, branch: &str) -> Result<Option<PathBuf>, GitError> {
        let list = self.git.must(&["worktree", "list", "--porcelain"], b"")?;
        let wanted = format!("branch refs/heads/{branch}");
        let lanes: Vec<PathBuf> =
            self.linked().into_iter().filter(Linked::is_lane).map(|lane| lane.link.with_file_name("")).collect();
        let mut folder = None;
        for line in list.lines() {
            if let Some(path) = line.strip_prefix("worktree ") {
                folder = Some(PathBuf::from(path));
            }
            if line == wanted && !folder.as_ref().is_some_and(|folder| lanes.contains(folder)) {
                return Ok(folder);
            }
        }
        Ok(None)
    }

    /// The worktrees that are linked to this repository.
    pub(crate) fn linked(&self) -> Vec<Linked> {
        let Ok(entries) = fs::read_dir(self.folder.join("worktrees")) else { return Vec::new() };
        let linked = entries.flatten().map(|entry| {
            let own = entry.path();
            let link = fs::read(own.join("gitdir")).unwrap_or_default();
            Linked { link: PathBuf::from(OsStr::from_bytes(link.trim_ascii_end())), own }
        });
        linked.collect()
    }

    /// What the newest commit says that touched one of these files, and came to a commit.
    ///
    /// # Errors
    /// [`GitError`] if git cannot be asked.
    pub fn trailer_of_last(&self, at: &GitHash, paths: &[String], key: &str) -> Result<Option<String>, GitError> {
        let format = format!("--format=%(trailers:key={key},valueonly)");
        let mut args = vec!["--literal-pathspecs", "log", "-1", &format, at.as_str(), "--"];
        args.extend(paths.iter().map(String::as_str));
        let said = self.git.ask(&args, b"")?;
        let text = String::from_utf8_lossy(&said.out);
        Ok(text.lines().next().filter(|line| said.ok && !line.is_empty()).map(str::to_owned))
    }

    /// A commit's message.
    ///
    /// # Errors
    /// [`GitError`] if there is no such commit.
    pub fn message(&self, commit: &GitHash) -> Result<String, GitError> {
        self.git.must(&["log", "-1", "--format=%B", commit.as_str()], b"")
    }

    fn object(&self, revision: &str) -> Result<Option<GitHash>, GitError> {
        let said = self.git.ask(&["rev-parse", "--verify", "--quiet", "--end-of-options", revision], b"")?;
        match said.code {
            0 => Ok(GitHash::parse(String::from_utf8_lossy(&said.out).trim()).ok()),
            1 => Ok(None),
            _ => Err(GitError::Failed { what: "rev-parse".to_owned(), said: said.text }),
        }
    }
}
