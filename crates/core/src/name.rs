//! Names and words: parsed once at the edge, so that one in hand is always well formed.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::limits;

/// Why a text is not the name or word it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing there.
    #[error("{what} is empty")]
    Empty {
        /// What was to be named.
        what: &'static str,
    },
    /// Longer than its limit.
    #[error("{what} has {bytes} bytes; the limit is {bytes_max}")]
    TooLong {
        /// What was to be named.
        what: &'static str,
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// A character that does not belong there.
    #[error("{what} {text:?} holds a character that does not belong there; {accepted}")]
    Character {
        /// What was to be named.
        what: &'static str,
        /// The text, shortened.
        text: String,
        /// What is accepted.
        accepted: &'static str,
    },
    /// A name that reads like an id would make references ambiguous.
    #[error("{what} {text:?} looks like an id; choose one that does not (a dash is enough)")]
    LooksLikeAnId {
        /// What was to be named.
        what: &'static str,
        /// The text.
        text: String,
    },
}

/// The name of one actor, role or mailbox: 1 to 64 of `a-z 0-9 . _ -`, starting with a letter or digit; upper case is folded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "SmolStr", into = "SmolStr")]
pub struct ActorName(SmolStr);

impl ActorName {
    /// The longest name.
    pub const BYTES_MAX: usize = 64;
    /// The mailbox that the workspace's organizer reads.
    pub const SUPERVISOR: &'static str = "supervisor";
    /// Another word for [`ActorName::SUPERVISOR`].
    pub const CONDUCTOR: &'static str = "conductor";
    /// Everybody.
    pub const ALL: &'static str = "all";
    /// The system itself: what became due, and notices.
    pub const SYSTEM: &'static str = "system";

    /// Reads a name, folding upper case to lower.
    ///
    /// # Errors
    /// [`NameError`] if it is empty, too long or holds another character.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        const WHAT: &str = "an actor's name";
        bounded(WHAT, text, Self::BYTES_MAX)?;
        let well_formed = text.as_bytes()[0].is_ascii_alphanumeric()
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if !well_formed {
            return Err(NameError::Character {
                what: WHAT,
                text: shorten(text),
                accepted: "a name is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit",
            });
        }
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            Ok(Self(SmolStr::new(text.to_ascii_lowercase())))
        } else {
            Ok(Self(SmolStr::new(text)))
        }
    }

    /// The system itself.
    #[must_use]
    pub fn system() -> Self {
        Self(SmolStr::new_static(Self::SYSTEM))
    }

    /// The supervisor's mailbox.
    #[must_use]
    pub fn supervisor() -> Self {
        Self(SmolStr::new_static(Self::SUPERVISOR))
    }

    /// Everybody, as a recipient.
    #[must_use]
    pub fn all() -> Self {
        Self(SmolStr::new_static(Self::ALL))
    }

    /// Whether nobody may register or act under this name.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        matches!(self.as_str(), Self::SUPERVISOR | Self::CONDUCTOR | Self::ALL | Self::SYSTEM)
    }

    /// The mailbox this name stands for: `conductor` is `supervisor`, every other name is itself.
    #[must_use]
    pub fn mailbox(self) -> Self {
        if self.as_str() == Self::CONDUCTOR { Self::supervisor() } else { self }
    }

    /// The name's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a countdown or campaign: 1 to 100 bytes, no control characters, no space at either end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "SmolStr", into = "SmolStr")]
pub struct Name(SmolStr);

impl Name {
    /// Reads a name.
    ///
    /// # Errors
    /// [`NameError`] if it is empty, too long, holds a control character, has a space at an end or looks like an id.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        const WHAT: &str = "a name";
        bounded(WHAT, text, limits::NAME_BYTES_MAX)?;
        if text.trim() != text || text.chars().any(char::is_control) {
            return Err(NameError::Character {
                what: WHAT,
                text: shorten(text),
                accepted: "a name has no control characters and no space at its ends",
            });
        }
        if crate::id::looks_like_an_id(text) {
            return Err(NameError::LooksLikeAnId { what: WHAT, text: shorten(text) });
        }
        Ok(Self(SmolStr::new(text)))
    }

    /// The name's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A kind word, kept as given: 1 to 32 of letters, digits, `.`, `_`, `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "SmolStr", into = "SmolStr")]
pub struct Word(SmolStr);

impl Word {
    /// Reads a word.
    ///
    /// # Errors
    /// [`NameError`] if it is empty, too long or holds another character.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        const WHAT: &str = "a kind";
        bounded(WHAT, text, limits::WORD_BYTES_MAX)?;
        if !text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-')) {
            return Err(NameError::Character {
                what: WHAT,
                text: shorten(text),
                accepted: "a kind is letters, digits, '.', '_' and '-'",
            });
        }
        Ok(Self(SmolStr::new(text)))
    }

    /// The word's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An idempotency key: 1 to 64 visible ASCII characters. Its scope is the actor who uses it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "SmolStr", into = "SmolStr")]
pub struct Key(SmolStr);

impl Key {
    /// Reads a key.
    ///
    /// # Errors
    /// [`NameError`] if it is empty, too long or holds another character.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        const WHAT: &str = "an idempotency key";
        bounded(WHAT, text, limits::KEY_BYTES_MAX)?;
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(NameError::Character {
                what: WHAT,
                text: shorten(text),
                accepted: "a key is visible ASCII characters, without spaces",
            });
        }
        Ok(Self(SmolStr::new(text)))
    }

    /// The key's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_type {
    ($($name:ident),+) => { $(
        impl TryFrom<SmolStr> for $name {
            type Error = NameError;
            fn try_from(text: SmolStr) -> Result<Self, NameError> {
                Self::parse(&text)
            }
        }
        impl From<$name> for SmolStr {
            fn from(name: $name) -> SmolStr {
                name.0
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }
        impl std::str::FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::parse(text)
            }
        }
    )+ };
}
text_type!(ActorName, Name, Word, Key);

fn bounded(what: &'static str, text: &str, bytes_max: usize) -> Result<(), NameError> {
    match text.len() {
        0 => Err(NameError::Empty { what }),
        bytes if bytes > bytes_max => Err(NameError::TooLong { what, bytes, bytes_max }),
        _ => Ok(()),
    }
}

/// The beginning of a text that may be huge, for an error message.
#[must_use]
pub fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actors_name_is_folded_to_lower_case() {
        assert_eq!(ActorName::parse("Alice").unwrap().as_str(), "alice");
        assert_eq!(ActorName::parse("conductor").unwrap().mailbox(), ActorName::supervisor());
    }

    #[test]
    fn malformed_names_are_refused() {
        for text in ["", "-a", ".a", "a b", "ä", "a/b", &"a".repeat(65)] {
            assert!(ActorName::parse(text).is_err(), "{text:?}");
        }
        for text in ["", " a", "a\n", "gate2026", &"a".repeat(101)] {
            assert!(Name::parse(text).is_err(), "{text:?}");
        }
        for text in ["standard", "release-2026", "Ä name with spaces"] {
            assert!(Name::parse(text).is_ok(), "{text:?}");
        }
    }
}
