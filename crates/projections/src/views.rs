//! The fold of everything that is shown.

use std::io::{self, Write};

use convoke_core::{
    event::Recorded,
    id::{CampaignId, CountdownId, IdReference},
    name::ActorName,
    refusal::Refusal,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::{
    about,
    actors::Actors,
    campaigns::Campaigns,
    changes::Changes,
    countdowns::Countdowns,
    index::{ENTRY_BYTES, Index},
    mail::Mail,
    micros,
    resolve::References,
    view::{CampaignState, CountdownState},
};

/// The name of this fold in its snapshots.
pub const FOLD_NAME: &str = "views";

/// The version of this fold. Raise it with every change of what is folded or how it is saved: snapshots of another version are ignored.
pub const FOLD_VERSION: u32 = 6;

/// The fold of a prefix of the log, for showing. Equal for equal prefixes, whether folded from zero or from a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Views {
    pub(crate) state: State,
    pub(crate) index: Index,
    pub(crate) references: References,
}

/// All but the indexes: one can be made anew, and the other has a faster way into a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) size: u64,
    #[serde(with = "micros::optional")]
    pub(crate) last_event_at: Option<Timestamp>,
    pub(crate) actors: Actors,
    pub(crate) countdowns: Countdowns,
    pub(crate) campaigns: Campaigns,
    pub(crate) mail: Mail,
    pub(crate) changes: Changes,
}

impl Views {
    /// Takes in the next event. Total: an event about something unknown changes nothing but the counts and the index.
    pub fn apply(&mut self, recorded: &Recorded) {
        self.state.size = recorded.position.saturating_add(1);
        self.state.last_event_at = Some(recorded.time);
        self.index.add_own(recorded.id, recorded.position);
        for id in about::about(recorded).skip(1) {
            self.index.add_about(id, recorded.position);
        }
        self.state.mail.apply(recorded, &self.state.actors);
        self.state.actors.apply(recorded);
        self.state.countdowns.apply(recorded);
        self.state.campaigns.apply(recorded);
        self.state.changes.apply(recorded);
        self.references.apply(recorded, &self.state);
    }

    /// How many events of the log this is the fold of.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.state.size
    }

    /// The time of the last of them.
    #[must_use]
    pub fn last_event_at(&self) -> Option<Timestamp> {
        self.state.last_event_at
    }

    /// Where the events are that may be about the thing with this id, in order. A few of them may be about something else: read them and
    /// compare, with [`about::is_about`].
    #[must_use]
    pub fn positions(&self, reference: &IdReference) -> Vec<u64> {
        self.index.find(reference)
    }

    /// Where the event may be that has this id, or created the thing with it. Read it and compare.
    #[must_use]
    pub fn created(&self, reference: &IdReference) -> Vec<u64> {
        self.index.find_own(reference)
    }

    /// When something can be taken from a mailbox, as things stand: now, or when the first pause ends; `None` if nothing waits there.
    #[must_use]
    pub fn ready_at(&self, mailbox: &ActorName, now: Timestamp) -> Option<Timestamp> {
        self.state.mail.ready_at(mailbox, now)
    }

    /// The countdown that a reference means.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::Ambiguous`].
    pub fn find_countdown(&self, reference: &str) -> Result<CountdownId, Refusal> {
        self.countdown(reference)
    }

    /// The campaign that a reference means.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::Ambiguous`].
    pub fn find_campaign(&self, reference: &str) -> Result<CampaignId, Refusal> {
        self.campaign(reference)
    }

    /// The state of a countdown.
    #[must_use]
    pub fn countdown_state(&self, id: CountdownId) -> Option<CountdownState> {
        self.state.countdowns.get(id).map(|countdown| countdown.state())
    }

    /// The state of a campaign.
    #[must_use]
    pub fn campaign_state(&self, id: CampaignId) -> Option<CampaignState> {
        self.state.campaigns.get(id).map(|campaign| campaign.state())
    }

    /// Writes the body of a snapshot, to be put into an [`Envelope`](crate::snapshot::Envelope). In small pieces: `out` is best buffered.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn save(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&(self.index.len() as u64).to_le_bytes())?;
        self.index.save(out)?;
        postcard::to_io(&self.state, out).map(drop).map_err(io::Error::other)
    }

    /// Reads what [`Views::save`] wrote; `None` if it is anything else.
    #[must_use]
    pub fn load(bytes: &[u8]) -> Option<Self> {
        let (entries, rest) = bytes.split_first_chunk()?;
        let index_bytes = u64::from_le_bytes(*entries).checked_mul(ENTRY_BYTES as u64)?;
        let (index, state) = rest.split_at_checked(usize::try_from(index_bytes).ok()?)?;
        let (state, []) = postcard::take_from_bytes(state).ok()? else { return None };
        Some(Self { references: References::of(&state), state, index: Index::load(index)? })
    }
}
