use clap::Args;
use convoke_core::command::{Command, LinkCampaign};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Let one countdown wait for another
///
/// AFTER is held until BEFORE has ended well. A link that would close a cycle is refused.
#[derive(Debug, Args)]
pub(crate) struct Link {
    /// The campaign
    campaign: String,
    /// The countdown that comes first
    before: String,
    /// The countdown that waits for it
    after: String,
    #[command(flatten)]
    mutation: Mutation,
}

impl Link {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let command = LinkCampaign { campaign: self.campaign, before: self.before, after: self.after };
        context.act(context.actor()?, &self.mutation, Command::LinkCampaign(command))
    }
}
