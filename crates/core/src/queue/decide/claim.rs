//! Who gets which changes, and for how long.

use std::collections::BTreeSet;

use super::{
    super::{
        changes::Changes,
        events::{ChangeLeaseExtended, ChangeLeased},
        path::{RepoPath, overlap},
        state::{Change, Phase},
    },
    current,
};
use crate::{
    event::Event,
    limits,
    name::{ActorName, Name},
    refusal::Refusal,
    time::{Span, Timestamp},
};

/// Claims up to `max` changes of a target, in order of their turns. One that overlaps with another whose turn is earlier is
/// given only to the worker that has that other, who builds on it; so what overlaps keeps its order. A change in its pause
/// holds nobody up.
///
/// # Errors
/// [`Refusal::QueuePaused`]; [`Refusal::BadRequest`] for no change or no lease, [`Refusal::OverLimit`] for too many.
pub fn claim(
    changes: &Changes,
    target: &Name,
    max: usize,
    lease: Option<Span>,
    worker: &ActorName,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    if let Some(reason) = changes.paused() {
        return Err(Refusal::QueuePaused { reason: reason.to_owned() });
    }
    if max == 0 {
        return Err(Refusal::BadRequest("nothing was asked for: claim at least one change".to_owned()));
    }
    limits::check("the number of changes claimed at once", max, limits::CLAIM_MAX)?;
    let lease = lease_of(lease)?;
    let mut claimed = Vec::new();
    let mut held_up: BTreeSet<RepoPath> = BTreeSet::new();
    for change in changes.line(target) {
        if claimed.len() == max {
            break;
        }
        let is_mine = change.worker() == Some(worker);
        if change.is_ready(now) && !overlap(&change.paths, &held_up) {
            let fence = change.fence.saturating_add(1);
            claimed
                .push(ChangeLeased { change: change.id, worker: worker.clone(), fence, until: now.plus(lease) }.into());
        } else if !is_mine && (change.is_ready(now) || change.worker().is_some()) {
            held_up.extend(change.paths.iter().cloned());
        }
    }
    Ok(claimed)
}

/// The worker lives: its lease ends later. One that would end no later stays as it is.
///
/// # Errors
/// [`Refusal::ChangeEnded`], [`Refusal::StaleFence`]; [`Refusal::BadRequest`] for no lease.
pub fn extend(
    change: &Change,
    fence: u32,
    lease: Option<Span>,
    actor: &ActorName,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    current(change, actor, fence, now)?;
    let until = now.plus(lease_of(lease)?);
    match &change.phase {
        Phase::Leased { until: before, .. } if *before >= until => Ok(Vec::new()),
        _ => Ok(vec![ChangeLeaseExtended { change: change.id, fence, until }.into()]),
    }
}

fn lease_of(lease: Option<Span>) -> Result<Span, Refusal> {
    match lease.unwrap_or(Span::from_ms_capped(limits::QUEUE_LEASE_MS)) {
        Span::ZERO => Err(Refusal::BadRequest("a lease has a length, such as 2m".to_owned())),
        lease => Ok(lease),
    }
}
