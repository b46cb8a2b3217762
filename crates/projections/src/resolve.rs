//! From a reference (a full id, a short id, an exact name) to the one thing that it means, by the same rules as in commands.
//!
//! Names of ended things count too, but a live one goes before them.

use convoke_core::{
    directory::Directory,
    event::{Event, Recorded},
    id::{CampaignId, CountdownId, EventId},
    name::{Name, shorten},
    refusal::Refusal,
};

use crate::views::{State, Views};

/// The indexes by name and id, as in core: a name that comes again every few minutes is found as fast as any. They are made
/// anew from the state when it is loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct References {
    countdowns: Directory<CountdownId>,
    campaigns: Directory<CampaignId>,
}

impl References {
    pub(crate) fn of(state: &State) -> Self {
        let mut references = Self::default();
        for (id, countdown) in state.countdowns.iter() {
            references.countdowns.enter(id, &countdown.name, countdown.state().has_ended());
        }
        for (id, campaign) in state.campaigns.iter() {
            references.campaigns.enter(id, &campaign.name, campaign.state().has_ended());
        }
        references
    }

    /// Follows an event that the state has taken in.
    pub(crate) fn apply(&mut self, recorded: &Recorded, state: &State) {
        let countdown = match &recorded.event {
            Event::CountdownScheduled(_) => recorded.id.into(),
            Event::CountdownFired(fired) => fired.countdown,
            Event::CountdownMissed(missed) => missed.countdown,
            Event::CountdownScrubbed(scrubbed) => scrubbed.countdown,
            Event::CampaignCreated(_) => return self.follow_campaign(recorded.id.into(), state),
            Event::CampaignCompleted(completed) => return self.follow_campaign(completed.campaign, state),
            Event::CampaignFailed(failed) => return self.follow_campaign(failed.campaign, state),
            Event::CampaignCancelled(cancelled) => return self.follow_campaign(cancelled.campaign, state),
            _ => return,
        };
        if let Some(now) = state.countdowns.get(countdown) {
            follow(&mut self.countdowns, countdown, &now.name, now.state().has_ended());
        }
    }

    fn follow_campaign(&mut self, id: CampaignId, state: &State) {
        if let Some(now) = state.campaigns.get(id) {
            follow(&mut self.campaigns, id, &now.name, now.state().has_ended());
        }
    }
}

fn follow<Id: Copy + Ord + Into<EventId> + From<EventId>>(
    directory: &mut Directory<Id>,
    id: Id,
    name: &Name,
    has_ended: bool,
) {
    if has_ended {
        directory.end(id, name);
    } else {
        directory.enter(id, name, false);
    }
}

impl Views {
    pub(crate) fn countdown(&self, reference: &str) -> Result<CountdownId, Refusal> {
        let name_of = |id| self.state.countdowns.get(id).map(|countdown| countdown.name.clone());
        self.references.countdowns.find("countdown", reference, None, name_of)
    }

    pub(crate) fn campaign(&self, reference: &str) -> Result<CampaignId, Refusal> {
        let name_of = |id| self.state.campaigns.get(id).map(|campaign| campaign.name.clone());
        self.references.campaigns.find("campaign", reference, None, name_of)
    }

    /// The id that a name means, of whatever kind; for what is asked about anything at all.
    pub(crate) fn named(&self, name: &str) -> Result<EventId, Refusal> {
        match (self.countdown(name), self.campaign(name)) {
            (Ok(countdown), Err(Refusal::NotFound { .. })) => Ok(countdown.into()),
            (Err(Refusal::NotFound { .. }), Ok(campaign)) => Ok(campaign.into()),
            (Ok(countdown), Ok(campaign)) => Err(Refusal::Ambiguous {
                what: "thing",
                reference: name.to_owned(),
                candidates: vec![format!("countdown {}", countdown.short()), format!("campaign {}", campaign.short())],
            }),
            (Err(Refusal::NotFound { .. }), Err(Refusal::NotFound { .. })) => Err(nothing("thing", name)),
            (Err(ambiguous @ Refusal::Ambiguous { .. }), _) | (_, Err(ambiguous)) | (Err(ambiguous), _) => {
                Err(ambiguous)
            }
        }
    }
}

/// A refusal for a thing that is not there.
pub(crate) fn nothing(what: &'static str, reference: &str) -> Refusal {
    Refusal::NotFound { what, reference: shorten(reference) }
}
