//! A delivery's token: which message, and which claim on it. An older claim's token is refused.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::id::{self, MessageId};

/// Names one claim on one message: `0k7q2m9xa3b4c.2` is the second claim on the message whose id ends so.
///
/// It is a fence, not a secret: only its holder may use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    /// The last 64 bits of the message's id.
    pub tail: u64,
    /// The generation of the claim.
    pub fence: u32,
}

/// The text is not a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a delivery token looks like 0k7q2m9xa3b4c.1: what `recv` printed, 13 characters, a dot and a number")]
pub struct TokenError;

impl Token {
    const TAIL_CHARS: usize = 13;

    /// The token of a claim.
    #[must_use]
    pub fn new(message: MessageId, fence: u32) -> Self {
        Self { tail: message.tail(), fence }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}", id::text(self.tail, Self::TAIL_CHARS), self.fence))
    }
}

impl std::str::FromStr for Token {
    type Err = TokenError;
    fn from_str(text: &str) -> Result<Self, TokenError> {
        let (tail, fence) = text.split_once('.').ok_or(TokenError)?;
        if tail.len() != Self::TAIL_CHARS || fence.starts_with(['0', '+']) {
            return Err(TokenError);
        }
        let tail = id::bits(tail).ok_or(TokenError)?;
        let tail = u64::try_from(tail).map_err(|_| TokenError)?;
        Ok(Self { tail, fence: fence.parse().map_err(|_| TokenError)? })
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_as_it_was_printed() {
        let token = Token { tail: u64::MAX - 5, fence: 3 };
        assert_eq!(token.to_string().parse(), Ok(token));
        for text in
            ["", "x", "0000000000000", "0000000000000.", "0000000000000.01", "0000000000000.-1", "zzzzzzzzzzzzz.1"]
        {
            assert_eq!(text.parse::<Token>(), Err(TokenError), "{text:?}");
        }
    }
}
