//! The state graph of who takes part, searched in the real `handle`, equals that of `specs/actors/`.
//!
//! The tiny world is that of `GraphActors.tla`. Commands are handled whole: what they mention, they register.

use std::{cell::RefCell, collections::BTreeSet};

use convoke_core::{
    actors::{
        Actors,
        events::{ActorKind, Membership},
    },
    command::{AddActor, Command, CreateWorkspace, Request, ScheduleCountdown, SendMessage, SetMembership},
    id::{EventId, IdSource},
    log::Salt,
    name::ActorName,
    priority::Priority,
    time::TimeSpec,
    workspace::{Context, Handled, NoPast, State, handle},
};
use convoke_model::{
    Graph, Machine, Seconds, Step, Value,
    actors::{observe, step},
    explore,
};

/// Everybody who acts or is mentioned. The second and the third are each a misspelling of the other; nobody is `system`.
const NAMES: [&str; 4] = ["olga", "alice", "alise", "bob"];
const ACTING: [&str; 5] = ["olga", "alice", "alise", "bob", "system"];

/// Every refusal that it meets is remembered by its code.
#[derive(Default)]
struct TinyWorld {
    refused: RefCell<BTreeSet<&'static str>>,
}

impl Machine for TinyWorld {
    type State = Actors;

    fn initial(&self) -> Vec<Actors> {
        vec![Actors::default()]
    }

    fn steps(&self, actors: &Actors) -> Vec<(Step, Actors)> {
        let mut steps = Vec::new();
        for by in ACTING.map(name) {
            for (command, create) in commands() {
                steps.extend(self.taken(actors, &by, command, create));
            }
        }
        steps
    }

    fn observe(&self, actors: &Actors) -> Value {
        observe(actors, ToString::to_string)
    }
}

impl TinyWorld {
    /// The step that a command is: none if it was refused, or changed nothing of who takes part.
    fn taken(&self, actors: &Actors, by: &ActorName, command: Command, create: bool) -> Option<(Step, Actors)> {
        let size = u64::from(actors.organizer().is_some());
        let mut state = State { size, actors: actors.clone(), ..State::default() };
        let request = Request { actor: by.clone(), key: None, expect_head: None, command };
        let mut context = Context { now: Seconds::moment(0), jump: None, ids: &mut Counted(0), past: &NoPast };
        match handle(&mut state, &request, &mut context) {
            Ok(Handled::Wrote(events)) => {
                let step = step(&events, actors, create, ToString::to_string)?;
                Some((step, state.actors))
            }
            Ok(Handled::Repeated { .. }) => panic!("nothing has a key"),
            Err(refusal) => {
                assert_eq!(state.actors, *actors, "a refusal changes nothing");
                self.refused.borrow_mut().insert(refusal.code());
                None
            }
        }
    }
}

/// Every command of the world, and whether it accepts names that resemble known ones.
fn commands() -> Vec<(Command, bool)> {
    let mut commands = Vec::new();
    commands.extend(
        ["olga", "system"]
            .map(|organizer| (Command::CreateWorkspace(CreateWorkspace { organizer: name(organizer) }), false)),
    );
    commands.extend(
        [Membership::Open, Membership::Closed]
            .map(|membership| (Command::SetMembership(SetMembership { membership }), false)),
    );
    for create in [false, true] {
        for added in ["olga", "alice", "alise", "bob", "all", "system"] {
            commands.extend(
                [ActorKind::Human, ActorKind::Agent, ActorKind::System]
                    .map(|kind| (Command::AddActor(AddActor { name: name(added), kind, create }), create)),
            );
        }
        // Every set of names, each also with the mailbox that everybody knows.
        for some in 0..1 << NAMES.len() {
            let mentioned: Vec<ActorName> =
                (0..NAMES.len()).filter(|at| some & (1 << at) != 0).map(|at| name(NAMES[at])).collect();
            let schedule = ScheduleCountdown {
                attendees: mentioned.clone(),
                quorum: Some(0),
                create,
                ..ScheduleCountdown::new("review", TimeSpec::At(Seconds::moment(9)))
            };
            commands.push((Command::ScheduleCountdown(schedule), create));
            for more in [vec![], vec![name("supervisor")]] {
                let to = mentioned.iter().cloned().chain(more).collect();
                commands.push((send(to, create), create));
            }
        }
        commands.push((send(vec![name("alice"), name("system")], create), create));
    }
    commands
}

fn send(to: Vec<ActorName>, create: bool) -> Command {
    Command::SendMessage(SendMessage {
        to,
        body: "hello".to_owned(),
        subject: None,
        kind: None,
        priority: Priority::Normal,
        in_reply_to: None,
        references: Vec::new(),
        data: None,
        create,
    })
}

fn name(text: &str) -> ActorName {
    ActorName::parse(text).unwrap()
}

struct Counted(u128);

impl IdSource for Counted {
    fn fresh(&mut self) -> EventId {
        self.0 += 1;
        EventId::from_bytes(self.0.to_be_bytes())
    }

    fn salt(&mut self) -> Salt {
        unreachable!("nothing has a key")
    }
}

#[test]
fn the_graph_of_the_code_is_that_of_the_spec() {
    let world = TinyWorld::default();
    let code = explore(&world, 20_000).unwrap_or_else(|error| panic!("{error}"));
    let spec = Graph::parse(include_str!("../../../specs/actors/graph.txt")).unwrap();
    let difference = code.difference(&spec);
    assert!(difference.is_empty(), "{difference}");
    let refused: Vec<_> = world.refused.into_inner().into_iter().collect();
    assert_eq!(
        refused,
        ["bad_request", "did_you_mean", "not_a_member", "not_permitted", "not_you", "reserved_name"],
        "every refusal worth having, and no other"
    );
}
