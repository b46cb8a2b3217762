//! Every campaign of the log, and which one a countdown belongs to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use super::state::{Campaign, Outcome, Phase, Progress};
use crate::{
    directory::Directory,
    event::{Event, Recorded},
    id::{CampaignId, CountdownId},
    name::Name,
    refusal::Refusal,
};

/// All campaigns, ended ones included. Only they are serialised; the indexes are made anew from them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize)]
#[serde(from = "BTreeMap<CampaignId, Campaign>")]
pub struct Campaigns {
    all: BTreeMap<CampaignId, Campaign>,
    campaign_of: BTreeMap<CountdownId, CampaignId>,
    directory: Directory<CampaignId>,
}

impl Campaigns {
    /// The campaign with this id.
    #[must_use]
    pub fn get(&self, id: CampaignId) -> Option<&Campaign> {
        self.all.get(&id)
    }

    /// All of them, in order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Campaign> {
        self.all.values()
    }

    /// The campaign that a full id, a short id or an exact name means.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] and [`Refusal::Ambiguous`].
    pub fn find(&self, reference: &str) -> Result<CampaignId, Refusal> {
        let name_of = |id| self.get(id).map(|campaign| campaign.name.clone());
        self.directory.find("campaign", reference, None, name_of)
    }

    /// Folds one event of the log. Only `campaign.*` changes something here; what countdowns do is told by
    /// [`Campaigns::member_added`], [`Campaigns::member_released`] and [`Campaigns::member_ended`].
    pub fn evolve(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::CampaignCreated(event) => {
                let id = CampaignId::from(recorded.id);
                if !self.all.contains_key(&id) {
                    self.enter(Campaign::created(id, event));
                }
            }
            Event::CampaignLinked(event) => {
                if let Some(campaign) = self.all.get_mut(&event.campaign) {
                    campaign.linked(event.before, event.after);
                }
            }
            Event::CampaignUnlinked(event) => {
                if let Some(campaign) = self.all.get_mut(&event.campaign) {
                    campaign.unlinked(event.before, event.after);
                }
            }
            Event::CampaignStarted(event) => {
                if let Some(campaign) = self.all.get_mut(&event.campaign)
                    && campaign.phase == Phase::Planned
                {
                    campaign.phase = Phase::Running;
                }
            }
            Event::CampaignCompleted(event) => self.end(event.campaign, Outcome::Completed),
            Event::CampaignFailed(event) => self.end(event.campaign, Outcome::Failed),
            Event::CampaignCancelled(event) => self.end(event.campaign, Outcome::Cancelled),
            _ => {}
        }
    }

    /// A countdown was scheduled in the campaign, or joined it.
    pub fn member_added(&mut self, campaign: CampaignId, countdown: CountdownId, name: Name) {
        if self.campaign_of.contains_key(&countdown) {
            return;
        }
        if let Some(joined) = self.all.get_mut(&campaign) {
            joined.added(countdown, name);
            self.campaign_of.insert(countdown, campaign);
        }
    }

    /// A countdown was released. Nothing if it is in no campaign.
    pub fn member_released(&mut self, countdown: CountdownId) {
        if let Some(campaign) = self.campaign_of_mut(countdown)
            && let Some(member) = campaign.members.get_mut(&countdown)
            && member.progress == Progress::Held
        {
            member.progress = Progress::Released;
        }
    }

    /// A countdown fired (well), or was missed or scrubbed. Nothing if it is in no campaign.
    pub fn member_ended(&mut self, countdown: CountdownId, well: bool) {
        if let Some(campaign) = self.campaign_of_mut(countdown) {
            campaign.ended(countdown, well);
        }
    }

    fn campaign_of_mut(&mut self, countdown: CountdownId) -> Option<&mut Campaign> {
        self.all.get_mut(self.campaign_of.get(&countdown)?)
    }

    fn end(&mut self, id: CampaignId, outcome: Outcome) {
        if let Some(campaign) = self.all.get_mut(&id)
            && !matches!(campaign.phase, Phase::Ended(_))
        {
            campaign.phase = Phase::Ended(outcome);
            self.directory.end(id, &campaign.name);
        }
    }

    fn enter(&mut self, campaign: Campaign) {
        let id = campaign.id;
        self.campaign_of.extend(campaign.members.keys().map(|member| (*member, id)));
        self.directory.enter(id, &campaign.name, matches!(campaign.phase, Phase::Ended(_)));
        self.all.insert(id, campaign);
    }
}

impl Serialize for Campaigns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.all.serialize(serializer)
    }
}

impl From<BTreeMap<CampaignId, Campaign>> for Campaigns {
    fn from(all: BTreeMap<CampaignId, Campaign>) -> Self {
        let mut campaigns = Self::default();
        for campaign in all.into_values() {
            campaigns.enter(campaign.counted());
        }
        campaigns
    }
}
