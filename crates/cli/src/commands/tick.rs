use clap::Args;
use convoke_core::command::{self, Command};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Decide what is due now, and nothing else
///
/// The daemon does this by itself. With --no-daemon, a script may do it. What became due is shown by `convoke log`.
#[derive(Debug, Args)]
pub(crate) struct Tick {
    #[command(flatten)]
    mutation: Mutation,
}

impl Tick {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        context.act(context.actor()?, &self.mutation, Command::Tick(command::Tick {}))
    }
}
