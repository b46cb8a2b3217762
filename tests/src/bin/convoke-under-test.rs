//! The program, so that `CARGO_BIN_EXE_convoke-under-test` names it in every integration test of this crate.
//!
//! Here, and only here, a worker can be interrupted: `CONVOKE_INTERRUPT=kill:announced` ends it with SIGKILL where a landing was
//! announced, `stop:announced` stops it there with SIGSTOP. `convoke_worker::probe::POINTS` are the places.

use std::process::ExitCode;

use rustix::process::{Signal, getpid, kill_process};

fn main() -> ExitCode {
    convoke_worker::probe::install(interrupt);
    convoke_cli::run()
}

fn interrupt(point: &str) {
    let Ok(wanted) = std::env::var("CONVOKE_INTERRUPT") else { return };
    let signal = match wanted.split_once(':') {
        Some(("kill", at)) if at == point => Signal::KILL,
        Some(("stop", at)) if at == point => Signal::STOP,
        _ => return,
    };
    kill_process(getpid(), signal).expect("a process may signal itself");
}
