//! What a campaign's links say: who may go, who never will, whether it is over, and in which order it runs.
//!
//! Each answer is in order of the countdowns' ids, the same from run to run: in the order of their creation, where that
//! was not within the same millisecond.

use std::collections::BTreeMap;

use super::{
    events::{CampaignCompleted, CampaignFailed, FailurePolicy},
    state::{Campaign, Phase, Progress},
};
use crate::{event::Event, id::CountdownId};

/// The held countdowns that nothing keeps any more, once the campaign runs.
#[must_use]
pub fn releasable(campaign: &Campaign) -> Vec<CountdownId> {
    campaign.members.keys().copied().filter(|id| is_releasable(campaign, *id)).collect()
}

/// Whether nothing keeps this countdown any more: the campaign runs, and every one before it has ended as the policy asks.
#[must_use]
pub fn is_releasable(campaign: &Campaign, id: CountdownId) -> bool {
    let Some(member) = campaign.members.get(&id) else { return false };
    if campaign.phase != Phase::Running || member.progress != Progress::Held {
        return false;
    }
    let satisfied = |before: &CountdownId| {
        let progress = campaign.members.get(before).map(|member| member.progress);
        match campaign.policy {
            FailurePolicy::Block => progress == Some(Progress::EndedWell),
            FailurePolicy::Continue => progress.is_some_and(Progress::has_ended),
        }
    };
    member.before.iter().all(satisfied)
}

/// Under the policy `block`: the held countdowns that wait for one which ended badly, each with that one. They are to be
/// scrubbed, which blocks those after them in turn. This holds before the start too.
#[must_use]
pub fn blocked(campaign: &Campaign) -> Vec<(CountdownId, CountdownId)> {
    campaign.members.keys().filter_map(|id| Some((*id, blocked_by(campaign, *id)?))).collect()
}

/// Under the policy `block`: a countdown before this held one that ended badly.
#[must_use]
pub fn blocked_by(campaign: &Campaign, id: CountdownId) -> Option<CountdownId> {
    let member = campaign.members.get(&id)?;
    if campaign.policy != FailurePolicy::Block
        || matches!(campaign.phase, Phase::Ended(_))
        || member.progress != Progress::Held
    {
        return None;
    }
    let ended_badly = |before: &&CountdownId| {
        campaign.members.get(before).is_some_and(|member| member.progress == Progress::EndedBadly)
    };
    member.before.iter().find(ended_badly).copied()
}

/// The end of a running campaign, once every countdown of it has ended.
#[must_use]
pub fn conclude(campaign: &Campaign) -> Option<Event> {
    if campaign.phase != Phase::Running || !campaign.members.values().all(|member| member.progress.has_ended()) {
        return None;
    }
    let all_well = campaign.members.values().all(|member| member.progress == Progress::EndedWell);
    Some(if all_well {
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
