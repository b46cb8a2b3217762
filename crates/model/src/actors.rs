//! Who takes part in a workspace, as `specs/actors/` sees it.
//!
//! What a step mentions is read from its events, not from its registrations: a command that failed to register whom it
//! mentions would be a step that the spec does not know.

use std::collections::BTreeSet;

use convoke_core::{
    actors::{
        Actors,
        events::{ActorKind, Membership},
    },
    event::{Event, Recorded},
    name::ActorName,
    workspace::State,
};

use crate::{
    slices::{Group, Slice, Slicer},
    value::{Step, Value},
};

/// How the spec sees them; `named` says what it calls an actor.
pub fn observe(actors: &Actors, mut named: impl FnMut(&ActorName) -> String) -> Value {
    let organizer = actors.organizer().map_or_else(|| "nobody".to_owned(), &mut named);
    let members: Vec<_> = actors.iter().map(|(name, member)| (named(name), kind_text(member.kind))).collect();
    Value::record([
        ("organizer", organizer.into()),
        ("membership", membership_text(actors.membership()).into()),
        ("members", Value::record(members)),
    ])
}

/// The step of a group of events; `None` if everybody in it was known and stays as they were. `create` says whether names
/// that resemble known ones were to be accepted.
pub fn step(
    events: &[Recorded],
    before: &Actors,
    create: bool,
    mut named: impl FnMut(&ActorName) -> String,
) -> Option<Step> {
    let by = &events.first()?.actor;
    let is_new = |name: &ActorName| before.get(name).is_none();
    let acting = named(by);
    let is_of_actors =
        |recorded: &Recorded| matches!(recorded.event, Event::ActorRegistered(_) | Event::ActorKindChanged(_));
    let mut registration = |how: &str, names: BTreeSet<&ActorName>, kind: ActorKind, create: bool| {
        Step::new(
            "ActorRegistered",
            [
                ("by", Value::from(acting.clone())),
                ("how", how.into()),
                ("names", Value::set(names.into_iter().map(&mut named))),
                ("kind", kind_text(kind).into()),
                ("create", create.into()),
            ],
        )
    };
    if events.iter().all(is_of_actors) {
        // `add`: the last event is what it asked for; one before it can only register whoever acts.
        return match &events.last()?.event {
            Event::ActorKindChanged(event) if events.len() > 1 => {
                Some(registration("changes", BTreeSet::from([&event.name]), event.kind, false))
            }
            Event::ActorKindChanged(event) => {
                let fields = [("by", acting), ("name", named(&event.name)), ("kind", kind_text(event.kind).to_owned())];
                Some(Step::new("ActorKindChanged", fields))
            }
            Event::ActorRegistered(event) => {
                Some(registration("adds", BTreeSet::from([&event.name]), event.kind, create))
            }
            _ => None,
        };
    }
    match &events.first()?.event {
        Event::WorkspaceCreated(event) => {
            return Some(Step::new("WorkspaceCreated", [("by", acting), ("name", named(&event.organizer))]));
        }
        Event::MembershipSet(event) => {
            return Some(Step::new(
                "MembershipSet",
                [("by", acting), ("to", membership_text(event.membership).to_owned())],
            ));
        }
        _ => {}
    }
    let names: BTreeSet<_> = events.iter().flat_map(mentions).filter(|name| *name != by && is_new(name)).collect();
    // Nobody registers the system, in whose name the time and countdowns act.
    let acts_anew = by.as_str() != ActorName::SYSTEM && is_new(by);
    (acts_anew || !names.is_empty()).then(|| registration("mentions", names, ActorKind::Agent, create))
}

/// Whom an event mentions by name. Mailboxes that everybody knows are nobody's name.
fn mentions(recorded: &Recorded) -> Vec<&ActorName> {
    let names: Vec<&ActorName> = match &recorded.event {
        Event::CountdownScheduled(event) => event.attendees.iter().collect(),
        Event::MessageSent(event) => event.to.iter().collect(),
        Event::ChangeSubmitted(event) => event.approval.iter().flat_map(|rule| &rule.of).collect(),
        _ => Vec::new(),
    };
    names.into_iter().filter(|name| !name.is_reserved()).collect()
}

fn kind_text(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Human => "human",
        ActorKind::Agent => "agent",
        ActorKind::System => "system",
    }
}

fn membership_text(membership: Membership) -> &'static str {
    match membership {
        Membership::Open => "open",
        Membership::Closed => "closed",
    }
}

/// One slice: everybody.
#[derive(Debug, Default)]
pub struct ActorsSlicer;

impl Slicer for ActorsSlicer {
    type Memory = ();

    fn module(&self) -> &'static str {
        "actors"
    }

    fn is_timed(&self) -> bool {
        false
    }

    fn concerned(&mut self, group: &Group<'_>, before: &State) -> Vec<String> {
        let is_step = step(group.events, &before.actors, false, ToString::to_string).is_some();
        is_step.then(|| "everybody".to_owned()).into_iter().collect()
    }

    fn step(&self, slice: &mut Slice<()>, group: &Group<'_>, before: &State) -> Option<Step> {
        // That it was asked for is seen where it was needed.
        let new: Vec<ActorName> = group
            .events
            .iter()
            .flat_map(|recorded| match &recorded.event {
                Event::ActorRegistered(event) => vec![event.name.clone()],
                _ => mentions(recorded).into_iter().cloned().collect(),
            })
            .filter(|name| *name != group.first().actor)
            .collect();
        let create = matches!(before.actors.mentioned(&new, false), Err(refusal) if refusal.code() == "did_you_mean");
        step(group.events, &before.actors, create, |name| shown(slice, name))
    }

    fn observe(&self, slice: &mut Slice<()>, state: &State) -> Value {
        observe(&state.actors, |name| shown(slice, name))
    }
}

/// Reserved names mean something to the spec.
fn shown(slice: &mut Slice<()>, name: &ActorName) -> String {
    if name.is_reserved() { name.to_string() } else { slice.names.actor(name) }
}
