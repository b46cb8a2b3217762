//! Builds the trees that stacks of changes make, each on top of those before it, and remembers them while they may be needed.

use std::{collections::BTreeMap, path::Path};

use convoke_core::queue::GitHash;
use convoke_git::{Builder, GitError, Merged, Operation, Repository};

use crate::{
    desk::Job,
    message,
    obstacle::{Obstacle, obstacle_in},
    train::{Stack, Ticket, rest},
};

/// What a change brings, ready to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bringing {
    /// File operations.
    Operations(Vec<Operation>),
    /// A commit.
    Commit(GitHash),
}

/// A commit and its tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Built {
    pub(crate) commit: GitHash,
    pub(crate) tree: GitHash,
}

/// Builds stacks on the tip of one branch.
#[derive(Debug)]
pub(crate) struct Stacks {
    repository: Repository,
    builder: Builder,
    tip: Built,
    /// Each with the commit that it was made on.
    built: BTreeMap<Stack, (Built, GitHash)>,
}

impl Stacks {
    pub(crate) fn open(repository: &Repository, folder: &Path, tip: GitHash) -> Result<Self, GitError> {
        let builder = Builder::open(repository, folder)?;
        let tip = with_tree(repository, tip)?;
        Ok(Self { repository: repository.clone(), builder, tip, built: BTreeMap::new() })
    }

    /// The branch as it is, as far as the worker knows.
    pub(crate) fn tip(&self) -> &Built {
        &self.tip
    }

    /// Somebody else moved the branch.
    pub(crate) fn move_to(&mut self, tip: GitHash) -> Result<(), GitError> {
        self.built.clear();
        self.tip = with_tree(&self.repository, tip)?;
        Ok(())
    }

    /// Changes have landed: the branch is at this commit now.
    pub(crate) fn landed(&mut self, tickets: &[Ticket], tip: Built) {
        let built = std::mem::take(&mut self.built);
        self.built = built.into_iter().filter_map(|(stack, built)| Some((rest(&stack, tickets)?, built))).collect();
        self.built.retain(|stack, _| !stack.is_empty());
        self.tip = tip;
    }

    /// A change is in no stack any more.
    pub(crate) fn forget(&mut self, ticket: Ticket) {
        self.built.retain(|stack, _| !stack.contains(&ticket));
    }

    /// What a stack makes, if its last change can be put on top of the others, which have been built.
    pub(crate) fn build(
        &mut self,
        stack: &[Ticket],
        job: &Job,
        bringing: &Bringing,
    ) -> Result<Result<Built, Obstacle>, GitError> {
        if let Some((built, _)) = self.built.get(stack) {
            return Ok(Ok(built.clone()));
        }
        let below = stack.split_last().map_or(&[][..], |(_, below)| below);
        let base = match below {
            [] => self.tip.clone(),
            below => self.known(below)?,
        };
        let tree = match self.tree_on(&base, job, bringing)? {
            Ok(tree) => tree,
            Err(obstacle) => return Ok(Err(obstacle)),
        };
        let built = self.commit(&tree, &base.commit, job, bringing)?;
        self.built.insert(stack.to_vec(), (built.clone(), base.commit));
        Ok(Ok(built))
    }

    /// The commit of a stack that was built.
    pub(crate) fn commit_of(&self, stack: &[Ticket]) -> Result<GitHash, GitError> {
        self.known(stack).map(|built| built.commit)
    }

    /// Why a change cannot be put on the branch by itself, if it cannot.
    pub(crate) fn try_on_tip(&mut self, job: &Job, bringing: &Bringing) -> Result<Option<Obstacle>, GitError> {
        let tip = self.tip.clone();
        Ok(self.tree_on(&tip, job, bringing)?.err())
    }

    /// The commits that land a batch: one for each change, on top of one another, and the last one is what the branch is moved
    /// to. A batch of several gets a merge on top: the branch goes from tested tree to tested tree.
    pub(crate) fn landing_of(&mut self, batch: &[(Ticket, &Job, &Bringing)]) -> Result<Built, GitError> {
        let mut stack = Stack::new();
        let mut last = self.tip.clone();
        for (ticket, job, bringing) in batch {
            stack.push(*ticket);
            let (built, parent) = self.built.get(&stack).cloned().ok_or_else(not_built)?;
            // What was built on the commits of a batch has another parent than the merge that landed it.
            last = if parent == last.commit { built } else { self.commit(&built.tree, &last.commit, job, bringing)? };
        }
        if batch.len() < 2 {
            return Ok(last);
        }
        let mut message = format!("Land {} changes, tested together\n\n", batch.len());
        for (_, job, _) in batch {
            message += &format!("* {} by {} ({})\n", job.task, job.agent, job.change);
        }
        let parents = [&self.tip.commit, &last.commit];
        let commit = self.repository.commit_tree(&last.tree, &parents, &message, ("convoke", "convoke@localhost"))?;
        Ok(Built { commit, tree: last.tree })
    }

    fn known(&self, stack: &[Ticket]) -> Result<Built, GitError> {
        self.built.get(stack).map(|(built, _)| built.clone()).ok_or_else(not_built)
    }

    fn tree_on(&mut self, base: &Built, job: &Job, bringing: &Bringing) -> Result<Result<GitHash, Obstacle>, GitError> {
        let merged = match bringing {
            Bringing::Operations(operations) => self.builder.apply(&base.tree, operations)?,
            Bringing::Commit(commit) => match self.repository.merge(&base.commit, commit) {
                Err(GitError::Failed { .. }) if self.repository.merge_base(&base.commit, commit)?.is_none() => {
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
        let touched = self.builder.touched(&base.tree, &tree)?;
        let obstacle = match (obstacle_in(&touched, &job.paths, None), bringing) {
            (Some(_), Bringing::Commit(commit)) => {
                let brought = self.repository.brought_by(commit, &base.commit)?;
                obstacle_in(&touched, &job.paths, Some(&brought))
            }
            (obstacle, _) => obstacle,
        };
        Ok(obstacle.map_or(Ok(tree), Err))
    }

    fn commit(&mut self, tree: &GitHash, parent: &GitHash, job: &Job, bringing: &Bringing) -> Result<Built, GitError> {
        let message = match bringing {
            Bringing::Commit(commit) => self.repository.message(commit)?,
            Bringing::Operations(_) => job.intent.clone().unwrap_or_default(),
        };
        let message = message::of(&message, job.change, &job.task, job.position);
        let email = format!("{}@localhost", job.agent);
        let author = (job.agent.as_str(), email.as_str());
        let commit = self.repository.commit_tree(tree, &[parent], &message, author)?;
        Ok(Built { commit, tree: tree.clone() })
    }
}

fn with_tree(repository: &Repository, commit: GitHash) -> Result<Built, GitError> {
    let tree = repository
        .tree(&commit)?
        .ok_or_else(|| GitError::Failed { what: "rev-parse".to_owned(), said: format!("{commit} has no tree") })?;
    Ok(Built { commit, tree })
}

fn not_built() -> GitError {
    GitError::Failed { what: "land".to_owned(), said: "a tree of the stack was not built".to_owned() }
}
