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
