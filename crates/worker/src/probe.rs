//! Where a landing can be interrupted. Nothing happens there, unless the process has installed something: the tests' program
//! ends itself at one of these points, to show that no step is one too many.

use std::sync::OnceLock;

/// The points, in the order in which a landing comes to them.
pub const POINTS: [&str; 6] = ["claimed", "fenced", "built", "announced", "moved", "recorded"];

static INSTALLED: OnceLock<fn(&str)> = OnceLock::new();

/// Has this called at each point, for the rest of the process's life. The first one stays.
pub fn install(at: fn(&str)) {
    INSTALLED.get_or_init(|| at);
}

/// A landing has come to one of the [`POINTS`].
pub fn at(point: &'static str) {
    if let Some(installed) = INSTALLED.get() {
        installed(point);
    }
}
