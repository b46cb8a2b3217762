//! Mailboxes, threads, dead letters, and what `recv` hands out.

use convoke::api::Taken;
use convoke_core::{mailbox::events::DeadReason, priority::Priority};
use convoke_projections::view::{
    DeadLettersView, DeliveryLine, DeliveryState, HistoryView, InboxView, MailCounts, ThreadView,
};

use super::{Cell, Page, Show, Table};

/// The word of a priority; nothing for the ordinary one.
pub(super) fn priority(priority: Priority) -> &'static str {
    if priority == Priority::Normal { "" } else { priority.as_str() }
}

/// The same, coloured.
pub(super) fn priority_cell(of: Priority) -> Cell {
    match of {
        Priority::Critical | Priority::High => Cell::bad(priority(of)),
        Priority::Normal | Priority::Low => Cell::faint(priority(of)),
    }
}

/// What a line shows of a message: its subject, or the first line of its text.
fn gist(subject: Option<&str>, body: Option<&str>) -> String {
    let body = body.unwrap_or("").lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    subject.filter(|subject| !subject.is_empty()).unwrap_or(body).to_owned()
}

fn state_cell(state: &DeliveryState, page: &Page) -> Cell {
    match state {
        DeliveryState::Ready => Cell::text("ready"),
        DeliveryState::Paused { until } => Cell::live(format!("handed back, again {}", page.when(*until))),
        DeliveryState::Taken { holder, until, .. } => {
            Cell::live(format!("taken by {holder}, lease ends {}", page.when(*until)))
        }
        DeliveryState::Acked => Cell::good("acked"),
        DeliveryState::Dead { reason, redriven: None, .. } => Cell::bad(format!("dead: {}", dead_reason(*reason))),
        DeliveryState::Dead { redriven: Some(again), .. } => Cell::faint(format!("sent again as {}", again.short())),
    }
}

/// Why a delivery was given up.
pub(super) fn dead_reason(reason: DeadReason) -> &'static str {
    match reason {
        DeadReason::Nacked => "handed back too often",
        DeadReason::LeaseExpired => "its last lease ran out",
    }
}

fn deliveries(lines: &[DeliveryLine], page: &mut Page, mailbox: bool) {
    let mut table = Table::new();
    for line in lines {
        table.row([
            Cell::id(page.id(line.message)),
            if mailbox { Cell::text(format!("to {}", line.mailbox)) } else { Cell::text("") },
            priority_cell(line.priority),
            Cell::text(&line.kind),
            Cell::text(format!("from {}", line.from)),
            Cell::whole(page.when(line.sent_at)),
            match line.state {
                DeliveryState::Ready if line.deliveries == 0 => Cell::text(""),
                _ => state_cell(&line.state, page),
            },
            Cell::text(gist(line.subject.as_deref(), line.body.as_deref())),
        ]);
    }
    page.table(table);
}

/// A mailbox's counts in words.
pub(super) fn counts(counts: &MailCounts) -> String {
    let parts: Vec<_> = [
        (counts.ready, "ready"),
        (counts.taken, "taken"),
        (counts.paused, "paused"),
        (counts.dead, "dead"),
        (counts.acked, "acked"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{count} {word}"))
    .collect();
    if parts.is_empty() { "empty".to_owned() } else { parts.join(", ") }
}

impl Show for InboxView {
    fn show(&self, page: &mut Page) {
        page.as_at(self.now);
        page.line(format!("{}: {}", self.mailbox, counts(&self.counts)));
        deliveries(&self.messages, page, false);
        page.more(self.more, "more", "--limit N");
    }
}

impl Show for DeadLettersView {
    fn show(&self, page: &mut Page) {
        page.as_at(self.now);
        if self.messages.is_empty() {
            page.line("no dead letters");
        }
        deliveries(&self.messages, page, true);
        page.more(self.more, "more", "--limit N");
    }
}

impl Show for ThreadView {
    fn show(&self, page: &mut Page) {
        page.as_at(self.now);
        page.more(self.more, "earlier", "--limit N");
        for message in &self.messages {
            let to: Vec<_> = message.to.iter().map(ToString::to_string).collect();
            let mut head = Table::new();
            head.row([
                Cell::id(page.id(message.message)),
                priority_cell(message.priority),
                Cell::text(&message.kind),
                Cell::whole(format!("from {} to {}", message.from, to.join(", "))),
                Cell::whole(page.when(message.sent_at)),
            ]);
            page.table(head);
            let mut facts = Table::indented();
            let mut fact = |name: &str, value: String| facts.row([Cell::faint(name), Cell::whole(value)]);
            if let Some(answered) = message.in_reply_to {
                fact("answers", page.id(answered));
            }
            if let Some(dead) = message.redrive_of {
                fact("instead of", page.id(dead));
            }
            if !message.references.is_empty() {
                fact("refers to", message.references.join(", "));
            }
            if let Some(data) = &message.data {
                fact("data", data.to_string());
            }
            page.table(facts);
            let mut recipients = Table::indented();
            for recipient in &message.recipients {
                recipients.row([Cell::text(&recipient.mailbox), state_cell(&recipient.state, page)]);
            }
            page.table(recipients);
            if let Some(subject) = &message.subject {
                page.quote(subject);
            }
            page.quote(&message.body);
        }
    }
}

impl Show for HistoryView {
    fn show(&self, page: &mut Page) {
        let positions: Vec<_> = self.positions.iter().map(ToString::to_string).collect();
        page.line(positions.join(" "));
    }
}

/// A message in the hands of its taker.
pub(super) fn show_taken(taken: &Taken, acked: bool, page: &mut Page) {
    let mut head = Table::new();
    let lease = match (acked, taken.ended) {
        (true, _) => "acknowledged".to_owned(),
        (false, true) => "the lease has ended".to_owned(),
        (false, false) => format!("lease ends {}", page.when(taken.until)),
    };
    head.row([
        Cell::id(taken.token.to_string()),
        priority_cell(taken.priority),
        Cell::text(&taken.kind),
        Cell::whole(format!("from {} to {}", taken.from, taken.mailbox)),
        Cell::whole(page.when(taken.sent_at)),
        Cell::faint(format!("delivery {}, {lease}", taken.delivery)),
    ]);
    page.table(head);
    let mut facts = Table::indented();
    facts.row([Cell::faint("message"), Cell::whole(page.id(taken.message))]);
    if let Some(answered) = taken.in_reply_to {
        facts.row([Cell::faint("answers"), Cell::whole(page.id(answered))]);
    }
    if !taken.references.is_empty() {
        facts.row([Cell::faint("refers to"), Cell::whole(taken.references.join(", "))]);
    }
    if let Some(data) = &taken.data {
        facts.row([Cell::faint("data"), Cell::whole(data.to_string())]);
    }
    if let Some(subject) = &taken.subject {
        facts.row([Cell::faint("subject"), Cell::whole(subject)]);
    }
    page.table(facts);
    page.quote(&taken.body);
}
