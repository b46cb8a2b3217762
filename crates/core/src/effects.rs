//! What one state machine causes in another: notices, releases, blocked successors, ends of campaigns.
//!
//! The only place that knows more than one machine besides [`crate::workspace`]. An effect is never refused. Specified by
//! `specs/effects/Effects.tla`, together with what it connects.

use serde_json::{Value, json};

use crate::{
    campaign,
    countdown::{self, Answer, Countdown, events::ScrubCause},
    event::{Event, Recorded},
    id::{CampaignId, ChangeId, CountdownId},
    mailbox::events::MessageSent,
    name::{ActorName, Word, shorten},
    priority::Priority,
    queue::{RepoPath, events::ChangeConflicted},
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
                settle(state, recorded, campaign, [recorded.id.into()], &mut events);
            }
        }
        Event::CampaignStarted(started) => {
            let members = state.campaigns.get(started.campaign).map(|campaign| campaign.members.keys().copied());
            settle(state, recorded, started.campaign, members.into_iter().flatten(), &mut events);
        }
        Event::CampaignLinked(linked) => settle(state, recorded, linked.campaign, [linked.after], &mut events),
        Event::CampaignUnlinked(unlinked) => settle(state, recorded, unlinked.campaign, [unlinked.after], &mut events),
        Event::CampaignCancelled(cancelled) => {
            let members = state.campaigns.get(cancelled.campaign).map(|campaign| campaign.members.keys());
            for countdown in members.into_iter().flatten().filter_map(|id| state.countdowns.get(*id)) {
                events.extend(countdown::decide::scrub_for(countdown, ScrubCause::CampaignCancelled));
            }
        }
        Event::ChangeLanded(landed) => {
            let text = format!("as commit {}", landed.receipt.commit);
            let data = json!({ "receipt": landed.receipt, "recovered": landed.recovered });
            change_ended(state, landed.change, "landed", &text, data, &mut events);
        }
        Event::ChangeConflicted(conflict) => {
            let data = json!({ "paths": conflict.paths, "against": conflict.against, "detail": conflict.detail });
            change_ended(state, conflict.change, "conflicted", &conflict_text(state, conflict), data, &mut events);
        }
        Event::ChangeRejected(rejected) => {
            let data = json!({ "faults": rejected.faults });
            change_ended(state, rejected.change, "rejected", &rejected.faults.join("; "), data, &mut events);
        }
        Event::ChangeDied(died) => {
            let data = json!({ "class": died.class, "cause": died.cause, "output": died.output });
            change_ended(state, died.change, "died", &died.cause, data, &mut events);
        }
        Event::ChangeDisapproved(disapproved) => {
            let data = json!({ "reviewer": disapproved.reviewer, "reason": disapproved.reason });
            let text = format!("by {}: {}", disapproved.reviewer, disapproved.reason);
            change_ended(state, disapproved.change, "disapproved", &text, data, &mut events);
        }
        _ => {}
    }
    if let Event::CountdownFired(_) | Event::CountdownMissed(_) | Event::CountdownScrubbed(_) = &recorded.event
        && let Some(countdown) = subject(&recorded.event).and_then(|id| state.countdowns.get(id))
        && let Some(campaign) = countdown.campaign.and_then(|id| state.campaigns.get(id))
    {
        let after = campaign.members.get(&countdown.id).map(|member| member.after.iter().copied());
        settle(state, recorded, campaign.id, after.into_iter().flatten(), &mut events);
    }
    events
}

/// The message that tells the author what became of a change.
fn change_ended(state: &State, id: ChangeId, outcome: &str, text: &str, data: Value, events: &mut Vec<Event>) {
    let Some(change) = state.changes.get(id) else { return };
    let mut data = data;
    data["change"] = json!(id);
    data["task"] = json!(change.task);
    data["target"] = json!(change.target);
    events.push(Event::MessageSent(MessageSent {
        from: ActorName::system(),
        to: vec![change.agent.clone()],
        kind: Word::parse(&format!("change.{outcome}")).expect("outcomes are short words"),
        priority: Priority::Normal,
        subject: Some(shorten(&format!("{} {outcome}", change.task))),
        body: format!("Change {} of {} for {} {outcome}: {text}", id.short(), change.task, change.target),
        data: Some(data),
        in_reply_to: None,
        thread: None,
        references: vec![id.to_string()],
        redrive_of: None,
    }));
}

fn conflict_text(state: &State, conflict: &ChangeConflicted) -> String {
    let paths: Vec<&str> = conflict.paths.iter().take(5).map(RepoPath::as_str).collect();
    let more = conflict.paths.len().saturating_sub(paths.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let against = conflict.against.and_then(|id| state.changes.get(id));
    let against = against.map(|other| format!(", against change {} of {}", other.id.short(), other.task));
    format!("in {}{more}{}", paths.join(", "), against.unwrap_or_default())
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

/// A campaign after a change: of the countdowns that it may concern, blocked ones are scrubbed and free ones released; the
/// campaign ends when all its members have. To look at no others keeps a cascade through a whole campaign short.
fn settle(
    state: &State,
    recorded: &Recorded,
    id: CampaignId,
    concerned: impl IntoIterator<Item = CountdownId>,
    events: &mut Vec<Event>,
) {
    let Some(campaign) = state.campaigns.get(id) else { return };
    for countdown in concerned.into_iter().filter_map(|id| state.countdowns.get(id)) {
        if let Some(predecessor) = campaign::blocker(campaign, countdown.id) {
            events.extend(countdown::decide::scrub_for(countdown, ScrubCause::Predecessor(predecessor)));
        } else if campaign::is_releasable(campaign, countdown.id) {
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
