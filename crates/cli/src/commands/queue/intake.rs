//! What is handed in, held against the settings and the repository, and put beside the log: the part that `submit`,
//! `validate` and `watch-dir` share.

use convoke::api::Fault;
use convoke_core::{
    command::SubmitChange,
    log::blob_hash,
    name::ActorName,
    priority::Priority,
    queue::{
        Changes, GitHash, RepoPath,
        decide::submit,
        events::{Check, Content},
    },
    refusal::Refusal,
};
use convoke_git::{Repository, patch::Touched};
use convoke_store::blobs::Blobs;
use convoke_worker::request::{ChangeRequest, Checked, Malformed};
use serde_json::Value;

use crate::{
    context::Context,
    repository::{self, blob_fault},
    settings::QueueSettings,
    workspace::Workspace,
};

/// A change as it is handed in.
#[derive(Debug, Clone)]
pub(super) struct Brought {
    pub(super) task: String,
    /// The branch; the configured one if it is not named.
    pub(super) target: Option<String>,
    pub(super) priority: Priority,
    pub(super) checks: Vec<String>,
    pub(super) metadata: Option<Value>,
    pub(super) supersedes: Option<String>,
    pub(super) brings: Brings,
}

/// What it changes.
#[derive(Debug, Clone)]
pub(super) enum Brings {
    /// Operations on these files, in the form in which they are kept.
    Operations { paths: Vec<String>, content: Vec<u8> },
    /// What a commit of the repository changed since it left the target.
    Revision(String),
}

impl Brought {
    /// What a change request brings, and whose it is.
    pub(super) fn of_request(request: ChangeRequest, checked: Checked) -> (Self, ActorName) {
        let paths = checked.paths.iter().map(ToString::to_string).collect();
        let brought = Self {
            task: request.task_id,
            target: request.target,
            priority: request.priority,
            checks: request.checks,
            metadata: request.metadata,
            supersedes: None,
            brings: Brings::Operations { paths, content: checked.content },
        };
        (brought, checked.agent)
    }
}

/// The settings of a workspace's queue, as a change meets them.
pub(super) struct Gate<'a> {
    pub(super) settings: &'a QueueSettings,
    pub(super) workspace: &'a Workspace,
}

impl Gate<'_> {
    /// Checks a change, puts what it brings where the worker finds it, and gives the command that hands it in. Nothing is written
    /// anywhere unless everything that can be seen from here is in order.
    pub(super) fn admit(
        &self,
        context: &mut Context,
        repository: &Repository,
        actor: &ActorName,
        brought: Brought,
    ) -> Result<SubmitChange, Fault> {
        let target = self.target(&brought);
        if let Some(fault) = self.faults_of_settings(&target, &brought.checks).into_iter().next() {
            return Err(fault);
        }
        let tip = repository.tip(&target).map_err(|error| repository::fault(&error))?;
        let (paths, content) = match &brought.brings {
            Brings::Operations { paths, content } => (paths.clone(), Content::Operations(blob_hash(content))),
            Brings::Revision(revision) => {
                let (paths, commit) = since_it_left(repository, revision, (&target, &tip))?;
                (paths, Content::Commit(commit))
            }
        };
        let command = self.command(&brought, target, paths, content);
        // The engine decides the same once more; but it would find out after the content is written.
        submit::submit(&Changes::default(), &command, None, actor)?;
        match (&command.content, &brought.brings) {
            (Content::Operations(_), Brings::Operations { content, .. }) => {
                let blobs = Blobs::of(&self.workspace.folder());
                blobs.put(content).map_err(|error| blob_fault(&error))?;
            }
            (Content::Commit(commit), _) => {
                let keeper = repository::keeper(context)?;
                repository.keep(&keeper, commit).map_err(|error| repository::fault(&error))?;
            }
            (Content::Operations(_), Brings::Revision(_)) => {}
        }
        Ok(command)
    }

    /// Everything that the settings have against a request that is not well formed.
    pub(super) fn faults_of_malformed(&self, malformed: &Malformed) -> Vec<String> {
        let target = branch(malformed.target.as_deref().unwrap_or(&self.settings.target));
        self.faults_of_settings(&target, &malformed.checks).into_iter().map(|fault| fault.message).collect()
    }

    /// Everything that the settings and the queue's rules have against a request, without a look at the repository.
    pub(super) fn faults(&self, actor: &ActorName, brought: &Brought) -> Vec<String> {
        let Brings::Operations { paths, content } = &brought.brings else { return Vec::new() };
        let target = self.target(brought);
        let mut faults: Vec<String> =
            self.faults_of_settings(&target, &brought.checks).into_iter().map(|fault| fault.message).collect();
        let command = self.command(brought, target, paths.clone(), Content::Operations(blob_hash(content)));
        match submit::submit(&Changes::default(), &command, None, actor) {
            Err(Refusal::InvalidChange { faults: more }) => faults.extend(more),
            Err(other) => faults.push(other.to_string()),
            Ok(_) => {}
        }
        faults
    }

    fn target(&self, brought: &Brought) -> String {
        branch(brought.target.as_deref().unwrap_or(&self.settings.target))
    }

    fn faults_of_settings(&self, target: &str, checks: &[String]) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.settings.is_protected(target) {
            faults.push(Fault::new("protected_branch", format!("{target} is protected: nothing is submitted to it")));
        }
        let not_allowed: Vec<String> = checks
            .iter()
            .filter(|check| !self.settings.allows_check(check))
            .map(|check| format!("{check:?}"))
            .collect();
        if !not_allowed.is_empty() {
            let what = format!("the settings do not allow the check {}", not_allowed.join(", nor "));
            faults.push(Fault::new("check_not_allowed", what));
        }
        faults
    }

    fn command(&self, brought: &Brought, target: String, paths: Vec<String>, content: Content) -> SubmitChange {
        let well_formed: Vec<RepoPath> = paths.iter().filter_map(|path| RepoPath::parse(path).ok()).collect();
        let complexity =
            brought.metadata.as_ref().and_then(|metadata| metadata.get("complexity")).and_then(Value::as_u64);
        let approval = self.settings.approval(&target, &well_formed, complexity);
        SubmitChange {
            task: brought.task.clone(),
            target,
            priority: brought.priority,
            content,
            paths,
            checks: brought.checks.iter().map(|command| Check { command: command.clone(), limit_ms: None }).collect(),
            approval,
            metadata: brought.metadata.clone(),
            supersedes: brought.supersedes.clone(),
        }
    }
}

fn branch(named: &str) -> String {
    named.strip_prefix("refs/heads/").unwrap_or(named).to_owned()
}

/// The files that a commit changed since it left the target, and its hash.
fn since_it_left(
    repository: &Repository,
    revision: &str,
    (target, tip): (&str, &GitHash),
) -> Result<(Vec<String>, GitHash), Fault> {
    let git = |error| repository::fault(&error);
    let invalid = |fault: String| Fault::from(Refusal::InvalidChange { faults: vec![fault] });
    let found = repository.commit(revision).map_err(git)?;
    let name = revision.strip_prefix("refs/heads/").unwrap_or(revision);
    let commit = found.ok_or_else(|| Fault::new("no_branch", format!("there is no branch or commit {name:?}")))?;
    let left = repository.merge_base(tip, &commit).map_err(git)?;
    let left = left.ok_or_else(|| invalid(format!("{name} and {target} have no commit in common")))?;
    if left == commit {
        return Err(invalid(format!("{name} is in {target} already: it changes nothing")));
    }
    let touched = repository.touched(&left, &commit).map_err(git)?;
    let faults: Vec<String> = touched.iter().filter_map(Touched::fault).collect();
    if !faults.is_empty() {
        return Err(Refusal::InvalidChange { faults }.into());
    }
    Ok((touched.into_iter().map(|touched| touched.path).collect(), commit))
}
