//! How urgent something is.

use serde::{Deserialize, Serialize};

/// How urgent a message or a change is; the first is taken first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Before everything else. Also accepted: `urgent`.
    #[serde(alias = "urgent")]
    Critical,
    /// Before the ordinary.
    High,
    /// The ordinary.
    #[default]
    Normal,
    /// When there is nothing else. Also accepted: `info`.
    #[serde(alias = "info")]
    Low,
}
