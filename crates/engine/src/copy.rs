//! An engine on a copy of a log: for reading where nothing can be written.

use std::path::Path;

use convoke_store::SledLog;

use crate::{Engine, Settings, api::Fault, engine::STORE, fault::internal, traces::no_lost_log};

impl Engine<SledLog> {
    /// Opens a copy of the log in a folder (`.convoke`) that nobody has open. The copy is made under `scratch` and removed when
    /// the engine is closed, and what is written to it is lost.
    ///
    /// # Errors
    /// As for [`Engine::open`]; `disk_full` if there is no room for the copy.
    pub async fn open_copy(folder: &Path, scratch: &Path, settings: Settings) -> Result<Self, Fault> {
        no_lost_log(folder)?;
        let (store, scratch) = (folder.join(STORE), scratch.to_owned());
        let log = tokio::task::spawn_blocking(move || SledLog::open_copy(store, scratch)).await.map_err(internal)??;
        Self::start(log, None, settings).await
    }
}
