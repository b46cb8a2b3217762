use std::collections::BTreeSet;

use clap::Args;
use convoke::api::Fault;
use convoke_core::{id::ChangeId, queue::events::Content};
use convoke_git::Refs;
use convoke_projections::{
    Query, View,
    query::{ChangeFilter, ChangesQuery, Reference},
};
use serde::Serialize;

use crate::{
    args::Look,
    context::Context,
    render::{Page, Show},
    repository,
    settings::Settings,
    stop::Stop,
    worker::Place,
};

/// Take away what workers left behind that live no more
///
/// Worktrees of workers that were killed, the fences of changes that have ended, and the commits that were kept for such changes.
/// What a worker or a live change needs stays, and what other workspaces keep in the same repository. Run it as often as you like.
#[derive(Debug, Args)]
pub(crate) struct Cleanup {}

/// What was taken away.
#[derive(Debug, Serialize)]
struct CleanedUp {
    worktrees: usize,
    fences: usize,
    kept_commits: usize,
}

/// How many changes are asked for at once.
const PAGE: u32 = 200;

impl Cleanup {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let workspace = context.workspace()?.clone();
        let settings = Settings::load(&workspace)?.queue;
        let repository = repository::open(&settings, &workspace)?;
        let keeper = repository::keeper(context)?;
        // Refs before the log: a fence is raised after its claim. A commit is kept shortly before its change is handed in; should that
        // be missed, git still keeps what is younger than two weeks.
        let (fences, kept) = (
            repository.fences().map_err(|error| repository::fault(&error))?,
            repository.kept(&keeper).map_err(|error| repository::fault(&error))?,
        );
        let left = Place::left_behind(&workspace)?;
        let worktrees = left.iter().filter(|place| place.is_littered()).count();
        drop(left);
        repository.forget_lost_lanes(&Place::all(&workspace)).map_err(|error| repository::fault(&error))?;
        let mut ended = Vec::new();
        for fence in fences {
            if has_ended(context, fence.change)? {
                ended.push(fence);
            }
        }
        Refs::of(&repository).drop_fences(&ended).map_err(|error| repository::fault(&error))?;
        let mut needed = BTreeSet::new();
        if !kept.is_empty() {
            // A dead one may be put back, and then needs what it brought.
            let live = changes(context, ChangeFilter::Live)?;
            for change in live.iter().chain(&changes(context, ChangeFilter::Dead)?) {
                let reference = change.to_string();
                if let (View::Change(view), _) =
                    context.view(Look::default(), Query::Change(Reference { reference }))?
                    && let Some(Content::Commit(commit)) = view.content
                {
                    needed.insert(commit);
                }
            }
        }
        let not_needed: Vec<_> = kept.into_iter().filter(|commit| !needed.contains(commit)).collect();
        for commit in &not_needed {
            repository.let_go(&keeper, commit).map_err(|error| repository::fault(&error))?;
        }
        context.out.show(&CleanedUp { worktrees, fences: ended.len(), kept_commits: not_needed.len() }, None)
    }
}

/// Whether nothing can become of a change any more. One that this log does not know has a log of its own.
fn has_ended(context: &mut Context, change: ChangeId) -> Result<bool, Fault> {
    match context.view(Look::default(), Query::Change(Reference { reference: change.to_string() })) {
        Ok((View::Change(view), _)) => Ok(view.line.state.has_ended()),
        Ok(_) => Err(Fault::new("bad_answer", "the answer is not a change")),
        Err(fault) if fault.code == "not_found" => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// The changes in such a state.
fn changes(context: &mut Context, state: ChangeFilter) -> Result<BTreeSet<ChangeId>, Fault> {
    let mut found = BTreeSet::new();
    let mut after = None;
    loop {
        let query = ChangesQuery { state: Some(state), limit: Some(PAGE), after, ..ChangesQuery::default() };
        let View::Changes(view) = context.view(Look::default(), Query::Changes(query))?.0 else {
            return Err(Fault::new("bad_answer", "the answer is not a list of changes"));
        };
        let Some(last) = view.changes.last().map(|line| line.id.to_string()) else { return Ok(found) };
        found.extend(view.changes.iter().map(|line| line.id));
        after = Some(last);
    }
}

impl Show for CleanedUp {
    fn show(&self, page: &mut Page) {
        let Self { worktrees, fences, kept_commits } = self;
        page.line(format!("taken away: {worktrees} worktrees, {fences} fences, {kept_commits} kept commits"));
    }
}
