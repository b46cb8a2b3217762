//! One campaign: its countdowns, their links, and how far each got.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::events::{CampaignCreated, FailurePolicy};
use crate::{
    id::{CampaignId, CountdownId},
    name::{ActorName, Name},
    time::Span,
};

/// A campaign as its events, and those of its countdowns, made it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Campaign {
    /// The id of its `campaign.created`.
    pub id: CampaignId,
    /// Its name; several may have the same.
    pub name: Name,
    /// Who may change, start and cancel it.
    pub organizer: ActorName,
    /// What a countdown that ended badly does to its successors.
    pub policy: FailurePolicy,
    /// The least time between a countdown's release and its T-0.
    pub notice: Span,
    /// Where it is.
    pub phase: Phase,
    /// Its countdowns.
    pub members: BTreeMap<CountdownId, Member>,
    /// How many of them have not ended. Counted anew on reading.
    #[serde(skip)]
    pub(super) open: usize,
    /// How many of them ended badly. Counted anew on reading.
    #[serde(skip)]
    pub(super) failed: usize,
}

/// A countdown as its campaign sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub name: Name,
    /// Those it waits for.
    pub before: BTreeSet<CountdownId>,
    /// Those that wait for it.
    pub after: BTreeSet<CountdownId>,
    /// How far it got.
    pub progress: Progress,
}

/// How far a countdown of a campaign got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Progress {
    /// It waits for the start, or for others.
    Held,
    /// It was let go.
    Released,
    /// It fired.
    EndedWell,
    /// It was missed or scrubbed.
    EndedBadly,
}

impl Progress {
    /// Whether the countdown is over.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::EndedWell | Self::EndedBadly)
    }
}

/// Where a campaign is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Every countdown is held.
    Planned,
    /// Countdowns are let go as those before them end.
    Running,
    /// Over.
    Ended(Outcome),
}

/// How a campaign ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// Every countdown fired.
    Completed,
    /// Every countdown ended, and not all of them well.
    Failed,
    /// It was called off.
    Cancelled,
}

impl Outcome {
    /// As people read it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Campaign {
    /// How many links it has.
    #[must_use]
    pub fn links(&self) -> usize {
        self.members.values().map(|member| member.before.len()).sum()
    }

    pub(super) fn created(id: CampaignId, event: &CampaignCreated) -> Self {
        Self {
            id,
            name: event.name.clone(),
            organizer: event.organizer.clone(),
            policy: event.policy,
            notice: event.notice_ms,
            phase: Phase::Planned,
            members: BTreeMap::new(),
            open: 0,
            failed: 0,
        }
    }

    pub(super) fn added(&mut self, countdown: CountdownId, name: Name) {
        let (before, after) = Default::default();
        self.members.insert(countdown, Member { name, before, after, progress: Progress::Held });
        self.open += 1;
    }

    pub(super) fn ended(&mut self, countdown: CountdownId, well: bool) {
        if let Some(member) = self.members.get_mut(&countdown).filter(|member| !member.progress.has_ended()) {
            member.progress = if well { Progress::EndedWell } else { Progress::EndedBadly };
            self.open = self.open.saturating_sub(1);
            self.failed += usize::from(!well);
        }
    }

    /// As it was, with what is not stored counted.
    pub(super) fn counted(self) -> Self {
        let count = |counts: fn(&Member) -> bool| self.members.values().filter(|member| counts(member)).count();
        let open = count(|member| !member.progress.has_ended());
        let failed = count(|member| member.progress == Progress::EndedBadly);
        Self { open, failed, ..self }
    }

    pub(super) fn linked(&mut self, before: CountdownId, after: CountdownId) {
        if before == after || !self.members.contains_key(&before) || !self.members.contains_key(&after) {
            return;
        }
        if let Some(member) = self.members.get_mut(&before) {
            member.after.insert(after);
        }
        if let Some(member) = self.members.get_mut(&after) {
            member.before.insert(before);
        }
    }

    pub(super) fn unlinked(&mut self, before: CountdownId, after: CountdownId) {
        if let Some(member) = self.members.get_mut(&before) {
            member.after.remove(&after);
        }
        if let Some(member) = self.members.get_mut(&after) {
            member.before.remove(&before);
        }
    }
}
