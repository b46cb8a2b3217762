use clap::Args;
use convoke_core::name::ActorName;
use convoke_projections::{
    Query, View,
    query::{DeadLettersQuery, InboxQuery},
    view::MailCounts,
};

use crate::{args::Look, context::Context, stop::Stop};

/// Look into a mailbox; this changes nothing
///
/// Messages are listed in the order in which `recv` takes them: by priority, then by age.
#[derive(Debug, Args)]
pub(crate) struct Inbox {
    /// Whose mailbox [default: who acts; with --dead: everybody's]
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
        if self.dead {
            let query = DeadLettersQuery { mailbox: self.actor.clone(), redriven: false, limit };
            context.look(self.look, Query::DeadLetters(query))?;
            if let Some(mailbox) = self.actor {
                context.note_unknown(&mailbox, self.look);
            }
            return Ok(());
        }
        let mailbox = self.actor.map_or_else(|| context.actor(), Ok)?;
        let (view, head) = context.view(self.look, Query::Inbox(InboxQuery { mailbox: mailbox.clone(), limit }))?;
        context.out.show(&view, Some(head))?;
        if is_empty(&view) {
            context.note_unknown(&mailbox, self.look);
        }
        Ok(())
    }
}

fn is_empty(view: &View) -> bool {
    matches!(view, View::Inbox(inbox) if inbox.messages.is_empty() && inbox.counts == MailCounts::default())
}
