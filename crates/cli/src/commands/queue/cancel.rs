use clap::Args;
use convoke_core::command::{CancelChange, Command};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Withdraw a change (its author only)
///
/// Also while a worker has it: that worker then finds its claim outdated. Only a change whose landing has begun can no longer be
/// withdrawn.
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The change
    #[arg(value_name = "ID")]
    change: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    mutation: Mutation,
}

impl Cancel {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let command = CancelChange { change: self.change, reason: self.reason };
        context.act(context.actor()?, &self.mutation, Command::CancelChange(command))
    }
}
