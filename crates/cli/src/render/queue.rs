//! The queue: its changes, one change with its receipt, and how it does.

use std::collections::BTreeMap;

use convoke::api::EventView;
use convoke_core::{
    event::Event,
    name::ActorName,
    queue::events::{CheckResult, Content, FailureClass, Receipt},
    time::Span,
};
use convoke_projections::view::{
    CauseView, ChangeLine, ChangeState, ChangeView, ChangesView, Quantiles, QueueMetricsView,
};

use super::{Cell, Page, Show, Table, countdowns::why, mail::priority_cell, many, times::length};

/// Files that are named of a change, and lines of a failing check's output, unless more is asked for.
const FILES_SHOWN: usize = 8;
const OUTPUT_LINES_SHOWN: usize = 12;
/// Columns that a task and a name have in a list, so that there is room for what goes on on 80.
const TASK_WIDTH: usize = 20;
const NAME_WIDTH: usize = 12;

/// Which change an event is about, and the rest of it in words.
pub(super) fn told(view: &EventView, event: &Event, page: &Page) -> (String, String) {
    let (change, sentence) = match event {
        Event::ChangeSubmitted(event) => {
            let content = match &event.content {
                Content::Operations(hash) => format!("content {}", &hash.to_string()[..12]),
                Content::Commit(commit) => format!("commit {}", &commit.to_string()[..12]),
            };
            let files = many(event.paths.len() as u64, "file");
            let waits = event.approval.as_ref().map_or(String::new(), |rule| {
                let of: Vec<_> = rule.of.iter().filter(|name| **name != event.agent).map(ToString::to_string).collect();
                format!("; waits for {} of {}", many(u64::from(rule.needed), "approval"), of.join(", "))
            });
            let sentence = format!("{} for {} by {}: {files}, {content}{waits}", event.task, event.target, event.agent);
            return (page.id(view.id), sentence);
        }
        Event::QueuePaused(event) => return (page.id(view.id), event.reason.clone()),
        Event::QueueResumed(_) => return (page.id(view.id), String::new()),
        Event::ChangeRejected(event) => (event.change, event.faults.join("; ")),
        Event::ChangeApproved(event) => (event.change, format!("by {}{}", event.reviewer, why(event.reason.as_ref()))),
        Event::ChangeDisapproved(event) => (event.change, format!("by {}{}", event.reviewer, why(Some(&event.reason)))),
        Event::ChangeLeased(event) => {
            let until = page.when_from(event.until, view.time);
            (event.change, format!("by {}, claim {}, until {until}", event.worker, event.fence))
        }
        Event::ChangeLeaseExtended(event) => {
            (event.change, format!("claim {}, until {}", event.fence, page.when_from(event.until, view.time)))
        }
        Event::ChangeLeaseExpired(event) => (event.change, format!("the worker of claim {} was silent", event.fence)),
        Event::ChangeReturned(event) => (event.change, event.reason.clone()),
        Event::ChangeLandingStarted(event) => {
            (event.change, format!("commit {}, claim {}", &event.receipt.commit.to_string()[..12], event.fence))
        }
        Event::ChangeLanded(event) => {
            let recovered = if event.recovered { ", found there after its worker was gone" } else { "" };
            (event.change, format!("as {}{recovered}", &event.receipt.commit.to_string()[..12]))
        }
        Event::ChangeConflicted(event) => {
            let paths: Vec<_> = event.paths.iter().map(ToString::to_string).collect();
            (event.change, format!("in {}", paths.join(", ")))
        }
        Event::ChangeFailed(event) => {
            (event.change, format!("{}; again {}", event.cause, page.when_from(event.not_before, view.time)))
        }
        Event::ChangeDied(event) => (event.change, event.cause.clone()),
        Event::ChangeCancelled(event) => (event.change, event.reason.clone().unwrap_or_default()),
        Event::ChangeSuperseded(event) => (event.change, format!("by {}", page.id(event.by))),
        _ => return (page.id(view.id), String::new()),
    };
    (page.id(change), sentence.trim_end().to_owned())
}

impl Show for ChangesView {
    fn show(&self, page: &mut Page) {
        page.as_at(self.now);
        if let Some(reason) = &self.paused {
            page.line(format!("the queue is paused: {}", super::clean(reason)));
        }
        if self.changes.is_empty() {
            page.line("no changes");
        }
        let mut table = Table::new();
        let several_targets = self.changes.iter().any(|line| line.target != self.changes[0].target);
        for line in &self.changes {
            let target = if several_targets { Cell::within(&line.target, NAME_WIDTH) } else { Cell::text("") };
            let names = [Cell::within(&line.task, TASK_WIDTH), Cell::within(&line.agent, NAME_WIDTH), target];
            table.row(line_cells(line, names, page));
        }
        page.table(table);
        page.more(self.more, "more", "--limit N");
    }
}

/// A change in a line: id, state, priority, its task, whose it is and for which branch, when, and what goes on.
fn line_cells(line: &ChangeLine, [task, agent, target]: [Cell; 3], page: &Page) -> Vec<Cell> {
    vec![
        Cell::id(page.id(line.id)),
        state_cell(line.state),
        priority_cell(line.priority),
        task,
        agent,
        target,
        Cell::whole(page.when(line.ended_at.unwrap_or(line.submitted_at))),
        Cell::faint(doing(line, page)),
    ]
}

/// A state's word, coloured by how well it is.
fn state_cell(state: ChangeState) -> Cell {
    let word = match state {
        // The longest word would take the room of all others.
        ChangeState::AwaitingApproval => "to approve",
        _ => state.as_str(),
    };
    match state {
        ChangeState::Landed => Cell::good(word),
        ChangeState::Conflicted | ChangeState::Rejected | ChangeState::Dead => Cell::bad(word),
        ChangeState::Leased => Cell::live(word),
        ChangeState::Queued | ChangeState::AwaitingApproval => Cell::text(word),
        ChangeState::Cancelled | ChangeState::Superseded => Cell::faint(word),
    }
}

/// What goes on with a change, or how long it took.
fn doing(line: &ChangeLine, page: &Page) -> String {
    let mut said = Vec::new();
    if line.failures > 0 {
        said.push(format!("failed {}", times(line.failures)));
    }
    match (line.state, &line.worker, line.until, line.ended_at) {
        (ChangeState::Leased, Some(worker), Some(until), _) => {
            said.push(format!("by {worker}, lease ends {}", page.when(until)));
        }
        (ChangeState::Queued, _, Some(until), _) => said.push(format!("again {}", page.when(until))),
        (ChangeState::AwaitingApproval, ..) => said.push(waits_for(line)),
        (ChangeState::Landed, _, _, Some(ended)) => {
            said.push(format!("after {}", length(ended.since(line.submitted_at))));
        }
        _ => {}
    }
    said.join(", ")
}

/// How many more have to agree to a change, and who may.
fn waits_for(line: &ChangeLine) -> String {
    let of: Vec<_> = line.may_approve.iter().map(ActorName::as_str).collect();
    format!("needs {} of {}", many(u64::from(line.approvals_missing.unwrap_or_default()), "approval"), of.join(", "))
}

fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    }
}

impl Show for ChangeView {
    fn show(&self, page: &mut Page) {
        page.as_at(self.now);
        let line = &self.line;
        let mut head = Table::new();
        let names = [Cell::whole(&line.task), Cell::whole(&line.agent), Cell::whole(format!("for {}", line.target))];
        head.row(line_cells(line, names, page));
        page.table(head);
        let mut facts = Table::indented();
        let mut fact = |name: &str, value: String| facts.row([Cell::faint(name), Cell::whole(value)]);
        if let Some(content) = &self.content {
            fact("content", content_text(content));
        }
        let said = |name: &str| self.metadata.as_ref().and_then(|metadata| metadata.get(name));
        if let Some(intent) = said("intent") {
            fact("intent", intent.as_str().map_or_else(|| intent.to_string(), str::to_owned));
        }
        if let Some(complexity) = said("complexity") {
            fact("complexity", complexity.to_string());
        }
        if let Some(rest) = self.metadata.as_ref().and_then(more_metadata) {
            fact("metadata", rest);
        }
        if !self.paths.is_empty() {
            let paths: Vec<&str> = self.paths.iter().map(convoke_core::queue::RepoPath::as_str).collect();
            fact("files", few(&paths, page.is_verbose()));
        }
        for check in &self.checks {
            let limit = check.limit_ms.map_or(String::new(), |limit| format!(" (at most {})", length(limit)));
            fact("check", format!("{}{limit}", check.command));
        }
        if let Some(rule) = &self.approval {
            let given = self.reviews.values().filter(|agrees| **agrees).count();
            fact("approvals", format!("{given} of {} needed", rule.needed));
        }
        for (reviewer, agrees) in &self.reviews {
            fact("review", format!("{reviewer} {}", if *agrees { "agrees" } else { "does not agree" }));
        }
        if line.fence > 0 && !line.state.has_ended() {
            fact("claims", line.fence.to_string());
        }
        if let Some(previous) = self.previous {
            fact("instead of", page.id(previous));
        }
        page.table(facts);
        if let Some(receipt) = &self.receipt {
            show_receipt(receipt, line.state, page);
        }
        if let Some(cause) = &self.cause {
            show_cause(cause, line.state, page);
        }
    }
}

fn content_text(content: &Content) -> String {
    match content {
        Content::Operations(hash) => format!("operations {hash}"),
        Content::Commit(commit) => format!("commit {commit}"),
    }
}

/// What the agent said besides intent and complexity, as JSON.
fn more_metadata(metadata: &serde_json::Value) -> Option<String> {
    let serde_json::Value::Object(members) = metadata else { return Some(metadata.to_string()) };
    let rest: serde_json::Map<_, _> = members
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "intent" | "complexity"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    (!rest.is_empty()).then(|| serde_json::Value::Object(rest).to_string())
}

/// The first of many, and how many more there are.
fn few(all: &[&str], verbose: bool) -> String {
    let shown = if verbose { all.len() } else { FILES_SHOWN };
    let more = all.len().saturating_sub(shown);
    let text = all.iter().take(shown).copied().collect::<Vec<_>>().join(", ");
    if more == 0 { text } else { format!("{text} and {more} more") }
}

fn show_receipt(receipt: &Receipt, state: ChangeState, page: &mut Page) {
    page.line(match state {
        ChangeState::Landed => "receipt",
        _ => "its landing has begun; the repository knows whether it happened",
    });
    let mut facts = Table::indented();
    let mut fact = |name: &str, value: String| facts.row([Cell::faint(name), Cell::whole(value)]);
    fact("base", receipt.base.to_string());
    fact("commit", receipt.commit.to_string());
    let tested = if receipt.tree == receipt.tested_tree {
        format!("{}, the one that was tested", receipt.tree)
    } else {
        format!("{}, but {} was tested", receipt.tree, receipt.tested_tree)
    };
    fact("tree", tested);
    for CheckResult { command, took_ms, runs } in &receipt.checks {
        let again = if *runs > 1 { format!(", at run {runs}") } else { String::new() };
        fact("passed", format!("{command}  {}{again}", length(*took_ms)));
    }
    page.table(facts);
}

fn show_cause(cause: &CauseView, state: ChangeState, page: &mut Page) {
    let class = match cause.class {
        Some(FailureClass::Machine) => " (the machine's fault)",
        Some(FailureClass::Final) => " (not tried again)",
        Some(FailureClass::Check) | None => "",
    };
    let latest = if state.has_ended() { "" } else { "the latest attempt failed: " };
    page.line(format!("{latest}{}{class}", super::clean(&cause.text)));
    let mut facts = Table::indented();
    if !cause.paths.is_empty() {
        let paths: Vec<&str> = cause.paths.iter().map(convoke_core::queue::RepoPath::as_str).collect();
        facts.row([Cell::faint("in"), Cell::whole(few(&paths, page.is_verbose()))]);
    }
    if let Some(other) = cause.other {
        let name = if state == ChangeState::Superseded { "now" } else { "against" };
        facts.row([Cell::faint(name), Cell::id(page.id(other))]);
    }
    page.table(facts);
    if let Some(output) = &cause.output {
        page.quote_end(output, OUTPUT_LINES_SHOWN);
    }
}

impl Show for QueueMetricsView {
    fn show(&self, page: &mut Page) {
        page.as_at(self.now);
        let counted = |ended: bool| changes_counted(&self.counts, |state| state.has_ended() == ended);
        page.line(format!("live: {}", counted(false)));
        let oldest = self.oldest_ready_ms.map_or(String::new(), |age| format!(", the oldest for {}", length(age)));
        page.line(format!("ready: {}{oldest}", self.ready));
        page.line(format!("ended: {}", counted(true)));
        page.line(format!(
            "{} failed and tried again, {} ran out, {} found after a crash",
            many(self.attempts_failed, "attempt"),
            many(self.leases_expired, "lease"),
            many(self.recovered, "landing")
        ));
        page.line(match self.duplicates_answered {
            Some(count) => format!("{} answered since the daemon started", many(count, "duplicate")),
            None => "duplicates are not counted here: the daemon counts them while it runs".to_owned(),
        });
        let mut table = Table::new();
        let heading = ["", "count", "p50", "p95", "p99"];
        if [self.in_queue, self.build, self.checks].iter().any(|taken| taken.count > 0) {
            table.row(heading.map(|word| if word.is_empty() { Cell::text(word) } else { Cell::number(word) }));
        }
        for (name, taken) in [
            ("from handed in to the end", self.in_queue),
            ("from claimed to landing", self.build),
            ("each check", self.checks),
        ] {
            if taken.count > 0 {
                table.row(quantile_cells(name, taken));
            }
        }
        page.table(table);
    }
}

/// How many changes stand where, in words; of the states that are asked for.
pub(super) fn changes_counted(counts: &BTreeMap<String, u64>, asked: impl Fn(&ChangeState) -> bool) -> String {
    let counted = STATES.iter().filter(|state| asked(state)).filter_map(|state| {
        let count = counts.get(state.as_str()).filter(|count| **count > 0)?;
        Some(format!("{count} {}", state.as_str().replace('_', " ")))
    });
    let words: Vec<String> = counted.collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// In the order in which they are counted.
const STATES: [ChangeState; 9] = [
    ChangeState::Leased,
    ChangeState::Queued,
    ChangeState::AwaitingApproval,
    ChangeState::Landed,
    ChangeState::Conflicted,
    ChangeState::Rejected,
    ChangeState::Dead,
    ChangeState::Cancelled,
    ChangeState::Superseded,
];

fn quantile_cells(name: &str, taken: Quantiles) -> [Cell; 5] {
    let taking = |ms: u64| Cell::number(length(Span::from_ms_capped(ms)));
    [Cell::text(name), Cell::number(taken.count), taking(taken.p50_ms), taking(taken.p95_ms), taking(taken.p99_ms)]
}

#[cfg(test)]
mod tests {
    use convoke_core::time::Timestamp;
    use serde_json::json;
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    fn line(state: &str, more: serde_json::Value) -> ChangeLine {
        let mut line = json!({
            "id": "01a1fec5-a61a-7a8d-9586-a4242ada3348", "short": "4gndmct8", "task": "T-1", "agent": "ann",
            "target": "main", "priority": "normal", "state": state, "failures": 0, "fence": 0,
            "submitted_at": "2026-11-21T15:00:00Z",
        });
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(line).unwrap()
    }

    fn shown(changes: Vec<ChangeLine>, width: usize) -> String {
        let now = Timestamp::parse("2026-11-21T15:05:00Z").unwrap();
        let mut page = Page::new(now, false, Some(width));
        ChangesView { now, paused: None, changes, more: 0 }.show(&mut page);
        anstream::adapter::strip_str(&page.finish()).to_string()
    }

    #[test]
    fn a_list_fits_a_screen_of_80_columns_whatever_the_names() {
        let long = json!({
            "task": "a task with a name that is rather long", "agent": "an-agent-with-a-rather-long-name",
            "priority": "critical", "failures": 2, "worker": "worker-1", "until": "2026-11-21T15:06:00Z",
        });
        let changes = vec![line("leased", long), line("awaiting_approval", json!({})), line("queued", json!({}))];
        let text = shown(changes, 80);
        for line in text.lines() {
            assert!(line.width() <= 80, "{line:?} has {} columns", line.width());
            assert!(line.starts_with("4gndmct8") && line.contains("5m ago"), "{line:?}");
        }
        assert_eq!(text.lines().count(), 3);
    }

    #[test]
    fn what_goes_on_with_a_change_is_said_in_a_few_words() {
        let text = |state: &str, more| shown(vec![line(state, more)], 100);
        let leased = text("leased", json!({"worker": "w1", "until": "2026-11-21T15:06:00Z"}));
        assert!(leased.ends_with("5m ago  by w1, lease ends in 1m\n"), "{leased}");
        let paused = text("queued", json!({"failures": 1, "until": "2026-11-21T15:05:08Z"}));
        assert!(paused.ends_with("5m ago  failed once, again in 8s\n"), "{paused}");
        let waiting = text("awaiting_approval", json!({"approvals_missing": 2, "may_approve": ["bob", "cyd", "dora"]}));
        assert!(waiting.ends_with("5m ago  needs 2 approvals of bob, cyd, dora\n"), "{waiting}");
        let landed = text("landed", json!({"ended_at": "2026-11-21T15:03:00Z"}));
        assert!(landed.ends_with("2m ago  after 3m\n"), "{landed}");
        assert_eq!(shown(Vec::new(), 80), "no changes\n");
    }

    #[test]
    fn the_branch_is_named_where_there_are_several() {
        let other = line("queued", json!({"target": "next"}));
        assert!(!shown(vec![line("queued", json!({}))], 80).contains("main"));
        let both = shown(vec![line("queued", json!({})), other], 80);
        assert!(both.contains("main") && both.contains("next"), "{both}");
    }
}
