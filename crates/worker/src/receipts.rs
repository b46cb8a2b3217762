//! Whether the repository holds what a receipt in the log says that landed: the rule, without a look at either.
//!
//! A change lands as one commit on the base that it was tested on. Several that were tested together land as a merge: its tree
//! is the one that was tested, its first parent the base, and on the other side each change has a commit of its own.

use std::{collections::BTreeMap, fmt};

use convoke_core::{
    id::ChangeId,
    queue::{GitHash, events::Receipt},
};
use convoke_git::Past;

/// Every commit of a branch.
pub type History = BTreeMap<GitHash, Past>;

/// What does not hold of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// The receipt itself says that another tree was tested.
    Untested,
    /// The commit is not in the branch's history: the branch was rewritten, or lost what had landed.
    Gone,
    /// The commit has another tree.
    OtherTree(GitHash),
    /// The commit does not stand on the base that the change was tested on.
    OtherBase,
    /// The base is not in the branch's history.
    BaseGone,
    /// Neither the commit nor one that it merged names the change.
    NotNamed,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untested => f.write_str("the tree that landed is not the one that was tested"),
            Self::Gone => f.write_str("its commit is not in the history of the branch any more"),
            Self::OtherTree(tree) => write!(f, "its commit has another tree, {tree}"),
            Self::OtherBase => f.write_str("its commit does not stand on the base that it was tested on"),
            Self::BaseGone => f.write_str("the base that it was tested on is not in the history of the branch"),
            Self::NotNamed => f.write_str("its commit does not say that it is this change"),
        }
    }
}

/// Whether a branch with this history holds what a change's receipt says.
///
/// # Errors
/// The first thing that does not hold.
pub fn check(change: ChangeId, receipt: &Receipt, history: &History) -> Result<(), Wrong> {
    if receipt.tree != receipt.tested_tree {
        return Err(Wrong::Untested);
    }
    let landed = history.get(&receipt.commit).ok_or(Wrong::Gone)?;
    if landed.tree != receipt.tree {
        return Err(Wrong::OtherTree(landed.tree.clone()));
    }
    if landed.parents.first() != Some(&receipt.base) {
        return Err(Wrong::OtherBase);
    }
    if !history.contains_key(&receipt.base) {
        return Err(Wrong::BaseGone);
    }
    let name = change.to_string();
    let names_it = |past: &Past| past.changes.contains(&name);
    if names_it(landed) || merged_by(landed, &receipt.base, history).any(names_it) {
        Ok(())
    } else {
        Err(Wrong::NotNamed)
    }
}

/// The commits on the other side of a merge, down to the base.
fn merged_by<'a>(merge: &Past, base: &'a GitHash, history: &'a History) -> impl Iterator<Item = &'a Past> {
    let side = merge.parents.get(1).filter(|side| *side != base).and_then(|side| history.get(side));
    std::iter::successors(side, move |past| {
        past.parents.first().filter(|below| *below != base).and_then(|below| history.get(below))
    })
}

#[cfg(test)]
mod tests {
    use convoke_core::id::uuid_v7;

    use super::*;

    fn hash(name: char) -> GitHash {
        GitHash::parse(&name.to_string().repeat(40)).unwrap()
    }

    fn change(number: u8) -> ChangeId {
        ChangeId::from_bytes(uuid_v7(0, [number; 10]))
    }

    fn past(tree: char, parents: &[char], changes: &[u8]) -> Past {
        Past {
            tree: hash(tree),
            parents: parents.iter().map(|parent| hash(*parent)).collect(),
            changes: changes.iter().map(|number| change(*number).to_string()).collect(),
        }
    }

    fn receipt(base: char, tree: char, commit: char) -> Receipt {
        let (base, tree, commit) = (hash(base), hash(tree), hash(commit));
        Receipt { base, tested_tree: tree.clone(), commit, tree, checks: Vec::new() }
    }

    /// a: the beginning; b: change 1 on it; c, d: changes 2 and 3, landed together by the merge e. Trees are named as commits.
    fn history() -> History {
        [
            ('a', past('a', &[], &[])),
            ('b', past('b', &['a'], &[1])),
            ('c', past('c', &['b'], &[2])),
            ('d', past('d', &['c'], &[3])),
            ('e', past('d', &['b', 'd'], &[])),
        ]
        .map(|(commit, past)| (hash(commit), past))
        .into()
    }

    #[test]
    fn what_landed_alone_or_together_is_found() {
        assert_eq!(check(change(1), &receipt('a', 'b', 'b'), &history()), Ok(()));
        for together in [2, 3] {
            assert_eq!(check(change(together), &receipt('b', 'd', 'e'), &history()), Ok(()));
        }
    }

    #[test]
    fn whatever_does_not_hold_is_named() {
        let history = history();
        let untested = Receipt { tested_tree: hash('f'), ..receipt('a', 'b', 'b') };
        let rewritten: History = history.clone().into_iter().filter(|(commit, _)| *commit != hash('a')).collect();
        for (change_number, receipt, history, wrong) in [
            (1, untested, &history, Wrong::Untested),
            (1, receipt('a', 'b', 'f'), &history, Wrong::Gone),
            (1, receipt('a', 'f', 'b'), &history, Wrong::OtherTree(hash('b'))),
            (1, receipt('c', 'b', 'b'), &history, Wrong::OtherBase),
            (1, receipt('a', 'b', 'b'), &rewritten, Wrong::BaseGone),
            (2, receipt('a', 'b', 'b'), &history, Wrong::NotNamed),
            (1, receipt('b', 'd', 'e'), &history, Wrong::NotNamed),
        ] {
            assert_eq!(check(change(change_number), &receipt, history), Err(wrong.clone()), "{wrong}");
        }
    }
}
