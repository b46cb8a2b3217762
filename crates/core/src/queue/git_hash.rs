//! The name that git gives an object.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// The hash of a git object: 40 hex digits, or 64 in a repository that uses SHA-256. Lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "SmolStr", into = "SmolStr")]
pub struct GitHash(SmolStr);

/// The text is not a git hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a git hash is 40 or 64 hex digits in lower case")]
pub struct GitHashError;

impl GitHash {
    /// Reads a hash.
    ///
    /// # Errors
    /// [`GitHashError`].
    pub fn parse(text: &str) -> Result<Self, GitHashError> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if is_hex && matches!(text.len(), 40 | 64) { Ok(Self(SmolStr::new(text))) } else { Err(GitHashError) }
    }

    /// The hash's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GitHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<SmolStr> for GitHash {
    type Error = GitHashError;
    fn try_from(text: SmolStr) -> Result<Self, GitHashError> {
        Self::parse(&text)
    }
}

impl From<GitHash> for SmolStr {
    fn from(hash: GitHash) -> Self {
        hash.0
    }
}
