//! What reviewers say.

use super::{
    super::{
        events::{ChangeApproved, ChangeDisapproved},
        state::{Change, Phase},
    },
    not_ended,
};
use crate::{event::Event, limits, name::ActorName, refusal::Refusal};

/// A reviewer agrees. Agreeing twice is once; after the last approval that was needed, another changes nothing.
///
/// # Errors
/// [`Refusal::ChangeEnded`], [`Refusal::NotAReviewer`], [`Refusal::OverLimit`].
pub fn approve(change: &Change, reviewer: &ActorName, reason: Option<&str>) -> Result<Vec<Event>, Refusal> {
    may_review(change, reviewer)?;
    limits::check("a reason's length in bytes", reason.map_or(0, str::len), limits::REASON_BYTES_MAX)?;
    if change.phase != Phase::AwaitingApproval || change.reviews.get(reviewer) == Some(&true) {
        return Ok(Vec::new());
    }
    let reason = reason.map(str::to_owned);
    Ok(vec![ChangeApproved { change: change.id, reviewer: reviewer.clone(), reason }.into()])
}

/// A reviewer does not agree, and says why.
///
/// # Errors
/// [`Refusal::ChangeEnded`], [`Refusal::NotAReviewer`], [`Refusal::OverLimit`]; [`Refusal::AlreadyApproved`] once it is
/// queued: then only its author withdraws it.
pub fn disapprove(change: &Change, reviewer: &ActorName, reason: &str) -> Result<Vec<Event>, Refusal> {
    may_review(change, reviewer)?;
    limits::check("a reason's length in bytes", reason.len(), limits::REASON_BYTES_MAX)?;
    if change.phase != Phase::AwaitingApproval {
        return Err(Refusal::AlreadyApproved { change: change.id.into() });
    }
    if change.reviews.get(reviewer) == Some(&false) {
        return Ok(Vec::new());
    }
    let (reviewer, reason) = (reviewer.clone(), reason.to_owned());
    Ok(vec![ChangeDisapproved { change: change.id, reviewer, reason }.into()])
}

fn may_review(change: &Change, reviewer: &ActorName) -> Result<(), Refusal> {
    not_ended(change)?;
    let is_reviewer = change.approval.as_ref().is_some_and(|rule| rule.of.contains(reviewer));
    if is_reviewer && *reviewer != change.agent {
        Ok(())
    } else {
        Err(Refusal::NotAReviewer { change: change.id.into(), reviewer: reviewer.clone() })
    }
}
