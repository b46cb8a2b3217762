//! The Merkle tree over the leaf hashes, of the shape of RFC 9162 (section 2.1.1).

use super::hash::{Hash, node_hash};

/// Leaves of one full tile: the unit of the store's rebuildable index of the tree.
pub const TILE_LEAVES: u64 = 256;

/// The right edge of the tree: the roots of the full subtrees that the leaves so far make, largest first.
///
/// Adding a leaf takes amortised one node hash, the root at most 64.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// One root for each set bit of `size`, from the highest to the lowest.
    roots: Vec<Hash>,
}

impl Frontier {
    /// The frontier of a tree of `roots.len()` full subtrees of `leaves_each` leaves (a power of two), from their roots.
    #[must_use]
    pub fn from_subtrees(roots: &[Hash], leaves_each: u64) -> Self {
        debug_assert!(leaves_each.is_power_of_two());
        let mut frontier = Self::default();
        for root in roots {
            frontier.push(*root);
        }
        frontier.size *= leaves_each;
        frontier
    }

    /// How many leaves there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf at the right.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            // One root for each set bit, so a trailing one bit has its root at the end.
            if let Some(left) = self.roots.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.roots.push(node);
        self.size += 1;
    }

    /// The root over all leaves; [`Hash::ZERO`] when there are none.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut roots = self.roots.iter().rev();
        let Some(last) = roots.next() else { return Hash::ZERO };
        roots.fold(*last, |right, left| node_hash(left, &right))
    }
}

/// The root over these leaves alone; [`Hash::ZERO`] when there are none.
#[must_use]
pub fn range_root(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.push(*leaf);
    }
    frontier.root()
}

/// The root over full tiles followed by loose leaves of a tile that is not full.
#[must_use]
pub fn tile_roots_root(tiles: &[Hash], loose: &[Hash]) -> Hash {
    let mut frontier = Frontier::from_subtrees(tiles, TILE_LEAVES);
    for leaf in loose {
        frontier.push(*leaf);
    }
    frontier.root()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, straight from RFC 9162: split at the largest power of two below n.
    fn by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::ZERO,
            [leaf] => *leaf,
            _ => {
                let k = leaves.len().next_power_of_two() / 2;
                node_hash(&by_definition(&leaves[..k]), &by_definition(&leaves[k..]))
            }
        }
    }

    fn leaves(n: u64) -> Vec<Hash> {
        (0..n).map(|i| crate::log::leaf_hash(&i.to_be_bytes())).collect()
    }

    #[test]
    fn the_frontier_gives_the_root_of_the_definition_at_every_size() {
        let leaves = leaves(300);
        let mut frontier = Frontier::default();
        for n in 0..leaves.len() {
            assert_eq!(frontier.root(), by_definition(&leaves[..n]), "size {n}");
            frontier.push(leaves[n]);
        }
    }

    #[test]
    fn tiles_and_loose_leaves_give_the_same_root() {
        let leaves = leaves(1000);
        let (full, loose) = leaves.split_at(768);
        let tiles: Vec<Hash> = full.chunks(256).map(range_root).collect();
        assert_eq!(tile_roots_root(&tiles, loose), by_definition(&leaves));
    }
}
