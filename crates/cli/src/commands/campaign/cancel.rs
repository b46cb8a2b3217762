use clap::Args;
use convoke_core::command::{CancelCampaign, Command};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Call a campaign off (its organizer only), with every countdown in it that has not ended
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The campaign
    campaign: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    mutation: Mutation,
}

impl Cancel {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let command = Command::CancelCampaign(CancelCampaign { campaign: self.campaign, reason: self.reason });
        context.act(context.actor()?, &self.mutation, command)
    }
}
