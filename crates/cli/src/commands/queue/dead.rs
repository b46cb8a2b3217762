use clap::Args;
use convoke_projections::{
    Query,
    query::{ChangeFilter, ChangesQuery},
};

use crate::{args::Look, context::Context, stop::Stop};

/// List the changes that were given up, the last one first
///
/// `convoke queue show` says why, with the end of the failing check's output; `convoke queue requeue` puts one back.
#[derive(Debug, Args)]
pub(crate) struct Dead {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    /// Only those after this one in the list: the last of the page before
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    #[command(flatten)]
    look: Look,
}

impl Dead {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let query = ChangesQuery {
            state: Some(ChangeFilter::Dead),
            limit: Some(self.limit),
            after: self.after,
            ..ChangesQuery::default()
        };
        context.look(self.look, Query::Changes(query))
    }
}
