//! The queue: its changes, one change with its receipt, and how it does.

use convoke::api::EventView;
use convoke_core::{event::Event, queue::events::Content};
use convoke_projections::view::{ChangeView, ChangesView, QueueMetricsView};

use super::{Page, Show};

/// Which change an event is about, and the rest of it in words.
pub(super) fn told(view: &EventView, event: &Event, page: &Page) -> (String, String) {
    let why = |reason: &Option<String>| reason.clone().unwrap_or_default();
    let (change, sentence) = match event {
        Event::ChangeSubmitted(event) => {
            let content = match &event.content {
                Content::Operations(hash) => format!("content {}", &hash.to_string()[..12]),
                Content::Commit(commit) => format!("commit {}", &commit.to_string()[..12]),
            };
            let files = super::many(event.paths.len() as u64, "file");
            return (
                page.id(view.id),
                format!("{} for {} by {}: {files}, {content}", event.task, event.target, event.agent),
            );
        }
        Event::QueuePaused(event) => return (page.id(view.id), event.reason.clone()),
        Event::QueueResumed(_) => return (page.id(view.id), String::new()),
        Event::ChangeRejected(event) => (event.change, event.faults.join("; ")),
        Event::ChangeApproved(event) => (event.change, format!("by {} {}", event.reviewer, why(&event.reason))),
        Event::ChangeDisapproved(event) => (event.change, format!("by {}: {}", event.reviewer, event.reason)),
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
        Event::ChangeCancelled(event) => (event.change, why(&event.reason)),
        Event::ChangeSuperseded(event) => (event.change, format!("by {}", page.id(event.by))),
        _ => return (page.id(view.id), String::new()),
    };
    (page.id(change), sentence.trim_end().to_owned())
}

impl Show for ChangesView {
    fn show(&self, _page: &mut Page) {}
}

impl Show for ChangeView {
    fn show(&self, _page: &mut Page) {}
}

impl Show for QueueMetricsView {
    fn show(&self, _page: &mut Page) {}
}
