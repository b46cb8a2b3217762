//! From a reference (a full id, a short id, an exact name) to the one thing that it means, by the same rules as in commands.
//!
//! Names of ended things count too, but a live one goes before them.

use convoke_core::{
    id::{CampaignId, CountdownId, EventId, IdReference},
    refusal::Refusal,
};

use crate::views::Views;

struct Candidate<'a> {
    id: EventId,
    name: &'a str,
    live: bool,
}

impl Views {
    pub(crate) fn countdown(&self, reference: &str) -> Result<CountdownId, Refusal> {
        let candidates = self.state.countdowns.iter().map(|(id, countdown)| Candidate {
            id: id.into(),
            name: countdown.name.as_str(),
            live: !countdown.state().has_ended(),
        });
        resolve("countdown", reference, candidates).map(Into::into)
    }

    pub(crate) fn campaign(&self, reference: &str) -> Result<CampaignId, Refusal> {
        let candidates = self.state.campaigns.iter().map(|(id, campaign)| Candidate {
            id: id.into(),
            name: campaign.name.as_str(),
            live: !campaign.state().has_ended(),
        });
        resolve("campaign", reference, candidates).map(Into::into)
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
    Refusal::NotFound { what, reference: convoke_core::name::shorten(reference) }
}

fn resolve<'a>(
    what: &'static str,
    reference: &str,
    all: impl Iterator<Item = Candidate<'a>>,
) -> Result<EventId, Refusal> {
    let id = IdReference::parse(reference);
    let meant: Vec<Candidate<'a>> = all
        .filter(|candidate| match &id {
            Some(id) => id.matches(candidate.id),
            None => candidate.name == reference,
        })
        .collect();
    let some_live = id.is_none() && meant.iter().any(|candidate| candidate.live);
    let meant: Vec<Candidate<'a>> = meant.into_iter().filter(|candidate| candidate.live || !some_live).collect();
    match meant.as_slice() {
        [] => Err(nothing(what, reference)),
        [one] => Ok(one.id),
        several => Err(Refusal::Ambiguous {
            what,
            reference: reference.to_owned(),
            candidates: several.iter().map(|one| format!("{} {}", one.id.short(), one.name)).collect(),
        }),
    }
}
