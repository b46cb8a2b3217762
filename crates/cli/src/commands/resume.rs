use clap::Args;
use convoke_core::command::{Command, ResumeCountdown};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Let a countdown's clock run again (its organizer only)
///
/// If the quorum is there already it fires now.
#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The countdown
    #[arg(value_name = "ID")]
    countdown: String,
    #[command(flatten)]
    mutation: Mutation,
}

impl Resume {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let command = ResumeCountdown { countdown: self.countdown };
        context.act(context.actor()?, &self.mutation, Command::ResumeCountdown(command))
    }
}
