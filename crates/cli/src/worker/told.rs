//! What a worker tells: lines for people on standard error, with a live one on a terminal, or outcomes as NDJSON.

use std::{collections::BTreeMap, io::IsTerminal as _};

use convoke_core::{id::ChangeId, name::Name, queue::GitHash, queue::events::FailureClass};
use convoke_worker::{News, Of, Summary};
use serde::Serialize;

use crate::{
    output::Output,
    render::{Page, Show, clean},
    stop::Stop,
};

/// Shows news as they come.
pub(crate) struct Teller {
    out: Output,
    is_live: bool,
    landed: u64,
    others: u64,
    /// What each lane does.
    lanes: BTreeMap<usize, String>,
    /// Why nobody is told any more.
    failed: Option<Stop>,
}

/// What became of a change, for programs.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Outcome<'a> {
    Landed { change: ChangeId, task: &'a Name, commit: &'a GitHash, together: usize, took_ms: u128, recovered: bool },
    Conflicted { change: ChangeId, task: &'a Name, paths: &'a [String], against: Option<ChangeId> },
    Rejected { change: ChangeId, task: &'a Name, faults: &'a [String] },
    Failed { change: ChangeId, task: &'a Name, class: FailureClass, cause: &'a str },
    Returned { change: ChangeId, task: &'a Name, reason: &'a str },
    Lost { change: ChangeId, task: &'a Name, why: &'a str },
}

impl Teller {
    pub(crate) fn new(out: Output) -> Self {
        let is_live = !out.is_json() && std::io::stderr().is_terminal();
        Self { out, is_live, landed: 0, others: 0, lanes: BTreeMap::new(), failed: None }
    }

    /// Tells one thing.
    pub(crate) fn tell(&mut self, news: &News) {
        if self.out.is_json() {
            if let (Some(outcome), None) = (outcome(news), &self.failed)
                && let Ok(mut line) = serde_json::to_vec(&outcome)
            {
                line.push(b'\n');
                self.failed = self.out.raw(&line).err();
            }
            return;
        }
        if self.is_live {
            self.out.progress("");
        }
        match news {
            News::Landed { .. } => self.landed += 1,
            News::Conflicted { .. } | News::Rejected { .. } | News::Failed { .. } => self.others += 1,
            News::Testing { lane, of, .. } => {
                self.lanes.insert(*lane, names(of));
            }
            _ => {}
        }
        self.out.note(&line(news));
        if self.is_live {
            let lanes: Vec<String> = self.lanes.iter().map(|(lane, what)| format!("{lane}: {what}")).collect();
            self.out.progress(&format!("{} landed, {} not; {}", self.landed, self.others, lanes.join("; ")));
        }
    }

    /// Clears the live line. Whether everything could be told.
    pub(crate) fn end(self) -> Result<(), Stop> {
        if self.is_live {
            self.out.progress("");
        }
        self.failed.map_or(Ok(()), Err)
    }
}

/// What a worker did, at its end.
#[derive(Debug, Serialize)]
pub(crate) struct Summed {
    pub(crate) landed: u64,
    pub(crate) conflicted: u64,
    pub(crate) rejected: u64,
    pub(crate) failed: u64,
    pub(crate) returned: u64,
}

impl From<&Summary> for Summed {
    fn from(summary: &Summary) -> Self {
        let Summary { landed, conflicted, rejected, failed, returned, .. } = *summary;
        Self { landed, conflicted, rejected, failed, returned }
    }
}

impl Show for Summed {
    fn show(&self, page: &mut Page) {
        let Self { landed, conflicted, rejected, failed, returned } = self;
        let others =
            [(conflicted, "conflicted"), (rejected, "rejected"), (failed, "attempts failed"), (returned, "given back")];
        let others = others.iter().filter(|(count, _)| **count > 0).map(|(count, what)| format!(", {count} {what}"));
        page.line(format!("{landed} landed{}", others.collect::<String>()));
    }
}

fn outcome(news: &News) -> Option<Outcome<'_>> {
    Some(match news {
        News::Landed { of: Of { change, task }, commit, together, took, recovered } => Outcome::Landed {
            change: *change,
            task,
            commit,
            together: *together,
            took_ms: took.as_millis(),
            recovered: *recovered,
        },
        News::Conflicted { of: Of { change, task }, paths, against } => {
            Outcome::Conflicted { change: *change, task, paths, against: *against }
        }
        News::Rejected { of: Of { change, task }, faults } => Outcome::Rejected { change: *change, task, faults },
        News::Failed { of: Of { change, task }, class, cause } => {
            Outcome::Failed { change: *change, task, class: *class, cause }
        }
        News::Returned { of: Of { change, task }, reason } => Outcome::Returned { change: *change, task, reason },
        News::Lost { of: Of { change, task }, why } => Outcome::Lost { change: *change, task, why },
        News::Paused { .. } | News::Claimed(_) | News::Testing { .. } | News::Red { .. } | News::BranchMoved { .. } => {
            return None;
        }
    })
}

/// A line for people.
fn line(news: &News) -> String {
    let line = match news {
        News::Paused { why } => format!("waiting     {why}"),
        News::Claimed(of) => format!("claimed     {}", names(of)),
        News::Testing { lane, of, on_top_of } => {
            let on_top_of = match on_top_of {
                0 => String::new(),
                1 => ", on top of one that is not decided".to_owned(),
                several => format!(", on top of {several} that are not decided"),
            };
            format!("testing     {} in lane {lane}{on_top_of}", names(of))
        }
        News::Red { of, check, how } => format!("red         {}: {check:?} {how}", names(of)),
        News::Landed { of, commit, together, took, recovered } => {
            let with = match together.saturating_sub(1) {
                0 => String::new(),
                1 => ", with another".to_owned(),
                others => format!(", with {others} others"),
            };
            let found = if *recovered { ", found on the branch: its worker was gone" } else { "" };
            let short = commit.as_str().get(..10).unwrap_or_default();
            format!("landed      {} as {short}{with}{found} ({:.1} s)", name(of), took.as_secs_f64())
        }
        News::Conflicted { of, paths, against } => {
            let against = against.map_or_else(String::new, |change| format!(", against {}", change.short()));
            format!("conflicted  {} in {}{against}", name(of), list(paths))
        }
        News::Rejected { of, faults } => format!("rejected    {}: {}", name(of), faults.join("; ")),
        News::Failed { of, cause, .. } => format!("failed      {}: {cause}", name(of)),
        News::Returned { of, reason } => format!("given back  {}: {reason}", name(of)),
        News::Lost { of, why } => format!("lost        {}: {why}", name(of)),
        News::BranchMoved { to } => {
            format!(
                "moved       somebody else moved the branch to {}; what was tested is tested anew",
                to.as_str().get(..10).unwrap_or_default()
            )
        }
    };
    clean(&line).into_owned()
}

fn name(of: &Of) -> String {
    format!("{} ({})", of.change.short(), of.task)
}

fn names(of: &[Of]) -> String {
    list(&of.iter().map(name).collect::<Vec<_>>())
}

/// The first few, and how many more.
fn list(texts: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown = texts.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match texts.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
