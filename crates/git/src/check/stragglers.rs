//! Ends what a check started and what left its process group, as a server does that goes into the background: it would go on writing
//! where the next change is tested.
//!
//! A process is known by a variable in the environment that it inherited. One that drops its environment too goes on, as it does
//! where there is no `/proc`.

use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// The variable.
const NAME: &str = "CONVOKE_CHECK";
/// How often it is looked again, for those that others started meanwhile.
const LOOKS_MAX: u32 = 20;

static RUNS: AtomicU64 = AtomicU64::new(0);

/// What the processes of one run of a check have in their environment, and no others.
#[derive(Debug)]
pub(super) struct Mark(String);

impl Mark {
    pub(super) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        Self(format!("{}-{since}-{}", std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed)))
    }

    /// The variable and its value.
    pub(super) fn variable(&self) -> (&'static str, &str) {
        (NAME, &self.0)
    }

    /// Kills every process that has it.
    pub(super) fn end_all(&self) {
        let variable = format!("{NAME}={}", self.0);
        for _ in 0..LOOKS_MAX {
            let Ok(processes) = fs::read_dir("/proc") else { return };
            let names = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
            if names.filter_map(Pid::from_raw).filter(|process| end(*process, variable.as_bytes())).count() == 0 {
                return;
            }
        }
    }
}

/// Kills a process that has this variable. Whether it had, and was not dead already.
fn end(process: Pid, variable: &[u8]) -> bool {
    // Held while it is looked at, so that no other is meant by the time it is killed.
    let Ok(held) = pidfd_open(process, PidfdFlags::empty()) else { return false };
    let environment = fs::read(format!("/proc/{}/environ", process.as_raw_nonzero())).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|entry| entry == variable) && pidfd_send_signal(held, Signal::KILL).is_ok()
}
