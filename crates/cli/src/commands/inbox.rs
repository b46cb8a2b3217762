use clap::Args;
use convoke_core::name::ActorName;
use convoke_projections::{
    Query,
    query::{DeadLettersQuery, InboxQuery},
};

use crate::{args::Look, context::Context, stop::Stop};

/// Look into a mailbox; this changes nothing
///
/// Messages are listed in the order in which `recv` takes them: by priority, then by age.
#[derive(Debug, Args)]
pub(crate) struct Inbox {
    /// Whose mailbox [default: who acts]
    actor: Option<ActorName>,
    /// The dead letters instead: given up after five deliveries without acknowledgement
    #[arg(long)]
    dead: bool,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    #[command(flatten)]
    look: Look,
}

impl Inbox {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let limit = Some(self.limit);
        let query = if self.dead {
            Query::DeadLetters(DeadLettersQuery { mailbox: self.actor, redriven: false, limit })
        } else {
            let mailbox = self.actor.map_or_else(|| context.actor(), Ok)?;
            Query::Inbox(InboxQuery { mailbox, limit })
        };
        context.look(self.look, query)
    }
}
