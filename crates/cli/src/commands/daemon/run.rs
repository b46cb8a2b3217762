use std::io::IsTerminal as _;

use clap::Args;

use crate::{context::Context, daemon, output::wall_clock, stop::Stop};

/// Be the daemon, in the foreground
#[derive(Debug, Args)]
pub(crate) struct Run {}

impl Run {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        match daemon::run(context.workspace()?) {
            // Standard error is daemon.log, mostly: a line with its time, as the others there.
            Err(fault) if !std::io::stderr().is_terminal() => {
                context.out.note(&format!("{} ended: {}: {}", wall_clock(), fault.code, fault.message));
                Err(Stop::Reported(fault.exit()))
            }
            ended => Ok(ended?),
        }
    }
}
