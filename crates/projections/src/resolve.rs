//! From a reference (a full id, a short id, an exact name) to the one thing that it means, by the same rules as in commands.
//!
//! Names of ended things count too, but a live one goes before them.

use convoke_core::{
    id::{CampaignId, CountdownId, EventId, IdReference, SHORT_CHARS_MAX, text},
    name::shorten,
    refusal::Refusal,
};

use crate::views::Views;

/// How many candidates an ambiguous reference lists, as in core.
const CANDIDATES_SHOWN_MAX: usize = 10;

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
    Refusal::NotFound { what, reference: shorten(reference) }
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
        several => {
            let listed = several.iter().take(CANDIDATES_SHOWN_MAX);
            let mut candidates: Vec<String> =
                listed.map(|one| format!("{} {}", text(one.id.tail(), SHORT_CHARS_MAX), one.name)).collect();
            if several.len() > CANDIDATES_SHOWN_MAX {
                candidates.push(format!("and {} more", several.len() - CANDIDATES_SHOWN_MAX));
            }
            Err(Refusal::Ambiguous { what, reference: shorten(reference), candidates })
        }
    }
}
