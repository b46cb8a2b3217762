//! What attendees say: go, no-go, or not yet. Only attendees answer, and they may change their answer until the end.

use super::{fired_on_quorum, later, not_ended, reason_in_bounds};
use crate::{
    countdown::{
        events::{CountdownConfirmed, CountdownDeclined, CountdownDeferred, CountdownScrubbed, ScrubCause},
        state::{Answer, Countdown, Phase},
    },
    event::Event,
    name::ActorName,
    refusal::Refusal,
    time::{Span, Timestamp},
};

/// Says go. The confirmation that reaches the quorum of a counting countdown fires it in the same commit, unless it
/// waits for T-0.
///
/// # Errors
/// [`Refusal::NotAttendee`]; `Already…` after the end.
pub fn confirm(countdown: &Countdown, actor: &ActorName, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    let given = answer_of(countdown, actor, now)?;
    if given == Answer::Confirmed {
        return Ok(Vec::new());
    }
    let mut events = vec![CountdownConfirmed { countdown: countdown.id, attendee: actor.clone() }.into()];
    if let Phase::Counting { .. } = countdown.phase {
        events.extend(fired_on_quorum(countdown, countdown.count(Answer::Confirmed) + 1));
    }
    Ok(events)
}

/// Says no-go. If too few are left for the quorum, the countdown is scrubbed in the same commit.
///
/// # Errors
/// [`Refusal::NotAttendee`]; `Already…` after the end; [`Refusal::OverLimit`] for the reason.
pub fn decline(
    countdown: &Countdown,
    actor: &ActorName,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let given = answer_of(countdown, actor, now)?;
    let reason = reason_in_bounds(reason)?;
    if given == Answer::Declined {
        return Ok(Vec::new());
    }
    let id = countdown.id;
    let mut events = vec![CountdownDeclined { countdown: id, attendee: actor.clone(), reason }.into()];
    let declined = countdown.count(Answer::Declined) as usize + 1;
    if countdown.attendees.len().saturating_sub(declined) < countdown.quorum as usize {
        events.push(CountdownScrubbed { countdown: id, cause: ScrubCause::NoGo, reason: None }.into());
    }
    Ok(events)
}

/// Asks for more time: T-0 moves later by `by`, and the attendee is pending again. Nothing fires by it.
///
/// # Errors
/// [`Refusal::NotAttendee`]; `Already…` after the end; [`Refusal::Held`] and [`Refusal::OnHold`], as only a counting
/// countdown has a T-0 to move; [`Refusal::SlipExhausted`], with nothing moved at all; [`Refusal::BadRequest`] for zero.
pub fn defer(
    countdown: &Countdown,
    actor: &ActorName,
    by: Span,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    answer_of(countdown, actor, now)?;
    let name = || countdown.name.to_string();
    let reason = reason_in_bounds(reason)?;
    let fire_at = match countdown.phase {
        Phase::Held { .. } => return Err(Refusal::Held { name: name() }),
        Phase::OnHold { until, .. } => return Err(Refusal::OnHold { name: name(), until }),
        Phase::Counting { fire_at, .. } => fire_at,
        Phase::Fired { .. } | Phase::Missed { .. } | Phase::Scrubbed { .. } => return Ok(Vec::new()),
    };
    if by == Span::ZERO {
        return Err(Refusal::BadRequest("a deferral must be longer than zero".to_owned()));
    }
    let remaining = countdown.slip_max.ms().saturating_sub(countdown.slipped.ms());
    if by.ms() > remaining {
        return Err(Refusal::SlipExhausted {
            name: name(),
            asked: by,
            remaining: Span::from_ms_capped(remaining),
            slip_max: countdown.slip_max,
        });
    }
    let fire_at = later(fire_at, by)?;
    Ok(vec![CountdownDeferred { countdown: countdown.id, attendee: actor.clone(), by_ms: by, fire_at, reason }.into()])
}

/// What this actor said last, if they attend and the countdown has not ended.
fn answer_of(countdown: &Countdown, actor: &ActorName, now: Timestamp) -> Result<Answer, Refusal> {
    let given = countdown
        .attendees
        .get(actor)
        .ok_or_else(|| Refusal::NotAttendee { actor: actor.clone(), name: countdown.name.to_string() })?;
    not_ended(countdown, now)?;
    Ok(*given)
}
