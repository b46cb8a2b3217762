//! What the organizer does: hold, resume, reschedule, scrub.

use super::{by_organizer, fired_on_quorum, not_ended, planned, reason_in_bounds, t0_of};
use crate::{
    countdown::{
        events::{CountdownHoldStarted, CountdownRescheduled, CountdownResumed, CountdownScrubbed, ScrubCause},
        state::{Answer, Countdown, Phase},
    },
    event::Event,
    name::ActorName,
    refusal::Refusal,
    time::{TimeSpec, Timestamp},
};

/// Stops the clock of a counting countdown, for its hold limit at most. One that is on hold already stays as it is.
///
/// # Errors
/// [`Refusal::NotOrganizer`]; `Already…` after the end; [`Refusal::Held`]; [`Refusal::OverLimit`] for the reason.
pub fn hold(
    countdown: &Countdown,
    actor: &ActorName,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    by_organizer(countdown, actor)?;
    not_ended(countdown, now)?;
    let reason = reason_in_bounds(reason)?;
    match countdown.phase {
        Phase::Held { .. } => Err(Refusal::Held { name: countdown.name.to_string() }),
        Phase::Counting { .. } => {
            let until = now.plus(countdown.hold_max);
            Ok(vec![CountdownHoldStarted { countdown: countdown.id, until, reason }.into()])
        }
        _ => Ok(Vec::new()),
    }
}

/// Lets the clock run again: T-0 moves by the time on hold. A quorum that is already met fires in the same commit.
///
/// # Errors
/// [`Refusal::NotOrganizer`]; `Already…` after the end; [`Refusal::NotOnHold`].
pub fn resume(countdown: &Countdown, actor: &ActorName, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    by_organizer(countdown, actor)?;
    not_ended(countdown, now)?;
    let Phase::OnHold { fire_at, since, .. } = countdown.phase else {
        return Err(Refusal::NotOnHold { name: countdown.name.to_string() });
    };
    let moved = fire_at.us().saturating_add(now.us().saturating_sub(since.us()).max(0));
    let fire_at = Timestamp::from_us(moved).unwrap_or(Timestamp::MAX);
    let mut events = vec![CountdownResumed { countdown: countdown.id, fire_at }.into()];
    events.extend(fired_on_quorum(countdown, countdown.count(Answer::Confirmed)));
    Ok(events)
}

/// Sets a new time: answers are cleared and the slip starts again. While a campaign holds the countdown, a relative
/// time counts from the release.
///
/// # Errors
/// [`Refusal::NotOrganizer`]; `Already…` after the end; [`Refusal::OnHold`]; [`Refusal::InThePast`].
pub fn reschedule(
    countdown: &Countdown,
    actor: &ActorName,
    time: TimeSpec,
    allow_past: bool,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    by_organizer(countdown, actor)?;
    not_ended(countdown, now)?;
    if let Phase::OnHold { until, .. } = countdown.phase {
        return Err(Refusal::OnHold { name: countdown.name.to_string(), until });
    }
    let is_held = matches!(countdown.phase, Phase::Held { .. });
    let plan = planned(time, is_held, now)?;
    let fire_at = t0_of(plan, countdown.lead, allow_past, now)?.filter(|_| !is_held);
    Ok(vec![CountdownRescheduled { countdown: countdown.id, plan, fire_at }.into()])
}

/// Calls the countdown off.
///
/// # Errors
/// [`Refusal::NotOrganizer`]; `Already…` after the end; [`Refusal::OverLimit`] for the reason.
pub fn scrub(
    countdown: &Countdown,
    actor: &ActorName,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    by_organizer(countdown, actor)?;
    not_ended(countdown, now)?;
    let reason = reason_in_bounds(reason)?;
    Ok(vec![CountdownScrubbed { countdown: countdown.id, cause: ScrubCause::Organizer, reason }.into()])
}
