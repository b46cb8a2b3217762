//! The exports that runs leave behind for the specs: with `CONVOKE_TRACES=DIR` every workspace is exported to DIR when it is
//! done with. `.ci/run` has their traces checked.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Names the folder.
const VARIABLE: &str = "CONVOKE_TRACES";

/// Exports the log of the workspace in a folder, that nobody has open any more, if anybody wants it. A store that was damaged on
/// purpose gives none.
pub fn leave(program: &Path, root: &Path) {
    let Some(folder) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()).map(PathBuf::from) else { return };
    if !root.join(".convoke/store").exists() {
        return;
    }
    static COUNT: AtomicU32 = AtomicU32::new(1);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let thread = thread::current();
    let name: String = thread.name().unwrap_or("run").replace("::", "-");
    let place = folder.join(format!("{name}-{}-{number}.export", process::id()));
    if let Err(error) = fs::create_dir_all(&folder) {
        eprintln!("{VARIABLE}: {error}");
        return;
    }
    let mut command = Command::new(program);
    command.args(["export", "--no-daemon", "--output"]).arg(place).current_dir(root).stdin(Stdio::null());
    command.env_remove("CONVOKE_ACTOR").env_remove("CONVOKE_WORKSPACE");
    // The daemon was killed a moment ago, and keeps its lock until the kernel is done with it.
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let Ok(ran) = command.output() else { return };
        let said = String::from_utf8_lossy(&ran.stderr);
        if ran.status.success() {
            return;
        }
        if !said.contains("log_locked") || Instant::now() > until {
            eprintln!("no export of this run: {said}");
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
}
