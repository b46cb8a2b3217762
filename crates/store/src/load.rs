//! Making a store of a whole log at once: every hash checked on the way, durable once at the end, in place or not at all.

use std::{
    fs,
    io::{self, BufRead},
    path::Path,
};

use convoke_core::log::Checkpoint;

use crate::{
    engine::EngineError,
    error::OpenError,
    export::ExportReader,
    folder::{io_error, sync_folder},
    log::Stored,
    opening, record,
    recorded_head::{Recorded, RecordedHead},
    scratch::Scratch,
    sled_log::{self, SledLog},
    tiles::TilesFile,
    tree::Tree,
    verify::{Report, VerifyError, read_export, verify_commits},
};

/// Why a store could not be made of the commits given.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// They are not a log that holds.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// There is something in the place already.
    #[error("{} is there already, and is not empty", .0.display())]
    Occupied(std::path::PathBuf),
    /// The store could not be made.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl SledLog {
    /// Makes the log of these commits in a folder that is not there yet, or empty. It is built beside it and moved into place
    /// when it is whole and durable; after an error nothing is left. Each commit is verified as
    /// [`verify`](crate::verify()) would. `progress` is called with the number of events that hold so far.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load(
        folder: impl AsRef<Path>,
        commits: impl Iterator<Item = Stored>,
        against: Option<&Checkpoint>,
        progress: impl FnMut(u64),
    ) -> Result<Report, LoadError> {
        build(folder.as_ref(), |put| verify_commits(commits, against, progress, put))
    }

    /// Makes the log of an export as [`SledLog::load`] does that of commits.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn import(
        folder: impl AsRef<Path>,
        export: ExportReader<impl BufRead>,
        against: Option<&Checkpoint>,
        progress: impl FnMut(u64),
    ) -> Result<Report, LoadError> {
        build(folder.as_ref(), |put| read_export(export, against, progress, put))
    }
}

/// Builds a log of what `fill` puts into it.
fn build(
    path: &Path,
    fill: impl FnOnce(&mut dyn FnMut(Stored) -> Result<(), LoadError>) -> Result<Report, LoadError>,
) -> Result<Report, LoadError> {
    let io = |error: io::Error| LoadError::Open(io_error(path, &error));
    if fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(LoadError::Occupied(path.to_owned()));
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(io)?;
    let scratch = Scratch::create(parent).map_err(io)?;
    let store = sled_log::create(scratch.path())?;
    let mut engine = opening::open_engine(&store)?;
    let failed = |error: EngineError| LoadError::Open(opening::engine_error(path, error));
    let mut tree = Tree::default();
    let report = fill(&mut |Stored { commit, root }| {
        engine.put(record::split(&commit, &root)).map_err(failed)?;
        commit.events().for_each(|event| tree.push(event.leaf()));
        Ok(())
    })?;
    engine.sync().map_err(failed)?;
    engine.close(&store.engine(), true);
    if let Some(checkpoint) = &report.checkpoint {
        let recorded = Recorded { log_id: checkpoint.log_id, head: report.head };
        RecordedHead::create(&store.head()).and_then(|mut file| file.write(recorded)).map_err(io)?;
    }
    let (mut tiles, _) = TilesFile::open(&store.tiles(), 0).map_err(io)?;
    tiles.rewrite(tree.tiles()).map_err(io)?;
    store.sync().map_err(io)?;
    scratch.persist(path).map_err(io)?;
    sync_folder(parent).map_err(io)?;
    Ok(report)
}
