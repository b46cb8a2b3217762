use clap::Args;
use convoke_core::{
    command::{AckMessage, Command},
    mailbox::Token,
};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Acknowledge a taken message: done with it
#[derive(Debug, Args)]
pub(crate) struct Ack {
    /// The token that `recv` printed
    token: Token,
    #[command(flatten)]
    mutation: Mutation,
}

impl Ack {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let command = Command::AckMessage(AckMessage { token: self.token });
        context.act(context.actor()?, &self.mutation, command)
    }
}
