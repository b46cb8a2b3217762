//! Every countdown of the log, and which is due next.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize, Serializer};

use super::state::Countdown;
use crate::{
    directory::{Directory, Names},
    event::{Event, Recorded},
    id::{CampaignId, CountdownId},
    refusal::Refusal,
    time::Timestamp,
};

/// All countdowns, ended ones included. Only they are serialised; the indexes are made anew from them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize)]
#[serde(from = "BTreeMap<CountdownId, Countdown>")]
pub struct Countdowns {
    all: BTreeMap<CountdownId, Countdown>,
    /// When time will change one: T-0 of those counting, the limit of those on hold.
    timers: BTreeSet<(Timestamp, CountdownId)>,
    directory: Directory<CountdownId>,
    /// The names within each campaign.
    in_campaign: BTreeMap<CampaignId, Names<CountdownId>>,
}

/// The countdown that an event is about, be it the one that it creates.
#[must_use]
pub fn subject(recorded: &Recorded) -> Option<CountdownId> {
    Some(match &recorded.event {
        Event::CountdownScheduled(_) => recorded.id.into(),
        Event::CountdownJoined(event) => event.countdown,
        Event::CountdownReleased(event) => event.countdown,
        Event::CountdownConfirmed(event) => event.countdown,
        Event::CountdownDeclined(event) => event.countdown,
        Event::CountdownDeferred(event) => event.countdown,
        Event::CountdownHoldStarted(event) => event.countdown,
        Event::CountdownResumed(event) => event.countdown,
        Event::CountdownRescheduled(event) => event.countdown,
        Event::CountdownFired(event) => event.countdown,
        Event::CountdownMissed(event) => event.countdown,
        Event::CountdownScrubbed(event) => event.countdown,
        _ => return None,
    })
}

impl Countdowns {
    /// The countdown with this id.
    #[must_use]
    pub fn get(&self, id: CountdownId) -> Option<&Countdown> {
        self.all.get(&id)
    }

    /// All of them, in order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Countdown> {
        self.all.values()
    }

    /// The countdown that a full id, a short id or an exact name means. Within a campaign, a name means a countdown of
    /// that campaign if it has one of this name.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] and [`Refusal::Ambiguous`].
    pub fn find(&self, reference: &str, within: Option<CampaignId>) -> Result<CountdownId, Refusal> {
        self.directory.find("countdown", reference, within.and_then(|campaign| self.in_campaign.get(&campaign)), |id| {
            self.get(id).map(|countdown| countdown.name.clone())
        })
    }

    /// What time will change next, and when.
    #[must_use]
    pub fn next_due(&self) -> Option<(Timestamp, CountdownId)> {
        self.timers.first().copied()
    }

    /// What is due at `now`, in the order in which it is decided: by due time, then by id. Ids of one millisecond are in no
    /// meaningful order, so neither are countdowns that one batch scheduled for the same time.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = (Timestamp, CountdownId)> {
        self.timers.iter().copied().take_while(move |(due_at, _)| *due_at <= now)
    }

    /// Folds one event of the log. Events of other machines, and of countdowns that are not there, change nothing.
    pub fn evolve(&mut self, recorded: &Recorded) {
        let Some(id) = subject(recorded) else { return };
        if let Event::CountdownScheduled(event) = &recorded.event {
            if !self.all.contains_key(&id) {
                self.enter(Countdown::scheduled(id, event));
            }
            return;
        }
        let Some(countdown) = self.all.get_mut(&id) else { return };
        let (was_due_at, had_ended, was_in) = (countdown.due_at(), countdown.has_ended(), countdown.campaign);
        countdown.evolve(recorded);
        if countdown.due_at() != was_due_at {
            if let Some(due_at) = was_due_at {
                self.timers.remove(&(due_at, id));
            }
            self.timers.extend(countdown.due_at().map(|due_at| (due_at, id)));
        }
        if countdown.campaign != was_in {
            // No decision takes a countdown from one campaign to another; the fold of any events has right indexes all the same.
            if let Some(campaign) = was_in
                && let Some(names) = self.in_campaign.get_mut(&campaign)
            {
                names.leave(id, &countdown.name);
                if names.is_empty() {
                    self.in_campaign.remove(&campaign);
                }
            }
            if let Some(campaign) = countdown.campaign {
                self.in_campaign.entry(campaign).or_default().enter(id, &countdown.name, had_ended);
            }
        }
        if countdown.has_ended() && !had_ended {
            self.directory.end(id, &countdown.name);
            if let Some(names) = countdown.campaign.and_then(|campaign| self.in_campaign.get_mut(&campaign)) {
                names.end(id, &countdown.name);
            }
        }
    }

    /// Everybody was told of this countdown, by a message with its payload. If it has ended nobody needs the payload again,
    /// and the log has it.
    pub fn told(&mut self, id: CountdownId) {
        if let Some(countdown) = self.all.get_mut(&id).filter(|countdown| countdown.has_ended()) {
            countdown.payload = None;
        }
    }

    /// Drops a countdown from the index of what is due, if it is due but nothing follows from it: only an index that was
    /// not made from the countdowns holds such a one, and it would be due for ever.
    pub fn drop_due(&mut self, id: CountdownId) {
        self.timers.retain(|(_, other)| *other != id);
    }

    fn enter(&mut self, countdown: Countdown) {
        let id = countdown.id;
        self.timers.extend(countdown.due_at().map(|due_at| (due_at, id)));
        self.directory.enter(id, &countdown.name, countdown.has_ended());
        if let Some(campaign) = countdown.campaign {
            self.in_campaign.entry(campaign).or_default().enter(id, &countdown.name, countdown.has_ended());
        }
        self.all.insert(id, countdown);
    }
}

impl Serialize for Countdowns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.all.serialize(serializer)
    }
}

impl From<BTreeMap<CountdownId, Countdown>> for Countdowns {
    fn from(all: BTreeMap<CountdownId, Countdown>) -> Self {
        let mut countdowns = Self::default();
        for countdown in all.into_values() {
            countdowns.enter(countdown);
        }
        countdowns
    }
}
