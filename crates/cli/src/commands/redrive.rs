use clap::Args;
use convoke_core::{
    command::{Command, RedriveMessage},
    name::ActorName,
};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Send a dead letter once more, as a new message that refers to it
///
/// `convoke inbox --dead` lists them.
#[derive(Debug, Args)]
pub(crate) struct Redrive {
    /// The dead letter
    #[arg(value_name = "ID")]
    message: String,
    /// In whose mailbox it died [default: who acts]
    #[arg(long, value_name = "ACTOR")]
    mailbox: Option<ActorName>,
    #[command(flatten)]
    mutation: Mutation,
}

impl Redrive {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let command = RedriveMessage { message: self.message, mailbox: self.mailbox };
        context.act(context.actor()?, &self.mutation, Command::RedriveMessage(command))
    }
}
