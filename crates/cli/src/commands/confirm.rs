use clap::Args;
use convoke_core::{
    command::{Command, ConfirmCountdown},
    name::ActorName,
};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Say go
///
/// The confirmation that reaches the quorum fires the countdown. Only attendees confirm. Confirming twice is no error.
#[derive(Debug, Args)]
pub(crate) struct Confirm {
    /// The countdown
    #[arg(value_name = "ID")]
    countdown: String,
    /// Who confirms [default: who acts; without --as and CONVOKE_ACTOR, this is who acts]
    attendee: Option<ActorName>,
    #[command(flatten)]
    mutation: Mutation,
}

impl Confirm {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let actor = context.actor_or(self.attendee.as_ref())?;
        let command = ConfirmCountdown { countdown: self.countdown, attendee: self.attendee };
        context.act(actor, &self.mutation, Command::ConfirmCountdown(command))
    }
}
