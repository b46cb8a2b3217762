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

impl Priority {
    /// Its word, as in JSON and in the specifications.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_a_priority_is_that_of_its_json() {
        for priority in [Priority::Critical, Priority::High, Priority::Normal, Priority::Low] {
            assert_eq!(serde_json::json!(priority), priority.as_str());
        }
    }
}
