//! What a campaign's links say: who may go, who never will, whether it is over, and in which order it runs.
//!
//! Each answer is in order of the countdowns' ids, the same from run to run. That is the order of their creation to the
//! millisecond; within one, as within one batch, it is arbitrary.

use std::collections::BTreeMap;

use super::{
    events::{CampaignCompleted, CampaignFailed, FailurePolicy},
    state::{Campaign, Phase, Progress},
};
use crate::{event::Event, id::CountdownId};

/// Whether a countdown is held and nothing keeps it any more: the campaign runs, and every one before it has ended as the
/// policy asks.
#[must_use]
pub fn is_releasable(campaign: &Campaign, countdown: CountdownId) -> bool {
    let satisfied = |before: &CountdownId| {
        let progress = campaign.members.get(before).map(|member| member.progress);
        match campaign.policy {
            FailurePolicy::Block => progress == Some(Progress::EndedWell),
            FailurePolicy::Continue => progress.is_some_and(Progress::has_ended),
        }
    };
    let held = campaign.members.get(&countdown).filter(|member| member.progress == Progress::Held);
    campaign.phase == Phase::Running && held.is_some_and(|member| member.before.iter().all(satisfied))
}

/// Under the policy `block`: the one that ended badly, for which a held countdown waits. It is to be scrubbed, which blocks
/// those after it in turn. This holds before the start too.
#[must_use]
pub fn blocker(campaign: &Campaign, countdown: CountdownId) -> Option<CountdownId> {
    if campaign.policy != FailurePolicy::Block || campaign.failed == 0 || matches!(campaign.phase, Phase::Ended(_)) {
        return None;
    }
    let member = campaign.members.get(&countdown).filter(|member| member.progress == Progress::Held)?;
    let ended_badly = |before: &&CountdownId| {
        campaign.members.get(before).is_some_and(|member| member.progress == Progress::EndedBadly)
    };
    member.before.iter().find(ended_badly).copied()
}

/// All of a campaign's countdowns that are releasable.
#[must_use]
pub fn releasable(campaign: &Campaign) -> Vec<CountdownId> {
    campaign.members.keys().copied().filter(|id| is_releasable(campaign, *id)).collect()
}

/// All of a campaign's countdowns that are blocked, each with the one that blocks it.
#[must_use]
pub fn blocked(campaign: &Campaign) -> Vec<(CountdownId, CountdownId)> {
    campaign.members.keys().filter_map(|id| Some((*id, blocker(campaign, *id)?))).collect()
}

/// The end of a running campaign, once every countdown of it has ended.
#[must_use]
pub fn conclude(campaign: &Campaign) -> Option<Event> {
    if campaign.phase != Phase::Running || campaign.open > 0 {
        return None;
    }
    Some(if campaign.failed == 0 {
        CampaignCompleted { campaign: campaign.id }.into()
    } else {
        CampaignFailed { campaign: campaign.id }.into()
    })
}

/// What may run together: each level waits only for the levels before it, and no countdown could stand earlier.
#[must_use]
pub fn levels(campaign: &Campaign) -> Vec<Vec<CountdownId>> {
    let mut waits_for: BTreeMap<CountdownId, usize> =
        campaign.members.iter().map(|(id, member)| (*id, member.before.len())).collect();
    let mut level: Vec<CountdownId> = waits_for.iter().filter(|(_, waits)| **waits == 0).map(|(id, _)| *id).collect();
    let mut levels = Vec::new();
    while !level.is_empty() {
        let mut next = Vec::new();
        for id in &level {
            for after in campaign.members.get(id).into_iter().flat_map(|member| &member.after) {
                if let Some(waits) = waits_for.get_mut(after) {
                    *waits = waits.saturating_sub(1);
                    if *waits == 0 {
                        next.push(*after);
                    }
                }
            }
        }
        next.sort_unstable();
        levels.push(std::mem::replace(&mut level, next));
    }
    // No link that `decide` lets through closes a cycle; were there one all the same, nothing would be left out.
    let on_a_cycle: Vec<CountdownId> = waits_for.iter().filter(|(_, waits)| **waits > 0).map(|(id, _)| *id).collect();
    if !on_a_cycle.is_empty() {
        levels.push(on_a_cycle);
    }
    levels
}
