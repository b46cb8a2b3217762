use clap::Args;
use convoke_core::command::{Command, LinkCampaign};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Take a link away
///
/// A countdown that then waits for nothing any more is released at once, if the campaign has started.
#[derive(Debug, Args)]
pub(crate) struct Unlink {
    /// The campaign
    campaign: String,
    /// The countdown that comes first
    before: String,
    /// The countdown that waits for it
    after: String,
    #[command(flatten)]
    mutation: Mutation,
}

impl Unlink {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let command = LinkCampaign { campaign: self.campaign, before: self.before, after: self.after };
        context.act(context.actor()?, &self.mutation, Command::UnlinkCampaign(command))
    }
}
