//! The Merkle tree over a whole log in little memory: the roots of its full tiles, and the leaves after them.

use convoke_core::log::{Frontier, Hash, Head, TILE_LEAVES, range_root, tile_roots_root};

/// 32 bytes for every 256 events, and the leaves of the last tile that is not full.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    tiles: Vec<Hash>,
    /// The tree over the tiles' roots.
    over_tiles: Frontier,
    loose: Vec<Hash>,
    /// The tree over the loose leaves.
    over_loose: Frontier,
}

/// What a range's root is made of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RangeRoot {
    /// All is in memory.
    Known(Hash),
    /// These leaves must be read and given to [`Tree::range_root_with`].
    Needs {
        /// The first of them.
        start: u64,
        /// The position after the last.
        end: u64,
    },
}

impl Tree {
    /// A tree of full tiles only, from their roots.
    pub(crate) fn from_tiles(tiles: Vec<Hash>) -> Self {
        let mut over_tiles = Frontier::default();
        for tile in &tiles {
            over_tiles.push(*tile);
        }
        Self { tiles, over_tiles, loose: Vec::new(), over_loose: Frontier::default() }
    }

    pub(crate) fn size(&self) -> u64 {
        self.tiles.len() as u64 * TILE_LEAVES + self.loose.len() as u64
    }

    pub(crate) fn tiles(&self) -> &[Hash] {
        &self.tiles
    }

    pub(crate) fn push(&mut self, leaf: Hash) {
        self.loose.push(leaf);
        self.over_loose.push(leaf);
        if self.loose.len() as u64 == TILE_LEAVES {
            let tile = self.over_loose.root();
            self.tiles.push(tile);
            self.over_tiles.push(tile);
            self.loose.clear();
            self.over_loose = Frontier::default();
        }
    }

    pub(crate) fn root(&self) -> Hash {
        if self.loose.is_empty() {
            return self.over_tiles.root();
        }
        // The loose leaves' tree stands where the next tile would: to the right of all, and no deeper than one.
        let mut all = self.over_tiles.clone();
        all.push(self.over_loose.root());
        all.root()
    }

    pub(crate) fn head(&self) -> Head {
        Head { size: self.size(), root: self.root() }
    }

    /// What is needed for the root over the leaves `start..end`, which must lie within the tree.
    pub(crate) fn range_root(&self, start: u64, end: u64) -> RangeRoot {
        if start >= end {
            return RangeRoot::Known(Hash::ZERO);
        }
        let loose_start = self.tiles.len() as u64 * TILE_LEAVES;
        if start >= loose_start {
            return RangeRoot::Known(range_root(self.loose_between(start, end)));
        }
        if !start.is_multiple_of(TILE_LEAVES) {
            return RangeRoot::Needs { start, end };
        }
        let full = end / TILE_LEAVES * TILE_LEAVES;
        if end == full {
            return RangeRoot::Known(tile_roots_root(self.tiles_between(start, end), &[]));
        }
        if full >= loose_start {
            return RangeRoot::Known(tile_roots_root(
                self.tiles_between(start, loose_start),
                self.loose_between(loose_start, end),
            ));
        }
        RangeRoot::Needs { start: full, end }
    }

    /// The root over the leaves `start..end`, given the leaves that [`Tree::range_root`] asked for.
    pub(crate) fn range_root_with(&self, start: u64, leaves_start: u64, leaves: &[Hash]) -> Hash {
        if start == leaves_start {
            return range_root(leaves);
        }
        tile_roots_root(self.tiles_between(start, leaves_start), leaves)
    }

    fn tiles_between(&self, start: u64, end: u64) -> &[Hash] {
        &self.tiles[(start / TILE_LEAVES) as usize..(end / TILE_LEAVES) as usize]
    }

    fn loose_between(&self, start: u64, end: u64) -> &[Hash] {
        let loose_start = self.tiles.len() as u64 * TILE_LEAVES;
        &self.loose[(start - loose_start) as usize..(end - loose_start) as usize]
    }
}

#[cfg(test)]
mod tests {
    use convoke_core::log::leaf_hash;

    use super::*;

    #[test]
    fn its_root_is_that_of_the_leaves_at_every_size() {
        let leaves: Vec<Hash> = (0..1500_u64).map(|i| leaf_hash(&i.to_be_bytes())).collect();
        let mut tree = Tree::default();
        for (size, leaf) in leaves.iter().enumerate() {
            assert_eq!(tree.root(), range_root(&leaves[..size]), "size {size}");
            tree.push(*leaf);
        }
    }

    #[test]
    fn a_range_needs_at_most_one_tile_of_leaves_when_it_starts_at_a_tile() {
        let leaves: Vec<Hash> = (0..1500_u64).map(|i| leaf_hash(&i.to_be_bytes())).collect();
        let mut tree = Tree::default();
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        for start in [0, 1, 255, 256, 512, 700, 1280, 1290, 1500] {
            for end in start..=1500 {
                let root = match tree.range_root(start, end) {
                    RangeRoot::Known(root) => root,
                    RangeRoot::Needs { start: from, end: to } => {
                        assert!(!start.is_multiple_of(TILE_LEAVES) || to - from < TILE_LEAVES, "{start}..{end}");
                        tree.range_root_with(start, from, &leaves[from as usize..to as usize])
                    }
                };
                assert_eq!(root, range_root(&leaves[start as usize..end as usize]), "{start}..{end}");
            }
        }
    }
}
