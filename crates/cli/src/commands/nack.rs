use clap::Args;
use convoke_core::{
    command::{Command, NackMessage},
    mailbox::Token,
};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Hand a taken message back
///
/// It can be taken again after a pause that grows each time. After five deliveries it is a dead letter.
#[derive(Debug, Args)]
pub(crate) struct Nack {
    /// The token that `recv` printed
    token: Token,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    mutation: Mutation,
}

impl Nack {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let command = Command::NackMessage(NackMessage { token: self.token, reason: self.reason });
        context.act(context.actor()?, &self.mutation, command)
    }
}
