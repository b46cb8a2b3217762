//! The worker: claims changes, has them tested in lanes, and lands what passed.
//!
//! One thread, the coordinator, owns the [`Train`], the desk and everything of git but the lanes' worktrees; the lanes only run
//! checks. What is in the log is done first there, then told.

mod land;
mod prepare;
mod say;
mod test;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    time::{Duration, Instant},
};

use convoke_core::{
    command::{Command, ExtendChange},
    name::Name,
    queue::{events::FailureClass, overlap},
    time::Span,
};
use convoke_git::{Fence, GitError, Refs, Repository, remove_folder};

use crate::{
    candidate::Bringing,
    desk::{Desk, Job, No},
    lane::{Lane, Must, Outcome},
    news::{News, Of},
    obstacle::Obstacle,
    stacks::Stacks,
    train::{Limits, Stack, Step, Ticket, Train},
};

/// How a worker works.
pub struct Options {
    /// The branch that it lands on.
    pub target: Name,
    /// How many lanes, and how many changes are tested together at most.
    pub limits: Limits,
    /// How long its claims are; it extends them while it works.
    pub lease: Span,
    /// What must pass for every change.
    pub checks: Vec<Must>,
    /// How long a check of a request may take that does not say it.
    pub check_limit: Duration,
    /// How many attempts a change gets whose checks fail, before it is given up. Core's limit holds besides.
    pub attempts: u32,
    /// Whether a check that a request asks for may run here.
    pub may_run: Box<dyn Fn(&str) -> bool>,
    /// A folder of its own, for worktrees. It is gone when the worker ends in order.
    pub folder: PathBuf,
    /// When it ends.
    pub until: Until,
}

/// When a worker ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// When it is told to.
    Stopped,
    /// When no change of its branch is queued or leased.
    Empty,
    /// When what it claimed at first has ended.
    Once,
}

/// What a worker did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Claims.
    pub claimed: u64,
    /// Landed, recovered ones included.
    pub landed: u64,
    /// Did not apply.
    pub conflicted: u64,
    /// Were not what they claimed to be.
    pub rejected: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Given back.
    pub returned: u64,
    /// The last refusal because of a claim that was outdated: outranked, run out, or of a change that had ended.
    pub fenced: Option<No>,
}

/// Why a worker ended that was not told to.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// With the log.
    #[error("{0}")]
    Log(No),
    /// With git or the machine.
    #[error("{0}")]
    Git(#[from] GitError),
}

/// A change in the worker's hands.
struct Held {
    job: Job,
    bringing: Bringing,
    claimed_at: Instant,
}

/// A lane at work.
struct Running {
    test: crate::train::Test,
    stop: Arc<AtomicBool>,
    /// Nobody waits for its answer any more.
    is_void: bool,
}

/// What is known of the runs of a tree.
#[derive(Default)]
struct Runs {
    failed: u32,
    failure: Option<test::Failure>,
    passed: Vec<(String, Duration)>,
}

/// How often it is looked for new changes while others are tested.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long the desk is waited at, between looking whether to stop.
const WAIT: Duration = Duration::from_secs(1);
/// After so many faults of the machine in a row the worker gives up.
const BROKEN_MAX: u32 = 3;

/// A worker on one branch of one repository.
pub struct Worker<'a, D: Desk> {
    options: Options,
    repository: Repository,
    desk: &'a mut D,
    tell: &'a mut dyn FnMut(&News),
    stop: &'a AtomicBool,
    refs: Refs,
    stacks: Stacks,
    train: Train,
    held: BTreeMap<Ticket, Held>,
    /// Held, but not in the line: they collide with others that are not decided.
    parked: BTreeSet<Ticket>,
    next_ticket: Ticket,
    lanes: Vec<(Option<Lane>, Option<Running>)>,
    /// Where lanes say what came of their work.
    say_done: Sender<(usize, Outcome)>,
    done: Receiver<(usize, Outcome)>,
    runs: BTreeMap<Stack, Runs>,
    /// The fences of changes that have ended.
    ended: Vec<Fence>,
    extended_at: Instant,
    look_at: Instant,
    /// The last claim brought nothing.
    found_nothing: bool,
    /// The last claim met a queue that is paused.
    met_a_pause: bool,
    broken: u32,
    /// How often in a row git could not move the branch, which stood where it should.
    not_moved: u32,
    summary: Summary,
}

impl<'a, D: Desk> Worker<'a, D> {
    /// A worker that is ready to begin.
    ///
    /// # Errors
    /// [`GitError::NoBranch`], [`GitError::CheckedOut`], or what keeps it from using its folder.
    pub fn new(
        repository: &Repository,
        options: Options,
        desk: &'a mut D,
        stop: &'a AtomicBool,
        tell: &'a mut dyn FnMut(&News),
    ) -> Result<Self, GitError> {
        let branch = options.target.as_str();
        let tip = repository.tip(branch)?;
        if let Some(at) = repository.checked_out_at(branch)? {
            return Err(GitError::CheckedOut { branch: branch.to_owned(), at });
        }
        let (now, (say_done, done)) = (Instant::now(), channel());
        Ok(Self {
            stacks: Stacks::open(repository, &options.folder.join("build"), tip)?,
            train: Train::new(options.limits),
            lanes: (0..options.limits.lanes.max(1)).map(|_| (None, None)).collect(),
            repository: repository.clone(),
            refs: Refs::of(repository),
            options,
            desk,
            tell,
            stop,
            held: BTreeMap::new(),
            parked: BTreeSet::new(),
            next_ticket: 0,
            say_done,
            done,
            runs: BTreeMap::new(),
            ended: Vec::new(),
            extended_at: now,
            look_at: now,
            found_nothing: false,
            met_a_pause: false,
            broken: 0,
            not_moved: 0,
            summary: Summary::default(),
        })
    }

    /// Works until it is done, told to stop, or cannot go on. What it has then is given back, and its worktrees are gone.
    ///
    /// # Errors
    /// Why it cannot go on.
    pub fn run(mut self) -> (Summary, Result<(), Trouble>) {
        let mut outcome = self.work();
        self.wind_up(&mut outcome);
        (self.summary, outcome)
    }

    fn work(&mut self) -> Result<(), Trouble> {
        loop {
            if self.is_told_to_stop() {
                return Ok(());
            }
            self.extend_leases()?;
            self.claim()?;
            while !self.is_told_to_stop() && self.step()? {
                self.extend_leases()?;
            }
            self.drop_fences(64);
            if self.lanes.iter().any(|(_, running)| running.is_some()) {
                self.listen()?;
            } else if !self.parked.is_empty() && self.train.line().is_empty() {
                self.unpark();
            } else if !self.held.is_empty() {
                self.listen()?;
            } else {
                if self.is_done()? {
                    return Ok(());
                }
                self.drop_fences(1);
                self.desk.wait(WAIT).map_err(Trouble::Log)?;
                self.look_at = Instant::now();
            }
        }
    }

    fn is_told_to_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn is_done(&mut self) -> Result<bool, Trouble> {
        match self.options.until {
            Until::Stopped => Ok(false),
            Until::Once => Ok(self.summary.claimed > 0 || self.found_nothing),
            Until::Empty => self.desk.has_work().map(|has_work| !has_work).map_err(Trouble::Log),
        }
    }

    /// Does what the plan says next. Whether there was something.
    fn step(&mut self) -> Result<bool, Trouble> {
        let has_a_free_lane = self.lanes.iter().any(|(_, running)| running.is_none());
        match self.train.next(has_a_free_lane) {
            None => return Ok(false),
            Some(Step::Test(test)) => self.test(test)?,
            Some(Step::Land(tickets)) => self.land(&tickets)?,
            Some(Step::Blame(ticket)) => self.blame(ticket)?,
        }
        Ok(true)
    }

    /// Waits for a lane to end, for a while.
    fn listen(&mut self) -> Result<(), Trouble> {
        match self.done.recv_timeout(LOOK_EVERY) {
            Ok((lane, outcome)) => self.lane_ended(lane, outcome),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(()),
        }
    }

    /// Keeps the claims alive, at a third of their length.
    fn extend_leases(&mut self) -> Result<(), Trouble> {
        if self.extended_at.elapsed() < Duration::from_millis(self.options.lease.ms() / 3) {
            return Ok(());
        }
        self.extended_at = Instant::now();
        let tickets: Vec<Ticket> = self.held.keys().copied().collect();
        let lease_ms = Some(self.options.lease);
        let extend = |job: &Job| {
            Command::ExtendChange(ExtendChange { change: job.change.to_string(), fence: job.fence, lease_ms })
        };
        for (ticket, answer) in self.say(&tickets, extend) {
            self.unless_lost(ticket, answer)?;
        }
        Ok(())
    }

    fn lose(&mut self, ticket: Ticket, no: No) {
        if let Some(held) = self.leave(ticket) {
            (self.tell)(&News::Lost { of: of(&held.job), why: no.message.clone() });
        }
        if no.is_lost_claim() {
            self.summary.fenced = Some(no);
        }
    }

    /// A change leaves the line and the worker's hands.
    fn leave(&mut self, ticket: Ticket) -> Option<Held> {
        self.out_of_line(ticket);
        self.parked.remove(&ticket);
        self.unpark();
        self.held.remove(&ticket)
    }

    fn out_of_line(&mut self, ticket: Ticket) {
        self.train.leave(ticket);
        self.stacks.forget(ticket);
        self.runs.retain(|stack, _| !stack.contains(&ticket));
        self.stop_what_is_void();
    }

    /// Runs of trees that can come no more are stopped: their lanes are needed.
    fn stop_what_is_void(&mut self) {
        for running in self.lanes.iter_mut().filter_map(|(_, running)| running.as_mut()) {
            running.is_void = running.is_void || !self.train.expects(&running.test.stack);
            if running.is_void {
                running.stop.store(true, Ordering::Relaxed);
            }
        }
    }

    /// A change goes into the line. One that touches the same files as another that stepped aside does so too.
    fn enter(&mut self, ticket: Ticket) {
        let Some(held) = self.held.get(&ticket) else { return };
        let touches =
            |other: &Ticket| self.held.get(other).is_some_and(|other| overlap(&other.job.paths, &held.job.paths));
        if self.parked.iter().any(touches) {
            self.parked.insert(ticket);
        } else if held.job.is_suspect {
            self.train.join_as_suspect(ticket);
        } else {
            self.train.join(ticket);
        }
    }

    /// A change steps aside, and with it those behind it that touch the same files: their order stays.
    fn park(&mut self, ticket: Ticket) {
        let behind = self.train.line().iter().copied().skip_while(|other| *other != ticket).collect::<Vec<_>>();
        for other in behind {
            let Some(held) = self.held.get(&other) else { continue };
            let touches = |parked: &Ticket| {
                self.held.get(parked).is_some_and(|parked| overlap(&parked.job.paths, &held.job.paths))
            };
            if other == ticket || self.parked.iter().any(touches) {
                self.out_of_line(other);
                self.parked.insert(other);
            }
        }
    }

    /// Something was decided: those that stepped aside go back into the line, in their order.
    fn unpark(&mut self) {
        for ticket in std::mem::take(&mut self.parked) {
            self.enter(ticket);
        }
    }

    /// What a change that makes no tree comes to: on the branch as it is, its end; on top of others, waiting for them.
    fn obstacle(&mut self, ticket: Ticket, on_tip: bool, obstacle: Obstacle) -> Result<(), Trouble> {
        let Some(held) = self.held.get(&ticket) else { return Ok(()) };
        let obstacle = if on_tip {
            Some(obstacle)
        } else {
            match self.stacks.try_on_tip(&held.job, &held.bringing) {
                Ok(obstacle) => obstacle,
                Err(error) => return self.broken(&[ticket], error),
            }
        };
        match obstacle {
            None => {
                self.park(ticket);
                Ok(())
            }
            Some(Obstacle::Conflict { paths, detail }) => self.conflict(ticket, &paths, &detail),
            Some(Obstacle::Faults(faults)) => self.reject(ticket, faults),
        }
    }

    fn fence_of(&self, job: &Job) -> Fence {
        Fence { target: self.options.target.to_string(), change: job.change, generation: job.fence }
    }

    /// Takes the fences of ended changes away, if there are so many. One that stays does no harm.
    fn drop_fences(&mut self, at_least: usize) {
        if self.ended.len() >= at_least {
            let ended = std::mem::take(&mut self.ended);
            self.refs.drop_fences(&ended).ok();
        }
    }

    /// A fault of the machine, while these changes were worked on.
    fn broken(&mut self, tickets: &[Ticket], error: GitError) -> Result<(), Trouble> {
        // What git says no to may be the change's own doing: that ends the change, after some attempts, and not the worker. Of
        // several it is not known which, and they would come back for ever.
        self.broken += u32::from(tickets.len() > 1 || !matches!(error, GitError::Failed { .. }));
        let is_hopeless = matches!(error, GitError::NotInstalled | GitError::NotARepository(_));
        if is_hopeless || self.broken >= BROKEN_MAX {
            return Err(error.into());
        }
        match tickets {
            [ticket] => self.fail(*ticket, FailureClass::Machine, &error.to_string(), None),
            several => self.give_back(several, &format!("the machine failed: {error}")),
        }
    }

    /// Somebody else moved the branch: everything is built and tested anew, on what is there now.
    fn branch_moved(&mut self) -> Result<(), Trouble> {
        let tip = match self.repository.tip(self.options.target.as_str()) {
            Err(GitError::NoBranch(branch)) => return self.branch_is_gone(branch),
            tip => tip?,
        };
        if tip == self.stacks.tip().commit {
            return Ok(());
        }
        (self.tell)(&News::BranchMoved { to: tip.clone() });
        self.stacks.move_to(tip)?;
        self.train.branch_moved();
        self.runs.clear();
        for running in self.lanes.iter_mut().filter_map(|(_, running)| running.as_mut()) {
            running.is_void = true;
        }
        self.stop_what_is_void();
        self.unpark();
        Ok(())
    }

    fn branch_is_gone(&mut self, branch: String) -> Result<(), Trouble> {
        let error = GitError::NoBranch(branch);
        let tickets: Vec<Ticket> = self.held.keys().copied().collect();
        for ticket in tickets {
            self.fail(ticket, FailureClass::Final, &error.to_string(), None)?;
        }
        Err(error.into())
    }

    /// Nothing is left behind: no run, no claim, no worktree.
    fn wind_up(&mut self, outcome: &mut Result<(), Trouble>) {
        for running in self.lanes.iter_mut().filter_map(|(_, running)| running.as_mut()) {
            running.stop.store(true, Ordering::Relaxed);
        }
        // The log may be out of reach; then the leases end by themselves.
        if !matches!(outcome, Err(Trouble::Log(_))) {
            // What has a landing that is not cleared up stays claimed until its lease ends: who comes next looks for it. To give it
            // back would say that it did not happen.
            let is_clear = |held: &&Ticket| self.held.get(held).is_some_and(|held| held.job.begun.is_none());
            let tickets: Vec<Ticket> = self.held.keys().filter(is_clear).copied().collect();
            let given_back = self.give_back(&tickets, "the worker stops");
            if outcome.is_ok() {
                *outcome = given_back;
            }
        }
        self.drop_fences(1);
        self.lanes.clear();
        remove_folder(&self.options.folder).ok();
    }
}

fn of(job: &Job) -> Of {
    Of { change: job.change, task: job.task.clone() }
}
