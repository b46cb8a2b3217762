//! A log in memory with the real rules, a real repository, and workers to which things happen.

use std::{
    cell::RefCell, collections::BTreeMap, path::Path, process::Command as Process, rc::Rc, sync::atomic::AtomicBool,
    time::Duration,
};

use convoke_core::{
    command::{ClaimChanges, Command, Request as Given, SubmitChange},
    event::{Event, Recorded},
    laws::CountingIds,
    log::{Hash, blob_hash},
    name::{ActorName, Name},
    priority::Priority,
    queue::{Change, GitHash, Phase, events::Content},
    refusal::Refusal,
    time::{Span, Timestamp},
    workspace::{Context, Handled, NoPast, State, handle, handle_due},
};
use convoke_git::{Builder, Merged, Operation, Repository};
use convoke_worker::{Desk, Job, Must, No, Options, Until, Worker, probe, request, train::Limits};
use serde_json::json;
use tempfile::TempDir;

pub(crate) const FILES: usize = 3;
pub(crate) const LINES: usize = 6;
const LEASE: Span = Span::from_ms_capped(60_000);

/// A change of one line.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) file: usize,
    pub(crate) line: usize,
    pub(crate) is_guilty: bool,
    pub(crate) as_commit: bool,
}

/// What happens to a worker when it gives its nth command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Incident {
    /// It dies, and the command is not done.
    CrashBefore,
    /// It dies, and the command is done.
    CrashAfter,
    /// It is paused past its lease, and another worker does all there is to do meanwhile.
    Pause,
    /// Somebody else moves the branch.
    MoveBranch,
    /// From then on, where a landing was next announced and the branch is not moved yet, it is paused past its lease, and
    /// another worker does all there is to do.
    PauseAnnounced,
    /// There, another worker claims what it has, and dies after so many commands.
    OutrankedAnnounced(u32),
    /// There somebody else moves the branch.
    MoveBranchAnnounced,
}

thread_local! {
    /// What happens when a landing is next announced.
    static ANNOUNCED: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

fn announced(point: &str) {
    if point == "announced"
        && let Some(happens) = ANNOUNCED.take()
    {
        happens();
    }
}

pub(crate) struct World {
    state: State,
    log: Vec<Recorded>,
    now: Timestamp,
    ids: CountingIds,
    blobs: BTreeMap<Hash, Vec<u8>>,
    place: TempDir,
    repository: Repository,
    submitted: usize,
    foreign: Vec<String>,
    workers: u32,
}

pub(crate) fn line(file: usize, line: usize) -> String {
    format!("file {file} line {line}")
}

pub(crate) fn lines(file: usize) -> Vec<String> {
    (0..LINES).map(|at| line(file, at)).collect()
}

/// What a request makes of its line.
pub(crate) fn new_line(index: usize, request: &Request) -> String {
    format!("{} {index}", if request.is_guilty { "poison" } else { "new" })
}

impl World {
    pub(crate) fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        git(place.path(), &["init", "-q", "--bare", "-b", "main", "r.git"]);
        let repository = Repository::find(&place.path().join("r.git")).unwrap();
        let files = (0..FILES).map(|file| Operation::Write {
            path: convoke_core::queue::RepoPath::parse(&format!("f{file}")).unwrap(),
            content: (lines(file).join("\n") + "\n").into_bytes(),
        });
        let empty = GitHash::parse(&git(repository.folder(), &["mktree"])).unwrap();
        let mut builder = Builder::open(&repository, &place.path().join("first")).unwrap();
        let Merged::Tree(tree) = builder.apply(&empty, &files.collect::<Vec<_>>()).unwrap() else { panic!() };
        let first = repository.commit_tree(&tree, &[], "first", ("user", "user@here")).unwrap();
        git(repository.folder(), &["update-ref", "refs/heads/main", first.as_str()]);
        git(repository.folder(), &["update-ref", "refs/heads/first", first.as_str()]);
        let mut world = Self {
            state: State::default(),
            log: Vec::new(),
            now: Timestamp::from_us(1_795_262_400_000_000).unwrap(),
            ids: CountingIds::default(),
            blobs: BTreeMap::new(),
            place,
            repository,
            submitted: 0,
            foreign: Vec::new(),
            workers: 0,
        };
        probe::install(announced);
        let create: Command = serde_json::from_value(json!({"create_workspace": {"organizer": "olga"}})).unwrap();
        world.ask("olga", create).unwrap();
        world
    }

    /// Hands a change in.
    pub(crate) fn submit(&mut self, request: &Request) {
        let index = self.submitted;
        self.submitted += 1;
        let operation = Operation::Patch { diff: diff(index, request).into_bytes() };
        let content = if request.as_commit {
            let first = self.repository.tip("first").unwrap();
            let tree = self.repository.tree(&first).unwrap().unwrap();
            let mut builder = Builder::open(&self.repository, &self.place.path().join("first")).unwrap();
            let Merged::Tree(tree) = builder.apply(&tree, &[operation]).unwrap() else { panic!("it applies") };
            let commit = self.repository.commit_tree(&tree, &[&first], "by hand\n", ("ann", "ann@here")).unwrap();
            Content::Commit(commit)
        } else {
            let (_, content) = request::of_diff(&diff(index, request)).unwrap();
            let hash = blob_hash(&content);
            self.blobs.insert(hash, content);
            Content::Operations(hash)
        };
        let command = SubmitChange {
            task: format!("T-{index}"),
            target: "main".to_owned(),
            priority: Priority::Normal,
            content,
            paths: vec![format!("f{}", request.file)],
            checks: Vec::new(),
            approval: None,
            metadata: None,
            supersedes: None,
        };
        self.ask("ann", Command::SubmitChange(command)).unwrap();
    }

    /// Time goes on until nobody's lease holds.
    pub(crate) fn pass_leases(&mut self) {
        self.now = self.now.plus(LEASE).plus(LEASE);
    }

    fn ask(&mut self, actor: &str, command: Command) -> Result<Vec<Recorded>, Refusal> {
        self.now = self.now.plus(Span::from_ms_capped(1));
        self.log.extend(handle_due(&mut self.state, self.now, &mut self.ids));
        let request = Given { actor: ActorName::parse(actor).unwrap(), key: None, expect_head: None, command };
        let mut context = Context { now: self.now, jump: None, ids: &mut self.ids, past: &NoPast };
        match handle(&mut self.state, &request, &mut context)? {
            Handled::Wrote(events) => {
                self.log.extend(events.iter().cloned());
                Ok(events)
            }
            Handled::Repeated { .. } => Ok(Vec::new()),
        }
    }

    fn move_branch(&mut self) {
        let name = format!("foreign-{}", self.foreign.len());
        let tip = self.repository.tip("main").unwrap();
        let tree = self.repository.tree(&tip).unwrap().unwrap();
        let path = convoke_core::queue::RepoPath::parse(&name).unwrap();
        let mut builder = Builder::open(&self.repository, &self.place.path().join("foreign")).unwrap();
        let write = Operation::Write { path, content: b"theirs\n".to_vec() };
        let Merged::Tree(tree) = builder.apply(&tree, &[write]).unwrap() else { panic!("it applies") };
        let commit = self.repository.commit_tree(&tree, &[&tip], "theirs\n", ("user", "user@here")).unwrap();
        git(self.repository.folder(), &["update-ref", "refs/heads/main", commit.as_str()]);
        self.foreign.push(name);
    }

    /// In the order in which they were handed in.
    pub(crate) fn changes(&self) -> Vec<&Change> {
        let mut changes: Vec<&Change> = self.state.changes.iter().collect();
        changes.sort_by_key(|change| change.position);
        changes
    }

    pub(crate) fn log(&self) -> &[Recorded] {
        &self.log
    }

    /// The changes of the branch's commits, in their order.
    pub(crate) fn landed(&self) -> Vec<String> {
        let args = ["log", "--reverse", "--topo-order", "--format=%(trailers:key=Convoke-Change,valueonly)", "main"];
        let log = git(self.repository.folder(), &args);
        log.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    pub(crate) fn file(&self, file: usize) -> String {
        git(self.repository.folder(), &["show", &format!("main:f{file}")])
    }

    pub(crate) fn tree_of(&self, commit: &GitHash) -> GitHash {
        self.repository.tree(commit).unwrap().unwrap()
    }

    pub(crate) fn is_on_branch(&self, commit: &GitHash) -> bool {
        self.repository.is_ancestor(commit, &self.repository.tip("main").unwrap()).unwrap()
    }

    pub(crate) fn foreign_commits_are_kept(&self) -> bool {
        let names = git(self.repository.folder(), &["ls-tree", "--name-only", "main"]);
        self.foreign.iter().all(|foreign| names.lines().any(|name| name == foreign))
    }
}

/// Runs a worker of a new name until nothing is left, or until it dies.
pub(crate) fn run_worker(
    world: &Rc<RefCell<World>>,
    (lanes, batch): (usize, usize),
    incident: Option<(u32, Incident)>,
) {
    let (name, repository, folder) = {
        let mut world = world.borrow_mut();
        world.workers += 1;
        let name = format!("w{}", world.workers);
        (name.clone(), world.repository.clone(), world.place.path().join(name))
    };
    let options = Options {
        target: Name::parse("main").unwrap(),
        limits: Limits { lanes, batch },
        lease: LEASE,
        checks: vec![Must { command: "! grep -q poison f*".to_owned(), limit: Duration::from_secs(60) }],
        check_limit: Duration::from_secs(60),
        attempts: 2,
        may_run: Box::new(|_| true),
        folder,
        until: Until::Empty,
    };
    let mut desk = ModelDesk { world: Rc::clone(world), name, limits: (lanes, batch), incident, is_dead: false };
    let stop = AtomicBool::new(false);
    let mut quiet = |_: &convoke_worker::News| {};
    let worker = Worker::new(&repository, options, &mut desk, &stop, &mut quiet).unwrap();
    let (_, outcome) = worker.run();
    ANNOUNCED.set(None);
    let is_dead = desk.is_dead;
    assert!(outcome.is_ok() || is_dead, "{outcome:?}");
}

struct ModelDesk {
    world: Rc<RefCell<World>>,
    name: String,
    limits: (usize, usize),
    incident: Option<(u32, Incident)>,
    is_dead: bool,
}

impl ModelDesk {
    fn command(&mut self, command: Command) -> Result<Vec<Recorded>, No> {
        let dead = || No { code: "gone".to_owned(), message: "the worker is dead".to_owned(), hint: String::new() };
        if self.is_dead {
            return Err(dead());
        }
        let happens = match &mut self.incident {
            Some((0, incident)) => Some(*incident),
            Some((commands, _)) => {
                *commands -= 1;
                None
            }
            None => None,
        };
        if happens.is_some() {
            self.incident = None;
        }
        match happens {
            Some(Incident::CrashBefore) => {
                self.is_dead = true;
                return Err(dead());
            }
            Some(Incident::CrashAfter) => {
                self.world.borrow_mut().ask(&self.name, command).ok();
                self.is_dead = true;
                return Err(dead());
            }
            Some(Incident::Pause) => {
                self.world.borrow_mut().pass_leases();
                run_worker(&self.world, self.limits, None);
            }
            Some(Incident::MoveBranch) => self.world.borrow_mut().move_branch(),
            Some(Incident::PauseAnnounced) => {
                let (world, limits) = (Rc::clone(&self.world), self.limits);
                ANNOUNCED.set(Some(Box::new(move || {
                    world.borrow_mut().pass_leases();
                    run_worker(&world, limits, None);
                })));
            }
            Some(Incident::OutrankedAnnounced(commands)) => {
                let (world, limits) = (Rc::clone(&self.world), self.limits);
                ANNOUNCED.set(Some(Box::new(move || {
                    world.borrow_mut().pass_leases();
                    run_worker(&world, limits, Some((commands, Incident::CrashBefore)));
                })));
            }
            Some(Incident::MoveBranchAnnounced) => {
                let world = Rc::clone(&self.world);
                ANNOUNCED.set(Some(Box::new(move || world.borrow_mut().move_branch())));
            }
            None => {}
        }
        self.world.borrow_mut().ask(&self.name, command).map_err(|refusal| No {
            code: refusal.code().to_owned(),
            message: refusal.to_string(),
            hint: String::new(),
        })
    }
}

impl Desk for ModelDesk {
    fn claim(&mut self, max: u32) -> Result<Vec<Job>, No> {
        let claim = ClaimChanges { target: "main".to_owned(), max: Some(max), lease_ms: Some(LEASE) };
        let events = self.command(Command::ClaimChanges(claim))?;
        let world = self.world.borrow();
        let leased = events.iter().filter_map(|recorded| match &recorded.event {
            Event::ChangeLeased(event) => world.state.changes.get(event.change).map(|change| (event, change)),
            _ => None,
        });
        let job = |(event, change): (&convoke_core::queue::events::ChangeLeased, &Change)| Job {
            change: change.id,
            fence: event.fence,
            position: change.position,
            task: change.task.clone(),
            agent: change.agent.clone(),
            intent: None,
            content: change.content.clone(),
            paths: change.paths.clone(),
            checks: change.checks.clone(),
            failures: change.failures,
            is_suspect: change.failures > 0,
            begun: change.landing.clone(),
        };
        Ok(leased.map(job).collect())
    }

    fn say(&mut self, commands: Vec<Command>) -> Vec<Result<(), No>> {
        commands.into_iter().map(|command| self.command(command).map(drop)).collect()
    }

    fn content(&mut self, hash: &Hash) -> Result<Vec<u8>, String> {
        self.world.borrow().blobs.get(hash).cloned().ok_or_else(|| "it is not there".to_owned())
    }

    fn has_work(&mut self) -> Result<bool, No> {
        let world = self.world.borrow();
        Ok(world.state.changes.iter().any(|change| matches!(change.phase, Phase::Queued { .. } | Phase::Leased { .. })))
    }

    fn wait(&mut self, _: Duration) -> Result<(), No> {
        let mut world = self.world.borrow_mut();
        world.now = world.now.plus(Span::from_ms_capped(5_000));
        Ok(())
    }
}

fn diff(index: usize, request: &Request) -> String {
    let (first, last) = (request.line.saturating_sub(1), (request.line + 1).min(LINES - 1));
    let count = last - first + 1;
    let path = format!("f{}", request.file);
    let mut diff = format!("--- a/{path}\n+++ b/{path}\n@@ -{start},{count} +{start},{count} @@\n", start = first + 1);
    for at in first..=last {
        let old = line(request.file, at);
        if at == request.line {
            diff += &format!("-{old}\n+{}\n", new_line(index, request));
        } else {
            diff += &format!(" {old}\n");
        }
    }
    diff
}

fn git(folder: &Path, args: &[&str]) -> String {
    let output =
        Process::new("git").args(args).current_dir(folder).stdin(std::process::Stdio::null()).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}
