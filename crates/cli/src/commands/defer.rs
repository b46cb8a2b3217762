use clap::Args;
use convoke_core::{
    command::{Command, DeferCountdown},
    name::ActorName,
    refusal::Refusal,
    time::Span,
};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Ask for more time: T-0 moves later
///
/// The attendee is pending again. Deferrals add up, to the countdown's --max-slip at most.
#[derive(Debug, Args)]
#[command(override_usage = "convoke defer [OPTIONS] <ID> [ATTENDEE] <DURATION>")]
pub(crate) struct Defer {
    /// The countdown
    #[arg(value_name = "ID")]
    countdown: String,
    /// Who needs more time [default: who acts], and how much: `bob 5m`, or `5m`
    #[arg(value_name = "[ATTENDEE] DURATION", required = true, num_args = 1..=2)]
    rest: Vec<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    mutation: Mutation,
}

impl Defer {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let (by, attendee) = match self.rest.as_slice() {
            [by] => (by, None),
            [attendee, by] => (by, Some(ActorName::parse(attendee).map_err(Refusal::from)?)),
            _ => return Err(Refusal::BadRequest("an attendee and a duration are expected".to_owned()).into()),
        };
        let by_ms = Span::parse(by).map_err(Refusal::from)?;
        let actor = context.actor_or(attendee.as_ref())?;
        let command = DeferCountdown { countdown: self.countdown, attendee, by_ms, reason: self.reason };
        context.act(actor, &self.mutation, Command::DeferCountdown(command))
    }
}
