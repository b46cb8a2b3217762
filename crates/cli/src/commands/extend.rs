use clap::Args;
use convoke_core::{
    command::{Command, ExtendMessage},
    mailbox::Token,
    time::Span,
};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Keep a taken message for longer
#[derive(Debug, Args)]
pub(crate) struct Extend {
    /// The token that `recv` printed
    token: Token,
    /// How long from now [default: as long as the lease was]
    #[arg(long, value_name = "DURATION", value_parser = Span::parse)]
    lease: Option<Span>,
    #[command(flatten)]
    mutation: Mutation,
}

impl Extend {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let command = Command::ExtendMessage(ExtendMessage { token: self.token, lease_ms: self.lease });
        context.act(context.actor()?, &self.mutation, command)
    }
}
