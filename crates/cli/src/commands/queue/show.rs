use clap::Args;
use convoke_projections::{Query, query::Reference};

use crate::{args::Look, context::Context, stop::Stop};

/// Show everything about one change: its receipt, or why it ended, or what it waits for
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The change, or the task of the only one that lives
    #[arg(value_name = "ID")]
    reference: String,
    #[command(flatten)]
    look: Look,
}

impl Show {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        context.look(self.look, Query::Change(Reference { reference: self.reference }))
    }
}
