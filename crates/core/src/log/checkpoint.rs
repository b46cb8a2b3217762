//! Heads and checkpoints: how large the log was and the root over it.

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{
    file::{self, FileError, FileKind},
    hash::Hash,
};
use crate::{id::LogId, time::Timestamp};

/// How many events the log holds and the Merkle root over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The number of events.
    pub size: u64,
    /// The root over their leaves.
    pub root: Hash,
}

impl Head {
    /// The head of a log without events.
    pub const EMPTY: Self = Self { size: 0, root: Hash::ZERO };
}

/// A head with the name of its log, to be kept elsewhere: what a later log is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The version of this file's form: 1.
    #[serde(deserialize_with = "file::one")]
    pub convoke_checkpoint: u32,
    /// The log.
    pub log_id: LogId,
    /// How many events it held: one at least.
    #[serde(deserialize_with = "not_zero")]
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// The time of the last of them.
    #[serde(deserialize_with = "in_its_one_spelling")]
    pub time: Timestamp,
}

impl Checkpoint {
    /// The version of the form that this build writes and reads.
    pub const VERSION: u32 = 1;

    /// The head alone.
    #[must_use]
    pub fn head(&self) -> Head {
        Head { size: self.size, root: self.root }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`FileError`] if it is another file, another version, or malformed.
    pub fn from_json(text: &str) -> Result<Self, FileError> {
        file::read(FileKind::Checkpoint, text)
    }
}

fn not_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match u64::deserialize(deserializer)? {
        0 => Err(de::Error::custom("a checkpoint is of at least one event")),
        size => Ok(size),
    }
}

fn in_its_one_spelling<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    Timestamp::parse(&text).ok().filter(|time| time.to_string() == text).ok_or_else(|| {
        de::Error::custom("a checkpoint's time is RFC 3339 in UTC, with Z and the fewest of 0, 3 or 6 digits")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"convoke_checkpoint":1,"log_id":"0190a0a0-0000-7000-8000-000000000001","size":3,"root":"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff","time":"2026-11-21T15:00:00.5Z"}"#;

    #[test]
    fn a_checkpoint_is_read_in_its_one_form_and_refused_in_any_other() {
        let good = TEXT.replace("00.5Z", "00.500Z");
        let read = Checkpoint::from_json(&good).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), good);
        for (from, to) in [
            ("00.500Z", "00.5Z"),
            ("00.500Z", "00.500000Z"),
            ("00.500Z", "00.500+00:00"),
            ("0190a0a0", "0190A0A0"),
            (r#""size":3"#, r#""size":0"#),
            (r#""size":3"#, r#""size":-3"#),
            (r#""size":3"#, r#""size":3,"size":3"#),
            (r#""size":3"#, r#""size":3,"more":3"#),
            (r#""size":3,"#, ""),
            ("}", "} {}"),
        ] {
            let other = good.replace(from, to);
            assert_ne!(other, good);
            assert!(matches!(Checkpoint::from_json(&other), Err(FileError::Malformed { .. })), "{other}");
        }
    }

    #[test]
    fn another_file_or_version_is_refused_as_what_it_is() {
        let later = Checkpoint::from_json(r#"{"convoke_checkpoint":2,"cosigners":[]}"#).unwrap_err();
        assert_eq!(later.to_string(), "a checkpoint, version 1, was expected; this is a checkpoint, version 2");
        let proof = Checkpoint::from_json(r#"{"convoke_proof":1}"#).unwrap_err();
        assert_eq!(proof.to_string(), "a checkpoint, version 1, was expected; this is a proof of inclusion, version 1");
    }
}
