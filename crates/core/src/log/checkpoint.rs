//! Heads and checkpoints: how large the log was and the root over it.

use serde::{Deserialize, Serialize};

use super::hash::Hash;
use crate::{id::LogId, time::Timestamp};

/// How many events the log holds and the Merkle root over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    pub convoke_checkpoint: u32,
    /// The log.
    pub log_id: LogId,
    /// How many events it held.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// The time of the last of them.
    pub time: Timestamp,
}

impl Checkpoint {
    /// The version of the form that this build writes and reads.
    pub const VERSION: u32 = 1;
}
