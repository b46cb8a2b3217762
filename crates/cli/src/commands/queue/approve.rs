use clap::Args;
use convoke_core::command::{Command, ReviewChange};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Agree to a change that waits for approval
///
/// Who may is said by the rule in convoke.toml that fitted the change when it was handed in. Its author never counts.
#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// The change
    #[arg(value_name = "ID")]
    change: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    mutation: Mutation,
}

impl Approve {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let command = ReviewChange { change: self.change, reason: self.reason };
        context.act(context.actor()?, &self.mutation, Command::ApproveChange(command))
    }
}
