//! An index into a queue of which the oldest entries go out: the number of an entry, counted from the first ever, by what it is
//! looked for. Every event is looked for in it, so it is small, and an entry that goes out is not looked for once more.

use hashbrown::{HashTable, hash_table::Entry};

/// The numbers of entries, by hashes that are random already. What an entry is looked for by stands in the entry itself, so that
/// the number of one that went out does no harm, and stays until room is needed.
///
/// Numbers are kept modulo 2^32; never are so many entries in a queue.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbers(HashTable<u32>);

impl Numbers {
    /// The number that `is` the one sought.
    pub(crate) fn get(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        self.0.find(hash, |number| is(*number)).copied()
    }

    /// Puts a number in, unless there is one that `is` the one sought already: then it is given. `hash_of` tells the hash of a
    /// number that is in; `None` if its entry went out.
    pub(crate) fn enter(
        &mut self,
        hash: u64,
        number: u32,
        is: impl Fn(u32) -> bool,
        hash_of: impl Fn(u32) -> Option<u64>,
    ) -> Option<&mut u32> {
        if self.0.len() == self.0.capacity() {
            self.sweep(&hash_of);
        }
        match self.0.entry(hash, |number| is(*number), |number| hash_of(*number).unwrap_or(0)) {
            Entry::Occupied(known) => Some(known.into_mut()),
            Entry::Vacant(place) => {
                place.insert(number);
                None
            }
        }
    }

    /// Takes out the numbers of entries that went out, and makes room for as many more as stay. The others are put in anew: merely
    /// taking some out of a full table leaves little room, as their places must still be passed over.
    fn sweep(&mut self, hash_of: impl Fn(u32) -> Option<u64>) {
        let kept: Vec<(u64, u32)> = self.0.iter().filter_map(|number| Some((hash_of(*number)?, *number))).collect();
        self.0.clear();
        self.reserve(2 * kept.len());
        for (hash, number) in kept {
            self.0.insert_unique(hash, number, |number| hash_of(*number).unwrap_or(0));
        }
    }

    /// Makes room for so many in one that is empty.
    pub(crate) fn reserve(&mut self, count: usize) {
        self.0.reserve(count, |_| 0);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        collections::{HashMap, VecDeque},
    };

    use super::*;

    /// A queue of a hundred keys, whose numbers begin shortly before 2^32.
    struct Kept {
        oldest_first: VecDeque<u64>,
        gone: u32,
        numbers: Numbers,
        /// How often the hash of a number was asked for.
        hashed: Cell<u64>,
    }

    impl Kept {
        fn key(&self, number: u32) -> Option<u64> {
            self.oldest_first.get(number.wrapping_sub(self.gone) as usize).copied()
        }

        fn enter(&mut self, key: u64) -> Option<u32> {
            let Self { oldest_first, gone, numbers, hashed } = self;
            let key_of = |number: u32| oldest_first.get(number.wrapping_sub(*gone) as usize).copied();
            let hash_of = |number| {
                hashed.set(hashed.get() + 1);
                key_of(number)
            };
            let next = gone.wrapping_add(oldest_first.len() as u32);
            let known = numbers.enter(key, next, |number| key_of(number) == Some(key), hash_of).map(|known| *known);
            if known.is_none() {
                oldest_first.push_back(key);
                if oldest_first.len() > 100 {
                    oldest_first.pop_front();
                    *gone = gone.wrapping_add(1);
                }
            }
            known
        }
    }

    fn empty() -> Kept {
        let numbers = Numbers::default();
        Kept { oldest_first: VecDeque::new(), gone: u32::MAX - 3_000, numbers, hashed: Cell::default() }
    }

    #[test]
    fn room_is_made_rarely() {
        let mut kept = empty();
        for step in 0..100_000_u64 {
            // As random as a digest.
            kept.enter((step + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        }
        assert!(kept.hashed.get() < 3 * 100_000, "{} hashes for 100,000 keys", kept.hashed.get());
    }

    #[test]
    fn what_is_kept_is_found_and_what_went_out_is_not_however_many_went() {
        let mut kept = empty();
        // Keys that come again after 90 others, when they are known, and after 150, when they are not. Few have hashes of their own.
        let keys =
            (0..9_000_u64).map(|step| if step % 3 == 0 { step.saturating_sub(90) } else { step % 150 + 1_000_000 });
        for key in keys {
            let expected: HashMap<u64, u32> =
                kept.oldest_first.iter().zip(0..).map(|(key, place)| (*key, kept.gone.wrapping_add(place))).collect();
            assert_eq!(kept.enter(key), expected.get(&key).copied());
            for key in expected.keys() {
                let found = kept.numbers.get(*key, |number| kept.key(number) == Some(*key));
                let is_kept = kept.oldest_first.contains(key);
                assert_eq!(found, is_kept.then(|| expected[key]));
            }
            assert!(kept.numbers.0.capacity() < 500, "room is taken of those that went out");
        }
    }
}
