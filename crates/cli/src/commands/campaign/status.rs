use clap::Args;
use convoke_projections::{Query, query::Reference};

use crate::{args::Look, context::Context, stop::Stop};

/// Show everything about a campaign and its countdowns
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The campaign
    campaign: String,
    #[command(flatten)]
    look: Look,
}

impl Status {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        context.look(self.look, Query::Campaign(Reference { reference: self.campaign }))
    }
}
