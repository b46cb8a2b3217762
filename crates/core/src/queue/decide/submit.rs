//! What is taken into the queue.

use std::collections::BTreeSet;

use super::super::{
    changes::Changes,
    commands::SubmitChange,
    events::{ApprovalRule, ChangeSubmitted, ChangeSuperseded, Check},
    path::RepoPath,
    state::{Change, Phase},
};
use crate::{
    event::Event,
    id::ChangeId,
    limits,
    name::{ActorName, Name},
    refusal::Refusal,
};

/// What becomes of a change that is handed in.
#[derive(Debug, Clone, PartialEq)]
pub enum Submission {
    /// It is new.
    New(Box<ChangeSubmitted>),
    /// The same change of the same task lives already: this one.
    Duplicate(ChangeId),
}

/// Takes a change in, or tells of the one that it duplicates. The one whose place it takes, `old`, is none: the same content may be
/// handed in anew, with another priority, say.
///
/// # Errors
/// [`Refusal::InvalidChange`] with every fault, not only the first.
pub fn submit(
    changes: &Changes,
    command: &SubmitChange,
    old: Option<ChangeId>,
    author: &ActorName,
) -> Result<Submission, Refusal> {
    let mut faults = Vec::new();
    let task = note(Name::parse(&command.task), &mut faults);
    let target = note(branch(&command.target), &mut faults);
    let paths: BTreeSet<RepoPath> =
        command.paths.iter().filter_map(|path| note(RepoPath::parse(path), &mut faults)).collect();
    if command.paths.is_empty() {
        faults.push("it changes nothing: no path is named".to_owned());
    }
    faults.extend(over("paths", command.paths.len(), limits::CHANGE_PATHS_MAX));
    faults.extend(over("bytes of paths", command.paths.iter().map(String::len).sum(), limits::CHANGE_PATH_BYTES_MAX));
    faults.extend(over("checks", command.checks.len(), limits::CHECKS_MAX));
    command.checks.iter().for_each(|check| check_faults(check, &mut faults));
    if let Some(metadata) = &command.metadata
        && let Err(refusal) = limits::check_json("the metadata", "the metadata", metadata)
    {
        faults.push(refusal.to_string());
    }
    let approval = command.approval.clone().filter(|rule| rule.needed > 0);
    faults.extend(approval.as_ref().and_then(|rule| approval_fault(rule, author)));
    let (Some(task), Some(target), true) = (task, target, faults.is_empty()) else {
        return Err(Refusal::InvalidChange { faults });
    };
    if let Some(live) = changes.live(&task, &command.content, old) {
        return Ok(Submission::Duplicate(live.id));
    }
    Ok(Submission::New(Box::new(ChangeSubmitted {
        task,
        agent: author.clone(),
        target,
        priority: command.priority,
        content: command.content.clone(),
        paths,
        checks: command.checks.clone(),
        approval,
        metadata: command.metadata.clone(),
        previous: None,
    })))
}

/// Lets a new change take the place of one of the same author.
///
/// # Errors
/// [`Refusal::NotYourChange`], [`Refusal::ChangeEnded`], [`Refusal::LandingBegun`].
pub fn supersede(old: &Change, by: ChangeId, actor: &ActorName) -> Result<Vec<Event>, Refusal> {
    super::withdraw::may_be_withdrawn(old, actor)?;
    Ok(vec![ChangeSuperseded { change: old.id, by }.into()])
}

/// Puts a dead change back, as a new one that refers to it; or tells of the one that it would duplicate, if the same change of
/// the same task was handed in again meanwhile.
///
/// # Errors
/// [`Refusal::ChangeNotDead`]; [`Refusal::ChangeEnded`] if it was put back already.
pub fn requeue(changes: &Changes, dead: &Change) -> Result<Submission, Refusal> {
    match dead.phase {
        Phase::Dead { requeued: None, .. } => {}
        Phase::Dead { requeued: Some(_), .. } => {
            return Err(Refusal::ChangeEnded { change: dead.id.into(), outcome: "dead, and put back already" });
        }
        _ => return Err(Refusal::ChangeNotDead { change: dead.id.into() }),
    }
    if let Some(live) = changes.live(&dead.task, &dead.content, None) {
        return Ok(Submission::Duplicate(live.id));
    }
    Ok(Submission::New(Box::new(ChangeSubmitted {
        task: dead.task.clone(),
        agent: dead.agent.clone(),
        target: dead.target.clone(),
        priority: dead.priority,
        content: dead.content.clone(),
        paths: dead.paths.clone(),
        checks: dead.checks.clone(),
        // It was approved before it was ever tried.
        approval: None,
        metadata: dead.metadata.as_deref().and_then(|text| serde_json::from_str(text).ok()),
        previous: Some(dead.id),
    })))
}

/// A branch as git would accept it, without `refs/heads/`.
fn branch(text: &str) -> Result<Name, String> {
    let bare = text.strip_prefix("refs/heads/").unwrap_or(text);
    let forbidden =
        |c: char| c.is_control() || c.is_whitespace() || matches!(c, '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    let is_bad_part =
        |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock") || part.ends_with('.');
    let is_bad = bare.starts_with('-') || bare.contains("..") || bare.contains("@{") || bare == "@";
    if is_bad || bare.contains(forbidden) || bare.split('/').any(is_bad_part) {
        return Err(format!("{:?} is not a branch", crate::name::shorten(text)));
    }
    Name::parse(bare).map_err(|error| error.to_string())
}

fn note<T, E: ToString>(parsed: Result<T, E>, faults: &mut Vec<String>) -> Option<T> {
    parsed.map_err(|error| faults.push(error.to_string())).ok()
}

fn over(what: &str, size: usize, size_max: usize) -> Option<String> {
    (size > size_max).then(|| format!("it has {size} {what}; the limit is {size_max}"))
}

fn check_faults(check: &Check, faults: &mut Vec<String>) {
    if check.command.trim().is_empty() {
        faults.push("a check is empty".to_owned());
    }
    faults.extend(over("bytes in the command of a check", check.command.len(), limits::CHECK_BYTES_MAX));
    if check.command.contains('\0') {
        faults.push("the command of a check holds a zero byte".to_owned());
    }
    if check.limit_ms.is_some_and(|limit| limit.ms() == 0) {
        faults.push("a check may take no time at all".to_owned());
    }
}

fn approval_fault(rule: &ApprovalRule, author: &ActorName) -> Option<String> {
    let able = rule.of.iter().filter(|reviewer| *reviewer != author).count();
    (usize::try_from(rule.needed).unwrap_or(usize::MAX) > able)
        .then(|| format!("approvals needed: {}; {able} may give one (the author does not count)", rule.needed))
}
