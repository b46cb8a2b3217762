use clap::Args;
use convoke_core::command::{AcceptClock, Command};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Accept that the machine's clock jumped (a human only)
///
/// After a jump nothing is decided, so that one bad clock does not miss every countdown. Look at the clock first.
#[derive(Debug, Args)]
pub(crate) struct Accept {
    /// Why the clock is right now
    #[arg(long, value_name = "TEXT", required = true)]
    reason: String,
    #[command(flatten)]
    mutation: Mutation,
}

impl Accept {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let command = Command::AcceptClock(AcceptClock { reason: self.reason });
        let actor = context.actor()?;
        context.act(actor.clone(), &self.mutation, command)?;
        context.note_claim(&actor);
        Ok(())
    }
}
