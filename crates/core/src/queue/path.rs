//! Paths inside a repository, and whether two sets of them touch.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{limits, name::shorten};

/// A path inside a repository: relative, with `/` between its parts, none of them empty, `.`, `..` or `.git`.
///
/// Whether a symlink leads out of the repository cannot be seen from a path; the worker looks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "SmolStr", into = "SmolStr")]
pub struct RepoPath(SmolStr);

/// Why a text is not a path inside a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing there.
    #[error("a path is empty")]
    Empty,
    /// Longer than its limit.
    #[error("a path has {bytes} bytes; the limit is {}", limits::PATH_BYTES_MAX)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It does not begin at the root of the repository.
    #[error("{0:?} is absolute; paths are relative to the repository's root")]
    Absolute(String),
    /// A part that leads out of the repository, or nowhere.
    #[error("{path:?} holds the part {part:?}; paths stay inside the repository")]
    Part {
        /// The path.
        path: String,
        /// The part.
        part: String,
    },
    /// A part of it is git's own.
    #[error("{0:?} is git's own")]
    Git(String),
    /// A control character.
    #[error("{0:?} holds a control character")]
    Control(String),
}

impl RepoPath {
    /// Reads a path.
    ///
    /// # Errors
    /// [`PathError`]: the first thing that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let shown = || shorten(text);
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.len() > limits::PATH_BYTES_MAX {
            return Err(PathError::TooLong { bytes: text.len() });
        }
        if text.starts_with('/') {
            return Err(PathError::Absolute(shown()));
        }
        if text.chars().any(char::is_control) {
            return Err(PathError::Control(shown()));
        }
        for part in text.split('/') {
            if matches!(part, "" | "." | "..") {
                return Err(PathError::Part { path: shown(), part: part.to_owned() });
            }
            if is_gits_own(part) {
                return Err(PathError::Git(shown()));
            }
        }
        Ok(Self(SmolStr::new(text)))
    }

    /// The path's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether one of the two is the other, or lies below it: a file cannot become a folder beside somebody's change of it.
    fn touches(&self, other: &Self) -> bool {
        let (short, long) = if self.0.len() <= other.0.len() { (self, other) } else { (other, self) };
        long.0.strip_prefix(short.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// `.git`, however it is spelt on file systems that fold cases or drop what git's own checks (CVE-2014-9390) name:
/// ignored code points, trailing dots and spaces, and the short name `git~1`.
fn is_gits_own(part: &str) -> bool {
    let visible: String = part
        .chars()
        .filter(
            |c| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}'),
        )
        .collect();
    let folded = visible.trim_end_matches(['.', ' ']).to_ascii_lowercase();
    matches!(folded.as_str(), ".git" | "git~1")
}

/// Whether two changes may touch the same file. Both sets are walked once, side by side.
#[must_use]
pub fn overlap(one: &BTreeSet<RepoPath>, other: &BTreeSet<RepoPath>) -> bool {
    let (few, many) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    few.iter().any(|path| {
        let below = many.range(path.clone()..).take_while(|next| next.as_str().starts_with(path.as_str()));
        let is_above = |ancestor: &str| RepoPath::parse(ancestor).is_ok_and(|ancestor| many.contains(&ancestor));
        let mut ancestors = path.as_str().match_indices('/').map(|(end, _)| &path.as_str()[..end]);
        below.into_iter().any(|next| next.touches(path)) || ancestors.any(is_above)
    })
}

impl TryFrom<SmolStr> for RepoPath {
    type Error = PathError;
    fn try_from(text: SmolStr) -> Result<Self, PathError> {
        Self::parse(&text)
    }
}

impl From<RepoPath> for SmolStr {
    fn from(path: RepoPath) -> Self {
        path.0
    }
}

impl std::fmt::Display for RepoPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(texts: &[&str]) -> BTreeSet<RepoPath> {
        texts.iter().map(|text| RepoPath::parse(text).unwrap()).collect()
    }

    #[test]
    fn a_path_stays_inside_the_repository() {
        for good in ["a", "src/lib.rs", "a b/ä", "..a", "a..", ".github/x", ".gitignore", "x.git/y"] {
            assert_eq!(RepoPath::parse(good).map(|path| path.to_string()), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "/etc/passwd",
            "../a",
            "a/../b",
            "a/..",
            "./a",
            "a//b",
            "a/",
            ".git/config",
            "a/.GIT/x",
            "a/.git. ",
            "git~1/x",
            ".g\u{200c}it/x",
            "a\nb",
            "a\0",
        ] {
            assert!(RepoPath::parse(bad).is_err(), "{bad:?}");
        }
        let longest = limits::PATH_BYTES_MAX;
        assert!(RepoPath::parse(&"a".repeat(longest)).is_ok());
        assert_eq!(RepoPath::parse(&"a".repeat(longest + 1)), Err(PathError::TooLong { bytes: longest + 1 }));
    }

    #[test]
    fn a_file_overlaps_with_itself_and_with_what_lies_below_it() {
        for (one, other, expected) in [
            (&["a"][..], &["a"][..], true),
            (&["a"], &["b"], false),
            (&["a"], &["ab", "a-b"], false),
            (&["a"], &["a-b", "a/b"], true),
            (&["a/b/c"], &["a"], true),
            (&["a/b/c", "x"], &["a/b/d", "y", "z"], false),
            (&[], &["a"], false),
        ] {
            assert_eq!(overlap(&paths(one), &paths(other)), expected, "{one:?} {other:?}");
            assert_eq!(overlap(&paths(other), &paths(one)), expected, "{other:?} {one:?}");
        }
    }
}
