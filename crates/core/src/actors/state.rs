//! Who is known, as a fold of the log.

use std::collections::{BTreeMap, btree_map};

use serde::{Deserialize, Serialize};

use super::events::{ActorKind, Membership};
use crate::{
    event::{Event, Recorded},
    name::ActorName,
};

/// Everybody who takes part in one workspace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Actors {
    pub(super) organizer: Option<ActorName>,
    pub(super) membership: Membership,
    pub(super) members: BTreeMap<ActorName, Member>,
}

/// Somebody who is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Member {
    /// What kind of actor.
    pub kind: ActorKind,
    /// The position of the event that registered the name.
    pub since: u64,
}

impl Actors {
    /// The human whose workspace it is; `None` only before there is one.
    #[must_use]
    pub fn organizer(&self) -> Option<&ActorName> {
        self.organizer.as_ref()
    }

    /// Whether an unknown name may act or be addressed.
    #[must_use]
    pub fn membership(&self) -> Membership {
        self.membership
    }

    /// What is known of this name.
    #[must_use]
    pub fn get(&self, name: &ActorName) -> Option<&Member> {
        self.members.get(name)
    }

    /// Everybody, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&ActorName, &Member)> {
        self.members.iter()
    }

    /// Whom `all` means when this actor writes: the humans and agents that are registered, without the sender.
    #[must_use]
    pub fn everybody_but(&self, sender: &ActorName) -> Vec<ActorName> {
        let takes_part = |(name, member): &(&ActorName, &Member)| *name != sender && member.kind != ActorKind::System;
        self.members.iter().filter(takes_part).map(|(name, _)| name.clone()).collect()
    }

    /// Folds one event. Cannot fail: what makes no sense, and what is about something else, is ignored.
    pub fn evolve(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::WorkspaceCreated(created) if self.organizer.is_none() => {
                self.organizer = Some(created.organizer.clone());
                self.register(&created.organizer, ActorKind::Human, recorded.position);
            }
            Event::MembershipSet(set) => self.membership = set.membership,
            Event::ActorRegistered(registered) => self.register(&registered.name, registered.kind, recorded.position),
            Event::ActorKindChanged(changed) => {
                if let Some(member) = self.members.get_mut(&changed.name) {
                    member.kind = changed.kind;
                }
            }
            _ => {}
        }
    }

    fn register(&mut self, name: &ActorName, kind: ActorKind, since: u64) {
        if let btree_map::Entry::Vacant(place) = self.members.entry(name.clone()) {
            place.insert(Member { kind, since });
        }
    }
}
