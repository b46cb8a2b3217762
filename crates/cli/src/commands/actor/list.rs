use clap::Args;
use convoke_core::name::ActorName;
use convoke_projections::{Query, query::ActorsQuery};

use crate::{args::Look, context::Context, stop::Stop};

/// List everybody, by name
#[derive(Debug, Args)]
pub(crate) struct List {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    /// Only those whose names come after this one
    #[arg(long, value_name = "NAME")]
    after: Option<ActorName>,
    #[command(flatten)]
    look: Look,
}

impl List {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        context.look(self.look, Query::Actors(ActorsQuery { limit: Some(self.limit), after: self.after }))
    }
}
