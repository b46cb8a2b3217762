//! The four hashes of the log: BLAKE3, one key for each purpose.
//!
//! Each purpose has a 32-byte key, derived once from a context string with BLAKE3's `derive_key` (of empty key
//! material), and its inputs are hashed with BLAKE3's keyed mode under that key. So no input of one purpose can be
//! passed off as an input of another.

use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Random bytes hashed before a payload, and kept and erased with it.
pub type Salt = [u8; 16];

const PAYLOAD_CONTEXT: &str = "convoke log v1: payload";
const LEAF_CONTEXT: &str = "convoke log v1: leaf";
const NODE_CONTEXT: &str = "convoke log v1: node";
const FINGERPRINT_CONTEXT: &str = "convoke log v1: fingerprint";

static PAYLOAD_KEY: LazyLock<[u8; 32]> = LazyLock::new(|| blake3::derive_key(PAYLOAD_CONTEXT, b""));
static LEAF_KEY: LazyLock<[u8; 32]> = LazyLock::new(|| blake3::derive_key(LEAF_CONTEXT, b""));
static NODE_KEY: LazyLock<[u8; 32]> = LazyLock::new(|| blake3::derive_key(NODE_CONTEXT, b""));
static FINGERPRINT_KEY: LazyLock<[u8; 32]> = LazyLock::new(|| blake3::derive_key(FINGERPRINT_CONTEXT, b""));

/// 32 bytes of BLAKE3. Text form: 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash(pub [u8; 32]);

/// The text is not 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 64 lower-case hex digits")]
pub struct HashError;

impl Hash {
    /// The root of an empty log: 32 zero bytes.
    pub const ZERO: Self = Self([0; 32]);

    /// Reads the text form.
    ///
    /// # Errors
    /// [`HashError`] if it is anything else.
    pub fn parse(text: &str) -> Result<Self, HashError> {
        if text.len() != 64 || text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(HashError);
        }
        blake3::Hash::from_hex(text).map(|hash| Self(*hash.as_bytes())).map_err(|_| HashError)
    }
}

impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// The hash of a stored body: `salt ‖ payload length (u32, big-endian) ‖ payload`, exactly as it stands in a frame.
#[must_use]
pub fn payload_hash(salted_payload: &[u8]) -> Hash {
    Hash(*blake3::keyed_hash(&PAYLOAD_KEY, salted_payload).as_bytes())
}

/// The leaf of an event: over its header's bytes, which hold the log id, the position and the payload's hash.
#[must_use]
pub fn leaf_hash(header: &[u8]) -> Hash {
    Hash(*blake3::keyed_hash(&LEAF_KEY, header).as_bytes())
}

/// A node of the tree over its two children.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut pair = [0; 64];
    pair[..32].copy_from_slice(&left.0);
    pair[32..].copy_from_slice(&right.0);
    Hash(*blake3::keyed_hash(&NODE_KEY, &pair).as_bytes())
}

/// The fingerprint of a command as it was given, under the salt of the event that carries it.
///
/// It stands in the header for ever. Without the salt, which is erased with the payload, the command cannot be guessed
/// from it.
#[must_use]
pub fn fingerprint(salt: &Salt, command: &[u8]) -> Hash {
    let mut hasher = blake3::Hasher::new_keyed(&FINGERPRINT_KEY);
    hasher.update(salt);
    hasher.update(command);
    Hash(*hasher.finalize().as_bytes())
}

/// The name of content that lies beside the log: plain BLAKE3, so that other programs can compute it.
#[must_use]
pub fn blob_hash(content: &[u8]) -> Hash {
    Hash(*blake3::hash(content).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If one of these moves, every log ever written stops verifying.
    #[test]
    fn the_hashes_are_the_ones_that_every_log_was_written_with() {
        let salt = [7; 16];
        let salted = [&salt[..], &2_u32.to_be_bytes(), b"{}"].concat();
        for (hash, golden) in [
            (payload_hash(&salted), "ea6ae0c87353b33887f1c7a5e1706ec2436cf50218bf5e865819668e3d332580"),
            (leaf_hash(b"header"), "9a5cc19ed11147413df63d52cb8aa930401d78314975d1411f94ceeb08f24ea6"),
            (
                node_hash(&Hash([1; 32]), &Hash([2; 32])),
                "d43f18c75092c9d55a7277ed6c37190a1b97c09f03962e26c02eb671785d95da",
            ),
            (fingerprint(&salt, b"command"), "452d14f7dffb4e89f0ca1bc691b0024c2b2374808928b2333f3802ba840c3a53"),
        ] {
            assert_eq!(hash.to_string(), golden);
        }
    }

    #[test]
    fn a_hash_has_one_spelling() {
        let text = leaf_hash(b"").to_string();
        assert_eq!(Hash::parse(&text).map(|hash| hash.to_string()), Ok(text.clone()));
        for other in [text.to_uppercase(), format!("{text}0"), text[1..].to_owned(), text.replace(&text[..1], "g")] {
            assert_eq!(Hash::parse(&other), Err(HashError), "{other}");
        }
        assert_eq!(Hash::parse(&"é".repeat(32)), Err(HashError));
    }
}
