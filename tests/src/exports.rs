//! The exports that runs leave behind for the specs: with `CONVOKE_TRACES=DIR` every workspace is exported to DIR when it is
//! done with. `.ci/run` has their traces checked.

use std::{
    env, fs,
    path::PathBuf,
    process,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::workspace::{ORGANIZER, Workspace};

/// Names the folder.
const VARIABLE: &str = "CONVOKE_TRACES";

/// Exports the log of a workspace that nobody has open, if anybody wants it. A store that was damaged on purpose gives none.
pub(crate) fn leave(workspace: &Workspace) {
    let Some(folder) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()).map(PathBuf::from) else { return };
    if !workspace.inside("store").exists() {
        return;
    }
    static COUNT: AtomicU32 = AtomicU32::new(1);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let thread = thread::current();
    let name: String = thread.name().unwrap_or("run").replace("::", "-");
    let place = folder.join(format!("{name}-{}-{number}.export", process::id()));
    let made = fs::create_dir_all(&folder).is_ok();
    let (Some(file), true) = (place.to_str(), made) else {
        eprintln!("{VARIABLE}: {} cannot be made", folder.display());
        return;
    };
    // The daemon was killed a moment ago, and keeps its lock until the kernel is done with it.
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let ran = workspace.run(ORGANIZER, &["export", "--no-daemon", "--output", file]);
        if ran.exit == 0 {
            return;
        }
        if ran.code() != "log_locked" || Instant::now() > until {
            eprintln!("no export of this run: {ran}");
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
}
