//! What one state machine causes in another: notices, releases, blocked successors, ends of campaigns.
//!
//! The only place that knows more than one machine besides [`crate::workspace`]. An effect is never refused.

use serde_json::json;

use crate::{
    campaign,
    countdown::{self, Answer, Countdown, events::ScrubCause},
    event::{Event, Recorded},
    id::{CampaignId, CountdownId},
    mailbox::events::{MessageSent, Priority},
    name::{ActorName, Word},
    workspace::State,
};

/// The events that this event brings about, in order. `state` has folded it already.
#[must_use]
pub fn effects(state: &State, recorded: &Recorded) -> Vec<Event> {
    let mut events = Vec::new();
    match &recorded.event {
        Event::CountdownFired(fired) => ended(state, fired.countdown, "fired", None, &mut events),
        Event::CountdownMissed(missed) => ended(state, missed.countdown, "missed", None, &mut events),
        Event::CountdownScrubbed(scrubbed) => {
            let cause = cause_text(state, &scrubbed.cause, scrubbed.reason.as_deref());
            ended(state, scrubbed.countdown, "scrubbed", Some(cause), &mut events);
        }
        Event::CountdownRescheduled(rescheduled) => {
            if let Some(countdown) = state.countdowns.get(rescheduled.countdown) {
                let when = rescheduled
                    .fire_at
                    .map_or_else(|| "once its campaign releases it".to_owned(), |at| format!("T-0 is now {at}"));
                events.push(notice(countdown, "rescheduled", Some(when)));
            }
        }
        Event::CountdownScheduled(scheduled) => {
            if let Some(campaign) = scheduled.campaign {
                settle(state, recorded, campaign, Touched::One(recorded.id.into()), &mut events);
            }
        }
        Event::CampaignStarted(started) => settle(state, recorded, started.campaign, Touched::All, &mut events),
        Event::CampaignLinked(linked) => {
            settle(state, recorded, linked.campaign, Touched::One(linked.after), &mut events);
        }
        Event::CampaignUnlinked(unlinked) => {
            settle(state, recorded, unlinked.campaign, Touched::One(unlinked.after), &mut events);
        }
        Event::CampaignCancelled(cancelled) => {
            let members = state.campaigns.get(cancelled.campaign).map(|campaign| campaign.members.keys());
            for countdown in members.into_iter().flatten().filter_map(|id| state.countdowns.get(*id)) {
                events.extend(countdown::decide::scrub_for(countdown, ScrubCause::CampaignCancelled));
            }
        }
        _ => {}
    }
    if let Some(countdown) = subject(&recorded.event).and_then(|id| state.countdowns.get(id))
        && let Some(campaign) = countdown.campaign
    {
        settle(state, recorded, campaign, Touched::After(countdown.id), &mut events);
    }
    events
}

/// Which countdown ended.
fn subject(event: &Event) -> Option<CountdownId> {
    match event {
        Event::CountdownFired(fired) => Some(fired.countdown),
        Event::CountdownMissed(missed) => Some(missed.countdown),
        Event::CountdownScrubbed(scrubbed) => Some(scrubbed.countdown),
        _ => None,
    }
}

/// Which countdowns of a campaign an event may have freed or blocked.
#[derive(Clone, Copy)]
enum Touched {
    All,
    One(CountdownId),
    /// The successors of one that ended.
    After(CountdownId),
}

/// A campaign after a change: blocked members are scrubbed, free ones released, and it ends when all its members have.
fn settle(state: &State, recorded: &Recorded, id: CampaignId, touched: Touched, events: &mut Vec<Event>) {
    let Some(campaign) = state.campaigns.get(id) else { return };
    let touched: Vec<CountdownId> = match touched {
        Touched::All => campaign.members.keys().copied().collect(),
        Touched::One(id) => vec![id],
        Touched::After(id) => {
            campaign.members.get(&id).map(|ended| ended.after.iter().copied().collect()).unwrap_or_default()
        }
    };
    for id in touched {
        let Some(countdown) = state.countdowns.get(id) else { continue };
        if let Some(predecessor) = campaign::blocked_by(campaign, id) {
            events.extend(countdown::decide::scrub_for(countdown, ScrubCause::Predecessor(predecessor)));
        } else if campaign::is_releasable(campaign, id) {
            events.extend(countdown::decide::release(countdown, campaign.notice, recorded.time));
        }
    }
    events.extend(campaign::conclude(campaign));
}

fn ended(state: &State, id: CountdownId, outcome: &str, cause: Option<String>, events: &mut Vec<Event>) {
    if let Some(countdown) = state.countdowns.get(id) {
        events.push(notice(countdown, outcome, cause));
    }
}

/// The message that tells attendees and organizer.
fn notice(countdown: &Countdown, outcome: &str, cause: Option<String>) -> Event {
    let mut to: Vec<ActorName> = countdown.attendees.keys().cloned().collect();
    if !to.contains(&countdown.organizer) {
        to.push(countdown.organizer.clone());
    }
    let confirmed = countdown.count(Answer::Confirmed);
    let answers = if countdown.attendees.is_empty() {
        String::new()
    } else {
        format!(" ({confirmed} of {} confirmed, quorum {})", countdown.attendees.len(), countdown.quorum)
    };
    let because = cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
    let payload: Option<serde_json::Value> =
        countdown.payload.as_ref().and_then(|payload| serde_json::from_str(payload).ok());
    let mut data = json!({
        "countdown": countdown.id,
        "name": countdown.name,
        "outcome": outcome,
        "confirmed": confirmed,
        "quorum": countdown.quorum,
    });
    if let Some(cause) = cause {
        data["cause"] = cause.into();
    }
    if let Some(payload) = payload {
        data["payload"] = payload;
    }
    Event::MessageSent(MessageSent {
        from: ActorName::system(),
        to,
        kind: Word::parse(&format!("countdown.{outcome}")).expect("outcomes are short words"),
        priority: Priority::Normal,
        subject: Some(format!("{} {outcome}", countdown.name)),
        body: format!("Countdown {} {} {outcome}{answers}{because}.", countdown.id.short(), countdown.name),
        data: Some(data),
        in_reply_to: None,
        thread: None,
        references: vec![countdown.id.to_string()],
        redrive_of: None,
    })
}

fn cause_text(state: &State, cause: &ScrubCause, reason: Option<&str>) -> String {
    let text = match cause {
        ScrubCause::Predecessor(id) => {
            let name = state.countdowns.get(*id).map_or_else(|| id.short(), |countdown| countdown.name.to_string());
            format!("{name}, which it waited for, did not fire")
        }
        cause => cause.to_string(),
    };
    match reason {
        Some(reason) => format!("{text} ({reason})"),
        None => text,
    }
}
