//! Compares what the log says of changes with what the repository and the contents beside the log hold.

use std::collections::BTreeMap;

use convoke::api::{AsOf, Fault, LogFilter, Question, Reply};
use convoke_core::{
    event::Event,
    id::ChangeId,
    log::Hash,
    name::Name,
    queue::events::{Content, Receipt},
};
use convoke_git::{GitError, Repository};
use convoke_projections::query::LIMIT_MAX;
use convoke_store::blobs::Blobs;
use convoke_worker::receipts::{History, check};
use serde::Serialize;

use crate::{
    context::Context,
    render::{Page, Show, many},
    repository::{self, blob_fault},
    settings::Settings,
};

/// What was compared, if all of it holds.
#[derive(Debug, Serialize)]
pub(super) struct Compared {
    /// Receipts of changes that landed.
    receipts: u64,
    /// The branches that they landed on.
    targets: u64,
    /// Contents that changes need which landed, live or may be put back.
    contents: u64,
}

/// What the log says of one change.
struct Told {
    target: Name,
    content: Content,
    landed: Option<Receipt>,
    /// It ended otherwise and comes back no more: nobody needs its content.
    is_over: bool,
}

/// Compares everything, and gives the first thing that does not hold as a fault.
pub(super) fn compare(context: &mut Context) -> Result<Compared, Fault> {
    let told = told(context)?;
    let workspace = context.workspace()?;
    let blobs = Blobs::of(&workspace.folder());
    let mut contents = 0;
    for (change, told) in told.iter().filter(|(_, told)| !told.is_over) {
        if let Content::Operations(hash) = &told.content {
            holds(&blobs, *change, hash)?;
            contents += 1;
        }
    }
    let landed: Vec<_> =
        told.iter().filter_map(|(change, told)| Some((*change, &told.target, told.landed.as_ref()?))).collect();
    let mut histories: BTreeMap<&Name, History> = BTreeMap::new();
    if !landed.is_empty() {
        let settings = Settings::load(workspace)?.queue;
        let repository = repository::open(&settings, workspace)?;
        for (change, target, receipt) in &landed {
            if !histories.contains_key(target) {
                histories.insert(target, history(&repository, target)?);
            }
            check(*change, receipt, &histories[target]).map_err(|wrong| {
                let what = format!("change {} landed on {target} as {}: {wrong}", change.short(), receipt.commit);
                Fault::new("receipt_wrong", what)
            })?;
        }
    }
    Ok(Compared { receipts: landed.len() as u64, targets: histories.len() as u64, contents })
}

fn holds(blobs: &Blobs, change: ChangeId, hash: &Hash) -> Result<(), Fault> {
    blobs.get(hash).map(drop).map_err(|error| {
        let fault = blob_fault(&error);
        Fault { message: format!("change {}: {}", change.short(), fault.message), ..fault }
    })
}

/// What a branch holds; a branch that is gone lost all that landed on it.
fn history(repository: &Repository, target: &Name) -> Result<History, Fault> {
    match repository.tip(target.as_str()).and_then(|tip| repository.history(&tip)) {
        Err(GitError::NoBranch(branch)) => {
            Err(Fault::new("receipt_wrong", format!("changes landed on {branch}, and that branch is gone")))
        }
        history => history.map_err(|error| repository::fault(&error)),
    }
}

/// What the log says of every change.
fn told(context: &mut Context) -> Result<BTreeMap<ChangeId, Told>, Fault> {
    let mut told: BTreeMap<ChangeId, Told> = BTreeMap::new();
    for kind in [
        "change.submitted",
        "change.landed",
        "change.conflicted",
        "change.rejected",
        "change.cancelled",
        "change.superseded",
    ] {
        each_event(context, kind, |id, event| match event {
            Event::ChangeSubmitted(event) => {
                let (target, content) = (event.target, event.content);
                told.insert(id, Told { target, content, landed: None, is_over: false });
            }
            Event::ChangeLanded(event) => {
                if let Some(told) = told.get_mut(&event.change) {
                    told.landed = Some(event.receipt);
                }
            }
            Event::ChangeConflicted(event) => is_over(&mut told, event.change),
            Event::ChangeRejected(event) => is_over(&mut told, event.change),
            Event::ChangeCancelled(event) => is_over(&mut told, event.change),
            Event::ChangeSuperseded(event) => is_over(&mut told, event.change),
            _ => {}
        })?;
    }
    Ok(told)
}

fn is_over(told: &mut BTreeMap<ChangeId, Told>, change: ChangeId) {
    if let Some(told) = told.get_mut(&change) {
        told.is_over = true;
    }
}

/// Reads all events of a kind, from the newest page to the oldest; each with its id, if it is a change's.
fn each_event(context: &mut Context, kind: &str, mut with: impl FnMut(ChangeId, Event)) -> Result<(), Fault> {
    let mut as_of = None;
    loop {
        let filter = LogFilter { kind: Some(kind.to_owned()), limit: Some(LIMIT_MAX), ..LogFilter::default() };
        let (Reply::Log { events, .. }, _) = context.ask(Question::Log(filter), as_of)? else {
            return Err(Fault::new("bad_answer", "the answer is not a list of events"));
        };
        for view in &events {
            let event = Event::decode(&view.kind, view.schema, view.payload.get().as_bytes());
            // One whose payload was erased says nothing any more.
            if let Ok(event) = event {
                with(view.id.into(), event);
            }
        }
        match events.first() {
            Some(first) if events.len() >= LIMIT_MAX as usize => as_of = Some(AsOf::Size(first.position)),
            _ => return Ok(()),
        }
    }
}

impl Show for Compared {
    fn show(&self, page: &mut Page) {
        let branches = if self.targets == 1 { "1 branch".to_owned() } else { format!("{} branches", self.targets) };
        page.line(match self.receipts {
            0 => "no change has landed yet".to_owned(),
            receipts => format!(
                "the repository holds: {} on {branches}; each commit is there, with the tree that was tested",
                many(receipts, "receipt")
            ),
        });
        page.line(format!("{} beside the log, none damaged", many(self.contents, "content")));
    }
}
