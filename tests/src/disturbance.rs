//! What happens to the daemon while others act: it is killed, or told to stop, again and again.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use rand::{RngExt as _, rngs::StdRng};

use crate::{
    ledger::Ledger,
    workspace::{ORGANIZER, Workspace},
};

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disturbance {
    /// SIGKILL.
    Kill,
    /// `convoke daemon stop`.
    Stop,
}

/// Disturbs the daemon with random pauses until told to end. Gives how often it met one.
///
/// Mostly it waits until something was acknowledged since the last time: clients are patient, but not for ever, and on
/// a slow machine a daemon that never lives long enough to answer tests nothing. Now and then it does not wait, and
/// meets a daemon that is only starting.
pub fn disturb(
    workspace: &Workspace,
    what: Disturbance,
    pause_ms: std::ops::Range<u64>,
    chance: &mut StdRng,
    ledger: &Ledger,
    ended: &AtomicBool,
) -> u64 {
    let (mut met, mut patient) = (0, true);
    let is_over = || ended.load(Ordering::Relaxed);
    while !is_over() {
        let before = ledger.len();
        thread::sleep(Duration::from_millis(chance.random_range(pause_ms.clone())));
        while patient && !is_over() && ledger.len() < before + 3 {
            thread::sleep(Duration::from_millis(1));
        }
        patient = !patient || chance.random_ratio(3, 4);
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
