//! Who takes part, since when, and when they were last seen.

use std::collections::BTreeMap;

use convoke_core::{
    actors::events::{ActorKind, Membership},
    event::{Event, Recorded},
    name::ActorName,
    time::{Span, Timestamp},
};
use serde::{Deserialize, Serialize};

use crate::{
    micros,
    view::{ActorCounts, ActorLine},
};

/// Everybody who is registered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Actors {
    pub(crate) organizer: Option<ActorName>,
    pub(crate) membership: Membership,
    members: BTreeMap<ActorName, Member>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) kind: ActorKind,
    #[serde(with = "micros")]
    since: Timestamp,
    pub(crate) position: u64,
    #[serde(with = "micros::optional")]
    last_seen: Option<Timestamp>,
}

impl Actors {
    pub(crate) fn apply(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::WorkspaceCreated(created) => {
                self.organizer = Some(created.organizer.clone());
                self.register(&created.organizer, ActorKind::Human, recorded);
            }
            Event::MembershipSet(set) => self.membership = set.membership,
            Event::ActorRegistered(registered) => self.register(&registered.name, registered.kind, recorded),
            Event::ActorKindChanged(changed) => {
                if let Some(member) = self.members.get_mut(&changed.name) {
                    member.kind = changed.kind;
                }
            }
            _ => {}
        }
        // As for the deciding state, accepting a clock is no sign of life: it must not revive a lease that was over.
        if !matches!(recorded.event, Event::ClockAccepted(_))
            && let Some(member) = self.members.get_mut(&recorded.actor)
        {
            member.last_seen = Some(recorded.time);
        }
    }

    fn register(&mut self, name: &ActorName, kind: ActorKind, recorded: &Recorded) {
        self.members.entry(name.clone()).or_insert(Member {
            kind,
            since: recorded.time,
            position: recorded.position,
            last_seen: None,
        });
    }

    pub(crate) fn get(&self, name: &ActorName) -> Option<&Member> {
        self.members.get(name)
    }

    /// By name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&ActorName, &Member)> {
        self.members.iter()
    }

    /// Whom `all` addresses when this actor sends at this position: the humans and agents registered before it.
    pub(crate) fn everybody_but<'a>(
        &'a self,
        sender: &'a ActorName,
        position: u64,
    ) -> impl Iterator<Item = &'a ActorName> {
        self.members
            .iter()
            .filter(move |(name, member)| {
                *name != sender && member.kind != ActorKind::System && member.position < position
            })
            .map(|(name, _)| name)
    }

    /// When a lease of this length ends at the earliest: every event of its holder extends it.
    pub(crate) fn lease_end(&self, holder: &ActorName, until: Timestamp, lease: Span) -> Timestamp {
        let seen = self.members.get(holder).and_then(|member| member.last_seen);
        seen.map_or(until, |seen| until.max(seen.plus(lease)))
    }

    pub(crate) fn counts(&self) -> ActorCounts {
        let mut counts = ActorCounts::default();
        for member in self.members.values() {
            match member.kind {
                ActorKind::Human => counts.human += 1,
                ActorKind::Agent => counts.agent += 1,
                ActorKind::System => counts.system += 1,
            }
        }
        counts
    }

    pub(crate) fn line(&self, name: &ActorName, member: &Member) -> ActorLine {
        ActorLine {
            name: name.clone(),
            kind: member.kind,
            since: member.since,
            last_seen: member.last_seen,
            organizer: self.organizer.as_ref() == Some(name),
        }
    }
}
