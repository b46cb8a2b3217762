//! What a campaign and the time do: joining, release, what is due, and a scrub from outside.

use super::{by_organizer, fired_on_quorum, not_ended};
use crate::{
    countdown::{
        events::{
            CountdownFired, CountdownJoined, CountdownMissed, CountdownReleased, CountdownScrubbed, Plan, ScrubCause,
        },
        state::{Answer, Countdown, Phase},
    },
    event::Event,
    id::CampaignId,
    name::ActorName,
    refusal::Refusal,
    time::{Span, Timestamp},
};

/// Puts a counting countdown into a planned campaign, which holds it from now on. Answers, deferrals and past holds stay
/// in force. One that is in this campaign already stays as it is.
///
/// # Errors
/// [`Refusal::NotOrganizer`] of the countdown; `Already…` after the end; [`Refusal::InACampaign`]; [`Refusal::OnHold`].
pub fn join(
    countdown: &Countdown,
    campaign: CampaignId,
    actor: &ActorName,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    by_organizer(countdown, actor)?;
    not_ended(countdown, now)?;
    let name = || countdown.name.to_string();
    match countdown.campaign {
        Some(current) if current == campaign => return Ok(Vec::new()),
        Some(_) => return Err(Refusal::InACampaign { name: name() }),
        None => {}
    }
    match countdown.phase {
        Phase::Counting { .. } => Ok(vec![CountdownJoined { countdown: countdown.id, campaign }.into()]),
        Phase::OnHold { until, .. } => Err(Refusal::OnHold { name: name(), until }),
        _ => Err(Refusal::Held { name: name() }),
    }
}

/// Lets a held countdown go: T-0 is the later of its planned one and `notice` from now, or its offset from now. A quorum
/// that is already met fires in the same commit. Nothing if it is not held.
#[must_use]
pub fn release(countdown: &Countdown, notice: Span, now: Timestamp) -> Vec<Event> {
    let Phase::Held { plan } = countdown.phase else { return Vec::new() };
    let fire_at = match plan {
        Plan::At(at) => at.minus(countdown.lead).max(now.plus(notice)),
        Plan::AfterReleaseMs(offset) => now.plus(offset),
    };
    let mut events = vec![CountdownReleased { countdown: countdown.id, fire_at }.into()];
    events.extend(fired_on_quorum(countdown, countdown.count(Answer::Confirmed)));
    events
}

/// What the time does to a countdown: at T-0 it is fired or missed, at the hold's limit scrubbed. Nothing before.
#[must_use]
pub fn due(countdown: &Countdown, now: Timestamp) -> Vec<Event> {
    if countdown.due_at().is_none_or(|due_at| due_at > now) {
        return Vec::new();
    }
    let (id, confirmed) = (countdown.id, countdown.count(Answer::Confirmed));
    match countdown.phase {
        Phase::OnHold { .. } => scrub_for(countdown, ScrubCause::HoldExpired),
        _ if confirmed >= countdown.quorum => vec![CountdownFired { countdown: id, confirmed }.into()],
        _ => vec![CountdownMissed { countdown: id, confirmed }.into()],
    }
}

/// Scrubs a countdown for what happened elsewhere. Nothing if it has ended.
#[must_use]
pub fn scrub_for(countdown: &Countdown, cause: ScrubCause) -> Vec<Event> {
    if countdown.has_ended() {
        return Vec::new();
    }
    vec![CountdownScrubbed { countdown: countdown.id, cause, reason: None }.into()]
}
