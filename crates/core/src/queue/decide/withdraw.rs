//! What takes a change out of the queue, and stops the queue as a whole.

use super::{
    super::{
        changes::Changes,
        events::{ChangeCancelled, QueuePaused, QueueResumed},
        state::Change,
    },
    not_ended,
};
use crate::{event::Event, limits, name::ActorName, refusal::Refusal};

/// Withdraws a change, from any state but the end. The worker that has it finds its claim outdated.
///
/// # Errors
/// [`Refusal::NotYourChange`], [`Refusal::ChangeEnded`], [`Refusal::LandingBegun`], [`Refusal::OverLimit`].
pub fn cancel(change: &Change, actor: &ActorName, reason: Option<&str>) -> Result<Vec<Event>, Refusal> {
    may_be_withdrawn(change, actor)?;
    limits::check("a reason's length in bytes", reason.map_or(0, str::len), limits::REASON_BYTES_MAX)?;
    Ok(vec![ChangeCancelled { change: change.id, reason: reason.map(str::to_owned) }.into()])
}

/// Stops leasing. What is leased goes on. A queue that is paused stays as it is.
///
/// # Errors
/// [`Refusal::OverLimit`].
pub fn pause(changes: &Changes, reason: &str) -> Result<Vec<Event>, Refusal> {
    limits::check("a reason's length in bytes", reason.len(), limits::REASON_BYTES_MAX)?;
    Ok(match changes.paused() {
        Some(_) => Vec::new(),
        None => vec![QueuePaused { reason: reason.to_owned() }.into()],
    })
}

/// Leasing goes on.
#[must_use]
pub fn resume(changes: &Changes) -> Vec<Event> {
    changes.paused().map(|_| QueueResumed {}.into()).into_iter().collect()
}

/// Only its author withdraws a change, and not while it may be on the branch already.
pub(super) fn may_be_withdrawn(change: &Change, actor: &ActorName) -> Result<(), Refusal> {
    not_ended(change)?;
    if *actor != change.agent {
        return Err(Refusal::NotYourChange { change: change.id.into(), agent: change.agent.clone() });
    }
    if change.landing.is_some() {
        return Err(Refusal::LandingBegun { change: change.id.into() });
    }
    Ok(())
}
