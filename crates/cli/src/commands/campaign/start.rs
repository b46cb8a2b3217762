use clap::Args;
use convoke_core::command::{Command, StartCampaign};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Start a campaign (its organizer only): what waits for nothing is released
#[derive(Debug, Args)]
pub(crate) struct Start {
    /// The campaign
    campaign: String,
    #[command(flatten)]
    mutation: Mutation,
}

impl Start {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let command = Command::StartCampaign(StartCampaign { campaign: self.campaign });
        context.act(context.actor()?, &self.mutation, command)
    }
}
