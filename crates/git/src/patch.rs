//! What a diff and a built tree touch, as git reads them.

use std::collections::BTreeSet;

use convoke_core::queue::GitHash;

use crate::{command::Git, error::GitError, repository::Repository};

/// A file that differs between two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Which. Of a path that is not UTF-8, something like it.
    pub path: String,
    /// Whether the path is UTF-8.
    pub is_utf8: bool,
    /// What it is afterwards; `None` if it is gone.
    pub now: Option<Kind>,
}

/// What a path of a tree is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A symlink to this.
    Symlink(String),
    /// A commit of another repository.
    Submodule,
}

/// The files that a diff touches, both names of a moved one, without applying it.
///
/// # Errors
/// What git says of a diff that it cannot read.
pub fn paths(diff: &[u8]) -> Result<BTreeSet<String>, GitError> {
    let said = Git::anywhere().ask(&["apply", "--numstat", "-z", "-"], diff)?;
    if !said.ok {
        return Err(GitError::Failed { what: "apply".to_owned(), said: said.text });
    }
    // "added TAB removed TAB path", each ended by a zero byte.
    let counted = said.out.split(|byte| *byte == 0).filter_map(|entry| entry.splitn(3, |byte| *byte == b'\t').nth(2));
    // A line of a hunk begins with a space, a sign or a backslash, so these are never content.
    let moved = diff.split(|byte| *byte == b'\n').filter_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        line.strip_prefix(b"rename from ").or_else(|| line.strip_prefix(b"copy from "))
    });
    counted.chain(moved).filter(|path| !path.is_empty()).map(text).collect()
}

impl Repository {
    /// What differs between two commits or trees.
    ///
    /// # Errors
    /// [`GitError`] if one of them is not there; a path that is not UTF-8 is an error that names it.
    pub fn touched(&self, from: &GitHash, to: &GitHash) -> Result<Vec<Touched>, GitError> {
        let said =
            self.git().ask(&["diff-tree", "-r", "-z", "--raw", "--no-renames", from.as_str(), to.as_str()], b"")?;
        if !said.ok {
            return Err(GitError::Failed { what: "diff-tree".to_owned(), said: said.text });
        }
        touched_in(self, &said.out)
    }
}

/// Reads what `git diff-tree -r -z --raw` says.
pub(crate) fn touched_in(repository: &Repository, said: &[u8]) -> Result<Vec<Touched>, GitError> {
    // ":mode mode object object status", a zero byte, the path, a zero byte.
    let mut fields = said.split(|byte| *byte == 0).filter(|field| !field.is_empty());
    let mut touched = Vec::new();
    while let (Some(entry), Some(path)) = (fields.next(), fields.next()) {
        let entry = text(entry)?;
        let mut parts = entry.trim_start_matches(':').split(' ').skip(1);
        let (mode, object) = (parts.next().unwrap_or_default(), parts.nth(1).unwrap_or_default());
        let now = match mode {
            "000000" => None,
            "120000" => Some(Kind::Symlink(repository.git().must(&["cat-file", "blob", object], b"")?)),
            "160000" => Some(Kind::Submodule),
            _ => Some(Kind::File),
        };
        let is_utf8 = std::str::from_utf8(path).is_ok();
        touched.push(Touched { path: String::from_utf8_lossy(path).into_owned(), is_utf8, now });
    }
    Ok(touched)
}

impl Touched {
    /// Whether it is a symlink that may lead out of the repository. One with a `..` after a name does: that name may be a symlink
    /// too, and then `..` is not where it seems to be.
    #[must_use]
    pub fn leads_out(&self) -> bool {
        let Some(Kind::Symlink(target)) = &self.now else { return false };
        if target.starts_with('/') {
            return true;
        }
        let parts = || target.split('/').filter(|part| !matches!(*part, "" | "."));
        let up = parts().take_while(|part| *part == "..").count();
        up > self.path.matches('/').count() || parts().skip(up).any(|part| part == "..")
    }
}

pub(crate) fn text(bytes: &[u8]) -> Result<String, GitError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| GitError::Failed {
        what: "diff".to_owned(),
        said: format!("the path {:?} is not UTF-8", String::from_utf8_lossy(bytes)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(path: &str, target: &str) -> Touched {
        Touched { path: path.to_owned(), is_utf8: true, now: Some(Kind::Symlink(target.to_owned())) }
    }

    #[test]
    fn a_symlink_may_not_lead_out_of_the_repository() {
        for (path, target) in
            [("a", "/etc/passwd"), ("a", ".."), ("d/a", "../../x"), ("d/a", "b/../../../x"), ("d/e/a", "link/../x")]
        {
            assert!(link(path, target).leads_out(), "{path} -> {target}");
        }
        for (path, target) in [("a", "b"), ("d/a", "../x"), ("d/e/a", "../../x"), ("a", "./b//c")] {
            assert!(!link(path, target).leads_out(), "{path} -> {target}");
        }
    }

    #[test]
    fn the_paths_of_a_diff_are_those_that_git_reads() {
        let diff = b"--- a/one\n+++ b/one\n@@ -1,2 +1,2 @@\n x\n--- rename from trap\n+++ y\n\
            diff --git a/old b/new\nsimilarity index 100%\nrename from old\nrename to new\n";
        assert_eq!(paths(diff).unwrap().into_iter().collect::<Vec<_>>(), ["new", "old", "one"]);
        assert!(paths(b"--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n x\n").is_err());
        assert!(paths(b"nothing of the kind").is_err());
    }
}
