//! Countdowns, in lines and whole.

use convoke_core::{
    countdown::events::{Plan, ReleasePolicy, ScrubCause},
    time::Span,
};
use convoke_projections::view::{AnswerState, CountdownLine, CountdownState, CountdownView, CountdownsView};

use super::{Cell, Page, Show, Table, times::length};

impl Show for CountdownsView {
    fn show(&self, page: &mut Page) {
        page.as_at(self.now);
        if self.countdowns.is_empty() {
            page.line("no countdowns");
        }
        page.table(countdown_table(&self.countdowns, page, Table::new()));
        page.more(self.more, "more", "--limit N");
    }
}

/// Countdowns in lines: id, name, state, when, answers, campaign.
pub(super) fn countdown_table<'a>(
    lines: impl IntoIterator<Item = &'a CountdownLine>,
    page: &Page,
    mut table: Table,
) -> Table {
    for line in lines {
        table.row(countdown_cells(line, page));
    }
    table
}

/// The cells of one countdown's line.
pub(super) fn countdown_cells(line: &CountdownLine, page: &Page) -> Vec<Cell> {
    vec![
        Cell::id(page.id(line.id)),
        Cell::text(&line.name),
        state_cell(line.state),
        Cell::whole(moment(line, page)),
        Cell::whole(answers(line)),
        Cell::faint(line.campaign.as_ref().map_or(String::new(), |campaign| format!("in {}", campaign.name))),
    ]
}

/// A state's word, coloured by how well it is.
pub(super) fn state_cell(state: CountdownState) -> Cell {
    let word = state.as_str().replace('_', " ");
    match state {
        CountdownState::Fired => Cell::good(word),
        CountdownState::Missed | CountdownState::Scrubbed => Cell::bad(word),
        CountdownState::Counting => Cell::live(word),
        CountdownState::Held | CountdownState::OnHold => Cell::text(word),
    }
}

fn moment(line: &CountdownLine, page: &Page) -> String {
    match (line.ended_at, line.hold_until, line.fire_at) {
        (Some(ended), _, _) => page.when(ended),
        (None, Some(until), _) => format!("scrubbed {} unless resumed", page.when(until)),
        (None, None, Some(fire_at)) => format!("T-0 {}", page.when(fire_at)),
        (None, None, None) => String::new(),
    }
}

fn answers(line: &CountdownLine) -> String {
    match (line.quorum, line.attendees) {
        (0, 0) => "timer".to_owned(),
        (0, attendees) => format!("timer, {attendees} attend"),
        (quorum, attendees) => {
            let declined = if line.declined > 0 { format!(", {} no-go", line.declined) } else { String::new() };
            format!("{}/{quorum} go of {attendees}{declined}", line.confirmed)
        }
    }
}

impl Show for CountdownView {
    fn show(&self, page: &mut Page) {
        page.as_at(self.now);
        let line = &self.line;
        page.table(countdown_table([line], page, Table::new()));
        let mut facts = Table::indented();
        let mut fact = |name: &str, value: String| facts.row([Cell::faint(name), Cell::whole(value)]);
        fact("kind", line.kind.to_string());
        fact("organizer", line.organizer.to_string());
        fact("time", plan(self.plan, self.lead_ms, page));
        if line.quorum > 0 {
            let policy = match self.policy {
                ReleasePolicy::OnQuorum => "as soon as it is reached",
                ReleasePolicy::AtT0 => "at T-0, if it is reached by then",
            };
            fact("quorum", format!("{} of {}; fires {policy}", line.quorum, line.attendees));
        }
        if self.slipped_ms > Span::ZERO {
            fact("slipped", format!("{} of at most {}", self.slipped_ms, self.slip_max_ms));
        }
        if let Some(hold) = &self.hold {
            fact("on hold", format!("since {} by {}{}", page.when(hold.since), hold.by, why(hold.reason.as_ref())));
        }
        if let Some(end) = &self.end {
            let cause = end.cause.as_ref().map_or(String::new(), |cause| format!(", {}", scrub_cause(cause)));
            fact("ended", format!("{} by {}{cause}{}", page.when(end.at), end.by, why(end.reason.as_ref())));
        }
        let named = |list: &[convoke_projections::view::CountdownRef]| {
            list.iter()
                .map(|other| format!("{} {} ({})", other.short, other.name, other.state.as_str()))
                .collect::<Vec<_>>()
        };
        if !self.before.is_empty() {
            fact("waits for", named(&self.before).join(", "));
        }
        if !self.after.is_empty() {
            fact("before", named(&self.after).join(", "));
        }
        if let Some(payload) = &self.payload {
            fact("payload", payload.to_string());
        }
        page.table(facts);
        let mut answers = Table::indented();
        for attendee in &self.answers {
            let deferred = match attendee.deferrals {
                0 => String::new(),
                _ => format!("deferred by {}", attendee.deferred_ms),
            };
            answers.row([
                Cell::text(&attendee.name),
                answer_cell(attendee.answer),
                Cell::whole(attendee.at.map_or(String::new(), |at| page.when(at))),
                Cell::faint(deferred),
                Cell::whole(attendee.reason.as_deref().unwrap_or("")),
            ]);
        }
        page.table(answers);
    }
}

fn answer_cell(answer: AnswerState) -> Cell {
    match answer {
        AnswerState::Pending => Cell::text("pending"),
        AnswerState::Confirmed => Cell::good("go"),
        AnswerState::Declined => Cell::bad("no-go"),
        AnswerState::Missed => Cell::bad("missed"),
    }
}

/// When a countdown is to happen.
pub(super) fn plan(plan: Plan, lead: Span, page: &Page) -> String {
    let lead = if lead > Span::ZERO { format!(", T-0 {} before", length(lead)) } else { String::new() };
    match plan {
        Plan::At(at) => format!("{}{lead}", page.when(at)),
        Plan::AfterReleaseMs(span) => format!("+{} after its release{lead}", length(span)),
    }
}

/// Why it was scrubbed.
pub(super) fn scrub_cause(cause: &ScrubCause) -> String {
    match cause {
        ScrubCause::Organizer => "called off".to_owned(),
        ScrubCause::NoGo => "no-go: the quorum cannot be reached any more".to_owned(),
        ScrubCause::HoldExpired => "on hold for too long".to_owned(),
        ScrubCause::Predecessor(id) => format!("because of {} before it", id.short()),
        ScrubCause::CampaignCancelled => "its campaign was cancelled".to_owned(),
    }
}

/// A reason that was given, after a colon; an empty one says nothing.
pub(super) fn why(reason: Option<&String>) -> String {
    reason.filter(|reason| !reason.trim().is_empty()).map_or(String::new(), |reason| format!(": {reason}"))
}
