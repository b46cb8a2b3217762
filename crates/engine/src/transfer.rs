//! Export and import: the whole log as one portable file, and a workspace made of it with identical hashes.

use std::{
    io::{BufRead, Write},
    path::Path,
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
        let _permit = self.shared.whole_log().await;
        let log = &self.shared.log;
        let size = log.head().size;
        let log_id = log.log_id().ok_or(ExportError::Empty)?;
        // Writing may block, as on a pipe that nobody empties, and so may the flush of a writer that is dropped: both
        // have a thread of their own, from the first line to the last.
        let mut writer = blocking(move || ExportWriter::new(out, log_id)).await??;
        let mut next = 0;
        while next < size {
            let stored = match log.read(next, CHUNK_EVENTS).await {
                Ok(stored) => stored,
                Err(error) => {
                    blocking(move || drop(writer)).await?;
                    return Err(error.into());
                }
            };
            next = stored.last().map_or(size, |stored| stored.commit.end());
            let writing = move || stored.iter().try_for_each(|stored| writer.write(stored)).map(|()| writer);
            writer = blocking(writing).await??;
        }
        Ok(blocking(move || writer.finish().map(|(_, checkpoint)| checkpoint)).await??)
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(internal)
}

/// Makes a workspace in a folder (`.convoke`) from an export, checking every hash on the way: all of it, or nothing.
///
/// # Errors
/// `bad_document` if it is not an export, `newer_format` if it is one of a later version, `verify_failed` if it does not hold, `workspace_exists`.
pub fn import(folder: &Path, reader: impl BufRead, progress: impl FnMut(u64)) -> Result<Verified, Fault> {
    let store = folder.join(STORE);
    let reader = ExportReader::new(reader)?;
    let report = SledLog::import(&store, reader, None, progress).map_err(|error| match error {
        LoadError::Verify(error) => Fault::from(error),
        LoadError::Occupied(_) => {
            Fault::new("workspace_exists", format!("there is a workspace in {} already", folder.display()))
        }
        LoadError::Open(error) => error.into(),
    })?;
    verified(Ok::<_, VerifyError>(report), None)
}
