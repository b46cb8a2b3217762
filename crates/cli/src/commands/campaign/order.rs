use clap::Args;
use convoke_projections::{Query, query::Reference};

use crate::{args::Look, context::Context, stop::Stop};

/// Print the levels of a campaign: what may run together
#[derive(Debug, Args)]
pub(crate) struct Order {
    /// The campaign
    campaign: String,
    #[command(flatten)]
    look: Look,
}

impl Order {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        context.look(self.look, Query::Order(Reference { reference: self.campaign }))
    }
}
