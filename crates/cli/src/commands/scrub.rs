use clap::Args;
use convoke_core::command::{Command, ScrubCountdown};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Call a countdown off (its organizer only)
#[derive(Debug, Args)]
pub(crate) struct Scrub {
    /// The countdown
    #[arg(value_name = "ID")]
    countdown: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    mutation: Mutation,
}

impl Scrub {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let command = ScrubCountdown { countdown: self.countdown, reason: self.reason };
        context.act(context.actor()?, &self.mutation, Command::ScrubCountdown(command))
    }
}
