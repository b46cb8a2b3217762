//! What a command, a campaign or the time does to one countdown: the events of one commit, or a refusal.
//!
//! An empty list of events is a success that changed nothing new. Permission is checked before everything else.
//!
//! Whatever is due is decided before a command of the same time is (1-architecture, "due first"). A command that met a
//! countdown which is due nevertheless is refused as if that had been done: nothing slips in at T-0 or after it.

mod answers;
mod control;
mod passage;
mod schedule;

pub use answers::{confirm, decline, defer};
pub use control::{hold, reschedule, resume, scrub};
pub use passage::{due, join, release, scrub_for};
pub use schedule::{Terms, schedule};

use super::{
    events::{CountdownFired, Plan, ReleasePolicy, ScrubCause},
    state::{Answer, Countdown, Phase},
};
use crate::{
    event::Event,
    limits,
    name::ActorName,
    refusal::Refusal,
    time::{Span, TimeError, TimeSpec, Timestamp},
};

/// Refuses an actor who is not the organizer.
fn by_organizer(countdown: &Countdown, actor: &ActorName) -> Result<(), Refusal> {
    if *actor == countdown.organizer {
        Ok(())
    } else {
        Err(Refusal::NotOrganizer { organizer: countdown.organizer.clone(), name: countdown.name.to_string() })
    }
}

/// Refuses a countdown that has ended, or that ends by itself at `now`.
fn not_ended(countdown: &Countdown, now: Timestamp) -> Result<(), Refusal> {
    let name = || countdown.name.to_string();
    let is_due = countdown.due_at().is_some_and(|due_at| due_at <= now);
    match &countdown.phase {
        Phase::Counting { .. } if is_due && countdown.count(Answer::Confirmed) >= countdown.quorum => {
            Err(Refusal::AlreadyFired { name: name(), at: now })
        }
        Phase::Counting { .. } if is_due => Err(Refusal::AlreadyMissed { name: name(), at: now }),
        Phase::OnHold { .. } if is_due => {
            Err(Refusal::AlreadyScrubbed { name: name(), at: now, cause: ScrubCause::HoldExpired.to_string() })
        }
        Phase::Held { .. } | Phase::Counting { .. } | Phase::OnHold { .. } => Ok(()),
        Phase::Fired { at } => Err(Refusal::AlreadyFired { name: name(), at: *at }),
        Phase::Missed { at } => Err(Refusal::AlreadyMissed { name: name(), at: *at }),
        Phase::Scrubbed { at, cause } => {
            Err(Refusal::AlreadyScrubbed { name: name(), at: *at, cause: cause.to_string() })
        }
    }
}

/// Refuses a reason that is too long.
fn reason_in_bounds(reason: Option<&str>) -> Result<Option<String>, Refusal> {
    limits::check("a reason's length in bytes", reason.map_or(0, str::len), limits::REASON_BYTES_MAX)?;
    Ok(reason.map(str::to_owned))
}

/// The firing of a counting countdown in which `confirmed` have said go, if that is enough and it need not wait for T-0.
fn fired_on_quorum(countdown: &Countdown, confirmed: u32) -> Option<Event> {
    let waits_for_t0 = countdown.quorum == 0 || countdown.policy == ReleasePolicy::AtT0;
    (!waits_for_t0 && confirmed >= countdown.quorum)
        .then(|| CountdownFired { countdown: countdown.id, confirmed }.into())
}

/// A time as asked for: relative ones count from the release while a campaign holds the countdown, otherwise from now.
fn planned(time: TimeSpec, is_held: bool, now: Timestamp) -> Result<Plan, Refusal> {
    match time {
        TimeSpec::At(at) => Ok(Plan::At(at)),
        TimeSpec::In(span) if is_held => Ok(Plan::AfterReleaseMs(span)),
        TimeSpec::In(span) => Ok(Plan::At(later(now, span)?)),
    }
}

/// T-0 of a plan that names a time; refused if it is not after now, unless that is allowed.
fn t0_of(plan: Plan, lead: Span, allow_past: bool, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    match plan {
        Plan::AfterReleaseMs(_) => Ok(None),
        Plan::At(at) => {
            let fire_at = at.minus(lead);
            if fire_at <= now && !allow_past {
                return Err(Refusal::InThePast { fire_at, now });
            }
            Ok(Some(fire_at))
        }
    }
}

/// Later by a duration, if there is such a time.
fn later(time: Timestamp, by: Span) -> Result<Timestamp, Refusal> {
    if time.plus(by).minus(by) == time { Ok(time.plus(by)) } else { Err(TimeError::Range.into()) }
}
