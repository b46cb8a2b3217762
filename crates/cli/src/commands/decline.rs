use clap::Args;
use convoke_core::{
    command::{Command, DeclineCountdown},
    name::ActorName,
};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Say no-go
///
/// When so many have declined that the quorum cannot be reached any more, the countdown is scrubbed at once.
#[derive(Debug, Args)]
pub(crate) struct Decline {
    /// The countdown
    #[arg(value_name = "ID")]
    countdown: String,
    /// Who declines [default: who acts; without --as and CONVOKE_ACTOR, this is who acts]
    attendee: Option<ActorName>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    mutation: Mutation,
}

impl Decline {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let actor = context.actor_or(self.attendee.as_ref())?;
        let command = DeclineCountdown { countdown: self.countdown, attendee: self.attendee, reason: self.reason };
        context.act(actor, &self.mutation, Command::DeclineCountdown(command))
    }
}
