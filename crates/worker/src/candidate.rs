//! The commit that would land a change: the tree that it makes on top of another, if it makes one that may land, with its author
//! and its message.

use convoke_core::queue::{GitHash, events::Content};
use convoke_git::{Builder, GitError, Merged, Operation, Repository};

use crate::{
    desk::Job,
    obstacle::{Obstacle, obstacle_in},
};

/// What a change brings, ready to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bringing {
    /// File operations.
    Operations(Vec<Operation>),
    /// A commit.
    Commit(GitHash),
}

/// A commit and its tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The commit.
    pub commit: GitHash,
    /// Its tree.
    pub tree: GitHash,
}

impl Built {
    /// A commit of the repository.
    ///
    /// # Errors
    /// [`GitError`] if it is not there.
    pub fn of(repository: &Repository, commit: GitHash) -> Result<Self, GitError> {
        let tree = repository.tree(&commit)?;
        let none = || GitError::Failed { what: "rev-parse".to_owned(), said: format!("{commit} has no tree") };
        Ok(Self { tree: tree.ok_or_else(none)?, commit })
    }
}

/// The tree that a change makes on top of a commit, or what keeps it from making one that may land.
///
/// # Errors
/// [`GitError`] if git cannot say which.
pub fn tree_on(
    repository: &Repository,
    builder: &mut Builder,
    base: &Built,
    job: &Job,
    bringing: &Bringing,
) -> Result<Result<GitHash, Obstacle>, GitError> {
    let merged = match bringing {
        Bringing::Operations(operations) => builder.apply(&base.tree, operations)?,
        Bringing::Commit(commit) => match repository.merge(&base.commit, commit) {
            Err(GitError::Failed { .. }) if repository.merge_base(&base.commit, commit)?.is_none() => {
                let fault = format!("the commit {commit} has no history in common with the branch");
                return Ok(Err(Obstacle::Faults(vec![fault])));
            }
            merged => merged?,
        },
    };
    let tree = match merged {
        Merged::Tree(tree) => tree,
        Merged::Conflict { paths, detail } => return Ok(Err(Obstacle::Conflict { paths, detail })),
    };
    if tree == base.tree {
        let detail = "nothing is left of it: the branch holds all that it brings".to_owned();
        let paths = job.paths.iter().map(ToString::to_string).collect();
        return Ok(Err(Obstacle::Conflict { paths, detail }));
    }
    let touched = builder.touched(&base.tree, &tree)?;
    let obstacle = match (obstacle_in(&touched, &job.paths, None), bringing) {
        (Some(_), Bringing::Commit(commit)) => {
            let brought = repository.brought_by(commit, &base.commit)?;
            obstacle_in(&touched, &job.paths, Some(&brought))
        }
        (obstacle, _) => obstacle,
    };
    Ok(obstacle.map_or(Ok(tree), Err))
}

/// The commit that lands a change with this tree: its agent is the author, and its message ends with which change it is.
///
/// # Errors
/// [`GitError`] if git cannot make it.
pub fn commit_on(repository: &Repository, parent: &GitHash, tree: &GitHash, job: &Job) -> Result<Built, GitError> {
    let said = match &job.content {
        Content::Commit(commit) => repository.message(commit)?,
        Content::Operations(_) => job.intent.clone().unwrap_or_default(),
    };
    let message = message(&said, job);
    let author = (job.agent.as_str(), format!("{}@localhost", job.agent));
    let commit = repository.commit_tree(tree, &[parent], &message, (author.0, &author.1))?;
    Ok(Built { commit, tree: tree.clone() })
}

/// What it is for, and at its end which change it is, of which task, and where in the log it was handed in. A change of which
/// nothing was said goes by its task's name.
fn message(said: &str, job: &Job) -> String {
    let said = said.replace('\0', "");
    let said = if said.trim().is_empty() { job.task.as_str() } else { said.trim() };
    format!("{said}\n\nConvoke-Change: {}\nConvoke-Task: {}\nConvoke-Event: {}\n", job.change, job.task, job.position)
}
