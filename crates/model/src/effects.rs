//! Countdowns, their campaign and what comes into mailboxes, as `specs/effects/Effects.tla` sees them together.
//!
//! A step is one group of events that belong together. What it told is read from the mailboxes that it left behind, not
//! from its events alone.

use std::collections::{BTreeMap, BTreeSet};

use convoke_core::{
    countdown::Phase,
    event::{Event, Recorded},
    id::{CampaignId, CountdownId},
    mailbox::events::MessageSent,
    name::ActorName,
    workspace::State,
};

use crate::{
    campaign::{fires_when_released, links, phase_text, policy_text},
    names::Naming,
    value::{Step, Value},
};

/// Which part of a workspace is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of it; it has this campaign and no other.
    Whole(CampaignId),
    /// A campaign with its countdowns. Of the actors only those who have to do with it.
    Campaign(CampaignId),
    /// A countdown that never was in a campaign. Of the actors only those who have to do with it.
    Countdown(CountdownId),
    /// Who is registered, and what is for all.
    Everybody,
}

impl Scope {
    fn campaign(self) -> Option<CampaignId> {
        match self {
            Self::Whole(id) | Self::Campaign(id) => Some(id),
            Self::Countdown(_) | Self::Everybody => None,
        }
    }

    fn has_everybody(self) -> bool {
        matches!(self, Self::Whole(_) | Self::Everybody)
    }

    fn has(self, state: &State, id: CountdownId) -> bool {
        match self {
            Self::Whole(_) => true,
            Self::Campaign(campaign) => {
                state.countdowns.get(id).is_some_and(|countdown| countdown.campaign == Some(campaign))
            }
            Self::Countdown(countdown) => countdown == id,
            Self::Everybody => false,
        }
    }
}

/// This part in this state, after a step that told this (see [`told`]).
pub fn observe(state: &State, scope: Scope, told: Value, names: &impl Naming) -> Value {
    let campaign = scope.campaign().and_then(|id| state.campaigns.get(id));
    let countdowns: Vec<_> = state.countdowns.iter().filter(|countdown| scope.has(state, countdown.id)).collect();
    let mut actors: BTreeSet<&ActorName> = BTreeSet::new();
    if scope.has_everybody() {
        actors.extend(state.actors.iter().map(|(name, _)| name));
    } else {
        actors.extend(campaign.map(|campaign| &campaign.organizer));
        for countdown in &countdowns {
            actors.extend(countdown.attendees.keys().chain([&countdown.organizer]));
        }
    }
    let organizer = campaign.map_or_else(|| "none".to_owned(), |campaign| names.actor(&campaign.organizer));
    let links = scope.campaign().map_or_else(|| Value::Set(BTreeSet::new()), |id| links(state, id, names));
    let countdowns = countdowns.into_iter().map(|countdown| {
        let phase = match countdown.phase {
            Phase::Held { .. } if fires_when_released(state, countdown.id) => "ready",
            Phase::Held { .. } => "held",
            Phase::Counting { .. } | Phase::OnHold { .. } => "counting",
            Phase::Fired { .. } => "fired",
            Phase::Missed { .. } => "missed",
            Phase::Scrubbed { .. } => "scrubbed",
        };
        let seen = Value::record([
            ("phase", phase.into()),
            ("organizer", names.actor(&countdown.organizer).into()),
            ("attendees", actor_set(countdown.attendees.keys(), names)),
            ("inside", countdown.campaign.is_some().into()),
        ]);
        (names.countdown(countdown.id), seen)
    });
    Value::record([
        ("actors", actor_set(actors, names)),
        ("organizer", organizer.into()),
        ("policy", campaign.map_or("none", |campaign| policy_text(campaign.policy)).into()),
        ("phase", campaign.map_or("none", |campaign| phase_text(campaign.phase)).into()),
        ("links", links),
        ("countdowns", Value::record(countdowns)),
        ("told", told),
    ])
}

/// What a group of events put into mailboxes, by recipient: for a countdown what was said of it, for `all` who said it. What is
/// there more than once is told apart. `after` is the state right after the group.
pub fn told(group: &[Recorded], after: &State, scope: Scope, names: &impl Naming) -> Value {
    let mut told: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    for recorded in group {
        let Event::MessageSent(sent) = &recorded.event else { continue };
        let Some((about, says)) = told_of(sent, after, scope, names) else { continue };
        let everybody = after.actors.iter().map(|(name, _)| name).chain(&sent.to).collect::<BTreeSet<_>>();
        for mailbox in everybody {
            if after.mailboxes.get(recorded.id.into(), mailbox).is_some() {
                let notices = told.entry(names.actor(mailbox)).or_default();
                let again = notices.get(&about).map(|before| format!("{before} and {says}"));
                notices.insert(about.clone(), again.unwrap_or_else(|| says.clone()).into());
            }
        }
    }
    Value::record(told.into_iter().map(|(name, notices)| (name, Value::Record(notices))))
}

/// What a message is about, and what it says of that; `None` for an ordinary one.
fn told_of(sent: &MessageSent, after: &State, scope: Scope, names: &impl Naming) -> Option<(String, String)> {
    if sent.from.as_str() == ActorName::SYSTEM {
        let countdown = sent.references.iter().find_map(|reference| reference.parse().ok())?;
        let says = sent.kind.as_str().strip_prefix("countdown.")?;
        return scope.has(after, countdown).then(|| (names.countdown(countdown), says.to_owned()));
    }
    let to_all = sent.to.iter().any(|to| to.as_str() == ActorName::ALL);
    (to_all && scope.has_everybody()).then(|| ("all".to_owned(), names.actor(&sent.from)))
}

/// The step that a group of events is for this part; `None` if it does not concern it.
pub fn step(before: &State, group: &[Recorded], after: &State, scope: Scope, names: &impl Naming) -> Option<Step> {
    let concerning = |recorded: &Recorded| main_step(recorded, group, after, scope, names);
    let answered = || scope.campaign().and_then(|id| crate::campaign::answered(before, group, after, id, names));
    group.iter().find_map(concerning).or_else(answered).or_else(|| registered(group, scope, names))
}

fn main_step(
    recorded: &Recorded,
    group: &[Recorded],
    after: &State,
    scope: Scope,
    names: &impl Naming,
) -> Option<Step> {
    let has = |id: CountdownId| scope.has(after, id);
    let is_here = |id: CampaignId| scope.campaign() == Some(id);
    let by = ("by", Value::from(names.actor(&recorded.actor)));
    let countdown = |id: CountdownId| ("countdown", Value::from(names.countdown(id)));
    let attendees = |id: CountdownId| {
        let all = after.countdowns.get(id).map(|countdown| countdown.attendees.keys());
        ("attendees", actor_set(all.into_iter().flatten(), names))
    };
    let link = |first: CountdownId, second: CountdownId| {
        [("before", names.countdown(first).into()), ("after", Value::from(names.countdown(second)))]
    };
    let step = match &recorded.event {
        Event::MessageSent(sent) if scope.has_everybody() && sent.to.iter().any(|to| to.as_str() == ActorName::ALL) => {
            Step::new("MessageSent", [by])
        }
        Event::CampaignCreated(created) if is_here(recorded.id.into()) => {
            Step::new("CampaignCreated", [by, ("policy", policy_text(created.policy).into())])
        }
        Event::CountdownScheduled(scheduled) if has(recorded.id.into()) => {
            let first = group.iter().filter_map(|recorded| match &recorded.event {
                Event::CampaignLinked(linked) => Some(names.countdown(linked.before)),
                _ => None,
            });
            let (id, inside) = (recorded.id.into(), ("inside", scheduled.campaign.is_some().into()));
            Step::new("CountdownScheduled", [by, countdown(id), attendees(id), inside, ("after", Value::set(first))])
        }
        Event::CountdownJoined(joined) if is_here(joined.campaign) => {
            Step::new("CountdownJoined", [by, countdown(joined.countdown), attendees(joined.countdown)])
        }
        Event::CampaignLinked(linked) if is_here(linked.campaign) => {
            Step::new("CampaignLinked", link(linked.before, linked.after).into_iter().chain([by]))
        }
        Event::CampaignUnlinked(linked) if is_here(linked.campaign) => {
            Step::new("CampaignUnlinked", link(linked.before, linked.after).into_iter().chain([by]))
        }
        Event::CampaignStarted(started) if is_here(started.campaign) => Step::new("CampaignStarted", [by]),
        Event::CampaignCancelled(cancelled) if is_here(cancelled.campaign) => Step::new("CampaignCancelled", [by]),
        Event::CountdownRescheduled(moved) if has(moved.countdown) => {
            Step::new("CountdownRescheduled", [by, countdown(moved.countdown)])
        }
        Event::CountdownFired(fired) if has(fired.countdown) => {
            Step::new("CountdownFired", [countdown(fired.countdown)])
        }
        Event::CountdownMissed(missed) if has(missed.countdown) => {
            Step::new("CountdownMissed", [countdown(missed.countdown)])
        }
        Event::CountdownScrubbed(scrubbed) if has(scrubbed.countdown) => {
            Step::new("CountdownScrubbed", [countdown(scrubbed.countdown)])
        }
        _ => return None,
    };
    Some(step)
}

/// Names that are new, for a command that is about nothing else here.
fn registered(group: &[Recorded], scope: Scope, names: &impl Naming) -> Option<Step> {
    let fresh: BTreeSet<&ActorName> = group
        .iter()
        .filter_map(|recorded| match &recorded.event {
            Event::ActorRegistered(registered) => Some(&registered.name),
            Event::WorkspaceCreated(created) => Some(&created.organizer),
            _ => None,
        })
        .collect();
    (scope.has_everybody() && !fresh.is_empty())
        .then(|| Step::new("ActorRegistered", [("names", actor_set(fresh, names))]))
}

fn actor_set<'a>(actors: impl IntoIterator<Item = &'a ActorName>, names: &impl Naming) -> Value {
    Value::set(actors.into_iter().map(|name| names.actor(name)))
}
