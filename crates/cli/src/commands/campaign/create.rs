use clap::{Args, ValueEnum};
use convoke_core::{
    campaign::events::FailurePolicy,
    command::{Command, CreateCampaign},
    time::Span,
};
use convoke_projections::{Query, query::Reference};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Plan a campaign
///
/// Its countdowns are held until it is started; then each is released when those before it have ended well.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// A name
    name: String,
    /// What a missed or scrubbed countdown does: scrub all that come after it, or nothing
    #[arg(long, value_enum, default_value = "block")]
    on_failure: Policy,
    /// The least time between a countdown's release and its T-0 [default: 60s]
    #[arg(long, value_name = "DURATION", value_parser = Span::parse)]
    notice: Option<Span>,
    #[command(flatten)]
    mutation: Mutation,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Policy {
    Block,
    Continue,
}

impl Create {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let policy = match self.on_failure {
            Policy::Block => FailurePolicy::Block,
            Policy::Continue => FailurePolicy::Continue,
        };
        let command = CreateCampaign { name: self.name.clone(), policy, notice_ms: self.notice };
        context.act(context.actor()?, &self.mutation, Command::CreateCampaign(command))?;
        context.note_same_name(Query::Campaign(Reference { reference: self.name }));
        Ok(())
    }
}
