//! What every command line has in common: the global options, and the groups that several commands share.

use std::path::PathBuf;

use crate::output::wall_clock;
use clap::{Args, Parser, ValueEnum};
use convoke::api::{AsOf, Reply};
use convoke_core::{
    name::{ActorName, Key},
    time::{TimeError, Timestamp},
};

use crate::commands::Command;

/// Coordinates people and AI agents on one append-only, verifiable log
///
/// Countdowns that go on a quorum, campaigns that keep their order, messages that are never lost: every action is an event in one
/// content-hashed log, and everything shown is computed from it.
///
/// A thing is named by its full id, its short id (`k7q2m9xa`) or its exact name. Times are RFC 3339 or `+5m` from now; durations are
/// `90s`, `5m`, `1h30m`, `2d`.
#[derive(Debug, Parser)]
#[command(
    name = "convoke",
    bin_name = "convoke",
    version,
    max_term_width = 120,
    subcommand_value_name = "COMMAND",
    disable_help_subcommand = true,
    after_help = EXIT_CODES
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 refused, 5 not permitted, 6 outdated token, \
7 a wait ran out, 8 nothing there, 9 integrity, 75 try again. `convoke explain CODE` explains an error's code.";

/// Options of every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Print JSON: one envelope, or one object a line for streams
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Who acts [default: CONVOKE_ACTOR, then at a terminal the workspace's default actor]
    #[arg(long = "as", global = true, value_name = "ACTOR")]
    pub(crate) acting: Option<ActorName>,
    /// The folder that holds .convoke/ [default: CONVOKE_WORKSPACE, then upwards from here]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
    /// Open the log in this process, for this command only, instead of asking the daemon
    #[arg(long, global = true)]
    pub(crate) no_daemon: bool,
    /// Show absolute times and whole ids
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

/// Options of every command that writes.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Mutation {
    /// Makes a retry recognisable: the same key and command is done once [default: a random key]
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<Key>,
    /// Refuse unless the log holds exactly this many events
    #[arg(long, value_name = "SIZE")]
    pub(crate) expect_head: Option<u64>,
}

/// Options of every command that looks at the state.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct Look {
    /// Look at an earlier state: after the first SIZE events, or at a time
    #[arg(long, value_name = "SIZE|TIME", value_parser = as_of)]
    pub(crate) as_of: Option<AsOf>,
}

impl Look {
    /// The time that a list of events is seen from: with --as-of that of the state which is looked at.
    pub(crate) fn moment(&self, reply: &Reply) -> Timestamp {
        match (self.as_of, reply) {
            (Some(AsOf::Time(time)), _) => time.min(wall_clock()),
            (Some(AsOf::Size(_)), Reply::Log { events, .. }) => {
                events.last().map_or_else(wall_clock, |event| event.time)
            }
            _ => wall_clock(),
        }
    }
}

/// How urgent something is.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Priority {
    #[value(alias = "urgent")]
    Critical,
    High,
    Normal,
    #[value(alias = "info")]
    Low,
}

impl From<Priority> for convoke_core::priority::Priority {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::Critical => Self::Critical,
            Priority::High => Self::High,
            Priority::Normal => Self::Normal,
            Priority::Low => Self::Low,
        }
    }
}

fn as_of(text: &str) -> Result<AsOf, TimeError> {
    match text.parse() {
        Ok(size) => Ok(AsOf::Size(size)),
        Err(_) => match Timestamp::parse(text) {
            Err(TimeError::Time(text)) => Err(TimeError::State(text)),
            time => time.map(AsOf::Time),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_commands_argument_is_taken_for_a_global_option() {
        fn check(command: &clap::Command, path: &str) {
            for sub in command.get_subcommands() {
                let path = format!("{path} {}", sub.get_name());
                for argument in sub.get_arguments() {
                    assert!(!GLOBAL.contains(&argument.get_id().as_str()), "{path}: {}", argument.get_id());
                }
                check(sub, &path);
            }
        }
        const GLOBAL: [&str; 5] = ["json", "acting", "workspace", "no_daemon", "verbose"];
        let definition = Cli::command();
        for name in GLOBAL {
            assert!(definition.get_arguments().any(|argument| argument.get_id() == name), "{name}");
        }
        check(&definition, "convoke");
    }

    #[test]
    fn every_command_and_argument_is_explained() {
        fn check(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            assert!(command.get_about().is_some(), "{path} has no help");
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                assert!(argument.get_help().is_some(), "{path}: {} has no help", argument.get_id());
            }
            for sub in command.get_subcommands() {
                check(sub, &path);
            }
        }
        check(&Cli::command(), "");
    }
}
