use clap::Args;
use convoke_core::command::{Command, RequeueChange};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Put a dead change back, as a new change that refers to it
///
/// `convoke queue dead` lists them.
#[derive(Debug, Args)]
pub(crate) struct Requeue {
    /// The dead change
    #[arg(value_name = "ID")]
    change: String,
    #[command(flatten)]
    mutation: Mutation,
}

impl Requeue {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let command = RequeueChange { change: self.change };
        context.act(context.actor()?, &self.mutation, Command::RequeueChange(command))
    }
}
