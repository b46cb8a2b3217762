//! Why a change makes no tree that may land.

use std::collections::BTreeSet;

use convoke_core::queue::RepoPath;
use convoke_git::patch::Touched;

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

/// What keeps a tree from landing that touches these files, if anything. A change touches what it names; only where a merge made
/// the tree it is nobody's fault if it does not: a merge follows files that the branch has renamed.
#[must_use]
pub fn obstacle_in(touched: &[Touched], named: &BTreeSet<RepoPath>, by_merge: bool) -> Option<Obstacle> {
    let is_named = |path: &str| RepoPath::parse(path).is_ok_and(|path| named.contains(&path));
    let unnamed: Vec<&str> = touched.iter().map(|file| file.path.as_str()).filter(|path| !is_named(path)).collect();
    let mut faults: Vec<String> = touched.iter().filter_map(Touched::fault).collect();
    if !by_merge {
        faults.extend(unnamed.iter().map(|path| format!("it touches {path:?}, which it does not name")));
    }
    if !faults.is_empty() {
        return Some(Obstacle::Faults(faults));
    }
    (!unnamed.is_empty()).then(|| Obstacle::Conflict {
        paths: unnamed.into_iter().map(str::to_owned).collect(),
        detail: "what it changes was renamed on the branch, so that it touches files that it does not name".to_owned(),
    })
}
