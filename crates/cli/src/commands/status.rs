use clap::Args;
use convoke_core::name::ActorName;
use convoke_projections::{
    Query,
    query::{Reference, StatusQuery},
};

use crate::{args::Look, context::Context, stop::Stop};

/// Show the workspace on one screen, or everything about one countdown
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// A countdown
    #[arg(value_name = "ID", conflicts_with_all = ["actor", "limit"])]
    countdown: Option<String>,
    /// Only what concerns this actor
    #[arg(long, value_name = "NAME")]
    actor: Option<ActorName>,
    /// At most so many items in each list [default: 5]
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    #[command(flatten)]
    look: Look,
}

impl Status {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let query = match self.countdown {
            Some(reference) => Query::Countdown(Reference { reference }),
            None => Query::Status(StatusQuery { actor: self.actor.clone(), limit: self.limit }),
        };
        context.look(self.look, query)?;
        if let Some(actor) = self.actor {
            context.note_unknown(&actor, self.look);
        }
        Ok(())
    }
}
