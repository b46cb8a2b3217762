//! What happens to the daemon while others act: it is killed, or told to stop, again and again.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use rand::{RngExt as _, rngs::StdRng};

use crate::workspace::{ORGANIZER, Workspace};

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disturbance {
    /// SIGKILL.
    Kill,
    /// `convoke daemon stop`.
    Stop,
}

/// Disturbs the daemon with random pauses until told to end. Gives how often it met one.
pub fn disturb(
    workspace: &Workspace,
    what: Disturbance,
    pause_ms: std::ops::Range<u64>,
    chance: &mut StdRng,
    ended: &AtomicBool,
) -> u64 {
    let mut met = 0;
    while !ended.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(chance.random_range(pause_ms.clone())));
        let found = match what {
            Disturbance::Kill => workspace.kill_daemon(),
            Disturbance::Stop => {
                let ran = workspace.run(ORGANIZER, &["daemon", "stop"]);
                assert_eq!(ran.exit, 0, "{ran}");
                !ran.data()["stopped"].is_null()
            }
        };
        met += u64::from(found);
    }
    met
}
