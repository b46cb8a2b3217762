//! The engine: `specs/engine/Engine.tla` against the real [`Sequencer`](convoke::Sequencer), on a log in memory.
//!
//! What is due, what a request becomes, with its key, in a jump of the clock or not, and when a batch takes no more, is asked
//! of the real sequencer: for each step of a batch anew, on a state folded from the bytes of the log. So every step is one
//! after a crash, too. The order of append, publish and answer is in the asynchronous writer, which cannot be stepped: here it
//! is the spec's, and the tests in `writer.rs` look at the real one.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use convoke::core::{
    event::{Event, Recorded},
    log::Commit,
};
use convoke_model::{Machine, Step, Value};
use convoke_store::{Log, MemoryLog};

use crate::{
    gate::now,
    world::{beginning, decide, events, fold, hours, readings, recovered, request},
};

const CLIENTS: [&str; 2] = ["ann", "bob"];
const COMMANDS: [&str; 5] = ["plan", "note", "vain", "tick", "accept"];
const INSTANTS: [i64; 2] = [0, 2];
const JUMP: i64 = 2;
const CRASHES_MAX: i32 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Idle,
    Deciding,
    Closed,
    Writing,
    Publishing,
    Answering,
    Down,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Deciding => "deciding",
            Self::Closed => "closed",
            Self::Writing => "writing",
            Self::Publishing => "publishing",
            Self::Answering => "answering",
            Self::Down => "down",
        }
    }
}

/// What a client waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Call {
    Away,
    Idle,
    Asked(&'static str),
    Decided(&'static str, &'static str, usize),
    Lost(&'static str),
}

/// Everything that one command or one due item wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    kind: &'static str,
    key: String,
    at: i64,
    of: usize,
}

/// The bytes of the log, the batch under way, the clients, the clock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct World {
    /// The frames of each commit after the beginning.
    commits: Vec<Vec<u8>>,
    /// Whose requests the batch took, and for what, in order.
    taken: Vec<(&'static str, &'static str)>,
    /// How many of the batch's groups of events the steps so far have shown.
    shown: usize,
    /// When the batch was begun: Convoke's time, and how far the wall clock was ahead.
    begun: (i64, i64),
    phase: Phase,
    calls: [Call; 2],
    /// How many entries the views were folded from.
    view: usize,
    now: i64,
    ahead: i64,
    told: usize,
    crashes: i32,
}

impl World {
    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        change(&mut next);
        next
    }

    fn is_deciding(&self) -> bool {
        matches!(self.phase, Phase::Deciding | Phase::Closed)
    }

    /// The clocks as the batch saw them.
    fn moment(&self) -> (i64, i64) {
        if self.taken.is_empty() && self.shown == 0 { (self.now, self.ahead) } else { self.begun }
    }

    /// All that was in memory is gone.
    fn crashed(&self, commits: Vec<Vec<u8>>) -> Self {
        self.with(|next| {
            next.commits = commits;
            next.end_batch();
            next.phase = Phase::Down;
            next.view = 0;
            next.crashes += 1;
            for call in &mut next.calls {
                if let Call::Asked(command) | Call::Decided(command, ..) = *call {
                    *call = Call::Lost(command);
                }
            }
        })
    }

    fn end_batch(&mut self) {
        self.taken.clear();
        self.shown = 0;
        self.begun = (0, 0);
    }
}

/// What a batch rests on: the log, the requests that it took, and the clocks.
type Basis = (Vec<Vec<u8>>, Vec<(&'static str, &'static str)>, (i64, i64));

/// What the real sequencer makes of the requests that a batch took.
struct Deciding {
    commit: Commit,
    /// The groups of events.
    groups: Vec<Vec<Recorded>>,
    /// What became of the latest request.
    latest: Option<Result<convoke::Outcome, &'static str>>,
    /// Whether one more request would be left for the next batch.
    is_closed: bool,
    /// Convoke's time after it, unless the clock has jumped.
    time: Option<i64>,
}

fn groups(events: &[Recorded]) -> Vec<Vec<Recorded>> {
    events.chunk_by(|one, next| one.correlation == next.correlation).map(<[Recorded]>::to_vec).collect()
}

struct RealEngine {
    beginning: Commit,
    decided: RefCell<BTreeMap<Basis, Rc<Deciding>>>,
    met: RefCell<BTreeSet<&'static str>>,
}

impl RealEngine {
    fn new() -> Self {
        Self { beginning: beginning(), decided: RefCell::default(), met: RefCell::default() }
    }

    /// The commits of the log, the beginning first.
    fn commits(&self, world: &World) -> Vec<Commit> {
        let mut commits = vec![self.beginning.clone()];
        for frames in &world.commits {
            let first = commits.last().unwrap().end();
            commits.push(Commit::from_frames(first, frames.clone()).unwrap());
        }
        commits
    }

    /// The batch under way, with these requests.
    fn batch(&self, world: &World, taken: &[(&'static str, &'static str)]) -> Rc<Deciding> {
        let basis = (world.commits.clone(), taken.to_vec(), world.moment());
        if let Some(known) = self.decided.borrow().get(&basis) {
            return Rc::clone(known);
        }
        let decided = Rc::new(self.decide(world, taken));
        self.decided.borrow_mut().insert(basis, Rc::clone(&decided));
        decided
    }

    fn decide(&self, world: &World, taken: &[(&'static str, &'static str)]) -> Deciding {
        let commits = self.commits(world);
        let requests: Vec<_> = taken.iter().map(|(client, command)| request(client, command)).collect();
        let (now, ahead) = world.moment();
        let (mut sequencer, batch) = decide(&commits, &requests, now, ahead);
        assert!(batch.decided.len() <= taken.len());
        let all = [events(&commits), batch.recorded.clone()].concat();
        assert_eq!(*sequencer.state(), fold(&all), "the deciding state is the fold of log and batch");
        assert_eq!(events(std::slice::from_ref(&batch.commit)), batch.recorded, "the commit holds what was decided");
        // One more request is taken, or the batch is closed.
        let one_more = [requests, vec![request("olga", "tick")]].concat();
        let (_, longer) = decide(&commits, &one_more, now, ahead);
        assert_eq!(longer.recorded, batch.recorded, "a tick writes nothing");
        Deciding {
            latest: (batch.decided.len() == taken.len())
                .then(|| batch.decided.last().cloned())
                .flatten()
                .map(|decided| decided.map_err(|refusal| refusal.code())),
            is_closed: longer.decided.len() < one_more.len(),
            groups: groups(&batch.recorded),
            commit: batch.commit,
            time: sequencer.time(readings(now, ahead)).ok().map(hours),
        }
    }

    /// The entries that these events are, the beginning left out.
    fn entries(&self, events: &[Recorded]) -> Vec<Entry> {
        let first = usize::try_from(self.beginning.end()).unwrap();
        let mut plans = Vec::new();
        let mut entries = Vec::new();
        for group in groups(&events[first..]) {
            let first = &group[0];
            let (kind, of) = match &first.event {
                Event::CountdownScheduled(_) => {
                    plans.push((first.id, entries.len() + 1));
                    ("plan", 0)
                }
                Event::ActorRegistered(_) => ("note", 0),
                Event::ClockAccepted(_) => ("accept", 0),
                Event::CountdownFired(fired) => {
                    ("due", plans.iter().find(|(id, _)| *id == fired.countdown.into()).unwrap().1)
                }
                other => panic!("{} begins a group", other.kind()),
            };
            let key = first.idempotency.as_ref().map_or("none".to_owned(), |_| first.actor.to_string());
            entries.push(Entry { kind, key, at: hours(first.time), of });
        }
        entries
    }

    /// The entries of the log, and those of the batch as far as they were shown.
    fn seen(&self, world: &World) -> (Vec<Entry>, Vec<Entry>) {
        let durable = events(&self.commits(world));
        let batch = self.batch(world, &world.taken);
        let all = [durable.clone(), batch.groups[..world.shown].concat()].concat();
        let log = self.entries(&durable);
        let mut all = self.entries(&all);
        let batch = all.split_off(log.len());
        (log, batch)
    }

    fn asked(&self, world: &World, steps: &mut Vec<(Step, World)>) {
        for (number, client) in CLIENTS.into_iter().enumerate() {
            match world.calls[number] {
                Call::Idle => {
                    let is_alone = world.calls[1] == Call::Away;
                    for command in COMMANDS {
                        if is_alone || command == "plan" || (client == "ann" && command == "accept") {
                            let next = world.with(|next| next.calls[number] = Call::Asked(command));
                            steps.push((Step::new("Ask", [("by", client), ("command", command)]), next));
                        }
                    }
                }
                Call::Lost(command) => {
                    let next = world.with(|next| next.calls[number] = Call::Asked(command));
                    steps.push((Step::new("Retry", [("by", client)]), next));
                }
                Call::Decided(command, ..) if world.crashes < CRASHES_MAX => {
                    let next = world.with(|next| {
                        next.calls[number] = Call::Lost(command);
                        next.crashes += 1;
                    });
                    steps.push((Step::new("Disconnect", [("by", client)]), next));
                }
                Call::Away | Call::Asked(_) | Call::Decided(..) => {}
            }
        }
    }

    /// What the sequencer does next: what is due first, then one of those who asked.
    fn decided(&self, world: &World, steps: &mut Vec<(Step, World)>) {
        let batch = self.batch(world, &world.taken);
        if let Some(group) = batch.groups.get(world.shown) {
            let (log, shown) = self.seen(world);
            let next = world.with(|next| {
                next.begun = world.moment();
                next.shown += 1;
                next.phase = Phase::Deciding;
            });
            let entry = self.seen(&next).1.pop().unwrap();
            assert_eq!((entry.kind, group.len() > 1), ("due", true), "it is due, and somebody is told");
            assert_eq!(self.seen(&next).0, log);
            assert_eq!(self.seen(&next).1.len(), shown.len() + 1);
            steps.push((Step::new("BecameDue", [("of", entry.of as i32)]), next));
            return;
        }
        for (number, client) in CLIENTS.into_iter().enumerate() {
            let Call::Asked(command) = world.calls[number] else { continue };
            let taken = [world.taken.clone(), vec![(client, command)]].concat();
            let longer = self.batch(world, &taken);
            assert_eq!(longer.groups[..world.shown], batch.groups, "what was decided before stays");
            let Some(latest) = &longer.latest else {
                assert_eq!(world.phase, Phase::Closed);
                continue;
            };
            let (action, answer, wrote) = self.answer(world, command, latest);
            let (log, shown) = self.seen(world);
            let rests = log.len() + shown.len() + wrote;
            let next = world.with(|next| {
                next.begun = world.moment();
                next.taken = taken;
                next.shown += wrote;
                next.calls[number] = Call::Decided(command, answer, rests);
                next.phase = if longer.is_closed { Phase::Closed } else { Phase::Deciding };
                if action == "ClockAccepted" {
                    let time = longer.time.unwrap();
                    next.ahead = world.now + world.ahead - time;
                    next.now = time;
                }
            });
            let params = match action {
                "CommandDecided" | "ClockAccepted" => vec![("by", client)],
                _ => vec![("by", client), ("answer", answer)],
            };
            steps.push((Step::new(action, params), next));
        }
    }

    /// Which action it is, what the client is told, and how many entries were written.
    fn answer(
        &self,
        world: &World,
        command: &'static str,
        latest: &Result<convoke::Outcome, &'static str>,
    ) -> (&'static str, &'static str, usize) {
        match latest {
            Ok(outcome) if outcome.repeated => {
                let all = events(&self.commits(world));
                if let Some(first) = all.get(usize::try_from(outcome.first).unwrap()) {
                    assert!(first.idempotency.is_some(), "the answer begins where the key stands");
                    let group = all.iter().filter(|recorded| recorded.correlation == first.correlation).count();
                    assert_eq!(outcome.count as usize, group, "and is all that it wrote");
                }
                ("RepeatAnswered", "repeated", 0)
            }
            Ok(outcome) if outcome.count == 0 => ("NothingWritten", "nothing", 0),
            Ok(_) if command == "accept" => ("ClockAccepted", "done", 1),
            Ok(_) => ("CommandDecided", "done", 1),
            Err(code) => {
                self.met.borrow_mut().insert(code);
                match *code {
                    "key_reused" => ("RepeatAnswered", "key_reused", 0),
                    "not_found" => ("NothingWritten", "refused", 0),
                    other => ("NothingWritten", other, 0),
                }
            }
        }
    }

    /// The batch ends when nothing is due any more.
    fn ended(&self, world: &World, steps: &mut Vec<(Step, World)>) {
        let batch = self.batch(world, &world.taken);
        if world.shown < batch.groups.len() {
            return;
        }
        let next = world.with(|next| {
            next.phase = if batch.commit.is_empty() { Phase::Answering } else { Phase::Writing };
            if batch.commit.is_empty() {
                next.end_batch();
            }
        });
        steps.push((Step::new::<&str, Value>("EndBatch", []), next));
    }

    /// The log with the batch in it: appended to the real one in memory.
    fn appended(&self, world: &World) -> Vec<Vec<u8>> {
        let log = MemoryLog::new();
        for commit in self.commits(world) {
            now(log.append_if(log.head(), commit)).unwrap();
        }
        now(log.append_if(log.head(), self.batch(world, &world.taken).commit.clone())).unwrap();
        let stored = now(log.read(self.beginning.end(), usize::MAX)).unwrap();
        stored.iter().map(|stored| stored.commit.frames().to_vec()).collect()
    }

    /// What the writer does with the batch.
    fn went_on(&self, world: &World, steps: &mut Vec<(Step, World)>) {
        let (action, next) = match world.phase {
            Phase::Writing => {
                let next = world.with(|next| {
                    next.commits = self.appended(world);
                    next.end_batch();
                    next.phase = Phase::Publishing;
                });
                ("BatchDurable", next)
            }
            Phase::Publishing => {
                let size = self.seen(world).0.len();
                ("Publish", world.with(|next| (next.view, next.phase) = (size, Phase::Answering)))
            }
            Phase::Answering => {
                let next = world.with(|next| {
                    for call in &mut next.calls {
                        if let Call::Decided(_, _, rests) = *call {
                            next.told = next.told.max(rests);
                            *call = Call::Idle;
                        }
                    }
                    next.phase = Phase::Idle;
                });
                ("AnswerAll", next)
            }
            Phase::Down => {
                let size = self.seen(world).0.len();
                let mut sequencer = recovered(&self.commits(world), world.now, world.ahead);
                let time = hours(sequencer.time(readings(world.now, world.ahead)).unwrap());
                let next = world.with(|next| {
                    next.ahead = world.now + world.ahead - time;
                    (next.view, next.now, next.phase) = (size, time, Phase::Idle);
                });
                ("Recover", next)
            }
            Phase::Idle | Phase::Deciding | Phase::Closed => return,
        };
        steps.push((Step::new::<&str, Value>(action, []), next));
    }

    fn crashed(&self, world: &World, steps: &mut Vec<(Step, World)>) {
        if world.crashes < CRASHES_MAX {
            let crash = |kept: bool| Step::new("Crash", [("kept", kept)]);
            steps.push((crash(false), world.crashed(world.commits.clone())));
            if world.phase == Phase::Writing {
                steps.push((crash(true), world.crashed(self.appended(world))));
            }
        }
    }

    fn passed(&self, world: &World, steps: &mut Vec<(Step, World)>) {
        for to in INSTANTS.into_iter().filter(|to| *to > world.now && INSTANTS.contains(&(to + world.ahead))) {
            steps.push((Step::new("Advance", [("to", to as i32)]), world.with(|next| next.now = to)));
        }
        if world.phase != Phase::Down && world.ahead == 0 && INSTANTS.contains(&(world.now + JUMP)) {
            steps.push((Step::new::<&str, Value>("ClockJumps", []), world.with(|next| next.ahead = JUMP)));
        }
    }
}

impl Machine for RealEngine {
    type State = World;

    fn initial(&self) -> Vec<World> {
        let begin = |bob, crashes| World {
            commits: Vec::new(),
            taken: Vec::new(),
            shown: 0,
            begun: (0, 0),
            phase: Phase::Idle,
            calls: [Call::Idle, bob],
            view: 0,
            now: 0,
            ahead: 0,
            told: 0,
            crashes,
        };
        vec![begin(Call::Away, 0), begin(Call::Idle, CRASHES_MAX)]
    }

    fn steps(&self, world: &World) -> Vec<(Step, World)> {
        let mut steps = Vec::new();
        if world.phase != Phase::Down {
            self.asked(world, &mut steps);
            self.crashed(world, &mut steps);
        }
        if world.phase == Phase::Idle || world.is_deciding() {
            self.decided(world, &mut steps);
        }
        if world.is_deciding() {
            self.ended(world, &mut steps);
        } else {
            // The batch that is being written was decided at its moment, whatever the clocks say now.
            self.passed(world, &mut steps);
            self.went_on(world, &mut steps);
        }
        steps
    }

    fn observe(&self, world: &World) -> Value {
        let (log, batch) = self.seen(world);
        let view = &log[..world.view];
        let call = |call: &Call| {
            let (state, command, answer, rests) = match *call {
                Call::Away => ("away", "none", "none", 0),
                Call::Idle => ("idle", "none", "none", 0),
                Call::Asked(command) => ("asked", command, "none", 0),
                Call::Decided(command, answer, rests) => ("decided", command, answer, rests),
                Call::Lost(command) => ("lost", command, "none", 0),
            };
            Value::record([
                ("state", Value::from(state)),
                ("command", command.into()),
                ("answer", answer.into()),
                ("rests", (rests as i32).into()),
            ])
        };
        Value::record([
            ("log", entries_value(&log)),
            ("batch", entries_value(&batch)),
            ("phase", world.phase.name().into()),
            ("calls", Value::record(CLIENTS.into_iter().zip(&world.calls).map(|(client, one)| (client, call(one))))),
            ("view", entries_value(view)),
            ("now", (world.now as i32).into()),
            ("ahead", (world.ahead as i32).into()),
            ("told", (world.told as i32).into()),
            ("crashes", world.crashes.into()),
        ])
    }
}

fn entries_value(entries: &[Entry]) -> Value {
    Value::sequence(entries.iter().map(|entry| {
        Value::record([
            ("kind", Value::from(entry.kind)),
            ("key", entry.key.as_str().into()),
            ("at", (entry.at as i32).into()),
            ("of", (entry.of as i32).into()),
        ])
    }))
}

#[test]
fn the_engine_does_what_its_spec_says_and_nothing_else() {
    let engine = RealEngine::new();
    crate::assert_equal(&engine, include_str!("../../../specs/engine/graph.txt"));
    let met = BTreeSet::from(["clock_fine", "clock_jumped", "key_reused", "not_found"]);
    assert_eq!(engine.met.into_inner(), met);
}
