use clap::Args;
use convoke_core::name::ActorName;
use convoke_projections::{Query, query::ActorQuery};

use crate::{args::Look, context::Context, stop::Stop};

/// Show one actor: mail, leases, and the countdowns that wait for an answer
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Who [default: who acts]
    name: Option<ActorName>,
    #[command(flatten)]
    look: Look,
}

impl Show {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let name = self.name.map_or_else(|| context.actor(), Ok)?;
        context.look(self.look, Query::Actor(ActorQuery { name }))
    }
}
