//! Campaigns: lists, members, levels and graphs.

use convoke_core::campaign::events::FailurePolicy;
use convoke_projections::view::{
    CampaignLine, CampaignState, CampaignView, CampaignsView, CountdownCounts, GraphView, OrderView,
};

use super::{
    Cell, Page, Show, Table,
    countdowns::{countdown_cells, state_cell},
    page::many,
    times::length,
};

impl Show for CampaignsView {
    fn show(&self, page: &mut Page) {
        page.as_at(self.now);
        if self.campaigns.is_empty() {
            page.line("no campaigns");
        }
        page.table(campaign_table(&self.campaigns, page, Table::new()));
        page.more(self.more, "more", "--limit N");
    }
}

/// Campaigns in lines.
pub(super) fn campaign_table<'a>(
    lines: impl IntoIterator<Item = &'a CampaignLine>,
    page: &Page,
    mut table: Table,
) -> Table {
    for line in lines {
        let moment = match (line.ended_at, line.next_at) {
            (Some(ended), _) => page.when(ended),
            (None, Some(next)) => format!("next T-0 {}", page.when(next)),
            (None, None) => String::new(),
        };
        table.row([
            Cell::id(page.id(line.id)),
            Cell::text(&line.name),
            campaign_state_cell(line.state),
            Cell::whole(progress(line.members, &line.progress)),
            Cell::whole(moment),
        ]);
    }
    table
}

fn campaign_state_cell(state: CampaignState) -> Cell {
    match state {
        CampaignState::Running => Cell::live(state.as_str()),
        CampaignState::Planned => Cell::text(state.as_str()),
        CampaignState::Completed => Cell::good(state.as_str()),
        CampaignState::Failed | CampaignState::Cancelled => Cell::bad(state.as_str()),
    }
}

fn progress(members: u64, counts: &CountdownCounts) -> String {
    let parts = counted(counts);
    let rest = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    format!("{}{rest}", many(members, "countdown"))
}

/// The counts that are not zero, in words.
pub(super) fn counted(counts: &CountdownCounts) -> Vec<String> {
    [
        (counts.counting, "counting"),
        (counts.on_hold, "on hold"),
        (counts.held, "held"),
        (counts.fired, "fired"),
        (counts.missed, "missed"),
        (counts.scrubbed, "scrubbed"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{count} {word}"))
    .collect()
}

impl Show for CampaignView {
    fn show(&self, page: &mut Page) {
        page.as_at(self.now);
        page.table(campaign_table([&self.line], page, Table::new()));
        let policy = match self.policy {
            FailurePolicy::Block => "block: a missed or scrubbed countdown scrubs all that come after it",
            FailurePolicy::Continue => "continue: a countdown waits for the end of those before it, however they end",
        };
        let mut facts = Table::indented();
        facts.row([Cell::faint("organizer"), Cell::whole(&self.line.organizer)]);
        facts.row([Cell::faint("on failure"), Cell::whole(policy)]);
        facts.row([Cell::faint("notice"), Cell::whole(length(self.notice_ms))]);
        if let Some(reason) = &self.reason {
            facts.row([Cell::faint("cancelled"), Cell::whole(reason)]);
        }
        page.table(facts);
        let mut members = Table::indented();
        for member in &self.countdowns {
            let mut cells = vec![Cell::number(format!("{}.", member.level + 1))];
            let mut of_line = countdown_cells(&member.countdown, page);
            of_line.pop();
            cells.append(&mut of_line);
            let before: Vec<_> = member.before.iter().map(|id| id.short()).collect();
            cells.push(Cell::faint(if before.is_empty() {
                String::new()
            } else {
                format!("after {}", before.join(", "))
            }));
            members.row(cells);
        }
        page.table(members);
    }
}

impl Show for OrderView {
    fn show(&self, page: &mut Page) {
        let mut table = Table::new();
        for (level, countdowns) in self.levels.iter().enumerate() {
            for (index, countdown) in countdowns.iter().enumerate() {
                table.row([
                    Cell::number(if index == 0 { format!("{}.", level + 1) } else { String::new() }),
                    Cell::id(page.id(countdown.id)),
                    Cell::text(&countdown.name),
                    state_cell(countdown.state),
                ]);
            }
        }
        if self.levels.is_empty() {
            page.line(format!("{} has no countdowns", self.campaign.name));
        }
        page.table(table);
    }
}

impl Show for GraphView {
    fn show(&self, page: &mut Page) {
        page.line(convoke_projections::graph::text(self).trim_end());
    }
}
