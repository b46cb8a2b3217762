//! What a branch holds: where two commits parted, and which changes a branch's commits say that they are.

use std::collections::BTreeMap;

use convoke_core::queue::GitHash;

use crate::{error::GitError, patch::Touched, repository::Repository};

/// Where commits that wait in a queue are kept from garbage collection, after the branch that brought them is gone: below the
/// name of whoever keeps them, as several queues may land in one repository.
const KEPT: &str = "refs/convoke/keep";
/// The trailer that names the change a commit brings.
const CHANGE: &str = "Convoke-Change";

/// A commit of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Its tree.
    pub tree: GitHash,
    /// The commits that it follows.
    pub parents: Vec<GitHash>,
    /// The changes that its trailers name.
    pub changes: Vec<String>,
}

impl Repository {
    /// The best common ancestor of two commits, if they have one.
    ///
    /// # Errors
    /// [`GitError`] if git cannot be asked.
    pub fn merge_base(&self, one: &GitHash, other: &GitHash) -> Result<Option<GitHash>, GitError> {
        let said = self.git().ask(&["merge-base", one.as_str(), other.as_str()], b"")?;
        Ok(String::from_utf8_lossy(&said.out).lines().next().and_then(|line| GitHash::parse(line).ok()))
    }

    /// What a commit has changed since it left the history of another; what differs, if they have no commit in common.
    ///
    /// # Errors
    /// [`GitError`] if git cannot be asked; a path that is not UTF-8 is an error that names it.
    pub fn brought_by(&self, commit: &GitHash, since: &GitHash) -> Result<Vec<Touched>, GitError> {
        match self.merge_base(since, commit)? {
            Some(left) => self.touched(&left, commit),
            None => self.touched(since, commit),
        }
    }

    /// Keeps a commit from garbage collection, in the name of a keeper: a word that a ref's name may hold.
    ///
    /// # Errors
    /// [`GitError`] if git refuses.
    pub fn keep(&self, keeper: &str, commit: &GitHash) -> Result<(), GitError> {
        self.git().must(&["update-ref", &format!("{KEPT}/{keeper}/{commit}"), commit.as_str()], b"").map(drop)
    }

    /// The commits that this keeper keeps.
    ///
    /// # Errors
    /// [`GitError`] if git cannot be asked.
    pub fn kept(&self, keeper: &str) -> Result<Vec<GitHash>, GitError> {
        let refs = self.git().must(&["for-each-ref", "--format=%(objectname)", &format!("{KEPT}/{keeper}/")], b"")?;
        Ok(refs.lines().filter_map(|line| GitHash::parse(line).ok()).collect())
    }

    /// This keeper keeps a commit no longer. One that it does not keep stays as it is.
    ///
    /// # Errors
    /// [`GitError`] if git refuses.
    pub fn let_go(&self, keeper: &str, commit: &GitHash) -> Result<(), GitError> {
        self.git().must(&["update-ref", "-d", &format!("{KEPT}/{keeper}/{commit}")], b"").map(drop)
    }

    /// Every commit of a branch, or of a commit and what came before it, as they are: nobody's replacements count.
    ///
    /// # Errors
    /// [`GitError`] if the history cannot be read to its beginning.
    pub fn history(&self, tip: &GitHash) -> Result<BTreeMap<GitHash, Past>, GitError> {
        let format = format!("--format=%H%x09%T%x09%P%x09%(trailers:key={CHANGE},valueonly,separator=%x20)");
        let args = ["--no-replace-objects", "-c", "log.showSignature=false", "log", &format, tip.as_str(), "--"];
        let text = self.git().must(&args, b"")?;
        Ok(text.lines().filter_map(past).collect())
    }
}

fn past(line: &str) -> Option<(GitHash, Past)> {
    let mut fields = line.split('\t');
    let commit = GitHash::parse(fields.next()?).ok()?;
    let tree = GitHash::parse(fields.next()?).ok()?;
    let parents = fields.next()?.split(' ').filter_map(|parent| GitHash::parse(parent).ok()).collect();
    let changes = fields.next()?.split_whitespace().map(str::to_owned).collect();
    Some((commit, Past { tree, parents, changes }))
}
