//! How the store's errors become the faults that a client sees.

use convoke_core::event::DecodeError;
use convoke_store::{AppendError, OpenError, ReadError};

use crate::api::Fault;

impl From<OpenError> for Fault {
    fn from(error: OpenError) -> Self {
        let code = match &error {
            OpenError::Missing(_) => "no_workspace",
            OpenError::Locked(_) => "log_locked",
            OpenError::NewerFormat { .. } => "newer_format",
            OpenError::Truncated { .. } => "log_truncated",
            OpenError::OtherRoot { .. } => "log_exchanged",
            OpenError::Damaged { .. } | OpenError::Unreadable { .. } | OpenError::HeadLost(_) => "log_damaged",
            OpenError::Full { .. } => "disk_full",
            OpenError::ReadOnly { .. } => "read_only",
            _ => "io",
        };
        Self::new(code, error.to_string())
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        let code = match &error {
            ReadError::Damaged { .. } => "log_damaged",
            ReadError::Beyond { .. } => "not_found",
            ReadError::Io(_) => "io",
        };
        Self::new(code, error.to_string())
    }
}

impl From<AppendError> for Fault {
    fn from(error: AppendError) -> Self {
        let code = match &error {
            AppendError::TooLarge { .. } => "over_limit",
            AppendError::Conflict { .. } | AppendError::OutcomeUnknown(_) | AppendError::Poisoned => "outcome_unknown",
            _ => "internal",
        };
        Self::new(code, error.to_string())
    }
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        let code = match &error {
            DecodeError::UnknownKind { .. } => "unknown_event_kind",
            DecodeError::Erased { .. } => "payload_erased",
            DecodeError::Header(_) | DecodeError::Payload { .. } => "log_damaged",
        };
        Self::new(code, error.to_string())
    }
}

/// A bug: something that cannot happen did.
pub(crate) fn internal(what: impl std::fmt::Display) -> Fault {
    Fault::new("internal", what.to_string())
}

/// The engine has ended, or its writer has.
pub(crate) fn stopping() -> Fault {
    Fault::new("daemon_stopping", "Convoke is stopping and takes no more work")
}
