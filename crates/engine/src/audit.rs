//! The audit of the snapshots that an engine was opened from: the log folded from zero in idle time, and compared.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use convoke_core::{log::Head, workspace::State};
use convoke_projections::Views;
use convoke_store::Log;
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    api::Fault,
    engine::{SNAPSHOTS, Shared},
    fault::internal,
    fold,
    offload::Offload,
    snapshots::{self, Origin},
};

/// Waits until nothing was written for a while, then folds the log up to the snapshots' head and compares. If one of them
/// is wrong, the engine stops deciding (`snapshot_wrong`) and both are deleted, so that the next opening starts from zero.
pub(crate) fn start<L: Log>(
    shared: &Arc<Shared<L>>,
    mut published: watch::Receiver<Head>,
    origin: Origin,
    after: Duration,
) -> JoinHandle<()> {
    let shared = Arc::downgrade(shared);
    tokio::spawn(async move {
        while let Ok(changed) = tokio::time::timeout(after, published.changed()).await {
            if changed.is_err() {
                return;
            }
        }
        audit(&shared, origin).await;
    })
}

async fn audit<L: Log>(shared: &Weak<Shared<L>>, origin: Origin) {
    let Some(shared) = shared.upgrade() else { return };
    let _permit = shared.whole_log().await;
    match holds(&shared.log, shared.offload, origin).await {
        Err(fault) => shared.note_audit(&fault),
        Ok(false) => {
            if let Some(folder) = &shared.folder {
                snapshots::delete(&folder.join(SNAPSHOTS));
            }
            let what =
                format!("a snapshot of {} events is not what the log folds to; it was deleted", origin.head.size);
            shared.poison(&Fault::new("snapshot_wrong", what));
        }
        Ok(true) => {}
    }
}

/// Whether the log folds to what the snapshots hold. One fold after the other, and neither kept: an audit takes more time
/// than memory.
async fn holds<L: Log>(log: &Arc<L>, offload: Offload, origin: Origin) -> Result<bool, Fault> {
    let state = fold::fold(log, offload, 0, origin.head.size, State::default()).await?;
    let digest = offload.begin(move || snapshots::state_digest(&state)).await.map_err(internal)?;
    if digest != origin.state {
        return Ok(false);
    }
    let views = fold::fold(log, offload, 0, origin.head.size, Views::default()).await?;
    let digest = offload.begin(move || snapshots::views_digest(&views)).await.map_err(internal)?;
    Ok(digest == origin.views)
}
