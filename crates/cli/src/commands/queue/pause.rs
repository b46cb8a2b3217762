use clap::Args;
use convoke_core::command::{Command, PauseQueue};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Let workers claim nothing more; what they have goes on
#[derive(Debug, Args)]
pub(crate) struct Pause {
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    mutation: Mutation,
}

impl Pause {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        context.act(context.actor()?, &self.mutation, Command::PauseQueue(PauseQueue { reason: self.reason }))
    }
}
