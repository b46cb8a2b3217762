use clap::Args;
use convoke_core::command::{Command, ResumeQueue};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Let workers claim changes again
#[derive(Debug, Args)]
pub(crate) struct Resume {
    #[command(flatten)]
    mutation: Mutation,
}

impl Resume {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        context.act(context.actor()?, &self.mutation, Command::ResumeQueue(ResumeQueue {}))
    }
}
