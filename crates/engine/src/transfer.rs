//! Export and import: the whole log as one portable file, and a workspace made of it with identical hashes.

use std::{
    io::{BufRead, Write},
    path::Path,
    sync::Arc,
};

use convoke_core::log::Checkpoint;
use convoke_store::{ExportReader, LoadError, Log, SledLog, VerifyError};

use crate::{
    api::{Fault, Verified},
    engine::{Engine, STORE},
    fault::internal,
    verify::verified,
};

impl<L: Log> Engine<L> {
    /// Writes the whole log as it is now.
    ///
    /// # Errors
    /// The file or the log fails.
    pub async fn export(&self, out: impl Write + Send + 'static) -> Result<Checkpoint, Fault> {
        let log = Arc::clone(&self.shared.log);
        let handle = tokio::runtime::Handle::current();
        let exporting = move || handle.block_on(convoke_store::export(&*log, out, |_| {}));
        let (_, checkpoint) = tokio::task::spawn_blocking(exporting).await.map_err(internal)??;
        Ok(checkpoint)
    }
}

/// Makes a workspace in a folder (`.convoke`) from an export, checking every hash on the way: all of it, or nothing.
///
/// # Errors
/// `bad_document` if it is not an export, `verify_failed` if it does not hold, `workspace_exists`.
pub fn import(folder: &Path, reader: impl BufRead, progress: impl FnMut(u64)) -> Result<Verified, Fault> {
    let store = folder.join(STORE);
    let reader = ExportReader::new(reader)?;
    let report = SledLog::load(&store, reader, None, progress).map_err(|error| match error {
        LoadError::Verify(error) => Fault::from(error),
        LoadError::Occupied(_) => {
            Fault::new("workspace_exists", format!("there is a workspace in {} already", folder.display()))
        }
        LoadError::Open(error) => error.into(),
    })?;
    verified(Ok::<_, VerifyError>(report), None)
}
