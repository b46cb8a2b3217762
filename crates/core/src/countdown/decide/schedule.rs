//! A new countdown: its terms, their bounds, its T-0.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{planned, t0_of};
use crate::{
    countdown::{
        commands::ScheduleCountdown,
        events::{CountdownScheduled, ReleasePolicy},
    },
    id::CampaignId,
    limits,
    name::{ActorName, Name, Word},
    refusal::Refusal,
    time::{Span, TimeSpec, Timestamp},
};

/// What a countdown is to be, well formed but not yet within bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// Its name.
    pub name: Name,
    /// Its kind.
    pub kind: Word,
    /// Who schedules it.
    pub organizer: ActorName,
    /// When it is to happen.
    pub time: TimeSpec,
    /// How long before that T-0 is.
    pub lead: Span,
    /// Who answers.
    pub attendees: BTreeSet<ActorName>,
    /// How many must confirm; if not given, 1 with attendees and 0 without.
    pub quorum: Option<u32>,
    /// Whether it fires on quorum or at T-0.
    pub policy: ReleasePolicy,
    /// By how much deferrals may move T-0 in total.
    pub slip_max: Span,
    /// How long it may be on hold at a time.
    pub hold_max: Span,
    /// Handed to everybody when it ends.
    pub payload: Option<Value>,
    /// The campaign that is to hold it.
    pub campaign: Option<CampaignId>,
    /// Accept a T-0 that is not in the future.
    pub allow_past: bool,
}

impl Terms {
    /// The terms of a command, with the defaults for what it leaves out. The campaign it refers to was found before.
    ///
    /// # Errors
    /// [`Refusal::BadName`] for the name or the kind.
    pub fn of(
        command: &ScheduleCountdown,
        organizer: ActorName,
        campaign: Option<CampaignId>,
    ) -> Result<Self, Refusal> {
        Ok(Self {
            name: Name::parse(&command.name)?,
            kind: Word::parse(command.kind.as_deref().unwrap_or("meeting"))?,
            organizer,
            time: command.time,
            lead: command.lead_ms.unwrap_or(Span::ZERO),
            attendees: command.attendees.iter().cloned().collect(),
            quorum: command.quorum,
            policy: command.policy,
            slip_max: command.slip_max_ms.unwrap_or(Span::from_ms_capped(limits::MAX_SLIP_MS)),
            hold_max: command.hold_max_ms.unwrap_or(Span::from_ms_capped(limits::HOLD_LIMIT_MS)),
            payload: command.payload.clone(),
            campaign,
            allow_past: command.allow_past,
        })
    }
}

/// Schedules a countdown: counting from now on, or held if it is in a campaign.
///
/// A planned T-0 that has passed is refused in a campaign too: there it would only become the earliest possible one.
///
/// # Errors
/// [`Refusal::QuorumTooLarge`], [`Refusal::InThePast`], [`Refusal::OverLimit`], [`Refusal::ReservedName`],
/// [`Refusal::BadRequest`] for a hold limit of zero, [`Refusal::BadTime`].
pub fn schedule(terms: Terms, now: Timestamp) -> Result<CountdownScheduled, Refusal> {
    let attendees = terms.attendees.len();
    limits::check("the number of attendees", attendees, limits::ATTENDEES_MAX)?;
    if let Some(reserved) = terms.attendees.iter().find(|name| name.is_reserved()) {
        return Err(Refusal::ReservedName(reserved.clone()));
    }
    let quorum = terms.quorum.unwrap_or(u32::from(attendees > 0));
    if quorum as usize > attendees {
        return Err(Refusal::QuorumTooLarge { quorum, attendees });
    }
    if terms.hold_max == Span::ZERO {
        return Err(Refusal::BadRequest("the limit of a hold must be longer than zero".to_owned()));
    }
    // `null` says nothing, and would be read back as no payload at all.
    let payload = terms.payload.filter(|payload| !payload.is_null());
    if let Some(payload) = &payload {
        limits::check_json("the payload", "the payload's size in bytes of JSON", payload)?;
    }
    let is_held = terms.campaign.is_some();
    let plan = planned(terms.time, is_held, now)?;
    let fire_at = t0_of(plan, terms.lead, terms.allow_past, now)?;
    Ok(CountdownScheduled {
        name: terms.name,
        kind: terms.kind,
        organizer: terms.organizer,
        plan,
        lead_ms: terms.lead,
        attendees: terms.attendees,
        quorum,
        policy: terms.policy,
        slip_max_ms: terms.slip_max,
        hold_max_ms: terms.hold_max,
        payload,
        campaign: terms.campaign,
        fire_at: if is_held { None } else { fire_at },
    })
}
