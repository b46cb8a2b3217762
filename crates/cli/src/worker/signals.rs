//! SIGINT and SIGTERM ask a worker to stop; it gives its claims back and takes its worktrees away first.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use convoke::api::Fault;
use tokio::signal::unix::{SignalKind, signal};

/// Becomes true when the process is asked to stop.
pub(crate) fn until_told_to_stop() -> Result<Arc<AtomicBool>, Fault> {
    let told = Arc::new(AtomicBool::new(false));
    let cannot = |error: std::io::Error| Fault::new("io", format!("signals cannot be received: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
    let guard = runtime.enter();
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    drop(guard);
    let tells = Arc::clone(&told);
    // For the rest of the process's life.
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        tells.store(true, Ordering::Relaxed);
    });
    Ok(told)
}
