//! From an id to the positions of the events about it, in 8 bytes an entry.
//!
//! An entry is one `u64`: the last 32 bits of the id, then one bit that is 0 for the event with that id itself, then the position. Full and short ids all end in those bits, so that one search
//! serves both, and it may find a few events too many (about one in two thousand searches at a million events): the caller reads the
//! events anyway, and compares. Entries come in the order of the log; each full block of them is sorted once and then stays as it is, so
//! that an event costs some 50 ns, nothing is ever copied into a larger vector, and a clone shares the blocks.

use std::{
    io::{self, Write},
    sync::Arc,
};

use convoke_core::id::{EventId, IdReference};

/// Entries in a sorted block.
const BLOCK_ENTRIES: usize = 1 << 14;
/// Set in an entry of an event that is about the thing, and is not the one that has its id.
const ABOUT: u32 = 1 << 31;
/// Of an entry as it is saved.
pub(crate) const ENTRY_BYTES: usize = size_of::<u64>();

/// Finds the events about a thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    /// Sorted, each of [`BLOCK_ENTRIES`].
    blocks: Vec<Arc<[u64]>>,
    /// The newest entries, as they came.
    newest: Vec<u64>,
}

impl Index {
    /// Adds that the event at this position has this id.
    pub fn add_own(&mut self, id: EventId, position: u64) {
        self.add(id, 0, position);
    }

    /// Adds that the event at this position is about the thing with this id.
    pub fn add_about(&mut self, id: EventId, position: u64) {
        self.add(id, ABOUT, position);
    }

    /// Positions from 2^31 on have no place here and are left out.
    fn add(&mut self, id: EventId, about: u32, position: u64) {
        let Some(position) = u32::try_from(position).ok().filter(|position| *position < ABOUT) else { return };
        self.newest.push(entry(id.tail(), about | position));
        if self.newest.len() == BLOCK_ENTRIES {
            self.newest.sort_unstable();
            self.blocks.push(self.newest.as_slice().into());
            self.newest.clear();
        }
    }

    /// The positions of the events that may be about it, its own first, in order, each once.
    #[must_use]
    pub fn find(&self, reference: &IdReference) -> Vec<u64> {
        self.between(reference, u32::MAX)
    }

    /// The positions of the events that may have this id: one, if it is not a very rare one that shares its end.
    #[must_use]
    pub fn find_own(&self, reference: &IdReference) -> Vec<u64> {
        self.between(reference, ABOUT - 1)
    }

    fn between(&self, reference: &IdReference, last: u32) -> Vec<u64> {
        let tail = match reference {
            IdReference::Full(bytes) => EventId::from_bytes(*bytes).tail(),
            IdReference::Short { bits, .. } => *bits,
        };
        let (first, last) = (entry(tail, 0), entry(tail, last));
        let mut positions: Vec<u64> = Vec::new();
        for block in &self.blocks {
            let start = block.partition_point(|entry| *entry < first);
            positions.extend(block[start..].iter().take_while(|entry| **entry <= last).map(|entry| position(*entry)));
        }
        let newest = self.newest.iter().filter(|entry| (first..=last).contains(*entry));
        positions.extend(newest.map(|entry| position(*entry)));
        positions.sort_unstable();
        positions.dedup();
        positions
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.len() * BLOCK_ENTRIES + self.newest.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes all entries, little-endian.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn save(&self, out: &mut impl Write) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(BLOCK_ENTRIES * ENTRY_BYTES);
        for entries in self.blocks.iter().map(AsRef::as_ref).chain([self.newest.as_slice()]) {
            bytes.clear();
            bytes.extend(entries.iter().flat_map(|entry| entry.to_le_bytes()));
            out.write_all(&bytes)?;
        }
        Ok(())
    }

    /// Reads what [`Index::save`] wrote; `None` if the bytes are no whole number of entries, or a block is out of order.
    #[must_use]
    pub fn load(bytes: &[u8]) -> Option<Self> {
        if !bytes.len().is_multiple_of(ENTRY_BYTES) {
            return None;
        }
        let mut index = Self::default();
        let mut blocks = bytes.chunks_exact(BLOCK_ENTRIES * ENTRY_BYTES);
        for block in &mut blocks {
            let entries: Arc<[u64]> = read(block).collect();
            if !entries.is_sorted() {
                return None;
            }
            index.blocks.push(entries);
        }
        index.newest.extend(read(blocks.remainder()));
        Some(index)
    }
}

fn read(bytes: &[u8]) -> impl ExactSizeIterator<Item = u64> {
    bytes.chunks_exact(ENTRY_BYTES).map(|chunk| {
        let mut entry = [0; ENTRY_BYTES];
        entry.copy_from_slice(chunk);
        u64::from_le_bytes(entry)
    })
}

fn entry(tail: u64, position: u32) -> u64 {
    tail << 32 | u64::from(position)
}

fn position(entry: u64) -> u64 {
    entry & u64::from(ABOUT - 1)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn id(tail: u64) -> EventId {
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&tail.to_be_bytes());
        EventId::from_bytes(bytes)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_index_finds_what_a_map_of_sets_finds(
            entries in prop::collection::vec((0_u64..50, 0..ABOUT), 0..200),
            filler in 0_usize..3 * BLOCK_ENTRIES,
        ) {
            let mut index = Index::default();
            let mut naive: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
            for (at, (tail, position)) in entries.iter().enumerate() {
                // Spread over full blocks and the newest entries, with ids that nobody asks for.
                for other in 0..filler / entries.len() {
                    index.add_about(id(1000 + (at * 7919 + other * 31) as u64 % 5000), other as u64);
                }
                index.add_about(id(*tail), u64::from(*position));
                naive.entry(*tail).or_default().insert(u64::from(*position));
            }
            let mut saved = Vec::new();
            index.save(&mut saved).unwrap();
            let loaded = Index::load(&saved).unwrap();
            prop_assert_eq!(&loaded, &index);
            for tail in 0..50 {
                let expected: Vec<u64> = naive.get(&tail).into_iter().flatten().copied().collect();
                let full = IdReference::Full(id(tail).to_bytes());
                prop_assert_eq!(loaded.find(&full), expected.clone());
                let short = IdReference::parse(&id(tail).short()).unwrap();
                prop_assert_eq!(loaded.find(&short), expected);
            }
        }
    }

    #[test]
    fn the_event_with_an_id_is_told_from_those_about_it() {
        let mut index = Index::default();
        index.add_own(id(1), 5);
        index.add_about(id(1), 9);
        let reference = IdReference::Full(id(1).to_bytes());
        assert_eq!(index.find(&reference), [5, 9]);
        assert_eq!(index.find_own(&reference), [5]);
    }

    #[test]
    fn half_an_entry_or_a_block_out_of_order_is_not_loaded() {
        assert_eq!(Index::load(&[0; 7]), None);
        let mut saved = Vec::new();
        let mut index = Index::default();
        for position in 0..BLOCK_ENTRIES {
            index.add_about(id(position as u64), position as u64);
        }
        index.save(&mut saved).unwrap();
        assert_eq!(Index::load(&saved), Some(index));
        saved[..8].fill(0xff);
        assert_eq!(Index::load(&saved), None);
    }

    #[test]
    fn a_position_that_has_no_place_is_left_out() {
        let mut index = Index::default();
        index.add_about(id(1), 1 << 31);
        assert!(index.is_empty());
    }
}
