use clap::Args;
use convoke_core::command::{Command, HoldCountdown};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Stop a countdown's clock (its organizer only)
///
/// Answers are still accepted. T-0 moves by the time on hold. A hold that lasts longer than --max-hold scrubs the countdown.
#[derive(Debug, Args)]
pub(crate) struct Hold {
    /// The countdown
    #[arg(value_name = "ID")]
    countdown: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    mutation: Mutation,
}

impl Hold {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let command = HoldCountdown { countdown: self.countdown, reason: self.reason };
        context.act(context.actor()?, &self.mutation, Command::HoldCountdown(command))
    }
}
