//! Export and import: the whole log as one portable file, and a workspace made of it with identical hashes.

use std::{
    io::{BufRead, Write},
    path::Path,
    sync::Arc,
};

use convoke_core::log::Checkpoint;
use convoke_store::{ExportError, ExportReader, ExportWriter, LoadError, Log, SledLog, VerifyError};

use crate::{
    api::{Fault, Verified},
    engine::{Engine, STORE},
    fault::internal,
    verify::verified,
};

/// Events read at a time.
const CHUNK_EVENTS: usize = 4_096;

impl<L: Log> Engine<L> {
    /// Writes the whole log as it is now.
    ///
    /// # Errors
    /// The file or the log fails.
    pub async fn export(&self, out: impl Write + Send + 'static) -> Result<Checkpoint, Fault> {
        let log = Arc::clone(&self.shared.log);
        let handle = tokio::runtime::Handle::current();
        let exporting = move || {
            let size = log.head().size;
            let log_id = log.log_id().ok_or(ExportError::Empty)?;
            let mut writer = ExportWriter::new(out, log_id)?;
            let mut next = 0;
            while next < size {
                // Only reading is async: writing may block, as on a pipe that nobody empties.
                for stored in handle.block_on(log.read(next, CHUNK_EVENTS)).map_err(ExportError::Log)? {
                    next = stored.commit.end();
                    writer.write(&stored)?;
                }
            }
            writer.finish().map(|(_, checkpoint)| checkpoint)
        };
        Ok(tokio::task::spawn_blocking(exporting).await.map_err(internal)??)
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
