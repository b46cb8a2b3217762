use clap::Args;
use convoke_core::command::{Command, ReviewChange};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Do not agree to a change that waits for approval, and say why; an approval given before is taken back
///
/// The change goes on waiting: for others that agree, for a change of mind, or for its author to cancel it.
#[derive(Debug, Args)]
pub(crate) struct Reject {
    /// The change
    #[arg(value_name = "ID")]
    change: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    mutation: Mutation,
}

impl Reject {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let command = ReviewChange { change: self.change, reason: Some(self.reason) };
        context.act(context.actor()?, &self.mutation, Command::DisapproveChange(command))
    }
}
