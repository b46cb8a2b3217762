//! What a diff and a built tree touch, as git reads them.

use std::collections::BTreeSet;

use convoke_core::queue::{GitHash, PathError, RepoPath};

use crate::{command::Git, error::GitError, repository::Repository};

/// How trees are compared. Without the last, `ignore = all` in somebody's `.gitmodules` would hide a submodule.
pub(crate) const DIFF_TREE: [&str; 6] = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--ignore-submodules=none"];

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
    let said = Git::anywhere().ask(&["apply", "--numstat", "-z", "--whitespace=nowarn", "-"], diff)?;
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
    let counted = counted.map(<[u8]>::to_vec).chain(moved.map(unquoted));
    counted.filter(|path| !path.is_empty()).map(|path| text(&path)).collect()
}

/// A name in a header, which git puts in quotes if it holds anything unusual.
fn unquoted(name: &[u8]) -> Vec<u8> {
    let Some(quoted) = name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")) else { return name.to_vec() };
    let mut plain = Vec::new();
    let mut rest = quoted;
    while let [byte, behind @ ..] = rest {
        rest = behind;
        match (byte, behind) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', behind @ ..]) => {
                plain.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = behind;
            }
            (b'\\', [letter, behind @ ..]) => {
                plain.push(match letter {
                    b'a' => 7,
                    b'b' => 8,
                    b't' => b'\t',
                    b'n' => b'\n',
                    b'v' => 11,
                    b'f' => 12,
                    b'r' => b'\r',
                    other => *other,
                });
                rest = behind;
            }
            _ => plain.push(*byte),
        }
    }
    plain
}

impl Repository {
    /// What differs between two commits or trees.
    ///
    /// # Errors
    /// [`GitError`] if one of them is not there; a path that is not UTF-8 is an error that names it.
    pub fn touched(&self, from: &GitHash, to: &GitHash) -> Result<Vec<Touched>, GitError> {
        let said = self.git().ask(&[&DIFF_TREE[..], &[from.as_str(), to.as_str()]].concat(), b"")?;
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
    /// Whether it is a symlink that may lead out of what the repository keeps. One with a `..` after a name does: that name may be a
    /// symlink too, and then `..` is not where it seems to be. So does one into git's own folder: what is written there is run.
    #[must_use]
    pub fn leads_out(&self) -> bool {
        let Some(Kind::Symlink(target)) = &self.now else { return false };
        if target.starts_with('/') {
            return true;
        }
        let parts = || target.split('/').filter(|part| !matches!(*part, "" | "."));
        let up = parts().take_while(|part| *part == "..").count();
        let is_gits = |part| matches!(RepoPath::parse(part), Err(PathError::Git(_)));
        up > self.path.matches('/').count() || parts().skip(up).any(|part| part == ".." || is_gits(part))
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
        for (path, target) in [
            ("a", "/etc/passwd"),
            ("a", ".."),
            ("d/a", "../../x"),
            ("d/a", "b/../../../x"),
            ("d/e/a", "link/../x"),
            ("a", ".git/hooks"),
            ("d/a", ".././.GIT/config"),
        ] {
            assert!(link(path, target).leads_out(), "{path} -> {target}");
        }
        for (path, target) in [("a", ".github/x"), ("a", "b"), ("d/a", "../x"), ("d/e/a", "../../x"), ("a", "./b//c")] {
            assert!(!link(path, target).leads_out(), "{path} -> {target}");
        }
    }

    #[test]
    fn a_moved_file_is_named_also_if_its_name_is_in_quotes() {
        let diff = br#"diff --git "a/\303\244 \"1\"\tx" b/new
similarity index 100%
rename from "\303\244 \"1\"\tx"
rename to new
"#;
        assert_eq!(paths(diff).unwrap().into_iter().collect::<Vec<_>>(), ["new", "ä \"1\"\tx"]);
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
