//! The log: `specs/log/Log.tla` against [`FaultyLog`] around [`MemoryLog`], and against [`SledLog`] on images of its folder.
//!
//! What an append is answered, and whether it stops before the write, after it, or at a fault, is asked of the log in memory,
//! stepped through two gates. What opening a folder gives is asked of the log on disk, for every combination of its files
//! that a crash, a power cut or damage can leave. The steps in between, write, sync and record, are inside one call of
//! [`SledLog`] and cannot be stepped: their order here is the spec's, and the files after each are put together from images.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    task::Poll,
};

use convoke_core::log::{Commit, Hash, Head};
use convoke_model::{Machine, Step, Value};
use convoke_store::{
    AppendError, Log, MemoryLog, OpenError, SledLog, Stored,
    conformance::run,
    faulty::{Fault, Faults, FaultyLog},
    record::SEGMENT_BYTES,
    sample, slots,
};
use tempfile::TempDir;

use crate::gate::{GatedLog, Gates, now, poll};

/// What can be appended, how many events that is, and of how many bytes each: a pair fills two records of the store.
const CONTENTS: [(&str, usize, usize); 2] = [("one", 1, 10), ("pair", 2, 20_000)];
const COMMITS_MAX: usize = 2;

/// A log, or a head: the contents of its commits.
type Contents = Vec<&'static str>;

fn count(what: &str) -> usize {
    CONTENTS.iter().find(|(name, ..)| *name == what).unwrap().1
}

fn commit(first: u64, what: &str) -> Commit {
    let (_, events, bytes) = CONTENTS.iter().find(|(name, ..)| *name == what).unwrap();
    sample::commit(first, *events, *bytes)
}

/// A log in memory that holds these.
fn memory(contents: &[&str]) -> MemoryLog {
    let log = MemoryLog::new();
    for what in contents {
        now(log.append_if(log.head(), commit(log.head().size, what))).unwrap();
    }
    log
}

fn head_of(contents: &[&str]) -> Head {
    memory(contents).head()
}

/// What a log holds, by the number of events of its commits.
fn contents_of(stored: &[Stored]) -> Contents {
    let of = |stored: &Stored| CONTENTS.iter().find(|(_, events, _)| *events == stored.commit.len()).unwrap().0;
    stored.iter().map(of).collect()
}

/// Every log of the world.
fn all_contents() -> Vec<Contents> {
    let mut all = vec![Vec::new()];
    for begun in 0.. {
        let Some(shorter) = all.get(begun).cloned() else { break };
        if shorter.len() < COMMITS_MAX {
            all.extend(CONTENTS.iter().map(|(what, ..)| [shorter.clone(), vec![*what]].concat()));
        }
    }
    all
}

/// How the real log answers an append.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Refused(&'static str),
    /// It is written, and then the log has this head.
    Admitted(Head),
}

/// Asks a real log that holds `head`, poisoned or not, to append, and goes through the steps one by one.
fn append(head: &[&str], is_poisoned: bool, expected: Head, what: &str) -> Answer {
    let (faults, gates) = (Faults::default(), Gates::closed());
    let log = FaultyLog::new(GatedLog { inner: memory(head), gates: gates.clone() }, faults.clone());
    if is_poisoned {
        faults.plan(0, Fault::BeforeWrite);
        let failed = now(log.append_if(log.head(), commit(log.head().size, "one")));
        assert!(matches!(failed, Err(AppendError::OutcomeUnknown(_))));
    }
    let before = log.head();
    let mut appending = Box::pin(log.append_if(expected, commit(expected.size, what)));
    let refused = match poll(&mut appending) {
        Poll::Pending => {
            gates.let_write();
            assert!(poll(&mut appending).is_pending());
            assert_eq!(log.head(), before, "nobody sees what is not acknowledged");
            assert_eq!(contents_of(&now(log.read(0, usize::MAX)).unwrap()), head);
            gates.let_return();
            let Poll::Ready(Ok(after)) = poll(&mut appending) else { panic!("it was written") };
            assert_eq!(log.head(), after);
            return Answer::Admitted(after);
        }
        Poll::Ready(Err(AppendError::Conflict { actual })) => {
            assert_eq!(actual, before);
            "conflict"
        }
        Poll::Ready(Err(AppendError::Poisoned)) => "poisoned",
        Poll::Ready(other) => panic!("{other:?}"),
    };
    drop(appending);
    assert_eq!(log.head(), before, "a refusal writes nothing");
    Answer::Refused(refused)
}

/// What a fault of the real log leaves: what the log inside holds then. Nobody sees it, and nothing more is written.
fn fail(head: &[&str], fault: Fault, what: &str) -> Contents {
    let faults = Faults::default();
    let log = FaultyLog::new(memory(head), faults.clone());
    let before = log.head();
    faults.plan(0, fault);
    for is_first in [true, false] {
        let failed = now(log.append_if(before, commit(before.size, what)));
        let is_as_promised = match failed {
            Err(AppendError::OutcomeUnknown(_)) => is_first,
            Err(AppendError::Poisoned) => !is_first,
            _ => false,
        };
        assert!(is_as_promised);
        assert_eq!((log.head(), contents_of(&now(log.read(0, usize::MAX)).unwrap()).as_slice()), (before, head));
    }
    contents_of(&now(log.into_inner().read(0, usize::MAX)).unwrap())
}

/// What opening a folder gave.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Opened {
    Refused(&'static str),
    /// The log holds this, this is on record, and the files hold no more than that.
    Holds(Contents),
}

/// Images of a store's folder, made by the real store.
struct Images {
    folder: TempDir,
    opened: RefCell<BTreeMap<(Contents, bool, Contents), Opened>>,
}

impl Images {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), opened: RefCell::default() }
    }

    /// A folder that a store with these commits was closed in.
    fn of(&self, contents: &[&str]) -> PathBuf {
        let path = self.folder.path().join(format!("of-{}", contents.join("-")));
        if !path.exists() {
            let log = SledLog::create(&path).unwrap();
            for what in contents {
                run(log.append_if(log.head(), commit(log.head().size, what))).unwrap();
            }
            assert_eq!(log.head(), head_of(contents));
        }
        path
    }

    /// Opens a folder with these commits, behind them a part of a pair or not, and the recorded head of those.
    fn open(&self, disk: &[&'static str], is_torn: bool, recorded: &[&'static str]) -> Opened {
        let key = (disk.to_vec(), is_torn, recorded.to_vec());
        if let Some(known) = self.opened.borrow().get(&key) {
            return known.clone();
        }
        let path = self.folder.path().join("now");
        let longer = [disk, &["pair"]].concat();
        copy(&self.of(if is_torn { &longer } else { disk }), &path);
        if is_torn {
            remove_last_record(&path);
            assert!(records(&path) > 0);
        }
        fs::copy(self.of(recorded).join("head"), path.join("head")).unwrap();
        let opened = match SledLog::open(&path) {
            Ok(log) => {
                let stored = run(log.read(0, usize::MAX)).unwrap();
                let contents = contents_of(&stored);
                assert_eq!(log.head(), head_of(&contents));
                for (number, stored) in stored.iter().enumerate() {
                    assert_eq!(stored.head(), head_of(&contents[..=number]), "the stored root is over the events");
                }
                drop(log);
                let whole: usize = contents.iter().map(|what| count(what)).sum();
                assert_eq!(records(&path), whole, "what was cut short is gone: each event of this world is a record");
                assert_eq!(recorded_head(&path), log_head(&contents), "what was found is on record");
                Opened::Holds(contents)
            }
            Err(OpenError::Truncated { .. }) => Opened::Refused("truncated"),
            Err(OpenError::OtherRoot { .. }) => Opened::Refused("exchanged"),
            Err(other) => panic!("{other}"),
        };
        fs::remove_dir_all(&path).unwrap();
        self.opened.borrow_mut().insert(key, opened.clone());
        opened
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The storage engine below the store, opened as the store opens it.
fn database(store: &Path) -> sled::Db {
    let config = sled::Config::new().path(store.join("sled")).segment_size(SEGMENT_BYTES).flush_every_ms(None);
    loop {
        // A thread of the one before may still hold it.
        match config.open() {
            Err(sled::Error::Io(_)) => std::thread::sleep(std::time::Duration::from_millis(1)),
            other => return other.unwrap(),
        }
    }
}

fn records(store: &Path) -> usize {
    database(store).iter().keys().filter(|key| slots::number_of(key.as_ref().unwrap()).is_some()).count()
}

fn remove_last_record(store: &Path) {
    let database = database(store);
    let last = database.iter().keys().rev().map(Result::unwrap).find(|key| slots::number_of(key).is_some()).unwrap();
    database.remove(last).unwrap().unwrap();
    database.flush().unwrap();
}

/// The newer of the two slots of the file `head` (`docs/log-format.md`, section 7.2).
fn recorded_head(store: &Path) -> (u64, Hash) {
    let bytes = fs::read(store.join("head")).unwrap();
    let slot = |at: usize| {
        let size = u64::from_be_bytes(bytes[at + 24..at + 32].try_into().unwrap());
        (size, Hash(bytes[at + 32..at + 64].try_into().unwrap()))
    };
    [slot(0), slot(4096)].into_iter().max_by_key(|(size, _)| *size).unwrap()
}

fn log_head(contents: &[&str]) -> (u64, Hash) {
    let Head { size, root } = head_of(contents);
    (size, root)
}

/// Where the log is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    Closed,
    Open,
    Poisoned,
    Refused,
}

/// How far the append under way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Written,
    Synced,
    Recorded,
}

/// The files, the log in memory, and the one who asks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct World {
    disk: Contents,
    is_torn: bool,
    synced: usize,
    recorded: Contents,
    status: Status,
    head: Contents,
    tree: Contents,
    flight: Option<Phase>,
    call: Option<(Contents, &'static str)>,
    shown: Contents,
    is_unrecorded: bool,
    is_damaged: bool,
}

impl World {
    /// Whoever waits does not learn what became of his append.
    fn forget(&mut self, status: Status) {
        self.status = status;
        self.head.clear();
        self.tree.clear();
        self.flight = None;
        self.call = None;
    }

    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        change(&mut next);
        next
    }

    fn is_running(&self) -> bool {
        matches!(self.status, Status::Open | Status::Poisoned)
    }
}

struct RealLog {
    images: Images,
    /// Every head of the world, and the log that it names.
    named: BTreeMap<(u64, Hash), Contents>,
    met: RefCell<BTreeSet<&'static str>>,
}

impl RealLog {
    fn new() -> Self {
        let named = all_contents().into_iter().map(|contents| (log_head(&contents), contents)).collect();
        Self { images: Images::new(), named, met: RefCell::default() }
    }

    fn asked(&self, world: &World, steps: &mut Vec<(Step, World)>) {
        let mut heads = BTreeSet::from([Vec::new(), world.head.clone()]);
        heads.extend(CONTENTS.iter().map(|(what, ..)| vec![*what]));
        for expected in heads.into_iter().filter(|head| head.len() < COMMITS_MAX) {
            for (what, ..) in CONTENTS {
                let params = [("by", "ann".into()), ("expected", log_value(&expected)), ("what", Value::from(what))];
                let next = world.with(|next| next.call = Some((expected.clone(), what)));
                steps.push((Step::new("Ask", params), next));
            }
        }
    }

    /// What becomes of the append that waits: as the real log says.
    fn answered(&self, world: &World, expected: &[&'static str], what: &'static str, steps: &mut Vec<(Step, World)>) {
        match append(&world.head, world.status == Status::Poisoned, head_of(expected), what) {
            Answer::Refused(why) => {
                self.met.borrow_mut().insert(why);
                let refused = world.with(|next| next.call = None);
                steps.push((Step::new("Refuse", [("by", "ann"), ("why", why)]), refused));
            }
            Answer::Admitted(after) => {
                let grown = self.named[&(after.size, after.root)].clone();
                assert_eq!(fail(&world.head, Fault::LostAcknowledgement, what), grown);
                let written = world.with(|next| {
                    next.disk.push(what);
                    next.tree = grown.clone();
                    next.flight = Some(Phase::Written);
                });
                steps.push((Step::new("Write", [("by", "ann")]), written));
                assert_eq!(fail(&world.head, Fault::BeforeWrite, what), world.head);
                for part in [false, true].into_iter().take(count(what)) {
                    let failed = world.with(|next| {
                        next.is_torn = part;
                        next.tree = grown.clone();
                        next.status = Status::Poisoned;
                        next.call = None;
                    });
                    let params = [("by", Value::from("ann")), ("part", part.into())];
                    steps.push((Step::new("FailToWrite", params), failed));
                }
            }
        }
    }

    /// The steps of an append under way.
    fn goes_on(&self, world: &World, phase: Phase, steps: &mut Vec<(Step, World)>) {
        let step = |name: &str| Step::new::<&str, Value>(name, []);
        match phase {
            Phase::Written => {
                let synced = world.with(|next| (next.synced, next.flight) = (next.disk.len(), Some(Phase::Synced)));
                steps.push((step("Sync"), synced));
            }
            Phase::Synced => {
                let recorded = world.with(|next| next.flight = Some(Phase::Recorded));
                steps.push((step("Record"), recorded.with(|next| next.recorded = next.tree.clone())));
                let failed = recorded.with(|next| (next.status, next.is_unrecorded) = (Status::Poisoned, true));
                steps.push((step("RecordFail"), failed));
            }
            Phase::Recorded => {
                let acknowledged = world.with(|next| {
                    (next.head, next.shown) = (next.tree.clone(), next.tree.clone());
                    (next.flight, next.call) = (None, None);
                });
                steps.push((step("Acknowledge"), acknowledged));
            }
        }
        let lost = world.with(|next| (next.status, next.flight, next.call) = (Status::Poisoned, None, None));
        steps.push((step("LoseAcknowledgement"), lost));
    }

    fn crashed(&self, world: &World, steps: &mut Vec<(Step, World)>) {
        let crashed = world.with(|next| next.forget(Status::Closed));
        let crash = |kept: &str| Step::new("Crash", [("kept", kept)]);
        if world.flight == Some(Phase::Written) {
            let without = crashed.with(|next| next.disk.truncate(next.disk.len() - 1));
            if world.disk.last() == Some(&"pair") {
                steps.push((crash("part"), without.with(|next| next.is_torn = true)));
            }
            steps.push((crash("nothing"), without));
        }
        steps.push((crash("all"), crashed));
    }

    /// What becomes of a closed log: as the real one on disk says.
    fn opened(&self, world: &World, steps: &mut Vec<(Step, World)>) {
        for left in 0..world.disk.len() {
            let lost = world.with(|next| {
                next.disk.truncate(left);
                (next.is_torn, next.is_damaged, next.synced) = (false, true, next.synced.min(left));
            });
            steps.push((Step::new("LoseTail", [("left", left as i32)]), lost));
        }
        for (what, ..) in CONTENTS.into_iter().filter(|(what, ..)| world.disk != [*what]) {
            let exchanged = world.with(|next| {
                next.disk = vec![what];
                (next.is_torn, next.is_damaged, next.synced) = (false, true, 1);
            });
            steps.push((Step::new("Exchange", [("what", what)]), exchanged));
        }
        match self.images.open(&world.disk, world.is_torn, &world.recorded) {
            Opened::Refused(why) => {
                self.met.borrow_mut().insert(why);
                let refused = world.with(|next| next.status = Status::Refused);
                steps.push((Step::new("OpenRefused", [("why", why)]), refused));
            }
            Opened::Holds(contents) => {
                let opened = world.with(|next| {
                    next.synced = contents.len();
                    for log in [&mut next.disk, &mut next.recorded, &mut next.head, &mut next.tree, &mut next.shown] {
                        log.clone_from(&contents);
                    }
                    (next.is_torn, next.is_unrecorded, next.status) = (false, false, Status::Open);
                });
                steps.push((Step::new::<&str, Value>("Open", []), opened));
            }
        }
    }
}

impl Machine for RealLog {
    type State = World;

    fn initial(&self) -> Vec<World> {
        assert_eq!(self.images.open(&[], false, &[]), Opened::Holds(Vec::new()));
        vec![World {
            disk: Vec::new(),
            is_torn: false,
            synced: 0,
            recorded: Vec::new(),
            status: Status::Open,
            head: Vec::new(),
            tree: Vec::new(),
            flight: None,
            call: None,
            shown: Vec::new(),
            is_unrecorded: false,
            is_damaged: false,
        }]
    }

    fn steps(&self, world: &World) -> Vec<(Step, World)> {
        let mut steps = Vec::new();
        if world.is_running() {
            match (&world.call, world.flight) {
                (None, _) => self.asked(world, &mut steps),
                (Some(_), Some(phase)) => self.goes_on(world, phase, &mut steps),
                (Some((expected, what)), None) => self.answered(world, expected, what, &mut steps),
            }
            self.crashed(world, &mut steps);
        } else if world.status == Status::Closed {
            self.opened(world, &mut steps);
        }
        steps
    }

    fn observe(&self, world: &World) -> Value {
        let disk = (1..=world.disk.len()).map(|size| {
            let root = log_value(&world.disk[..size]);
            let Value::Sequence(commits) = &root else { unreachable!("a log is a sequence") };
            Value::record([("commit", commits[size - 1].clone()), ("root", root.clone())])
        });
        let (expected, what) = world.call.clone().unwrap_or((Vec::new(), "none"));
        let call = [
            ("count", Value::from(if what == "none" { 0 } else { count(what) as i32 })),
            ("expected", log_value(&expected)),
            ("what", what.into()),
        ];
        let phase = match world.flight {
            None => "none",
            Some(Phase::Written) => "written",
            Some(Phase::Synced) => "synced",
            Some(Phase::Recorded) => "recorded",
        };
        let by = if world.flight.is_some() { "ann" } else { "none" };
        let status = match world.status {
            Status::Closed => "closed",
            Status::Open => "open",
            Status::Poisoned => "poisoned",
            Status::Refused => "refused",
        };
        Value::record([
            ("calls", Value::record([("ann", Value::record(call))])),
            ("damaged", world.is_damaged.into()),
            ("disk", Value::sequence(disk)),
            ("flight", Value::record([("by", by), ("phase", phase)])),
            ("head", log_value(&world.head)),
            ("recorded", log_value(&world.recorded)),
            ("shown", log_value(&world.shown)),
            // Snapshots are the engine's: this world takes none.
            ("snapshot", log_value(&[])),
            ("status", status.into()),
            ("synced", (world.synced as i32).into()),
            ("torn", world.is_torn.into()),
            ("tree", log_value(&world.tree)),
            ("unrecorded", world.is_unrecorded.into()),
        ])
    }
}

/// A log, or a head, as the spec writes it.
fn log_value(contents: &[&str]) -> Value {
    let mut end = 0;
    Value::sequence(contents.iter().map(|what| {
        end += count(what) as i32;
        Value::record([("what", Value::from(*what)), ("end", end.into())])
    }))
}

#[test]
fn the_log_does_what_its_spec_says_and_nothing_else() {
    let log = RealLog::new();
    crate::assert_equal(&log, include_str!("../../../specs/log/graph.txt"));
    assert_eq!(log.met.into_inner(), BTreeSet::from(["conflict", "exchanged", "poisoned", "truncated"]));
}
