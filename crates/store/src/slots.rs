//! Where a record lies in the engine's tree, so that a large one is written once (`docs/log-format.md`, section 7.1).
//!
//! sled appends a new entry to its leaf as a small delta. But it splits a leaf of 17 entries in the middle and writes both
//! halves anew, and it rewrites a leaf after 10 deltas: records put one after another would be written three and a half times.
//! So the leaves are split **before** large records come: nine fillers, keys without a value, make a leaf of their own, in front
//! of which seven records fit: 16 entries, which are not split, and 8 deltas, which are not rewritten. Small records are better
//! off without: their leaves are cheap to rewrite, and quicker to read when they were.

/// Records in front of each leaf's fillers.
const GROUP_RECORDS: u64 = 7;
/// Fillers of a leaf: half of 17 rounded up, where sled splits.
const GROUP_FILLERS: u8 = 9;
/// The last byte of the keys of fillers, at least.
const FILLER: u8 = 0x80;
/// From this size on a record is large.
const LARGE_BYTES: usize = 4 * 1024;

/// A key: the group, then the place in it.
pub type Key = [u8; 9];

/// The key of a record by its number.
#[must_use]
pub fn key_of(number: u64) -> Key {
    key(number / GROUP_RECORDS, (number % GROUP_RECORDS) as u8)
}

/// The number of the record with this key; `None` for a filler's, or a key of neither kind.
#[must_use]
pub fn number_of(key: &[u8]) -> Option<u64> {
    let (group, place) = key.split_first_chunk::<8>()?;
    let [place] = place else { return None };
    let place = u64::from(*place);
    if place >= GROUP_RECORDS {
        return None;
    }
    u64::from_be_bytes(*group).checked_mul(GROUP_RECORDS)?.checked_add(place)
}

/// The groups whose fillers must be there before a record of this number and size is put: its own, and the next, so that its
/// leaf is closed. None for a small one.
pub(crate) fn groups_to_fill(number: u64, bytes: usize) -> std::ops::Range<u64> {
    let group = number / GROUP_RECORDS;
    if bytes < LARGE_BYTES { 0..0 } else { group..group + 2 }
}

/// The fillers of a group, in order.
pub(crate) fn fillers(group: u64) -> impl DoubleEndedIterator<Item = Key> {
    (0..GROUP_FILLERS).map(move |place| key(group, FILLER + place))
}

fn key(group: u64, place: u8) -> Key {
    let mut key = [place; 9];
    key[..8].copy_from_slice(&group.to_be_bytes());
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_in_the_order_of_the_numbers_and_each_groups_fillers_behind_its_records() {
        let mut keys: Vec<Key> = (0..15).flat_map(fillers).chain((0..100).map(key_of)).collect();
        keys.sort_unstable();
        let numbers: Vec<u64> = keys.iter().filter_map(|key| number_of(key)).collect();
        assert_eq!(numbers, (0..100).collect::<Vec<_>>());
        let groups: Vec<bool> = keys.iter().map(|key| number_of(key).is_some()).collect();
        let expected: Vec<bool> = (0..14).flat_map(|_| [[true].repeat(7), [false].repeat(9)].concat()).collect();
        assert_eq!(groups[..14 * 16], expected);
    }

    #[test]
    fn only_large_records_want_fillers() {
        assert!(groups_to_fill(20, LARGE_BYTES - 1).is_empty());
        assert_eq!(groups_to_fill(20, LARGE_BYTES), 2..4);
        assert_eq!(groups_to_fill(21, LARGE_BYTES), 3..5);
    }

    #[test]
    fn keys_of_another_kind_are_nobodys() {
        let last = [0xff; 8];
        for key in [&[][..], &[0; 8], &[0; 10], &[0, 0, 0, 0, 0, 0, 0, 0, 7], &[0xff; 9], &[&last[..], &[1]].concat()] {
            assert_eq!(number_of(key), None, "{key:?}");
        }
    }
}
