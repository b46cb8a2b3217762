//! What an error of the filesystem means for a user: the one place that gives it a code.

use std::{
    fmt::Display,
    io::{self, ErrorKind},
};

use convoke::api::Fault;

/// The fault for something that could not be done to a file: `what` says that, in a part of a sentence.
pub(crate) fn fault(what: impl Display, error: &io::Error) -> Fault {
    let (code, why) = match error.kind() {
        ErrorKind::StorageFull => ("disk_full", "no space is left on the disk".to_owned()),
        ErrorKind::QuotaExceeded => ("disk_full", "the disk quota is used up".to_owned()),
        ErrorKind::ReadOnlyFilesystem => ("read_only", "the filesystem is read-only".to_owned()),
        _ => ("io", error.to_string()),
    };
    Fault::new(code, format!("{what}: {why}"))
}

/// Whether a fault says that nothing can be written where the workspace is, while what is there can still be read.
pub(crate) fn leaves_reading(fault: &Fault) -> bool {
    matches!(fault.code.as_str(), "disk_full" | "read_only")
}
