//! Builds the trees that stacks of changes make, each on top of those before it, and remembers them while they may be needed.

use std::{collections::BTreeMap, path::Path};

use convoke_core::queue::GitHash;
use convoke_git::{Builder, GitError, Repository};

use crate::{
    candidate::{self, Bringing, Built},
    desk::Job,
    obstacle::Obstacle,
    train::{Stack, Ticket, rest},
};

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
        let tip = Built::of(repository, tip)?;
        Ok(Self { repository: repository.clone(), builder, tip, built: BTreeMap::new() })
    }

    /// The branch as it is, as far as the worker knows.
    pub(crate) fn tip(&self) -> &Built {
        &self.tip
    }

    /// Somebody else moved the branch.
    pub(crate) fn move_to(&mut self, tip: GitHash) -> Result<(), GitError> {
        self.built.clear();
        self.tip = Built::of(&self.repository, tip)?;
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
        let built = candidate::commit_on(&self.repository, &base.commit, &tree, job)?;
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
    pub(crate) fn landing_of(&mut self, batch: &[(Ticket, &Job)]) -> Result<Built, GitError> {
        let mut stack = Stack::new();
        let mut last = self.tip.clone();
        for (ticket, job) in batch {
            stack.push(*ticket);
            let (built, parent) = self.built.get(&stack).cloned().ok_or_else(not_built)?;
            // What was built on the commits of a batch has another parent than the merge that landed it.
            last = if parent == last.commit {
                built
            } else {
                candidate::commit_on(&self.repository, &last.commit, &built.tree, job)?
            };
        }
        if batch.len() < 2 {
            return Ok(last);
        }
        let mut message = format!("Land {} changes, tested together\n\n", batch.len());
        for (_, job) in batch {
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
        candidate::tree_on(&self.repository, &mut self.builder, base, job, bringing)
    }
}

fn not_built() -> GitError {
    GitError::Failed { what: "land".to_owned(), said: "a tree of the stack was not built".to_owned() }
}
