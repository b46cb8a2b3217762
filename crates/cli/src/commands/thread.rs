use clap::Args;
use convoke_projections::{Query, query::ThreadQuery};

use crate::{args::Look, context::Context, stop::Stop};

/// Show a message with everything in its thread, oldest first
#[derive(Debug, Args)]
pub(crate) struct Thread {
    /// Any message of it
    #[arg(value_name = "ID")]
    message: String,
    /// At most so many, the newest
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    #[command(flatten)]
    look: Look,
}

impl Thread {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        context.look(self.look, Query::Thread(ThreadQuery { message: self.message, limit: Some(self.limit) }))
    }
}
