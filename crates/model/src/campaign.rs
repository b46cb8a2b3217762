//! A campaign as `specs/campaign/Campaign.tla` sees it.
//!
//! A step is one group of events that belong together (a command's, or a due item's), cascade included.

use std::collections::{BTreeMap, BTreeSet};

use convoke_core::{
    campaign::{Outcome, Phase, Progress, events::FailurePolicy},
    countdown::{self, Countdown, Countdowns},
    event::{Event, Recorded},
    id::{CampaignId, CountdownId},
    time::{Span, Timestamp},
    workspace::State,
};

use crate::{
    naming::{InOrder, Naming},
    slices::{Group, Slice, Slicer},
    value::{Step, Value},
};

/// The campaign in this state; as it is before its creation, if it is not there.
pub fn observe(state: &State, id: CampaignId, names: &impl Naming) -> Value {
    let Some(campaign) = state.campaigns.get(id) else {
        return Value::record([
            ("organizer", "none".into()),
            ("policy", "none".into()),
            ("phase", "none".into()),
            ("members", Value::Record(BTreeMap::new())),
            ("links", Value::Set(BTreeSet::new())),
        ]);
    };
    let members = campaign.members.iter().map(|(id, member)| {
        let progress = match member.progress {
            Progress::Held if state.countdowns.get(*id).is_some_and(fires_when_released) => "ready",
            Progress::Held => "held",
            Progress::Released => "released",
            Progress::EndedWell => "well",
            Progress::EndedBadly => "badly",
        };
        (names.countdown(*id), progress)
    });
    Value::record([
        ("organizer", names.actor(&campaign.organizer).into()),
        ("policy", policy_text(campaign.policy).into()),
        ("phase", phase_text(campaign.phase).into()),
        ("members", Value::record(members)),
        ("links", links(state, id, names)),
    ])
}

/// The step that a group of events is for this campaign; `None` if it does not concern it. `before` is the state before the
/// group.
pub fn step(before: &State, group: &[Recorded], id: CampaignId, names: &impl Naming) -> Option<Step> {
    let is_member = |countdown: CountdownId| is_member(before, group, id, countdown);
    let countdown = |id: CountdownId| ("countdown", Value::from(names.countdown(id)));
    let released = ("released", released(group, &is_member, names));
    for recorded in group {
        let by = || ("by", Value::from(names.actor(&recorded.actor)));
        let link = |before, after| {
            [by(), ("before", names.countdown(before).into()), ("after", names.countdown(after).into())]
        };
        let step = match &recorded.event {
            Event::CampaignCreated(created) if CampaignId::from(recorded.id) == id => {
                Step::new("CampaignCreated", [by(), ("policy", policy_text(created.policy).into())])
            }
            Event::CountdownScheduled(scheduled) if scheduled.campaign == Some(id) => {
                let after = group.iter().filter_map(|recorded| match &recorded.event {
                    Event::CampaignLinked(linked) => Some(names.countdown(linked.before)),
                    _ => None,
                });
                let params = [by(), countdown(recorded.id.into()), ("after", Value::set(after)), released];
                Step::new("CountdownScheduled", params)
            }
            Event::CountdownJoined(joined) if joined.campaign == id => {
                Step::new("CountdownJoined", [by(), countdown(joined.countdown)])
            }
            Event::CampaignLinked(linked) if linked.campaign == id => {
                Step::new("CampaignLinked", link(linked.before, linked.after).into_iter().chain([released]))
            }
            Event::CampaignUnlinked(linked) if linked.campaign == id => {
                Step::new("CampaignUnlinked", link(linked.before, linked.after).into_iter().chain([released]))
            }
            Event::CampaignStarted(started) if started.campaign == id => Step::new("CampaignStarted", [by(), released]),
            Event::CampaignCancelled(cancelled) if cancelled.campaign == id => {
                Step::new("CampaignCancelled", [by(), released])
            }
            Event::CountdownFired(fired) if is_member(fired.countdown) => {
                Step::new("CountdownFired", [countdown(fired.countdown), released])
            }
            Event::CountdownMissed(missed) if is_member(missed.countdown) => {
                Step::new("CountdownMissed", [countdown(missed.countdown), released])
            }
            Event::CountdownScrubbed(scrubbed) if is_member(scrubbed.countdown) => {
                Step::new("CountdownScrubbed", [countdown(scrubbed.countdown), released])
            }
            // These only ever follow from one of the others. Were one the first, no action of the spec would be it.
            Event::CountdownReleased(released) if is_member(released.countdown) => {
                Step::new("CountdownReleased", [countdown(released.countdown)])
            }
            Event::CampaignCompleted(completed) if completed.campaign == id => {
                Step { action: "CampaignCompleted".to_owned(), params: Value::Record(BTreeMap::new()) }
            }
            Event::CampaignFailed(failed) if failed.campaign == id => {
                Step { action: "CampaignFailed".to_owned(), params: Value::Record(BTreeMap::new()) }
            }
            _ => continue,
        };
        return Some(step);
    }
    answered(before, group, id, names)
}

/// Whether a countdown is in the campaign, or is put into it by this group.
pub(crate) fn is_member(before: &State, group: &[Recorded], id: CampaignId, countdown: CountdownId) -> bool {
    let was = before.campaigns.get(id).is_some_and(|campaign| campaign.members.contains_key(&countdown));
    let becomes = |recorded: &Recorded| match &recorded.event {
        Event::CountdownScheduled(event) => CountdownId::from(recorded.id) == countdown && event.campaign == Some(id),
        Event::CountdownJoined(event) => event.countdown == countdown && event.campaign == id,
        _ => false,
    };
    was || group.iter().any(becomes)
}

/// Answers change nothing for a campaign, unless they decide whether a countdown that it holds fires as it is let go.
pub(crate) fn answered(before: &State, group: &[Recorded], id: CampaignId, names: &impl Naming) -> Option<Step> {
    group.iter().find_map(|recorded| {
        let countdown = match &recorded.event {
            Event::CountdownConfirmed(confirmed) => confirmed.countdown,
            Event::CountdownDeclined(declined) => declined.countdown,
            Event::CountdownRescheduled(rescheduled) => rescheduled.countdown,
            _ => return None,
        };
        before.campaigns.get(id)?.members.get(&countdown)?;
        let before = before.countdowns.get(countdown)?;
        let mut alone = Countdowns::from(BTreeMap::from([(countdown, before.clone())]));
        group.iter().for_each(|recorded| alone.evolve(recorded));
        let ready = fires_when_released(alone.get(countdown)?);
        let params = [("countdown", Value::from(names.countdown(countdown))), ("ready", ready.into())];
        (ready != fires_when_released(before)).then(|| Step::new("MemberAnswered", params))
    })
}

/// Whether a held countdown would fire in the commit that releases it: the release itself says so.
pub(crate) fn fires_when_released(countdown: &Countdown) -> bool {
    let events = countdown::decide::release(countdown, Span::ZERO, Timestamp::default());
    events.iter().any(|event| matches!(event, Event::CountdownFired(_)))
}

/// Which countdowns a group of events lets go. One that is let go twice is told apart.
fn released(group: &[Recorded], is_member: &impl Fn(CountdownId) -> bool, names: &impl Naming) -> Value {
    let mut released = BTreeSet::new();
    for recorded in group {
        if let Event::CountdownReleased(event) = &recorded.event
            && is_member(event.countdown)
        {
            let name = names.countdown(event.countdown);
            if !released.insert(Value::from(name.clone())) {
                released.insert(Value::from(format!("{name} once more")));
            }
        }
    }
    Value::Set(released)
}

/// The links, each told by both its ends. One that only one end knows of is told apart.
pub(crate) fn links(state: &State, id: CampaignId, names: &impl Naming) -> Value {
    let Some(campaign) = state.campaigns.get(id) else { return Value::Set(BTreeSet::new()) };
    let by_first: BTreeSet<_> =
        campaign.members.iter().flat_map(|(id, member)| member.after.iter().map(move |after| (*id, *after))).collect();
    let by_second: BTreeSet<_> = campaign
        .members
        .iter()
        .flat_map(|(id, member)| member.before.iter().map(move |before| (*before, *id)))
        .collect();
    Value::set(by_first.union(&by_second).map(|link| {
        let mut pair = vec![names.countdown(link.0), names.countdown(link.1)];
        if !by_first.contains(link) || !by_second.contains(link) {
            pair.push("half".to_owned());
        }
        Value::sequence(pair)
    }))
}

pub(crate) fn policy_text(policy: FailurePolicy) -> &'static str {
    match policy {
        FailurePolicy::Block => "block",
        FailurePolicy::Continue => "continue",
    }
}

pub(crate) fn phase_text(phase: Phase) -> &'static str {
    match phase {
        Phase::Planned => "planned",
        Phase::Running => "running",
        Phase::Ended(Outcome::Completed) => "completed",
        Phase::Ended(Outcome::Failed) => "failed",
        Phase::Ended(Outcome::Cancelled) => "cancelled",
    }
}

/// The traces of campaigns: one for each.
pub struct Slices;

impl Slicer for Slices {
    type Memory = ();

    fn module(&self) -> &'static str {
        "campaign"
    }

    fn is_timed(&self) -> bool {
        false
    }

    fn concerned(&mut self, group: &Group<'_>, before: &State) -> Vec<String> {
        let concerned: BTreeSet<CampaignId> =
            group.events.iter().filter_map(|recorded| campaign_of(recorded, before)).collect();
        concerned.iter().map(ToString::to_string).collect()
    }

    fn step(&self, slice: &mut Slice<()>, group: &Group<'_>, before: &State) -> Option<Step> {
        step(before, group.events, slice.key.parse().ok()?, &InOrder::of(&mut slice.names))
    }

    fn observe(&self, slice: &mut Slice<()>, state: &State) -> Value {
        // The key is an id: this module gave it.
        let id = slice.key.parse().unwrap_or(CampaignId::from_bytes([0; 16]));
        observe(state, id, &InOrder::of(&mut slice.names))
    }

    fn has_ended(&self, slice: &Slice<()>, state: &State) -> bool {
        let campaign = slice.key.parse().ok().and_then(|id| state.campaigns.get(id));
        campaign.is_some_and(|campaign| matches!(campaign.phase, Phase::Ended(_)))
    }
}

/// Which campaign an event concerns.
pub(crate) fn campaign_of(recorded: &Recorded, before: &State) -> Option<CampaignId> {
    match &recorded.event {
        Event::CampaignCreated(_) => Some(recorded.id.into()),
        Event::CampaignLinked(event) => Some(event.campaign),
        Event::CampaignUnlinked(event) => Some(event.campaign),
        Event::CampaignStarted(event) => Some(event.campaign),
        Event::CampaignCancelled(event) => Some(event.campaign),
        Event::CampaignCompleted(event) => Some(event.campaign),
        Event::CampaignFailed(event) => Some(event.campaign),
        Event::CountdownScheduled(event) => event.campaign,
        Event::CountdownJoined(event) => Some(event.campaign),
        _ => before.countdowns.get(countdown_of(&recorded.event)?)?.campaign,
    }
}

/// Which countdown an event is about, unless it creates it or puts it into a campaign.
pub(crate) fn countdown_of(event: &Event) -> Option<CountdownId> {
    match event {
        Event::CountdownReleased(event) => Some(event.countdown),
        Event::CountdownConfirmed(event) => Some(event.countdown),
        Event::CountdownDeclined(event) => Some(event.countdown),
        Event::CountdownRescheduled(event) => Some(event.countdown),
        Event::CountdownFired(event) => Some(event.countdown),
        Event::CountdownMissed(event) => Some(event.countdown),
        Event::CountdownScrubbed(event) => Some(event.countdown),
        _ => None,
    }
}
