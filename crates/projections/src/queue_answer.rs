//! The answers about the queue, and what they need of the log: what a change brings, and why it ended.

use std::collections::BTreeSet;

use convoke_core::{
    event::{Event, Recorded},
    id::{ChangeId, EventId, IdReference},
    name::shorten,
    refusal::Refusal,
    time::Timestamp,
};

use crate::{
    answer::cut,
    changes::Change,
    query::{ChangesQuery, LIMIT_DEFAULT},
    resolve::nothing,
    view::{CauseView, ChangeView, ChangesView, QueueMetricsView},
    views::Views,
};

impl Views {
    pub(crate) fn changes_view(&self, query: &ChangesQuery, now: Timestamp) -> Result<ChangesView, Refusal> {
        let changes = &self.state.changes;
        let after = query.after.as_deref().map(|reference| self.change(reference)).transpose()?;
        let after = after.and_then(|id| changes.get(id).map(|change| change.place(id)));
        let wanted = |change: &Change| {
            query.state.is_none_or(|filter| filter.accepts(change.state))
                && query.target.as_deref().is_none_or(|target| change.target.as_str() == target)
                && query.agent.as_ref().is_none_or(|agent| change.agent == *agent)
        };
        let wanted = changes.iter().filter(|(_, change)| wanted(change)).map(|(id, change)| change.place(id));
        let mut places: Vec<_> = wanted.filter(|place| after.is_none_or(|after| *place > after)).collect();
        places.sort_unstable();
        let (places, more) = cut(places, query.limit.unwrap_or(LIMIT_DEFAULT));
        let lines = places.into_iter().filter_map(|(.., id)| changes.get(id).map(|change| change.line(id)));
        Ok(ChangesView { now, paused: changes.paused().map(str::to_owned), changes: lines.collect(), more })
    }

    pub(crate) fn change_view(&self, reference: &str, now: Timestamp) -> Result<ChangeView, Refusal> {
        let id = self.change(reference)?;
        let change = self.state.changes.get(id).ok_or_else(|| nothing("change", reference))?;
        Ok(ChangeView {
            now,
            line: change.line(id),
            position: change.position,
            content: None,
            paths: Default::default(),
            checks: Vec::new(),
            approval: None,
            reviews: change.reviews.clone(),
            metadata: None,
            previous: change.previous,
            receipt: change.receipt.clone(),
            cause: None,
            needed: BTreeSet::from_iter(std::iter::once(change.position).chain(change.cause_at)).into_iter().collect(),
        })
    }

    pub(crate) fn queue_metrics(&self, now: Timestamp) -> QueueMetricsView {
        self.state.changes.metrics(now)
    }

    /// The change that a full id, a short id or a task means; of a task the live one, if there is exactly one.
    pub(crate) fn change(&self, reference: &str) -> Result<ChangeId, Refusal> {
        let wanted = IdReference::parse(reference);
        let is_meant = |id: ChangeId, change: &Change| match wanted {
            Some(wanted) => wanted.matches(EventId::from(id)),
            None => change.task.as_str() == reference,
        };
        let mut found: Vec<(ChangeId, &Change)> =
            self.state.changes.iter().filter(|(id, change)| is_meant(*id, change)).collect();
        if found.iter().any(|(_, change)| !change.state.has_ended()) {
            found.retain(|(_, change)| !change.state.has_ended());
        }
        match found.as_slice() {
            [] => Err(nothing("change", reference)),
            [(id, _)] => Ok(*id),
            several => {
                let candidates =
                    several.iter().take(10).map(|(id, change)| format!("{} ({})", id.short(), change.task));
                Err(Refusal::Ambiguous {
                    what: "change",
                    reference: shorten(reference),
                    candidates: candidates.collect(),
                })
            }
        }
    }
}

/// Puts in what the log says of a change.
pub(crate) fn fill_change(view: &mut ChangeView, events: &[Recorded]) {
    for recorded in events.iter().filter(|recorded| view.needed.contains(&recorded.position)) {
        if let Event::ChangeSubmitted(submitted) = &recorded.event {
            view.content = Some(submitted.content.clone());
            view.paths = submitted.paths.clone();
            view.checks = submitted.checks.clone();
            view.approval = submitted.approval.clone();
            view.metadata = submitted.metadata.clone();
        } else {
            view.cause = cause(&recorded.event);
        }
    }
    view.needed.clear();
}

fn cause(event: &Event) -> Option<CauseView> {
    let said = |text: String| CauseView { text, class: None, output: None, paths: Default::default(), other: None };
    Some(match event {
        Event::ChangeFailed(failed) => {
            let output = failed.output.clone();
            CauseView { class: Some(failed.class), output, ..said(failed.cause.clone()) }
        }
        Event::ChangeDied(died) => {
            CauseView { class: Some(died.class), output: died.output.clone(), ..said(died.cause.clone()) }
        }
        Event::ChangeConflicted(conflict) => CauseView {
            output: Some(conflict.detail.clone()),
            paths: conflict.paths.clone(),
            other: conflict.against,
            ..said("it does not apply on the target's tip".to_owned())
        },
        Event::ChangeRejected(rejected) => said(rejected.faults.join("; ")),
        Event::ChangeCancelled(cancelled) => said(cancelled.reason.clone().unwrap_or_else(|| "withdrawn".to_owned())),
        Event::ChangeSuperseded(superseded) => {
            CauseView { other: Some(superseded.by), ..said("another change took its place".to_owned()) }
        }
        _ => return None,
    })
}
