//! The rules: what is taken in, who gets what, what a claim is good for, and what reviewers and operators may do.
//!
//! An empty list of events is a success that changed nothing new.

pub mod claim;
pub mod outcome;
pub mod review;
pub mod submit;
pub mod withdraw;

use super::state::{Change, Phase};
use crate::{name::ActorName, refusal::Refusal, time::Timestamp};

/// The claim is current and the actor's. An outdated one is told so even after the end: it was fenced before that.
///
/// # Errors
/// [`Refusal::StaleFence`]; [`Refusal::ChangeEnded`] under the latest claim.
fn current(change: &Change, actor: &ActorName, fence: u32, now: Timestamp) -> Result<(), Refusal> {
    if fence < change.fence {
        let of = change.worker().map_or_else(String::new, |worker| format!(" of {worker}"));
        let ended =
            change.outcome().map_or_else(String::new, |outcome| format!(", and the change has ended: {outcome}"));
        let why = format!("claim {fence} was outranked by claim {}{of}{ended}", change.fence);
        return Err(Refusal::StaleFence { why });
    }
    not_ended(change)?;
    match &change.phase {
        Phase::Leased { worker, until } if fence == change.fence && worker == actor && now < *until => Ok(()),
        Phase::Leased { worker, .. } if fence == change.fence && worker != actor => {
            Err(Refusal::StaleFence { why: format!("{worker} has the change") })
        }
        _ if fence > change.fence => Err(Refusal::StaleFence { why: format!("there was no claim {fence} yet") }),
        _ => Err(Refusal::StaleFence { why: format!("the lease of claim {fence} has ended") }),
    }
}

fn not_ended(change: &Change) -> Result<(), Refusal> {
    match change.outcome() {
        Some(outcome) => Err(Refusal::ChangeEnded { change: change.id.into(), outcome }),
        None => Ok(()),
    }
}
