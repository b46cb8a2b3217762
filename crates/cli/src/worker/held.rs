//! A change in the hands of a script, a worker of one's own: it tests, and Convoke builds and lands.
//!
//! Between two commands a script has nothing but a change and the number of its claim. So each command begins anew: the log
//! says whether the claim is the newest, the repository holds its fence, and the branch is moved in the two phases in which
//! [`convoke_worker::Worker`] moves it. Given again after it was interrupted, each goes on where it was.

use convoke::api::{Answer, Fault, Question, Reply};
use convoke_core::{
    command::{Command, ExtendChange, FailChange, LandChange, RejectChange, ReturnChange, StartLanding},
    id::ChangeId,
    limits,
    log::Hash,
    name::ActorName,
    queue::{
        GitHash,
        events::{CheckResult, Content, FailureClass, Receipt},
    },
    refusal::Refusal,
    time::Span,
};
use convoke_git::{Builder, Fence, GitError, Landing, Operation, Refs, Repository};
use convoke_projections::{
    Query, View,
    query::Reference,
    view::{ChangeState, ChangeView},
};
use convoke_store::blobs::Blobs;
use convoke_worker::{
    Conflicted, Job, Obstacle,
    candidate::{self, Bringing, Built},
    faults_told, obstacle_in, probe, request,
};
use serde::Serialize;

use super::{Place, desk::job_of};
use crate::{
    args::{Look, Mutation},
    context::Context,
    repository::{self, blob_fault},
    settings::{QueueSettings, Settings},
};

/// How long the lease is at least, while a change is built or landed: it must not run out in the middle.
const MOMENT: Span = Span::from_ms_capped(30_000);

/// A change, and the claim under which something is to be done with it.
pub(crate) struct Held<'a> {
    context: &'a mut Context,
    actor: ActorName,
    pub(crate) settings: QueueSettings,
    repository: Repository,
    refs: Refs,
    view: ChangeView,
    fence: u32,
}

/// A commit that would land a change, and what it stands on.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Candidate {
    pub(crate) change: ChangeId,
    pub(crate) commit: GitHash,
    pub(crate) tree: GitHash,
    pub(crate) base: GitHash,
}

/// What was found of a landing that had been begun.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// Nothing was begun.
    Nothing,
    /// It had happened: the log says so now.
    Landed,
    /// It had not, and can happen no more: the change is back in the queue.
    Returned,
}

impl<'a> Held<'a> {
    /// The change as the log has it. The claim is looked at when something is done under it.
    pub(crate) fn open(
        context: &'a mut Context,
        actor: ActorName,
        reference: String,
        fence: u32,
    ) -> Result<Self, Fault> {
        let workspace = context.workspace()?;
        let settings = Settings::load(workspace)?.queue;
        let repository = repository::open(&settings, workspace)?;
        let refs = Refs::of(&repository);
        let view = look(context, reference)?;
        Ok(Self { context, actor, settings, repository, refs, view, fence })
    }

    /// What the log says of it.
    pub(crate) fn view(&self) -> &ChangeView {
        &self.view
    }

    /// What must pass before it lands: the configured checks and its own, each once.
    pub(crate) fn checks(&self) -> Vec<String> {
        let mut checks = self.settings.checks.clone();
        for check in &self.view.checks {
            if !checks.contains(&check.command) {
                checks.push(check.command.clone());
            }
        }
        checks
    }

    /// Writes the claim's fence into the repository: from now on no older claim lands.
    pub(crate) fn raise(&mut self) -> Result<(), Fault> {
        let fence = self.fence_ref(self.fence);
        let outranked = self.refs.raise(&[fence]).map_err(|error| repository::fault(&error))?;
        if outranked.is_empty() {
            return Ok(());
        }
        Err(Fault::new("stale_fence", format!("a newer claim than {} is in the repository", self.fence)))
    }

    /// Clears up a landing that an earlier claim began. With the new claim's fence in the repository that one can happen no more, so
    /// a look at the branch says whether it has.
    pub(crate) fn clear_up(&mut self) -> Result<Begun, Fault> {
        let Some(receipt) = self.view.receipt.clone() else { return Ok(Begun::Nothing) };
        if self.is_on_the_branch(&receipt.commit)? {
            self.say(self.landed(true))?;
            return Ok(Begun::Landed);
        }
        let reason = format!("the landing of {} was begun and did not happen", receipt.commit);
        self.say(self.returned(reason))?;
        Ok(Begun::Returned)
    }

    /// The commit that the change makes on the branch as it is. What does not apply, or does what it may not, ends the change,
    /// as a worker would.
    pub(crate) fn build(mut self) -> Result<Candidate, Fault> {
        let git = |error| repository::fault(&error);
        self.hold()?;
        let base = Built::of(&self.repository, self.tip()?).map_err(git)?;
        let job = self.job()?;
        let bringing = match &job.content {
            Content::Operations(hash) => Bringing::Operations(self.operations(hash)?),
            Content::Commit(commit) => match self.repository.commit(commit.as_str()).map_err(git)? {
                Some(commit) => Bringing::Commit(commit),
                None => return Err(self.reject(vec![format!("the commit {commit} is not in the repository")])),
            },
        };
        // A folder that `cleanup` takes away should this be killed.
        let name = ActorName::parse(&format!("build-{}", std::process::id())).map_err(Refusal::BadName)?;
        let place = Place::take(self.context.workspace()?, &name)?;
        let mut builder = Builder::open(&self.repository, &place.fresh()?).map_err(git)?;
        let tree = match candidate::tree_on(&self.repository, &mut builder, &base, &job, &bringing).map_err(git)? {
            Ok(tree) => tree,
            Err(Obstacle::Conflict { paths, detail }) => return Err(self.conflict(&base.commit, &paths, &detail)),
            Err(Obstacle::Faults(faults)) => return Err(self.reject(faults)),
        };
        let built = candidate::commit_on(&self.repository, &base.commit, &tree, &job).map_err(git)?;
        Ok(Candidate { change: job.change, commit: built.commit, tree, base: base.commit })
    }

    /// Lands the tree of a commit that stands on the branch's tip, in which these checks passed.
    pub(crate) fn complete(mut self, revision: &str, passed: Vec<CheckResult>) -> Result<Answer, Fault> {
        let tested = self.revision(revision)?;
        let tree = Built::of(&self.repository, tested.clone()).map_err(|error| repository::fault(&error))?.tree;
        if let (ChangeState::Landed, Some(receipt)) = (self.view.line.state, &self.view.receipt)
            && (self.view.line.fence, &receipt.tree) == (self.fence, &tree)
        {
            return self.landed_before();
        }
        self.hold()?;
        if let Some(begun) = self.view.receipt.clone() {
            return self.go_on(begun, &tree);
        }
        self.have_passed(&passed)?;
        let base = self.tip()?;
        self.stands_on(&base, &tested)?;
        let touched = self.repository.touched(&base, &tested).map_err(|error| repository::fault(&error))?;
        if touched.is_empty() {
            let what = format!("the commit {tested} has the tree that the branch has: it changes nothing");
            return Err(Refusal::BadRequest(what).into());
        }
        if let Some(Obstacle::Faults(faults)) = obstacle_in(&touched, &self.view.paths, None) {
            return Err(Fault::new("paths_not_named", format!("the commit {tested}: {}", faults.join("; "))));
        }
        self.is_not_checked_out()?;
        self.raise()?;
        let built = candidate::commit_on(&self.repository, &base, &tree, &self.job()?)
            .map_err(|error| repository::fault(&error))?;
        let receipt = Receipt { base, tested_tree: tree, commit: built.commit, tree: built.tree, checks: passed };
        let (change, fence) = (self.view.line.id.to_string(), self.fence);
        self.say(Command::StartLanding(StartLanding { change, fence, receipt: receipt.clone() }))?;
        probe::at("announced");
        self.move_branch(&receipt)
    }

    /// Gives the change back. If its landing was begun, it is cleared up first whether it happened.
    pub(crate) fn give_back(mut self, reason: String, options: &Mutation) -> Result<Answer, Fault> {
        limits::check("a reason's length in bytes", reason.len(), limits::REASON_BYTES_MAX)?;
        if self.is_current() {
            // Beyond this claim: a landing of it that still runs somewhere is refused from here on, so that the look at the branch
            // holds. The next claim has this very number.
            let beyond = self.fence_ref(self.fence.saturating_add(1));
            self.refs.raise(&[beyond]).map_err(|error| repository::fault(&error))?;
            self.view = look(self.context, self.view.line.id.to_string())?;
            if let (true, Some(receipt)) = (self.is_current(), self.view.receipt.clone())
                && self.is_on_the_branch(&receipt.commit)?
            {
                return self.say(self.landed(true));
            }
        }
        let command = self.returned(reason);
        self.context.command(self.actor.clone(), options, command)
    }

    /// Gives back a change that nothing was done with.
    pub(crate) fn let_go(&mut self, reason: &str) -> Result<(), Fault> {
        self.say(self.returned(reason.to_owned())).map(drop)
    }

    /// Ends the claim as hopeless, because of a check that may not run here.
    pub(crate) fn fail_for_good(&mut self, cause: String) -> Result<(), Fault> {
        let (change, fence) = (self.view.line.id.to_string(), self.fence);
        let failed = FailChange { change, fence, class: FailureClass::Final, cause, output: None };
        self.say(Command::FailChange(failed)).map(drop)
    }

    /// Refuses a claim that is not the newest, or not this actor's; another is held for a moment longer.
    fn hold(&mut self) -> Result<(), Fault> {
        let (change, fence) = (self.view.line.id.to_string(), self.fence);
        self.say(Command::ExtendChange(ExtendChange { change, fence, lease_ms: Some(MOMENT) })).map(drop)
    }

    /// Whether the log last said that the actor has it under this claim.
    pub(crate) fn is_current(&self) -> bool {
        let line = &self.view.line;
        line.state == ChangeState::Leased && line.fence == self.fence && line.worker.as_ref() == Some(&self.actor)
    }

    fn say(&mut self, command: Command) -> Result<Answer, Fault> {
        self.context.command(self.actor.clone(), &Mutation::default(), command)
    }

    fn landed(&self, recovered: bool) -> Command {
        Command::LandChange(LandChange { change: self.view.line.id.to_string(), fence: self.fence, recovered })
    }

    fn returned(&self, reason: String) -> Command {
        Command::ReturnChange(ReturnChange { change: self.view.line.id.to_string(), fence: self.fence, reason })
    }

    /// The answer that was given when it landed.
    fn landed_before(&mut self) -> Result<Answer, Fault> {
        let reference = self.view.line.id.to_string();
        let (Reply::Log { events, .. }, head) = self.context.ask(Question::History(reference), None)? else {
            return Err(Fault::new("bad_answer", "the answer is not a history"));
        };
        let events = events.into_iter().filter(|event| event.kind == "change.landed").collect();
        Ok(Answer { events, messages: Vec::new(), repeated: true, head })
    }

    /// A landing that was begun: it has happened, or it can still happen as it was announced.
    fn go_on(&mut self, begun: Receipt, tree: &GitHash) -> Result<Answer, Fault> {
        if self.is_on_the_branch(&begun.commit)? {
            return self.say(self.landed(true));
        }
        if begun.tree != *tree {
            let hint =
                "Complete it with a commit of the tree that was announced, or give it back: convoke queue return.";
            let what = format!("the landing of the tree {} was begun, and this is the tree {tree}", begun.tree);
            return Err(Fault { hint: hint.to_owned(), ..Fault::new("landing_begun", what) });
        }
        self.raise()?;
        self.move_branch(&begun)
    }

    /// The branch goes from the base to the commit, or stays; then the log says so.
    fn move_branch(&mut self, receipt: &Receipt) -> Result<Answer, Fault> {
        let fence = self.fence_ref(self.fence);
        let landing = Landing { fences: std::slice::from_ref(&fence), from: &receipt.base, to: &receipt.commit };
        if let Err(error) = self.refs.land(&landing) {
            // Git may have died after it had moved the branch: only the branch says so.
            let tip = self.tip();
            let has_moved = tip.is_ok() && self.is_on_the_branch(&receipt.commit)?;
            if !has_moved {
                return Err(self.did_not_move(receipt, tip, &error));
            }
        }
        probe::at("moved");
        let answer = self.say(self.landed(false)).map_err(|fault| {
            let message = format!(
                "{}; the branch was moved before, and whoever claims the change next records that",
                fault.message
            );
            Fault { message, ..fault }
        })?;
        probe::at("recorded");
        // One that stays does no harm: `cleanup` takes it away.
        self.refs.drop_fences(&[fence]).ok();
        Ok(answer)
    }

    /// What was announced did not happen. The log hears of it, and with that the claim ends.
    fn did_not_move(&mut self, receipt: &Receipt, tip: Result<GitHash, Fault>, error: &GitError) -> Fault {
        let (fault, reason) = match tip {
            Err(fault) => (fault.clone(), fault.message),
            Ok(tip) if tip != receipt.base => {
                let what = format!("somebody else moved {} while it landed", self.view.line.target);
                (Fault::new("base_moved", what.clone()), what)
            }
            Ok(_) => (repository::fault(error), format!("the branch was not moved: {error}")),
        };
        match self.say(self.returned(reason)) {
            // The claim was outranked: that is why the branch stayed.
            Err(stale) => stale,
            Ok(_) => {
                let message = format!("{}; the change is back in the queue", fault.message);
                Fault { message, hint: "Claim it again, and build it anew: convoke queue lease.".to_owned(), ..fault }
            }
        }
    }

    fn fence_ref(&self, generation: u32) -> Fence {
        Fence { target: self.view.line.target.to_string(), change: self.view.line.id, generation }
    }

    fn tip(&self) -> Result<GitHash, Fault> {
        self.repository.tip(self.view.line.target.as_str()).map_err(|error| repository::fault(&error))
    }

    /// The commit that was tested. What means another commit in every worktree is not one: commands run in the repository.
    fn revision(&self, revision: &str) -> Result<GitHash, Fault> {
        let name = revision.split(['~', '^', '@', ':']).next().unwrap_or_default();
        if name.is_empty() || name.ends_with("HEAD") {
            let what =
                format!("{revision} is another commit in every worktree; give its hash: git rev-parse {revision}");
            return Err(Refusal::BadRequest(what).into());
        }
        let found = self.repository.commit(revision).map_err(|error| repository::fault(&error))?;
        found.ok_or_else(|| Fault::new("no_branch", format!("there is no branch or commit {revision:?}")))
    }

    /// A branch that is gone holds nothing.
    fn is_on_the_branch(&self, commit: &GitHash) -> Result<bool, Fault> {
        let found = match self.repository.tip(self.view.line.target.as_str()) {
            Err(GitError::NoBranch(_)) => Ok(false),
            tip => tip.and_then(|tip| self.repository.is_ancestor(commit, &tip)),
        };
        found.map_err(|error| repository::fault(&error))
    }

    /// A tree that was built on something else would take back what landed since.
    fn stands_on(&self, base: &GitHash, tested: &GitHash) -> Result<(), Fault> {
        let stands = self.repository.is_ancestor(base, tested).map_err(|error| repository::fault(&error))?;
        if stands {
            return Ok(());
        }
        let what = format!("{} is at {base}, and the commit {tested} does not stand on that", self.view.line.target);
        Err(Fault::new("base_moved", what))
    }

    fn is_not_checked_out(&self) -> Result<(), Fault> {
        let branch = self.view.line.target.as_str();
        match self.repository.checked_out_at(branch).map_err(|error| repository::fault(&error))? {
            Some(at) => Err(repository::fault(&GitError::CheckedOut { branch: branch.to_owned(), at })),
            None => Ok(()),
        }
    }

    fn have_passed(&self, passed: &[CheckResult]) -> Result<(), Fault> {
        let checks = self.checks();
        let is_said = |check: &&String| passed.iter().any(|result| result.command == **check);
        let missing: Vec<String> =
            checks.iter().filter(|check| !is_said(check)).map(|check| format!("{check:?}")).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Fault::new("checks_missing", format!("it is not said that this passed: {}", missing.join(", "))))
    }

    /// The change as a worker has it.
    fn job(&self) -> Result<Job, Fault> {
        job_of(self.view.clone()).ok_or_else(|| Fault::new("payload_erased", "what the change brings was erased"))
    }

    fn operations(&mut self, hash: &Hash) -> Result<Vec<Operation>, Fault> {
        let content = Blobs::of(&self.context.workspace()?.folder()).get(hash).map_err(|error| blob_fault(&error))?;
        request::operations(&content)
            .map_err(|error| Fault::new("content_damaged", format!("the content cannot be read: {error}")))
    }

    /// Hands the change back to its author: it does not apply.
    fn conflict(&mut self, tip: &GitHash, paths: &[String], detail: &str) -> Fault {
        let conflict = Conflicted::at(&self.repository, tip, paths, detail);
        let what = format!("it conflicted in {}", conflict.paths.join(", "));
        self.ended(conflict.command(self.view.line.id, self.fence), what)
    }

    /// Hands the change back to its author: it is not what it claims to be.
    fn reject(&mut self, faults: Vec<String>) -> Fault {
        let faults = faults_told(faults);
        let what = format!("it was rejected: {}", faults.join("; "));
        let (change, fence) = (self.view.line.id.to_string(), self.fence);
        self.ended(Command::RejectChange(RejectChange { change, fence, faults }), what)
    }

    /// Ends the change, and says so to the script, which has it no more.
    fn ended(&mut self, command: Command, what: String) -> Fault {
        match self.say(command) {
            Err(fault) => fault,
            Ok(_) => {
                let hint = "Its author was told, and the claim is over; take another: convoke queue lease.".to_owned();
                let message = format!("change {} cannot land: {what}", self.view.line.id.short());
                Fault { hint, ..Fault::new("change_ended", message) }
            }
        }
    }
}

fn look(context: &mut Context, reference: String) -> Result<ChangeView, Fault> {
    match context.view(Look::default(), Query::Change(Reference { reference }))? {
        (View::Change(view), _) => Ok(*view),
        _ => Err(Fault::new("bad_answer", "the answer is not a change")),
    }
}
