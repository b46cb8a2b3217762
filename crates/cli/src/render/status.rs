//! One screenful of a workspace.

use convoke_projections::view::{LeaseLine, StatusView};

use super::{
    Cell, Page, Show, Table,
    actors::membership,
    campaigns::{campaign_table, counted},
    countdowns::countdown_table,
    mail::counts,
    page::many,
    queue::changes_counted,
};

impl Show for StatusView {
    fn show(&self, page: &mut Page) {
        page.as_at(self.now);
        let organizer = self.organizer.as_ref().map_or(String::new(), |name| format!(", organized by {name}"));
        let last = self.last_event_at.map_or(String::new(), |at| format!(", the last one {}", page.when(at)));
        page.line(format!(
            "{}{last}; {} and {}{organizer}, membership {}",
            many(self.size, "event"),
            many(self.actors.human, "human"),
            many(self.actors.agent, "agent"),
            membership(self.membership)
        ));
        let countdowns = counted(&self.countdown_counts);
        page.line(format!(
            "countdowns: {}",
            if countdowns.is_empty() { "none".to_owned() } else { countdowns.join(", ") }
        ));
        page.table(countdown_table(&self.countdowns, page, Table::indented()));
        page.more(self.more_countdowns, "more", "`convoke list`");
        if !self.campaigns.is_empty() {
            page.line("campaigns:");
            page.table(campaign_table(&self.campaigns, page, Table::indented()));
            page.more(self.more_campaigns, "more", "`convoke campaign list`");
        }
        page.line(format!("mail: {}", counts(&self.mail_counts)));
        let mut mail = Table::indented();
        for line in &self.mail {
            mail.row([Cell::id(&line.mailbox), Cell::whole(counts(&line.counts))]);
        }
        page.table(mail);
        page.more(self.more_mail, "more", "`convoke status --limit N`");
        if !self.leases.is_empty() {
            page.line("taken:");
            page.table(lease_table(&self.leases, page));
            page.more(self.more_leases, "more", "`convoke status --limit N`");
        }
        if !self.queue.is_empty() {
            let paused = if self.queue_paused.is_some() { "; paused" } else { "" };
            page.line(format!("queue: {}{paused}", changes_counted(&self.queue, |_| true)));
        }
    }
}

/// Leases in lines.
pub(super) fn lease_table(leases: &[LeaseLine], page: &Page) -> Table {
    let mut table = Table::indented();
    for lease in leases {
        table.row([
            Cell::id(page.id(lease.message)),
            Cell::text(format!("taken by {}", lease.holder)),
            Cell::text(format!("from {}'s mailbox", lease.mailbox)),
            Cell::whole(format!("lease ends {}", page.when(lease.until))),
        ]);
    }
    table
}
