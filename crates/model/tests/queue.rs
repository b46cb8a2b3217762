//! The queue of the real workspace, searched whole in two tiny worlds, is that of `specs/queue/Queue.tla`.
//!
//! In the one is one change, which can do everything; in the other are two, which are in each other's way. The time tells them apart.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use convoke_core::{
    actors::{Actors, events::ActorKind},
    command::{AddActor, Command, CreateWorkspace, Request},
    event::Recorded,
    id::{ChangeId, EventId, IdSource},
    limits,
    log::Salt,
    name::{ActorName, Name},
    queue::{Change, Changes, GitHash, Phase, events::Content, overlap},
    time::{Span, Timestamp},
    workspace::{Context, Handled, NoPast, State, handle, handle_due},
};
use convoke_model::{
    Graph, Machine, Step, Value, explore,
    lens::{Lens, Seconds},
    queue::{self, Branch, Look},
};
use serde_json::json;

/// Ann and bob hand changes in, rae reviews, w1 and w2 work; and each tries what only others may.
struct TinyWorld {
    actors: Actors,
    /// By the change, whether a landing stands in its way, and whether it is alone: every command under a claim, by everybody.
    under_claims: BTreeMap<(ChangeId, bool, bool), Vec<Tried>>,
    refusals: RefCell<BTreeSet<&'static str>>,
}

/// Who tries a command, and the change and the claim that it names.
type Tried = (&'static str, Command, Option<(String, u32)>);

/// All changes, how many of them are to main, and the time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Tiny {
    changes: Changes,
    named: u64,
    now: Timestamp,
}

const PEOPLE: [&str; 3] = ["ann", "bob", "rae"];
const WORKERS: [&str; 2] = ["w1", "w2"];
/// So many changes to main are handed in, and there can be one more that was put back.
const NAMES: u64 = 2;
/// Changes to another branch have the numbers after this one.
const ELSEWHERE: u64 = 100;
/// When each world begins, and to when its time passes.
const START: i32 = 2000;
const END: i32 = 2001;
const START_OF_TWO: i32 = 4000;
const END_OF_TWO: i32 = 4002;

fn actor(name: &str) -> ActorName {
    ActorName::parse(name).unwrap()
}

fn main_branch() -> Name {
    Name::parse("main").unwrap()
}

/// The number stands where an id has its time. What it has of chance is zero, so that every pause is the shortest that it can be.
fn event_id(number: u64) -> EventId {
    EventId::from_bytes((u128::from(number) << 64).to_be_bytes())
}

/// The changes c1, c2 …
fn change(number: u64) -> ChangeId {
    event_id(number).into()
}

fn at(second: i32) -> Timestamp {
    Seconds::moment(second)
}

/// Changes by their number, all else by its name, seconds from the beginning.
struct Plainly;

impl Lens for Plainly {
    fn actor(&mut self, actor: &ActorName) -> String {
        actor.to_string()
    }

    fn at(&self, time: Timestamp) -> Value {
        Seconds.at(time)
    }

    fn span(&self, span: Span) -> Value {
        Seconds.span(span)
    }
}

impl Look for Plainly {
    fn change(&mut self, id: ChangeId) -> String {
        let number = (1..=ELSEWHERE + NAMES).find(|number| change(*number) == id);
        number.map_or_else(|| id.to_string(), |number| format!("c{number}"))
    }

    fn work(&mut self, task: &Name, _: &Content) -> String {
        task.to_string()
    }

    fn part(&mut self, part: &str) -> String {
        part.to_owned()
    }

    fn object(&mut self, hash: &GitHash) -> String {
        match &hash.as_str()[..1] {
            "b" => "b",
            "7" => "t",
            "8" => "another",
            "1" => "one",
            _ => "other",
        }
        .to_owned()
    }
}

/// Fresh ids: that of the next change first.
struct Ids(Option<EventId>, u64);

impl IdSource for Ids {
    fn fresh(&mut self) -> EventId {
        self.0.take().unwrap_or_else(|| {
            self.1 += 1;
            event_id(self.1)
        })
    }

    fn salt(&mut self) -> Salt {
        unreachable!("no command has a key")
    }
}

fn command(json: serde_json::Value) -> Command {
    serde_json::from_value(json).unwrap()
}

fn submit(task: &str, priority: &str, paths: &[&str]) -> serde_json::Value {
    let hash: String = task.bytes().cycle().take(32).map(|byte| format!("{byte:02x}")).collect();
    json!({"submit_change": {
        "task": task, "target": "main", "content": {"operations": hash}, "paths": paths, "priority": priority,
    }})
}

fn with(mut submit: serde_json::Value, field: &str, value: serde_json::Value) -> Command {
    submit["submit_change"][field] = value;
    command(submit)
}

fn plain() -> Command {
    command(submit("k1", "normal", &["src"]))
}

fn reviewed() -> Command {
    with(submit("k1", "high", &["src"]), "approval", json!({"needed": 2, "of": ["ann", "bob", "rae"]}))
}

fn urgent() -> Command {
    command(submit("k2", "critical", &["src/a", "doc"]))
}

fn beside() -> Command {
    command(submit("k2", "low", &["srca"]))
}

fn instead() -> Command {
    with(submit("k1", "high", &["src"]), "supersedes", json!(change(1)))
}

fn claim(max: u32, lease_s: u32) -> Command {
    command(json!({"claim_changes": {"target": "main", "max": max, "lease_ms": lease_s * 1000}}))
}

/// What is to land: one commit or the other, in the tested tree or in another.
fn receipt(commit: char, tree: char) -> serde_json::Value {
    let git = |seed: char| seed.to_string().repeat(40);
    json!({"base": git('b'), "tested_tree": git('7'), "commit": git(commit), "tree": git(tree), "checks": []})
}

fn fields(mut these: serde_json::Value, and: serde_json::Value) -> serde_json::Value {
    these.as_object_mut().unwrap().extend(and.as_object().unwrap().clone());
    these
}

/// Every command under a claim that both worlds know.
fn under_a_claim(id: ChangeId, fence: u32, is_landing: bool) -> Vec<Command> {
    let start = |receipt| json!({"start_landing": {"change": id, "fence": fence, "receipt": receipt}});
    let mut commands = vec![
        json!({"return_change": {"change": id, "fence": fence, "reason": "stopping"}}),
        json!({"fail_change": {"change": id, "fence": fence, "class": "check", "cause": "a test failed"}}),
        json!({"land_change": {"change": id, "fence": fence}}),
        json!({"land_change": {"change": id, "fence": fence, "recovered": true}}),
        start(receipt('1', '7')),
        start(receipt('1', '8')),
    ];
    if is_landing {
        commands.extend([start(receipt('2', '7')), start(receipt('2', '8'))]);
    }
    commands.into_iter().map(command).collect()
}

/// And what only the world of one.
fn under_a_claim_of_one(id: ChangeId, fence: u32) -> Vec<Command> {
    let extend = |ms: u32| json!({"extend_change": {"change": id, "fence": fence, "lease_ms": ms}});
    let commands = vec![
        extend(0),
        extend(1000),
        extend(2000),
        json!({"conflict_change": {"change": id, "fence": fence, "paths": ["src"], "detail": "both changed it"}}),
        json!({"reject_change": {"change": id, "fence": fence, "faults": ["a symlink leads out"]}}),
        json!({"reject_change": {"change": id, "fence": fence, "faults": []}}),
        json!({"fail_change": {"change": id, "fence": fence, "class": "final", "cause": "no such branch"}}),
    ];
    commands.into_iter().map(command).collect()
}

/// With every fence that there can be, by the workers and by somebody who is none.
fn tried_under_claims(id: ChangeId, is_landing: bool, is_of_one: bool) -> Vec<Tried> {
    let mut tried = Vec::new();
    for fence in 0..=6 {
        let mut commands = under_a_claim(id, fence, is_landing);
        if is_of_one {
            commands.extend(under_a_claim_of_one(id, fence));
        }
        for by in WORKERS.into_iter().chain(["ann"]) {
            let named = Some((Plainly.change(id), fence));
            tried.extend(commands.iter().map(|command| (by, command.clone(), named.clone())));
        }
    }
    tried
}

impl Tiny {
    fn is_of_one(&self) -> bool {
        self.now < at(START_OF_TWO)
    }

    fn members(&self) -> Vec<ChangeId> {
        (1..=self.named).map(change).collect()
    }

    fn there(&self) -> Vec<&Change> {
        self.members().into_iter().map(|id| self.changes.get(id).unwrap()).collect()
    }

    /// Whether a change was handed in so long before that nothing overtakes it.
    fn has_an_old_one(&self) -> bool {
        !self.is_of_one() && self.there().iter().any(|change| change.submitted_at < at(START_OF_TWO))
    }

    /// Whether the landing of a change was announced, or of one that goes before it and that it overlaps with: another one is in vain.
    fn knows_a_landing(&self, change: &Change) -> bool {
        let mut ahead = self.changes.line(&change.target).take_while(|other| other.id != change.id);
        let is_before = |other: &Change| other.landing.is_some() && overlap(&other.paths, &change.paths);
        change.landing.is_some() || (!change.has_ended() && ahead.any(is_before))
    }

    fn submissions(&self) -> Vec<(&'static str, Command)> {
        match (self.is_of_one(), self.named) {
            _ if self.named >= NAMES => Vec::new(),
            (true, 0) => vec![("ann", plain()), ("ann", reviewed())],
            (true, _) => vec![("ann", plain())],
            (false, _) if self.has_an_old_one() => vec![("bob", urgent())],
            (false, _) => vec![("ann", plain()), ("bob", urgent()), ("bob", beside()), ("ann", instead())],
        }
    }

    /// Every command of this world that can be given in this state, and by whom.
    fn commands(&self) -> Vec<(&'static str, Command)> {
        let mut commands = self.submissions();
        for by in WORKERS {
            // Where there are two, leases of two lengths: so that the later claim can end first.
            let lease_s = if self.is_of_one() || by == "w1" { 1 } else { 2 };
            commands.extend([(by, claim(1, lease_s)), (by, claim(2, lease_s))]);
        }
        for there in self.there() {
            let id = there.id;
            let dead_for_good = matches!(there.phase, Phase::Dead { requeued: None, .. }) && self.named > NAMES;
            if !dead_for_good {
                commands.push(("rae", command(json!({"requeue_change": {"change": id}}))));
            }
            for by in PEOPLE {
                commands.push((by, command(json!({"approve_change": {"change": id}}))));
                commands.push((by, command(json!({"disapprove_change": {"change": id, "reason": "no tests"}}))));
                commands.push((by, command(json!({"cancel_change": {"change": id}}))));
                commands.push((by, command(json!({"cancel_change": {"change": there.task}}))));
                // One that goes to another branch, once for each.
                if self.is_of_one() {
                    let task = format!("for-{}", Plainly.change(id));
                    let mut elsewhere = submit(&task, "normal", &["src"]);
                    elsewhere["submit_change"]["target"] = json!("dev");
                    commands.push((by, with(elsewhere, "supersedes", json!(id))));
                }
            }
        }
        if self.is_of_one() {
            commands.push(("rae", command(json!({"pause_queue": {"reason": "a release"}}))));
        }
        commands.push(("rae", command(json!({"resume_queue": {}}))));
        commands.extend([
            ("w1", claim(0, 1)),
            ("w1", claim(101, 1)),
            ("w1", claim(1, 0)),
            ("ann", command(submit("k4", "normal", &["../etc"]))),
            ("ann", command(json!({"cancel_change": {"change": change(99)}}))),
        ]);
        commands
    }

    /// Of what was claimed in a step, whether this world claims it that often.
    fn may_become(&self, next: &Self) -> bool {
        next.there().iter().all(|after| {
            let before = self.changes.get(after.id).map_or(after.fence, |change| change.fence);
            let is_first = after.id == change(1);
            let tried_out = if self.is_of_one() { is_first && matches!(before, 0 | 1 | 4) } else { before == 0 };
            after.fence == before || tried_out
        })
    }

    fn next_id(&self, asked: &Command) -> EventId {
        match asked {
            Command::SubmitChange(submit) if submit.target == "dev" => {
                let others = self.changes.iter().count() as u64 - self.named;
                event_id(ELSEWHERE + 1 + others)
            }
            _ => event_id(self.named + 1),
        }
    }
}

impl TinyWorld {
    fn new() -> Self {
        let mut state = State::default();
        let mut ids = Ids(None, 1000);
        let mut ask = |by, command| {
            let request = Request { actor: actor(by), key: None, expect_head: None, command };
            let mut context = Context { now: at(-100), jump: None, ids: &mut ids, past: &NoPast };
            handle(&mut state, &request, &mut context).expect("nothing stands against it");
        };
        ask("ann", Command::CreateWorkspace(CreateWorkspace { organizer: actor("ann") }));
        for name in PEOPLE.into_iter().chain(WORKERS).filter(|name| *name != "ann") {
            ask("ann", Command::AddActor(AddActor { name: actor(name), kind: ActorKind::Agent, create: false }));
        }
        let mut under_claims = BTreeMap::new();
        for id in (1..=NAMES + 1).map(change) {
            for (is_landing, is_of_one) in [(false, false), (false, true), (true, false), (true, true)] {
                under_claims.insert((id, is_landing, is_of_one), tried_under_claims(id, is_landing, is_of_one));
            }
        }
        Self { actors: state.actors, under_claims, refusals: RefCell::default() }
    }

    fn state(&self, tiny: &Tiny) -> State {
        let (actors, changes) = (self.actors.clone(), tiny.changes.clone());
        State { size: 100 + tiny.changes.iter().count() as u64, time: tiny.now, actors, changes, ..State::default() }
    }

    /// What a group of events makes of a state, and which step it is.
    fn after(tiny: &Tiny, state: State, group: &[Recorded]) -> (Option<Step>, Tiny) {
        let step = queue::step(group, &tiny.changes, &main_branch(), &mut Plainly);
        let named = state.changes.iter().filter(|change| change.target == main_branch()).count() as u64;
        (step, Tiny { changes: state.changes, named, now: tiny.now })
    }

    fn ask(&self, tiny: &Tiny, by: &str, command: Command) -> Option<(Option<Step>, Tiny)> {
        self.ask_on(&mut self.state(tiny), tiny, by, command)
    }

    /// Decides a command by the real `handle`, on the state at hand, which is as it was afterwards. Most commands are refused and
    /// need no other.
    fn ask_on(&self, state: &mut State, tiny: &Tiny, by: &str, command: Command) -> Option<(Option<Step>, Tiny)> {
        let mut ids = Ids(Some(tiny.next_id(&command)), 1000);
        let request = Request { actor: actor(by), key: None, expect_head: None, command };
        let mut context = Context { now: tiny.now, jump: None, ids: &mut ids, past: &NoPast };
        match handle(state, &request, &mut context) {
            Ok(Handled::Wrote(events)) if !events.is_empty() => {
                let done = std::mem::replace(state, self.state(tiny));
                Some(Self::after(tiny, done, &events))
            }
            Ok(_) => None,
            Err(refusal) => {
                self.refusals.borrow_mut().insert(refusal.code());
                None
            }
        }
    }

    /// The first lease that has ended, by the real `handle_due`.
    fn first_due(&self, tiny: &Tiny) -> Option<(Option<Step>, Tiny)> {
        let all = handle_due(&mut self.state(tiny), tiny.now, &mut Ids(None, 1000));
        let first = all.chunk_by(|one, other| one.correlation == other.correlation).next()?;
        let mut state = self.state(tiny);
        first.iter().for_each(|recorded| state.evolve(recorded));
        Some(Self::after(tiny, state, first))
    }

    /// An empty queue; one with a change handed in long before; and one with a change whose attempts failed so often, and that was
    /// claimed four times.
    fn beginning(&self, second: i32, handed_in: Option<i32>, failures: u32) -> Tiny {
        let mut tiny = Tiny { changes: Changes::default(), named: 0, now: at(-90) };
        let mut does = |second: i32, by, command| {
            tiny.now = at(second);
            tiny = self.ask(&tiny, by, command).unwrap().1;
        };
        if let Some(handed_in) = handed_in {
            does(handed_in, "ann", plain());
        }
        if failures > 0 {
            for fence in 1..=4_u32 {
                // The last pause ends where the world begins.
                let failed =
                    if fence == 4 { second - (1 << (failures - 1)) } else { 100 * i32::try_from(fence).unwrap() };
                let claimed = json!({"change": change(1), "fence": fence});
                let told = if fence + failures <= 4 {
                    json!({"return_change": fields(claimed, json!({"reason": "stopping"}))})
                } else {
                    json!({"fail_change": fields(claimed, json!({"class": "check", "cause": "a test failed"}))})
                };
                does(failed, "w1", claim(1, 1));
                does(failed, "w1", command(told));
            }
        }
        tiny.now = at(second);
        tiny
    }
}

impl Machine for TinyWorld {
    type State = Tiny;

    fn initial(&self) -> Vec<Tiny> {
        vec![
            self.beginning(START, None, 0),
            self.beginning(START, Some(0), 3),
            self.beginning(START, Some(0), 4),
            self.beginning(START_OF_TWO, None, 0),
            self.beginning(START_OF_TWO, Some(START_OF_TWO - 2000), 0),
        ]
    }

    fn steps(&self, tiny: &Tiny) -> Vec<(Step, Tiny)> {
        let mut steps = Vec::new();
        if let Some((step, next)) = self.first_due(tiny) {
            steps.push((step.expect("only leases on changes to main run out"), next));
            // Before it is decided no command is; and if it were, what is over could not be used any more.
            for over in tiny.there().iter().filter(|change| change.due_at().is_some_and(|due_at| due_at <= tiny.now)) {
                let worker = over.worker().unwrap().as_str();
                let mut commands = under_a_claim(over.id, over.fence, true);
                commands.extend(under_a_claim_of_one(over.id, over.fence));
                for command in commands {
                    assert_eq!(self.ask(tiny, worker, command), None, "the lease is over");
                }
            }
        } else {
            let mut state = self.state(tiny);
            let of_claims = tiny
                .there()
                .into_iter()
                .flat_map(|there| &self.under_claims[&(there.id, tiny.knows_a_landing(there), tiny.is_of_one())]);
            let others = tiny.commands().into_iter().map(|(by, command)| (by, command, None));
            for (by, command, asked) in others.chain(of_claims.cloned()) {
                let Some((step, next)) = self.ask_on(&mut state, tiny, by, command) else { continue };
                let mut step = step.expect("every command here is about main");
                // The events name the claim that is current; the command has to have named the same.
                if let (Value::Record(params), Some((change, fence))) = (&mut step.params, asked) {
                    params.insert("change".to_owned(), change.into());
                    params.insert("fence".to_owned(), Value::Int(i32::try_from(fence).unwrap()));
                }
                if tiny.may_become(&next) {
                    steps.push((step, next));
                }
            }
            assert_eq!(state, self.state(tiny), "what is refused, and what writes nothing, changes nothing");
        }
        let end = at(if tiny.is_of_one() { END } else { END_OF_TWO });
        if end > tiny.now {
            steps.push((Step::new("Advance", [("to", Plainly.at(end))]), Tiny { now: end, ..tiny.clone() }));
        }
        steps
    }

    fn observe(&self, tiny: &Tiny) -> Value {
        let branch = Branch { target: &main_branch(), members: &tiny.members() };
        let observed = queue::observe(&tiny.changes, branch, &mut Plainly);
        Value::record([("now", Plainly.at(tiny.now))].into_iter().chain(observed))
    }
}

#[test]
fn the_queue_of_the_code_is_that_of_the_spec() {
    let world = TinyWorld::new();
    let code = explore(&world, 20_000).unwrap();
    let spec = Graph::parse(include_str!("../../../specs/queue/graph.txt")).unwrap();
    let difference = code.difference(&spec);
    assert!(difference.is_empty(), "{difference}");
    let refusals = [
        "already_approved",
        "ambiguous",
        "bad_request",
        "change_ended",
        "change_not_dead",
        "invalid_change",
        "landing_begun",
        "landing_not_begun",
        "not_a_reviewer",
        "not_found",
        "not_your_change",
        "out_of_turn",
        "over_limit",
        "queue_paused",
        "stale_fence",
        "untested_tree",
    ];
    assert_eq!(world.refusals.borrow().iter().copied().collect::<Vec<_>>(), refusals);
    assert_eq!(limits::QUEUE_ATTEMPTS_MAX, 5, "AttemptsMax of Graph.cfg and Trace.cfg");
}
