use clap::Args;
use convoke_core::{
    command::{Command, ExtendChange},
    time::Span,
};

use crate::{args::Mutation, context::Context, settings::Settings, stop::Stop};

/// Keep a claimed change for longer, for a worker of your own
///
/// Give it well before the lease ends. A claim that ran out is refused with exit code 6: somebody else may have the change by then.
///
/// Example: convoke --as builder queue heartbeat k7q2m9xa --fence 1 --lease 5m
#[derive(Debug, Args)]
pub(crate) struct Heartbeat {
    /// The change
    #[arg(value_name = "ID")]
    change: String,
    /// The number of the claim, as `convoke queue lease` printed it
    #[arg(long, value_name = "N")]
    fence: u32,
    /// How long from now; a lease that lasts longer already stays [default: lease in convoke.toml, or 2m]
    #[arg(long, value_name = "DURATION", value_parser = Span::parse)]
    lease: Option<Span>,
    #[command(flatten)]
    mutation: Mutation,
}

impl Heartbeat {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let actor = context.actor()?;
        let lease = match self.lease {
            Some(lease) => lease,
            None => Settings::load(context.workspace()?)?.queue.lease(),
        };
        let command = ExtendChange { change: self.change, fence: self.fence, lease_ms: Some(lease) };
        context.act(actor, &self.mutation, Command::ExtendChange(command))
    }
}
