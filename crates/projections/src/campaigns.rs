//! Campaigns: their countdowns, the links between them, how far they are.

use std::collections::{BTreeMap, BTreeSet};

use convoke_core::{
    campaign::events::FailurePolicy,
    event::{Event, Recorded},
    id::{CampaignId, CountdownId},
    name::{ActorName, Name},
    time::{Span, Timestamp},
};
use serde::{Deserialize, Serialize};

use crate::{
    countdowns::Countdowns,
    micros,
    view::{CampaignLine, CampaignRef, CampaignState, CountdownCounts},
};

/// All campaigns, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Campaigns(BTreeMap<CampaignId, Campaign>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Campaign {
    pub(crate) name: Name,
    pub(crate) organizer: ActorName,
    pub(crate) policy: FailurePolicy,
    pub(crate) notice: Span,
    pub(crate) position: u64,
    #[serde(with = "micros")]
    created_at: Timestamp,
    #[serde(with = "micros::optional")]
    started_at: Option<Timestamp>,
    end: Option<End>,
    pub(crate) members: BTreeSet<CountdownId>,
    /// Predecessor and successor.
    pub(crate) links: BTreeSet<(CountdownId, CountdownId)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct End {
    state: CampaignState,
    #[serde(with = "micros")]
    at: Timestamp,
    reason: Option<Box<str>>,
}

impl Campaigns {
    pub(crate) fn apply(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::CampaignCreated(created) => {
                self.0.entry(recorded.id.into()).or_insert_with(|| Campaign {
                    name: created.name.clone(),
                    organizer: created.organizer.clone(),
                    policy: created.policy,
                    notice: created.notice_ms,
                    position: recorded.position,
                    created_at: recorded.time,
                    started_at: None,
                    end: None,
                    members: BTreeSet::new(),
                    links: BTreeSet::new(),
                });
            }
            Event::CountdownScheduled(scheduled) => {
                if let Some(campaign) = scheduled.campaign.and_then(|id| self.0.get_mut(&id)) {
                    campaign.members.insert(recorded.id.into());
                }
            }
            Event::CountdownJoined(joined) => {
                if let Some(campaign) = self.0.get_mut(&joined.campaign) {
                    campaign.members.insert(joined.countdown);
                }
            }
            Event::CampaignLinked(linked) => {
                if let Some(campaign) = self.0.get_mut(&linked.campaign) {
                    campaign.links.insert((linked.before, linked.after));
                }
            }
            Event::CampaignUnlinked(unlinked) => {
                if let Some(campaign) = self.0.get_mut(&unlinked.campaign) {
                    campaign.links.remove(&(unlinked.before, unlinked.after));
                }
            }
            Event::CampaignStarted(started) => {
                if let Some(campaign) = self.0.get_mut(&started.campaign) {
                    campaign.started_at.get_or_insert(recorded.time);
                }
            }
            Event::CampaignCompleted(completed) => {
                self.end(completed.campaign, CampaignState::Completed, recorded.time, None);
            }
            Event::CampaignFailed(failed) => self.end(failed.campaign, CampaignState::Failed, recorded.time, None),
            Event::CampaignCancelled(cancelled) => {
                let reason = cancelled.reason.as_deref();
                self.end(cancelled.campaign, CampaignState::Cancelled, recorded.time, reason);
            }
            _ => {}
        }
    }

    fn end(&mut self, id: CampaignId, state: CampaignState, at: Timestamp, reason: Option<&str>) {
        if let Some(campaign) = self.0.get_mut(&id) {
            campaign.end.get_or_insert_with(|| End { state, at, reason: reason.map(Into::into) });
        }
    }

    pub(crate) fn get(&self, id: CampaignId) -> Option<&Campaign> {
        self.0.get(&id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (CampaignId, &Campaign)> {
        self.0.iter().map(|(id, campaign)| (*id, campaign))
    }

    pub(crate) fn reference(&self, id: CampaignId) -> Option<CampaignRef> {
        self.get(id).map(|campaign| campaign.reference(id))
    }
}

impl Campaign {
    pub(crate) fn state(&self) -> CampaignState {
        match (&self.end, self.started_at) {
            (Some(end), _) => end.state,
            (None, Some(_)) => CampaignState::Running,
            (None, None) => CampaignState::Planned,
        }
    }

    /// Why it was called off.
    pub(crate) fn reason(&self) -> Option<String> {
        self.end.as_ref()?.reason.as_deref().map(Into::into)
    }

    pub(crate) fn reference(&self, id: CampaignId) -> CampaignRef {
        CampaignRef { id, short: id.short(), name: self.name.clone() }
    }

    pub(crate) fn line(&self, id: CampaignId, countdowns: &Countdowns) -> CampaignLine {
        let mut progress = CountdownCounts::default();
        let mut next_at = None;
        for countdown in self.members.iter().filter_map(|id| countdowns.get(*id)) {
            countdown.state().count_in(&mut progress);
            next_at = [next_at, countdown.next_at()].into_iter().flatten().min();
        }
        CampaignLine {
            id,
            short: id.short(),
            name: self.name.clone(),
            state: self.state(),
            organizer: self.organizer.clone(),
            members: self.members.len() as u64,
            progress,
            next_at,
            created_at: self.created_at,
            started_at: self.started_at,
            ended_at: self.end.as_ref().map(|end| end.at),
        }
    }

    /// What may run together, level after level: a countdown stands one level below the deepest that it waits for. In one level by when
    /// they were scheduled. What waits for itself (no log that was decided holds such) comes last.
    pub(crate) fn levels(&self, countdowns: &Countdowns) -> Vec<Vec<CountdownId>> {
        let mut after: BTreeMap<CountdownId, Vec<CountdownId>> = BTreeMap::new();
        let mut waits_for: BTreeMap<CountdownId, usize> = self.members.iter().map(|id| (*id, 0)).collect();
        for (before, successor) in &self.links {
            if self.members.contains(before)
                && let Some(count) = waits_for.get_mut(successor)
            {
                *count += 1;
                after.entry(*before).or_default().push(*successor);
            }
        }
        let mut levels = Vec::new();
        let mut level: Vec<CountdownId> =
            waits_for.iter().filter(|(_, count)| **count == 0).map(|(id, _)| *id).collect();
        while !level.is_empty() {
            let mut next = Vec::new();
            for id in &level {
                waits_for.remove(id);
                for successor in after.get(id).into_iter().flatten() {
                    if let Some(count) = waits_for.get_mut(successor) {
                        *count -= 1;
                        if *count == 0 {
                            next.push(*successor);
                        }
                    }
                }
            }
            levels.push(level);
            level = next;
        }
        if !waits_for.is_empty() {
            levels.push(waits_for.into_keys().collect());
        }
        for level in &mut levels {
            level.sort_by_key(|id| (countdowns.get(*id).map(|countdown| countdown.position), *id));
        }
        levels
    }
}
