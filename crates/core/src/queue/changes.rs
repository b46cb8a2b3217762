//! Every change of the log, whose turn it is, and whose lease ends next.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    events::{ChangeLeaseExpired, Content},
    order::Turn,
    state::{Change, Phase},
};
use crate::{
    event::{Event, Recorded},
    id::{ChangeId, EventId, IdReference},
    name::{Name, shorten},
    refusal::Refusal,
    time::Timestamp,
};

/// All changes, ended ones included, and whether the queue is paused. The indexes are made anew on reading.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Changes {
    all: BTreeMap<ChangeId, Change>,
    paused: Option<String>,
    /// Those that are queued or leased, by target, in order of their turns.
    lines: BTreeMap<Name, BTreeSet<Turn>>,
    /// The ends of leases.
    timers: BTreeSet<(Timestamp, ChangeId)>,
    /// The live ones of each task and content. Decisions let only one live; the fold of any events has right indexes all the same.
    live: BTreeMap<(Name, Content), BTreeSet<ChangeId>>,
}

/// The change that an event is about, if it is about one that is there already.
#[must_use]
pub fn subject(event: &Event) -> Option<ChangeId> {
    Some(match event {
        Event::ChangeRejected(event) => event.change,
        Event::ChangeApproved(event) => event.change,
        Event::ChangeDisapproved(event) => event.change,
        Event::ChangeLeased(event) => event.change,
        Event::ChangeLeaseExtended(event) => event.change,
        Event::ChangeLeaseExpired(event) => event.change,
        Event::ChangeReturned(event) => event.change,
        Event::ChangeLandingStarted(event) => event.change,
        Event::ChangeLanded(event) => event.change,
        Event::ChangeConflicted(event) => event.change,
        Event::ChangeFailed(event) => event.change,
        Event::ChangeDied(event) => event.change,
        Event::ChangeCancelled(event) => event.change,
        Event::ChangeSuperseded(event) => event.change,
        _ => return None,
    })
}

/// What of it is kept in a snapshot.
#[derive(Serialize, Deserialize)]
struct Stored {
    all: BTreeMap<ChangeId, Change>,
    paused: Option<String>,
}

impl Changes {
    /// The change with this id.
    #[must_use]
    pub fn get(&self, id: ChangeId) -> Option<&Change> {
        self.all.get(&id)
    }

    /// All of them, in order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Change> {
        self.all.values()
    }

    /// Why the queue is paused, if it is.
    #[must_use]
    pub fn paused(&self) -> Option<&str> {
        self.paused.as_deref()
    }

    /// The live change of this task with this content, other than `besides`: a second of its kind would be a duplicate.
    #[must_use]
    pub fn live(&self, task: &Name, content: &Content, besides: Option<ChangeId>) -> Option<&Change> {
        let live = self.live.get(&(task.clone(), content.clone()))?;
        live.iter().find(|id| Some(**id) != besides).and_then(|id| self.get(*id))
    }

    /// Those of a target that are queued or leased, in order of their turns.
    pub fn line(&self, target: &Name) -> impl Iterator<Item = &Change> {
        self.lines.get(target).into_iter().flatten().filter_map(|(.., id)| self.get(*id))
    }

    /// The change that a full id, a short id or a task means; of a task the live one, if there is exactly one.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] and [`Refusal::Ambiguous`].
    pub fn find(&self, reference: &str) -> Result<ChangeId, Refusal> {
        let named = |change: &&Change| change.task.as_str() == reference;
        let meant = |change: &&Change| match IdReference::parse(reference) {
            Some(wanted) => wanted.matches(EventId::from(change.id)),
            None => named(change),
        };
        let mut found: Vec<&Change> = self.iter().filter(meant).collect();
        if found.iter().any(|change| !change.has_ended()) {
            found.retain(|change| !change.has_ended());
        }
        match found.as_slice() {
            [] => Err(Refusal::NotFound { what: "change", reference: shorten(reference) }),
            [change] => Ok(change.id),
            several => {
                let candidates =
                    several.iter().take(10).map(|change| format!("{} ({})", change.id.short(), change.task)).collect();
                Err(Refusal::Ambiguous { what: "change", reference: shorten(reference), candidates })
            }
        }
    }

    /// When the first lease ends, if its worker stays silent.
    #[must_use]
    pub fn next_due(&self) -> Option<(Timestamp, ChangeId)> {
        self.timers.first().copied()
    }

    /// What the end of a lease writes.
    #[must_use]
    pub fn expire(&self, id: ChangeId) -> Vec<Event> {
        let leased = self.get(id).filter(|change| matches!(change.phase, Phase::Leased { .. }));
        leased.map(|change| ChangeLeaseExpired { change: id, fence: change.fence }.into()).into_iter().collect()
    }

    /// Drops a change from the index of what is due, if it is due but nothing follows from it: only an index that was not
    /// made from the changes holds such a one, and it would be due for ever.
    pub fn drop_due(&mut self, id: ChangeId) {
        self.timers.retain(|(_, other)| *other != id);
    }

    /// Folds one event of the log. Events of other machines, and of changes that are not there, change nothing.
    pub fn evolve(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::ChangeSubmitted(event) => {
                if let Some(previous) = event.previous {
                    self.apply(previous, recorded);
                }
                let id = ChangeId::from(recorded.id);
                if !self.all.contains_key(&id) {
                    self.enter(Change::submitted(recorded, event));
                }
            }
            Event::QueuePaused(event) => self.paused = Some(event.reason.clone()),
            Event::QueueResumed(_) => self.paused = None,
            _ => subject(&recorded.event).into_iter().for_each(|id| self.apply(id, recorded)),
        }
    }

    fn apply(&mut self, id: ChangeId, recorded: &Recorded) {
        if let Some(mut change) = self.all.remove(&id) {
            self.leave(&change);
            change.evolve(recorded);
            self.enter(change);
        }
    }

    fn leave(&mut self, change: &Change) {
        if let Some(line) = self.lines.get_mut(&change.target) {
            line.remove(&change.turn());
            if line.is_empty() {
                self.lines.remove(&change.target);
            }
        }
        if let Some(due_at) = change.due_at() {
            self.timers.remove(&(due_at, change.id));
        }
        let key = (change.task.clone(), change.content.clone());
        if let Some(live) = self.live.get_mut(&key) {
            live.remove(&change.id);
            if live.is_empty() {
                self.live.remove(&key);
            }
        }
    }

    fn enter(&mut self, change: Change) {
        if matches!(change.phase, Phase::Queued { .. } | Phase::Leased { .. }) {
            self.lines.entry(change.target.clone()).or_default().insert(change.turn());
        }
        self.timers.extend(change.due_at().map(|due_at| (due_at, change.id)));
        if !change.has_ended() {
            self.live.entry((change.task.clone(), change.content.clone())).or_default().insert(change.id);
        }
        self.all.insert(change.id, change);
    }
}

impl From<Stored> for Changes {
    fn from(stored: Stored) -> Self {
        let mut changes = Self { paused: stored.paused, ..Self::default() };
        for change in stored.all.into_values() {
            changes.enter(change);
        }
        changes
    }
}

impl From<Changes> for Stored {
    fn from(changes: Changes) -> Self {
        Self { all: changes.all, paused: changes.paused }
    }
}
