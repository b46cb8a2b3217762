//! Reading the JSON files that leave a workspace: which file it is and of which version comes first, so that a file of
//! a later version is refused as such, and not for a member that this version does not know.

use serde::{Deserialize, Deserializer, de};

/// The files that leave a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A checkpoint.
    Checkpoint,
    /// A proof of inclusion.
    Proof,
    /// A proof of consistency.
    Consistency,
    /// An export.
    Export,
}

impl std::fmt::Display for FileKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Checkpoint => "a checkpoint",
            Self::Proof => "a proof of inclusion",
            Self::Consistency => "a proof of consistency",
            Self::Export => "an export",
        })
    }
}

/// Why a text is not the file it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Another of these files, or a later version of this one.
    #[error("{expected}, version 1, was expected; this is {found}, version {version}")]
    Other {
        /// What it should be.
        expected: FileKind,
        /// What it is.
        found: FileKind,
        /// The version it states.
        version: u64,
    },
    /// None of these files, or a malformed one.
    #[error("this is not {expected}: {reason}")]
    Malformed {
        /// What it should be.
        expected: FileKind,
        /// What is wrong with it.
        reason: String,
    },
}

/// The member that each file begins with; any other is passed over.
#[derive(Deserialize)]
struct Opening {
    convoke_checkpoint: Option<u64>,
    convoke_proof: Option<u64>,
    convoke_consistency: Option<u64>,
    convoke_export: Option<u64>,
}

/// Reads one JSON object of this kind, version 1.
pub(super) fn read<'a, T: Deserialize<'a>>(expected: FileKind, text: &'a str) -> Result<T, FileError> {
    let malformed = |error: serde_json::Error| FileError::Malformed { expected, reason: error.to_string() };
    let opening: Opening = serde_json::from_str(text).map_err(malformed)?;
    let stated = [
        (FileKind::Checkpoint, opening.convoke_checkpoint),
        (FileKind::Proof, opening.convoke_proof),
        (FileKind::Consistency, opening.convoke_consistency),
        (FileKind::Export, opening.convoke_export),
    ];
    for (found, version) in stated {
        if let Some(version) = version
            && (found, version) != (expected, 1)
        {
            return Err(FileError::Other { expected, found, version });
        }
    }
    serde_json::from_str(text).map_err(malformed)
}

/// A member that may be absent, but is not `null`.
pub(super) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The version of a file of which this build knows only one.
pub(super) fn one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        1 => Ok(1),
        _ => Err(de::Error::custom("this build reads version 1 only")),
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

pub(super) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).map(char::from).collect()
}

pub(super) fn put_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(2 * bytes.len());
    for byte in bytes {
        out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

/// Reads lower-case hex; `None` if it is anything else.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let mut bytes = Vec::with_capacity(pairs.len());
    for [high, low] in pairs {
        bytes.push(digit(*high)? << 4 | digit(*low)?);
    }
    Some(bytes)
}
