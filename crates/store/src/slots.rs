//! Where a record lies in the engine's tree, so that it is written once (`docs/log-format.md`, section 7.1).
//!
//! sled appends a new entry to its leaf as a small delta. But it splits a leaf of 17 entries in the middle and writes both
//! halves anew, and it rewrites a leaf after 10 deltas: records put one after another would be written three and a half times.
//! So the leaves are split **before** records come: nine fillers, keys without a value, make a leaf of their own, in front of
//! which seven records fit: 16 entries, which are not split, and 8 deltas, which are not rewritten.

/// Records in front of each leaf's fillers.
const GROUP_RECORDS: u64 = 7;
/// Fillers of a leaf: half of 17 rounded up, where sled splits.
const GROUP_FILLERS: u8 = 9;
/// The last byte of the keys of fillers, at least.
const FILLER: u8 = 0x80;

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
        None
    } else {
        u64::from_be_bytes(*group).checked_mul(GROUP_RECORDS)?.checked_add(place)
    }
}

/// The fillers that must be there before the record of this number is put, if it is the first of its leaf: those of the next
/// leaf, so that this leaf is closed.
pub(crate) fn fillers_before(number: u64) -> Option<impl Iterator<Item = Key>> {
    number.is_multiple_of(GROUP_RECORDS).then(|| fillers(number / GROUP_RECORDS + 1))
}

/// All fillers that must be there when the next record to be put has this number.
pub(crate) fn fillers_at(number: u64) -> impl Iterator<Item = Key> {
    let group = number / GROUP_RECORDS;
    let groups = if number.is_multiple_of(GROUP_RECORDS) { 1 } else { 2 };
    (group..group + groups).flat_map(fillers)
}

fn fillers(group: u64) -> impl Iterator<Item = Key> {
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
    fn keys_stand_in_the_order_of_the_numbers_and_fillers_between() {
        let mut keys: Vec<Key> = fillers_at(0).collect();
        for number in 0..100 {
            keys.extend(fillers_before(number).into_iter().flatten());
            keys.push(key_of(number));
        }
        keys.sort_unstable();
        let numbers: Vec<u64> = keys.iter().filter_map(|key| number_of(key)).collect();
        assert_eq!(numbers, (0..100).collect::<Vec<_>>());
        keys.dedup();
        for (at, filler) in keys.iter().enumerate().filter(|(_, key)| number_of(*key).is_none()) {
            assert!(keys[at + 1..].iter().filter_map(|key| number_of(key)).all(|number| key_of(number) > *filler));
        }
        assert_eq!(keys.len(), 100 + 9 * (100_usize.div_ceil(7) + 1));
    }

    #[test]
    fn all_fillers_are_there_whenever_a_log_is_opened() {
        let mut put: Vec<Key> = fillers_at(0).collect();
        for number in 0..30 {
            assert!(fillers_at(number).all(|filler| put.contains(&filler)), "before {number}");
            put.extend(fillers_before(number).into_iter().flatten());
        }
    }

    #[test]
    fn keys_of_another_kind_are_nobodys() {
        for key in [
            &[][..],
            &[0; 8],
            &[0; 10],
            &[0, 0, 0, 0, 0, 0, 0, 0, 7],
            &[0xff; 9],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        ] {
            assert_eq!(number_of(key), None, "{key:?}");
        }
    }
}
