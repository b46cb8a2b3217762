//! Who is there.

use convoke_core::actors::events::{ActorKind, Membership};
use convoke_projections::view::{ActorView, ActorsView};

use super::{Cell, Page, Show, Table, countdowns::countdown_table, mail::counts, status::lease_table};

/// The word of a kind.
pub(super) fn kind(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Human => "human",
        ActorKind::Agent => "agent",
        ActorKind::System => "system",
    }
}

/// The word of a membership.
pub(super) fn membership(membership: Membership) -> &'static str {
    match membership {
        Membership::Open => "open",
        Membership::Closed => "closed",
    }
}

impl Show for ActorsView {
    fn show(&self, page: &mut Page) {
        page.as_at(self.now);
        let mut table = Table::new();
        for actor in &self.actors {
            table.row([
                Cell::id(&actor.name),
                Cell::text(kind(actor.kind)),
                Cell::text(if actor.organizer { "organizer" } else { "" }),
                Cell::whole(
                    actor.last_seen.map_or_else(|| "never acted".to_owned(), |at| format!("seen {}", page.when(at))),
                ),
            ]);
        }
        page.table(table);
        page.more(self.more, "more", "--limit N");
        page.line(format!("membership is {}", membership(self.membership)));
    }
}

impl Show for ActorView {
    fn show(&self, page: &mut Page) {
        page.as_at(self.now);
        let mut head = Table::new();
        head.row([
            Cell::id(&self.line.name),
            Cell::text(kind(self.line.kind)),
            Cell::text(if self.line.organizer { "organizer" } else { "" }),
            Cell::whole(format!("known since {}", page.when(self.line.since))),
            Cell::whole(
                self.line.last_seen.map_or_else(|| "never acted".to_owned(), |at| format!("seen {}", page.when(at))),
            ),
        ]);
        page.table(head);
        page.line(format!("mail: {}", counts(&self.mail)));
        if !self.leases.is_empty() {
            page.line("has taken:");
            page.table(lease_table(&self.leases, page));
            page.more(self.more_leases, "more", "");
        }
        if !self.awaiting.is_empty() {
            page.line("is waited for by:");
            page.table(countdown_table(&self.awaiting, page, Table::indented()));
            page.more(self.more_awaiting, "more", "");
        }
    }
}
