//! A workspace small enough to be searched whole: the real state, the real `handle` and `handle_due`.

use std::{cell::RefCell, cmp::Ordering, collections::BTreeSet};

use convoke_core::{
    command::{Command, Request},
    countdown::{Answer, Countdown, Phase, events::ScrubCause},
    event::Recorded,
    id::{CountdownId, EventId, IdSource},
    log::Salt,
    name::ActorName,
    spec::of_module,
    time::{Span, Timestamp},
    workspace::{Context, Handled, NoPast, State, handle, handle_due},
};
use convoke_model::{Step, naming::Naming};

/// The deciding state, as something that can be told apart and kept in order. Of a countdown that has ended only how it ended
/// counts, not when or why, or who had said what: nothing follows from those any more.
#[derive(Debug, Clone)]
pub(crate) struct Concrete {
    pub(crate) state: State,
    countdowns: Vec<Countdown>,
}

impl Concrete {
    pub(crate) fn of(state: State) -> Self {
        let countdowns = state.countdowns.iter().cloned().map(|mut countdown| {
            if countdown.has_ended() {
                countdown.attendees.values_mut().for_each(|answer| *answer = Answer::Pending);
                countdown.slipped = Span::ZERO;
            }
            match &mut countdown.phase {
                Phase::Fired { at: when } | Phase::Missed { at: when } => *when = at(0),
                Phase::Scrubbed { at: when, cause } => (*when, *cause) = (at(0), ScrubCause::Organizer),
                Phase::Held { .. } | Phase::Counting { .. } | Phase::OnHold { .. } => {}
            }
            countdown
        });
        Self { countdowns: countdowns.collect(), state }
    }
}

impl PartialEq for Concrete {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Concrete {}

impl Ord for Concrete {
    fn cmp(&self, other: &Self) -> Ordering {
        let (ours, theirs) = (&self.state, &other.state);
        (self.countdowns.cmp(&other.countdowns))
            .then_with(|| ours.campaigns.cmp(&theirs.campaigns))
            .then_with(|| ours.actors.cmp(&theirs.actors))
            .then_with(|| ours.mailboxes.cmp(&theirs.mailboxes))
            .then_with(|| (ours.time, ours.size).cmp(&(theirs.time, theirs.size)))
    }
}

impl PartialOrd for Concrete {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// One thing that can happen.
#[derive(Debug, Clone)]
pub(crate) enum Move {
    /// A command; what it creates has this id.
    Command { by: &'static str, creates: Option<EventId>, command: Box<Command> },
    /// It is this late now, and what is due is decided.
    Time(Timestamp),
}

/// One group of events, and the states around it.
#[derive(Clone)]
pub(crate) struct Group {
    pub(crate) before: State,
    pub(crate) events: Vec<Recorded>,
    pub(crate) after: State,
}

/// What was refused, by code, over the whole search.
#[derive(Debug, Default)]
pub(crate) struct Refusals(RefCell<BTreeSet<&'static str>>);

impl Refusals {
    /// The codes, in their order.
    pub(crate) fn met(&self) -> Vec<&'static str> {
        self.0.borrow().iter().copied().collect()
    }

    /// Makes a move from a state at this time. Gives its groups, or nothing if it was refused or changed nothing.
    pub(crate) fn play(&self, state: &State, now: Timestamp, doing: &Move) -> Vec<Group> {
        self.play_on(&mut state.clone(), state, now, doing)
    }

    /// The same with a copy of the state at hand, which is a copy again afterwards. Most moves are refused and need no other.
    pub(crate) fn play_on(&self, copy: &mut State, state: &State, now: Timestamp, doing: &Move) -> Vec<Group> {
        let events = match doing {
            Move::Command { by, creates, command } => {
                let request =
                    Request { actor: actor(by), key: None, expect_head: None, command: Command::clone(command) };
                let mut ids = Ids { first: *creates, next: 1000 + state.size };
                let mut context = Context { now, jump: None, ids: &mut ids, past: &NoPast };
                match handle(copy, &request, &mut context) {
                    Ok(Handled::Wrote(events)) => events,
                    Ok(Handled::Repeated { .. }) => Vec::new(),
                    Err(refusal) => {
                        self.0.borrow_mut().insert(refusal.code());
                        Vec::new()
                    }
                }
            }
            Move::Time(then) => handle_due(copy, *then, &mut Ids { first: None, next: 1000 + state.size }),
        };
        if events.is_empty() {
            return Vec::new();
        }
        let groups = groups(state, events);
        let after = groups.last().map(|group| &group.after);
        assert_eq!(after, Some(&*copy), "what was written is what was done");
        copy.clone_from(state);
        groups
    }
}

/// Which kinds of events the steps of each action had: the table of the spec says it too.
#[derive(Debug, Default)]
pub(crate) struct Kinds(RefCell<BTreeSet<(String, &'static str)>>);

impl Kinds {
    /// A step of an action had these events; of some kinds, if not all concern it.
    pub(crate) fn of(&self, step: &Step, events: &[Recorded], concerns: fn(&str) -> bool) {
        let kinds = events.iter().map(|recorded| recorded.event.kind()).filter(|kind| concerns(kind));
        self.0.borrow_mut().extend(kinds.map(|kind| (step.action.clone(), kind)));
    }

    /// Asserts that the table has these and no others, besides those that this world cannot do.
    #[track_caller]
    pub(crate) fn are_those_of(&self, module: &str, not_in_this_world: &[(&str, &str)]) {
        let met = self.0.borrow();
        let met: BTreeSet<(&str, &str)> = met.iter().map(|(action, kind)| (action.as_str(), *kind)).collect();
        let actions = of_module(module).into_iter().flat_map(|spec| spec.actions);
        let table: BTreeSet<(&str, &str)> =
            actions.flat_map(|action| action.kinds.iter().map(|kind| (action.name, *kind))).collect();
        let unmet: Vec<_> = table.difference(&met).copied().collect();
        let unknown: Vec<_> = met.difference(&table).copied().collect();
        assert_eq!(
            (unmet.as_slice(), unknown.as_slice()),
            (not_in_this_world, [].as_slice()),
            "(only the table, only met)"
        );
    }
}

/// Events by what they belong to, with the states between, folded anew.
fn groups(state: &State, events: Vec<Recorded>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for recorded in events {
        let belongs = groups.last().is_some_and(|group| group.events[0].correlation == recorded.correlation);
        if !belongs {
            let before = groups.last().map_or_else(|| state.clone(), |group| group.after.clone());
            groups.push(Group { after: before.clone(), before, events: Vec::new() });
        }
        let group = groups.last_mut().unwrap();
        group.after.evolve(&recorded);
        group.events.push(recorded);
    }
    groups
}

/// Fresh ids: first the one that is wanted, then one after the other.
struct Ids {
    first: Option<EventId>,
    next: u64,
}

impl IdSource for Ids {
    fn fresh(&mut self) -> EventId {
        self.first.take().unwrap_or_else(|| {
            self.next += 1;
            event_id(self.next)
        })
    }

    fn salt(&mut self) -> Salt {
        unreachable!("no command has a key")
    }
}

/// A number as an id.
pub(crate) fn event_id(number: u64) -> EventId {
    EventId::from_bytes(u128::from(number).to_be_bytes())
}

/// The countdowns c1, c2 …
pub(crate) fn countdown_id(number: u64) -> CountdownId {
    event_id(number).into()
}

pub(crate) fn actor(name: &str) -> ActorName {
    ActorName::parse(name).unwrap()
}

/// So many seconds after the beginning of the tiny world.
pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_us(1_700_000_000_000_000).unwrap().plus(Span::from_ms_capped(seconds * 1000))
}

/// Countdowns by their number, everybody by name.
pub(crate) struct Plainly;

impl Naming for Plainly {
    fn countdown(&self, id: CountdownId) -> String {
        format!("c{}", id.tail())
    }

    fn actor(&self, name: &ActorName) -> String {
        name.to_string()
    }
}
