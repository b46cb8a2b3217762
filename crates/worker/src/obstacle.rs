//! Why a change makes no tree that may land.

use std::collections::BTreeSet;

use convoke_core::{
    command::{Command, ConflictChange},
    id::ChangeId,
    limits,
    queue::{GitHash, RepoPath},
};
use convoke_git::{Repository, patch::Touched};

use crate::lane::cut;

/// Why a change makes no tree on top of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// It does not apply.
    Conflict {
        /// In these files.
        paths: Vec<String>,
        /// What git says, or why besides.
        detail: String,
    },
    /// It applies, and does what it may not.
    Faults(Vec<String>),
}

/// What keeps a tree from landing that touches these files, if anything: a change touches what it names, and nothing that leads
/// out. Where a merge made the tree, `brought` is what the commit touches by itself: the merge may touch other files, as it
/// follows those that the branch has renamed, and that is nobody's fault.
#[must_use]
pub fn obstacle_in(touched: &[Touched], named: &BTreeSet<RepoPath>, brought: Option<&[Touched]>) -> Option<Obstacle> {
    let is_named = |path: &str| RepoPath::parse(path).is_ok_and(|path| named.contains(&path));
    let is_brought = |path: &str| brought.is_none_or(|brought| brought.iter().any(|file| file.path == path));
    let unnamed = touched.iter().map(|file| file.path.as_str()).filter(|path| !is_named(path));
    let (own, moved): (Vec<&str>, Vec<&str>) = unnamed.partition(|path| is_brought(path));
    let mut faults: Vec<String> =
        own.into_iter().map(|path| format!("it touches {path:?}, which it does not name")).collect();
    faults.extend(touched.iter().filter_map(Touched::fault));
    if !faults.is_empty() {
        return Some(Obstacle::Faults(faults));
    }
    (!moved.is_empty()).then(|| Obstacle::Conflict {
        paths: moved.into_iter().map(str::to_owned).collect(),
        detail: "what it changes was renamed on the branch, so that it touches files that it does not name".to_owned(),
    })
}

/// So many files of a conflict are named at most.
const PATHS_MAX: usize = 100;

/// A conflict as the log takes it, within its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflicted {
    /// The files.
    pub paths: Vec<String>,
    /// The landed change that touched one of them last.
    pub against: Option<ChangeId>,
    /// What git says.
    pub detail: String,
}

impl Conflicted {
    /// A conflict with what the branch holds at its tip.
    #[must_use]
    pub fn at(repository: &Repository, tip: &GitHash, paths: &[String], detail: &str) -> Self {
        let last = repository.trailer_of_last(tip, paths, "Convoke-Change").ok().flatten();
        let named = paths.iter().filter(|path| RepoPath::parse(path).is_ok());
        Self {
            paths: named.take(PATHS_MAX).cloned().collect(),
            against: last.and_then(|change| change.trim().parse().ok()),
            detail: cut(detail, limits::CAUSE_BYTES_MAX),
        }
    }

    /// What is said to the log.
    #[must_use]
    pub fn command(&self, change: ChangeId, fence: u32) -> Command {
        let (paths, detail) = (self.paths.clone(), self.detail.clone());
        let against = self.against.map(|change| change.to_string());
        Command::ConflictChange(ConflictChange { change: change.to_string(), fence, paths, against, detail })
    }
}

/// The faults of a change as the log takes them: as many as there is room for, and at least one.
#[must_use]
pub fn faults_told(mut faults: Vec<String>) -> Vec<String> {
    let mut room = limits::CAUSE_BYTES_MAX;
    faults.retain(|fault| {
        room = room.saturating_sub(fault.len() + 1);
        room > 0
    });
    if faults.is_empty() {
        faults.push("it has faults that are too long to be said".to_owned());
    }
    faults
}
