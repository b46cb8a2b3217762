//! The clients: what they do, and what they remember when a process dies under them.

use std::collections::VecDeque;

use convoke::{
    Engine,
    api::{Answer, Fault},
};
use convoke_core::{
    command::{AcceptClock, Command, Request, SendMessage},
    laws::Step,
    name::{ActorName, Key},
    time::Span,
};
use convoke_store::simulated::SimulatedLog;
use rand::{RngExt as _, rngs::StdRng};

use super::{Shared, World, plan::Plan};
use crate::witness::{self, QUERIES, Witness, query};

/// A request that somebody has given, or is about to.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) request: Request,
    /// Of `receive_messages`: for so long, until something is there.
    waits: Option<Span>,
    /// Not for the first time: it was answered before, or nobody knows what became of it.
    again: bool,
}

pub(super) struct Clients {
    steps: VecDeque<Step>,
    /// For each client, what it was not answered.
    open: Vec<Option<Asked>>,
    /// Keyed requests that wrote something, for those who ask again.
    settled: Vec<Request>,
    serial: usize,
    repeated: u64,
}

/// What a client does next.
enum Task {
    Give(Box<Asked>),
    Sleep {
        ms: u64,
    },
    /// The machine sleeps.
    Suspend {
        ms: u64,
    },
    SetWall {
        by_ms: i64,
    },
    Look,
    Replay,
    Over,
}

impl Clients {
    pub(super) fn new(plan: &Plan) -> Self {
        let (steps, open) = (plan.steps.clone().into(), vec![None; plan.clients]);
        Self { steps, open, settled: Vec::new(), serial: 0, repeated: 0 }
    }

    pub(super) fn count(&self) -> usize {
        self.open.len()
    }

    pub(super) fn repeated(&self) -> u64 {
        self.repeated
    }

    /// Whether all is done and answered.
    pub(super) fn are_done(&self) -> bool {
        self.steps.is_empty() && self.open.iter().all(Option::is_none)
    }

    fn next(&mut self, client: usize, witness: &Witness, chance: &mut StdRng) -> Task {
        if let Some(asked) = &mut self.open[client] {
            asked.again = true;
            self.repeated += 1;
            return Task::Give(Box::new(asked.clone()));
        }
        match chance.random_range(0..200) {
            0..40 => return Task::Look,
            40..43 => return Task::SetWall { by_ms: chance.random_range(-600_000..600_000) },
            43 => return Task::SetWall { by_ms: chance.random_range(-7_200_000..14_400_000) },
            _ => {}
        }
        let Some(step) = self.steps.pop_front() else { return Task::Over };
        self.serial += 1;
        let asked = match &step {
            // A long time is one that the machine slept.
            Step::Advance { ms } if *ms > 20_000 => return Task::Suspend { ms: *ms },
            Step::Advance { ms } => return Task::Sleep { ms: *ms },
            Step::Snapshot => return Task::Replay,
            Step::Give { .. } => {
                let request = witness.laws().names().request(witness.laws().state(), &step, self.serial);
                request.map(|mut request| {
                    if request.key.is_none() && chance.random_bool(0.6) {
                        request.key = Some(key(&format!("key-{}", self.serial)));
                    }
                    let receives = matches!(request.command, Command::ReceiveMessages(_));
                    let waits = (receives && chance.random_bool(0.3))
                        .then(|| Span::from_ms_capped(chance.random_range(0..3_000)));
                    Asked { request, waits, again: false }
                })
            }
            Step::Again { which } => {
                let earlier = self.settled.iter().rev().nth(*which);
                earlier.map(|request| Asked { request: request.clone(), waits: None, again: true })
            }
            Step::Reuse { which } => self.settled.iter().rev().nth(*which).map(|request| {
                let command = serde_json::json!({"to": ["bob"], "body": "another command under an old key"});
                let command: SendMessage = serde_json::from_value(command).expect("a message");
                let request = Request { command: Command::SendMessage(command), ..request.clone() };
                Asked { request, waits: None, again: true }
            }),
        };
        let Some(asked) = asked else { return Task::Look };
        self.open[client] = Some(asked.clone());
        Task::Give(Box::new(asked))
    }

    /// The client knows what became of its request.
    fn settle(&mut self, client: usize, answer: Option<&Answer>) {
        let asked = self.open[client].take();
        if let (Some(asked), Some(answer)) = (asked, answer)
            && asked.request.key.is_some()
            && !answer.events.is_empty()
            && !asked.again
        {
            self.settled.push(asked.request);
        }
    }
}

/// A client acts until there is nothing more to do, or the engine takes no more requests.
pub(super) async fn act(client: usize, engine: Engine<SimulatedLog>, world: World) {
    loop {
        let task = {
            let mut shared = world.shared();
            let Shared { witness, clients, chance } = &mut *shared;
            witness.catch_up();
            clients.next(client, witness, chance)
        };
        match task {
            Task::Over => return,
            Task::Sleep { ms } => tokio::time::sleep(std::time::Duration::from_millis(ms)).await,
            Task::Suspend { ms } => world.clocks.pass_ms(i64::try_from(ms).unwrap_or_default()),
            Task::SetWall { by_ms } => world.clocks.set_wall(by_ms),
            Task::Look => look(&engine, &world).await,
            Task::Replay => replay(&engine, &world).await,
            Task::Give(asked) => {
                if !give(client, &asked, &engine, &world).await {
                    return;
                }
            }
        }
    }
}

/// Looks at something.
pub(super) async fn look(engine: &Engine<SimulatedLog>, world: &World) {
    let query = query(world.shared().chance.random_range(0..QUERIES));
    let (view, head) = witness::look(engine, &query).await;
    world.shared().witness.shown(&query, &view, head);
}

/// Compares the engine's states with the log.
pub(super) async fn replay(engine: &Engine<SimulatedLog>, world: &World) {
    if let Some(replayed) = witness::replay(engine).await {
        world.shared().witness.replayed(&replayed);
    }
}

/// Follows the log to the end of the engine.
pub(super) async fn follow(engine: Engine<SimulatedLog>, world: World) {
    let mut follow = engine.follow(world.shared().witness.followed());
    drop(engine);
    while let Ok(event) = follow.next().await {
        world.shared().witness.hand(&event);
    }
}

/// Gives a request, until its outcome is known. False if the engine has ended.
async fn give(client: usize, asked: &Asked, engine: &Engine<SimulatedLog>, world: &World) -> bool {
    let request = &asked.request;
    for attempt in 0.. {
        assert!(attempt < 100, "a jump of the clock can be accepted");
        let since = world.disk.durable().size;
        let answer = match asked.waits {
            Some(timeout) => engine.receive(request.clone(), timeout).await,
            None => engine.command(request.clone()).await,
        };
        if let Some(goes_on) = world.shared().take_note(client, request, answer, since) {
            return goes_on;
        }
        let command = Command::AcceptClock(AcceptClock { reason: "the world said so".to_owned() });
        let request = Request { actor: organizer(), key: None, expect_head: None, command };
        if let Err(fault) = engine.command(request).await
            && fault.code != "clock_fine"
        {
            assert!(["outcome_unknown", "daemon_stopping"].contains(&fault.code.as_str()), "{fault:?}");
            return false;
        }
    }
    true
}

impl Shared {
    /// What a client makes of an answer: whether it goes on with other things; `None` if a jump of the clock has to be
    /// accepted first.
    fn take_note(
        &mut self,
        client: usize,
        request: &Request,
        answer: Result<Answer, Fault>,
        since: u64,
    ) -> Option<bool> {
        let Self { witness, clients, .. } = self;
        witness.catch_up();
        let fault = match answer {
            Ok(answer) => {
                witness.answered(request, &answer);
                clients.settle(client, Some(&answer));
                return Some(true);
            }
            Err(fault) => fault,
        };
        match fault.code.as_str() {
            "outcome_unknown" | "daemon_stopping" => {
                witness.not_answered(request, &fault);
                // Without a key nobody can find out; at most one effect is all that there is to say.
                if request.key.is_none() {
                    clients.settle(client, None);
                }
                Some(false)
            }
            "clock_jumped" => None,
            "internal" | "io" | "log_damaged" | "snapshot_wrong" => panic!("{fault:?} for {request:?}"),
            _ => {
                witness.refused(request, &fault, since);
                clients.settle(client, None);
                Some(true)
            }
        }
    }
}

/// Whose workspace it is.
pub(super) fn organizer() -> ActorName {
    ActorName::parse("olga").expect("a name")
}

pub(super) fn key(text: &str) -> Key {
    Key::parse(text).expect("a key")
}
