//! The `convoke` program: its commands, and the daemon that owns a workspace's log.
//!
//! * `commands/` has one file per command: its help, its arguments, its few lines. Commands do not know one another.
//! * `session/` carries a request to the engine: over the daemon's socket, or in this process with `--no-daemon`.
//! * `daemon/` is the other end: the lock, the socket, HTTP, and an orderly end.
//! * `render/` shows a view to people; `--json` prints the same view as it is.
//!
//! The command line can do nothing that the engine's API cannot.

mod args;
mod commands;
mod context;
mod daemon;
mod disk;
mod envelope;
mod output;
mod render;
mod repository;
mod session;
mod settings;
mod stop;
mod usage;
mod worker;
mod workspace;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

/// Runs the program with the process's arguments. Never panics at the user: a defect is an `internal` error.
#[must_use]
pub fn run() -> ExitCode {
    std::panic::set_hook(Box::new(stop::report_panic));
    let arguments: Vec<_> = std::env::args_os().collect();
    // A panic is caught here and not aborted on, so that the engine's and the lock's destructors run.
    let ended = std::panic::catch_unwind(|| match args::Cli::try_parse_from(&arguments) {
        Ok(cli) => commands::run(cli),
        Err(error) => usage::report(&error, &arguments),
    });
    ended.unwrap_or(ExitCode::FAILURE)
}

/// The definition of the command line: for the manual, the completions and the reference in `docs/`.
#[must_use]
pub fn definition() -> clap::Command {
    args::Cli::command()
}
