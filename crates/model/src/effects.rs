//! Countdowns, their campaign and what comes into mailboxes, as `specs/effects/Effects.tla` sees them together.
//!
//! A step is one group of events that belong together. What it told is read from the mailboxes that it left behind, not
//! from its events alone.

use std::collections::{BTreeMap, BTreeSet};

use convoke_core::{
    campaign,
    countdown::Phase,
    event::{Event, Recorded},
    id::{CampaignId, CountdownId, MessageId},
    mailbox::events::MessageSent,
    name::ActorName,
    workspace::State,
};

use crate::{
    campaign::{answered, campaign_of, countdown_of, fires_when_released, is_member, links, phase_text, policy_text},
    naming::{InOrder, Naming},
    slices::{Group, Slice, Slicer},
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

    /// Whether a countdown is part of it, before a group or by it.
    fn has(self, before: &State, group: &[Recorded], id: CountdownId) -> bool {
        match self {
            Self::Whole(_) => true,
            Self::Campaign(campaign) => is_member(before, group, campaign, id),
            Self::Countdown(countdown) => countdown == id,
            Self::Everybody => false,
        }
    }
}

/// This part in this state, after a step that told this (see [`told`]).
pub fn observe(state: &State, scope: Scope, told: Value, names: &impl Naming) -> Value {
    let campaign = scope.campaign().and_then(|id| state.campaigns.get(id));
    let countdowns: Vec<_> = state.countdowns.iter().filter(|countdown| scope.has(state, &[], countdown.id)).collect();
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
            Phase::Held { .. } if fires_when_released(countdown) => "ready",
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

/// A message that a group of events sent, of the kind that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    message: MessageId,
    to: Vec<ActorName>,
    about: About,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum About {
    Countdown { id: CountdownId, says: String },
    All { from: ActorName },
}

/// The notices of a group of events: which messages to look for in the mailboxes afterwards.
#[must_use]
pub fn notices(before: &State, group: &[Recorded], scope: Scope) -> Vec<Notice> {
    let notice = |recorded: &Recorded| {
        let Event::MessageSent(sent) = &recorded.event else { return None };
        let about = if sent.from.as_str() == ActorName::SYSTEM {
            let id = sent.references.iter().find_map(|reference| reference.parse().ok())?;
            let says = sent.kind.as_str().strip_prefix("countdown.")?.to_owned();
            scope.has(before, group, id).then_some(About::Countdown { id, says })
        } else {
            (is_to_all(sent) && scope.has_everybody()).then(|| About::All { from: sent.from.clone() })
        };
        Some(Notice { message: recorded.id.into(), to: sent.to.clone(), about: about? })
    };
    group.iter().filter_map(notice).collect()
}

/// What these notices put into the mailboxes of the state after them. By recipient: for a countdown what was said of it, for
/// `all` who said it. What is there more than once is told apart.
pub fn told(notices: &[Notice], after: &State, names: &impl Naming) -> Value {
    let mut told: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    for Notice { message, to, about } in notices {
        let (about, says) = match about {
            About::Countdown { id, says } => (names.countdown(*id), says.clone()),
            About::All { from } => ("all".to_owned(), names.actor(from)),
        };
        let mailboxes: BTreeSet<_> = after.actors.iter().map(|(name, _)| name).chain(to).collect();
        for mailbox in mailboxes.into_iter().filter(|mailbox| after.mailboxes.get(*message, mailbox).is_some()) {
            let topics = told.entry(names.actor(mailbox)).or_default();
            let again = topics.get(&about).map(|before| format!("{before} and {says}").replace('"', ""));
            topics.insert(about.clone(), again.unwrap_or_else(|| says.clone()).into());
        }
    }
    Value::record(told.into_iter().map(|(name, topics)| (name, Value::Record(topics))))
}

fn is_to_all(sent: &MessageSent) -> bool {
    sent.to.iter().any(|to| to.as_str() == ActorName::ALL)
}

/// The step that a group of events is for this part; `None` if it does not concern it. `before` is the state before the group.
pub fn step(before: &State, group: &[Recorded], scope: Scope, names: &impl Naming) -> Option<Step> {
    let concerning = |recorded: &Recorded| main_step(recorded, before, group, scope, names);
    let answered = || scope.campaign().and_then(|id| answered(before, group, id, names));
    group.iter().find_map(concerning).or_else(answered).or_else(|| registered(group, scope, names))
}

fn main_step(
    recorded: &Recorded,
    before: &State,
    group: &[Recorded],
    scope: Scope,
    names: &impl Naming,
) -> Option<Step> {
    let has = |id: CountdownId| scope.has(before, group, id);
    let is_here = |id: CampaignId| scope.campaign() == Some(id);
    let by = ("by", Value::from(names.actor(&recorded.actor)));
    let countdown = |id: CountdownId| ("countdown", Value::from(names.countdown(id)));
    let joining = |id: CountdownId| {
        let all = before.countdowns.get(id).map(|countdown| countdown.attendees.keys());
        ("attendees", actor_set(all.into_iter().flatten(), names))
    };
    let link = |first: CountdownId, second: CountdownId| {
        [("before", names.countdown(first).into()), ("after", Value::from(names.countdown(second)))]
    };
    let step = match &recorded.event {
        Event::MessageSent(sent) if scope.has_everybody() && is_to_all(sent) => Step::new("MessageSent", [by]),
        Event::CampaignCreated(created) if is_here(recorded.id.into()) => {
            Step::new("CampaignCreated", [by, ("policy", policy_text(created.policy).into())])
        }
        Event::CountdownScheduled(scheduled) if has(recorded.id.into()) => {
            let first = group.iter().filter_map(|recorded| match &recorded.event {
                Event::CampaignLinked(linked) => Some(names.countdown(linked.before)),
                _ => None,
            });
            let (after, inside) = (("after", Value::set(first)), ("inside", scheduled.campaign.is_some().into()));
            let attendees = ("attendees", actor_set(&scheduled.attendees, names));
            Step::new("CountdownScheduled", [by, countdown(recorded.id.into()), attendees, inside, after])
        }
        Event::CountdownJoined(joined) if is_here(joined.campaign) => {
            Step::new("CountdownJoined", [by, countdown(joined.countdown), joining(joined.countdown)])
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

/// The traces of effects: one for each campaign, for each countdown while it is in none, and for everybody.
pub struct Slices;

const EVERYBODY: &str = "everybody";

impl Slices {
    fn scope(key: &str) -> Option<Scope> {
        match key.split_once(' ') {
            Some(("campaign", id)) => id.parse().ok().map(Scope::Campaign),
            Some(("countdown", id)) => id.parse().ok().map(Scope::Countdown),
            _ => (key == EVERYBODY).then_some(Scope::Everybody),
        }
    }

    fn keys_of(recorded: &Recorded, before: &State) -> [Option<String>; 2] {
        let campaign = campaign_of(recorded, before).map(|id| format!("campaign {id}"));
        let alone = match &recorded.event {
            Event::CountdownScheduled(scheduled) if scheduled.campaign.is_none() => Some(recorded.id.into()),
            event => countdown_of(event)
                .filter(|id| before.countdowns.get(*id).is_some_and(|countdown| countdown.campaign.is_none())),
        };
        let other = match &recorded.event {
            Event::ActorRegistered(_) | Event::WorkspaceCreated(_) => Some(EVERYBODY.to_owned()),
            Event::MessageSent(sent) if is_to_all(sent) => Some(EVERYBODY.to_owned()),
            _ => alone.map(|id: CountdownId| format!("countdown {id}")),
        };
        [campaign, other]
    }
}

impl Slicer for Slices {
    /// What to look for in the mailboxes after the latest step.
    type Memory = Vec<Notice>;

    fn module(&self) -> &'static str {
        "effects"
    }

    fn is_timed(&self) -> bool {
        false
    }

    fn concerned(&mut self, group: &Group<'_>, before: &State) -> Vec<String> {
        let keys = group.events.iter().flat_map(|recorded| Self::keys_of(recorded, before)).flatten();
        keys.collect::<BTreeSet<String>>().into_iter().collect()
    }

    fn step(&self, slice: &mut Slice<Vec<Notice>>, group: &Group<'_>, before: &State) -> Option<Step> {
        let scope = Self::scope(&slice.key)?;
        slice.memory = notices(before, group.events, scope);
        step(before, group.events, scope, &InOrder::of(&mut slice.names))
    }

    fn observe(&self, slice: &mut Slice<Vec<Notice>>, state: &State) -> Value {
        let names = InOrder::of(&mut slice.names);
        let told = told(&slice.memory, state, &names);
        observe(state, Self::scope(&slice.key).unwrap_or(Scope::Everybody), told, &names)
    }

    fn has_ended(&self, slice: &Slice<Vec<Notice>>, state: &State) -> bool {
        match Self::scope(&slice.key) {
            Some(Scope::Campaign(id) | Scope::Whole(id)) => {
                state.campaigns.get(id).is_some_and(|campaign| matches!(campaign.phase, campaign::Phase::Ended(_)))
            }
            Some(Scope::Countdown(id)) => {
                state.countdowns.get(id).is_some_and(|countdown| countdown.has_ended() || countdown.campaign.is_some())
            }
            Some(Scope::Everybody) | None => false,
        }
    }
}
