//! Verification: of the open log, of one that nobody has open, and of an export.

use std::{io::BufRead, path::Path, sync::Arc};

use convoke_core::log::{Checkpoint, FileError, export::ExportError as Form};
use convoke_store::{ExportError, ExportReader, Log, OpenError, Report, SledLog, VerifyError};

use crate::{
    api::{Fault, Verified},
    engine::STORE,
    fault::internal,
    traces::no_lost_log,
};

/// What is told of the progress: how many events hold so far.
pub type Progress = Box<dyn FnMut(u64) + Send>;

/// Verifies an open log, and that it extends the checkpoint's, if one is given.
pub(crate) async fn verify<L: Log>(log: Arc<L>, against: Option<Checkpoint>) -> Result<Verified, Fault> {
    let report = convoke_store::verify(&*log, against.as_ref(), |_| {}).await;
    verified(report, against)
}

/// Verifies the log in a folder (`.convoke`) that nobody has open, on a copy: opening a store alters its files.
///
/// # Errors
/// As for an open log, and whatever keeps the store from being opened.
pub async fn verify_closed(folder: &Path, against: Option<Checkpoint>, progress: Progress) -> Result<Verified, Fault> {
    no_lost_log(folder)?;
    let (store, scratch) = (folder.join(STORE), folder.join("scratch"));
    let handle = tokio::runtime::Handle::current();
    let verifying = move || {
        let log = match std::fs::create_dir_all(&scratch).map(|()| SledLog::open_copy(&store, &scratch)) {
            // There is no room beside the log, or it is read-only.
            Err(_) | Ok(Err(OpenError::Full { .. } | OpenError::ReadOnly(_) | OpenError::Io { .. })) => {
                SledLog::open_copy(&store, std::env::temp_dir())
            }
            Ok(log) => log,
        };
        let log = log.inspect_err(|_| drop(std::fs::remove_dir(&scratch)))?;
        let report = handle.block_on(convoke_store::verify(&log, against.as_ref(), progress));
        drop(log);
        // Left only if another verification uses it at the same time.
        let _ = std::fs::remove_dir(&scratch);
        verified(report, against)
    };
    tokio::task::spawn_blocking(verifying).await.map_err(internal)?
}

/// Verifies an export in place.
///
/// # Errors
/// `bad_document` if it is not an export, `newer_format` if it is one of a later version; `verify_failed` and the like if it does not hold.
pub fn verify_export(
    reader: impl BufRead,
    against: Option<Checkpoint>,
    progress: impl FnMut(u64),
) -> Result<Verified, Fault> {
    let reader = ExportReader::new(reader).map_err(VerifyError::Export);
    verified(reader.and_then(|reader| convoke_store::verify_export(reader, against.as_ref(), progress)), against)
}

pub(crate) fn verified(report: Result<Report, VerifyError>, against: Option<Checkpoint>) -> Result<Verified, Fault> {
    let report = report?;
    let Some(checkpoint) = report.checkpoint else {
        return Err(Fault::new("verify_failed", "the log has no events; it begins with workspace.created"));
    };
    Ok(Verified { checkpoint, commits: report.commits, erased: report.erased, against })
}

impl From<VerifyError> for Fault {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Read(error) => error.into(),
            VerifyError::Export(error) => error.into(),
            VerifyError::OtherLog { .. }
            | VerifyError::RolledBack { .. }
            | VerifyError::Rewritten { .. }
            | VerifyError::OtherTime { .. } => Self::new("verify_failed", error.to_string()),
            VerifyError::Flawed(_) => Self::new("verify_failed", error.to_string()),
        }
    }
}

impl From<ExportError> for Fault {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Io { .. } => Self::new("io", error.to_string()),
            ExportError::Log(error) => error.into(),
            ExportError::Broken(_) => Self::new("verify_failed", error.to_string()),
            ExportError::Form(Form::File(FileError::Other { expected, found, .. })) if expected == found => {
                Self::new("newer_format", error.to_string())
            }
            ExportError::Form(_) | ExportError::Empty => Self::new("bad_document", error.to_string()),
        }
    }
}
