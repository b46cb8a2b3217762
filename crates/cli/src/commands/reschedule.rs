use clap::Args;
use convoke_core::{
    command::{Command, RescheduleCountdown},
    time::TimeSpec,
};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Set a new time (a countdown's organizer only)
///
/// All answers are cleared, and the slip by deferrals starts again.
#[derive(Debug, Args)]
pub(crate) struct Reschedule {
    /// The countdown
    #[arg(value_name = "ID")]
    countdown: String,
    /// When it is to happen now: RFC 3339, or +5m from now
    #[arg(value_parser = TimeSpec::parse)]
    time: TimeSpec,
    /// Accept a T-0 that is not in the future
    #[arg(long)]
    allow_past: bool,
    #[command(flatten)]
    mutation: Mutation,
}

impl Reschedule {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let command = RescheduleCountdown { countdown: self.countdown, time: self.time, allow_past: self.allow_past };
        context.act(context.actor()?, &self.mutation, Command::RescheduleCountdown(command))
    }
}
