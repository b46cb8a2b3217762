//! The audit of the snapshot that an engine was opened from: folded from zero in idle time, and compared.

use std::{sync::Weak, time::Duration};

use convoke_core::{id::LogId, log::Head, workspace::State};
use convoke_store::Log;

use crate::{
    api::Fault,
    engine::{Engine, SNAPSHOTS, Shared},
    fold,
    snapshots::{self, Seal},
};

/// The audit begins when nothing was written for so long.
const IDLE: Duration = Duration::from_secs(20);

/// Watches for a quiet moment, then folds the log up to the snapshot's head and compares. If they differ, the engine
/// stops deciding (`snapshot_wrong`) and the snapshot is deleted, so that the next opening starts from zero.
pub(crate) fn start<L: Log>(engine: &Engine<L>, log_id: LogId, head: Head, seal: Seal) {
    let shared = std::sync::Arc::downgrade(&engine.shared);
    let mut published = engine.published.clone();
    tokio::spawn(async move {
        while let Ok(changed) = tokio::time::timeout(IDLE, published.changed()).await {
            if changed.is_err() {
                return;
            }
        }
        audit(&shared, log_id, head, seal).await;
    });
}

async fn audit<L: Log>(shared: &Weak<Shared<L>>, log_id: LogId, head: Head, seal: Seal) {
    let Some(shared) = shared.upgrade() else { return };
    let mut state = State::default();
    let folded = fold::fold(&shared.log, 0, head.size, |recorded| state.evolve(recorded)).await;
    if folded.is_ok() && snapshots::seal_of(&state, log_id, head) != Some(seal) {
        if let Some(folder) = &shared.folder {
            snapshots::delete(&folder.join(SNAPSHOTS));
        }
        shared.poison(&Fault::new(
            "snapshot_wrong",
            format!("the snapshot of {} events is not what the log folds to; it was deleted", head.size),
        ));
    }
}
