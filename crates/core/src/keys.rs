//! Idempotency: the same key and command has one effect, and the same answer every time.
//!
//! What is remembered is a function of the log alone, so it survives restart and replay. The scope of a key is its actor.

use std::collections::VecDeque;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    event::Recorded,
    id::EventId,
    limits::KEYS_KEPT_MAX,
    log::{Hash, Salt},
    name::{ActorName, Key},
    numbers::Numbers,
    packed::{Packed, take},
};

/// What a key was used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembered {
    /// The fingerprint of the command, under the salt.
    pub fingerprint: [u8; 32],
    /// The salt.
    pub salt: Salt,
    /// The position of its first event.
    pub first: u64,
    /// How many events it wrote.
    pub count: u32,
}

/// The latest [`KEYS_KEPT_MAX`] keys.
///
/// Only the entries in their order are serialised, so that equal states have equal bytes; the index is made anew.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    oldest_first: VecDeque<Entry>,
    /// The number of each entry, by its digest.
    numbers: Numbers,
    /// How many entries went out, modulo 2^32: the number of the oldest one kept.
    gone: u32,
    /// The keyed command whose events are being folded, and its entry.
    open: Option<(EventId, Digest)>,
}

type Digest = [u8; 16];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    digest: Digest,
    remembered: Remembered,
}

impl PartialEq for Keys {
    fn eq(&self, other: &Self) -> bool {
        self.oldest_first == other.oldest_first && self.open == other.open
    }
}

impl Eq for Keys {}

impl Keys {
    /// What this actor used this key for, if it is remembered.
    #[must_use]
    pub fn get(&self, actor: &ActorName, key: &Key) -> Option<&Remembered> {
        self.oldest_first.get(self.place(&digest(actor, key))?).map(|entry| &entry.remembered)
    }

    /// How many keys are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.oldest_first.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.oldest_first.is_empty()
    }

    /// Folds one event: a command's first event carries its key, the others share its correlation.
    pub fn evolve(&mut self, recorded: &Recorded) {
        if let Some(idempotency) = &recorded.idempotency {
            let digest = digest(&recorded.actor, &idempotency.key);
            let Hash(fingerprint) = idempotency.fingerprint;
            let salt = idempotency.salt;
            let remembered = Remembered { fingerprint, salt, first: recorded.position, count: 1 };
            self.enter(Entry { digest, remembered });
            self.open = Some((recorded.correlation, digest));
        } else if let Some((correlation, digest)) = self.open {
            if correlation != recorded.correlation {
                self.open = None;
            } else if let Some(entry) = self.place(&digest).and_then(|place| self.oldest_first.get_mut(place)) {
                entry.remembered.count = entry.remembered.count.saturating_add(1);
            }
        }
    }

    fn enter(&mut self, entry: Entry) {
        let Self { oldest_first, numbers, gone, .. } = self;
        let digest_of = |number: u32| oldest_first.get(place_of(number, *gone)).map(|entry| &entry.digest);
        let is = |number| digest_of(number) == Some(&entry.digest);
        let next = gone.wrapping_add(oldest_first.len() as u32);
        match numbers.enter(hash(&entry.digest), next, is, |number| digest_of(number).map(hash)) {
            None => oldest_first.push_back(entry),
            Some(known) => {
                if let Some(known) = oldest_first.get_mut(place_of(*known, *gone)) {
                    *known = entry;
                }
            }
        }
        if oldest_first.len() > KEYS_KEPT_MAX && oldest_first.pop_front().is_some() {
            *gone = gone.wrapping_add(1);
        }
    }

    fn place(&self, digest: &Digest) -> Option<usize> {
        let entry = |number| self.oldest_first.get(place_of(number, self.gone));
        let is = |number| entry(number).is_some_and(|entry| entry.digest == *digest);
        self.numbers.get(hash(digest), is).map(|number| place_of(number, self.gone))
    }
}

fn place_of(number: u32, gone: u32) -> usize {
    number.wrapping_sub(gone) as usize
}

/// A digest is random already.
fn hash(digest: &Digest) -> u64 {
    let [first, second, third, fourth, fifth, sixth, seventh, eighth, ..] = *digest;
    u64::from_le_bytes([first, second, third, fourth, fifth, sixth, seventh, eighth])
}

/// The serialised form. An entry is digest, fingerprint, salt, position (8 bytes) and count (4), numbers little-endian.
#[derive(Serialize, Deserialize)]
struct Stored {
    entries: Packed,
    open: Option<(EventId, Digest)>,
}

const ENTRY_BYTES: usize = 16 + 32 + 16 + 8 + 4;

impl Serialize for Keys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(self.oldest_first.len() * ENTRY_BYTES);
        for Entry { digest, remembered: Remembered { fingerprint, salt, first, count } } in &self.oldest_first {
            bytes.extend_from_slice(digest);
            bytes.extend_from_slice(fingerprint);
            bytes.extend_from_slice(salt);
            bytes.extend_from_slice(&first.to_le_bytes());
            bytes.extend_from_slice(&count.to_le_bytes());
        }
        Stored { entries: Packed(bytes), open: self.open }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Stored { entries: Packed(bytes), open } = Stored::deserialize(deserializer)?;
        let entries = bytes.chunks_exact(ENTRY_BYTES);
        if !entries.remainder().is_empty() || entries.len() > KEYS_KEPT_MAX {
            return Err(de::Error::invalid_length(bytes.len(), &"whole entries, and not too many"));
        }
        let mut keys = Self { open, ..Self::default() };
        keys.oldest_first.reserve(entries.len());
        keys.numbers.reserve(entries.len());
        for mut entry in entries {
            let digest = take(&mut entry);
            let (fingerprint, salt) = (take(&mut entry), take(&mut entry));
            let (first, count) = (u64::from_le_bytes(take(&mut entry)), u32::from_le_bytes(take(&mut entry)));
            keys.enter(Entry { digest, remembered: Remembered { fingerprint, salt, first, count } });
        }
        Ok(keys)
    }
}

/// 16 bytes stand for (actor, key): 100,000 of them stay small, and nobody finds two that collide.
fn digest(actor: &ActorName, key: &Key) -> Digest {
    let mut text = [0_u8; ActorName::BYTES_MAX + 1 + crate::limits::KEY_BYTES_MAX];
    let (actor, key) = (actor.as_str().as_bytes(), key.as_str().as_bytes());
    text[..actor.len()].copy_from_slice(actor);
    // A zero byte stands in neither, so no two pairs give the same text.
    text[actor.len() + 1..actor.len() + 1 + key.len()].copy_from_slice(key);
    let hash = blake3::hash(&text[..actor.len() + 1 + key.len()]);
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.as_bytes()[..16]);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        actors::events::{ActorKind, ActorRegistered},
        event::Keyed,
        id::uuid_v7,
        limits,
        time::Timestamp,
    };

    /// The events of keyed commands from `numbers`, two events each.
    fn folded(numbers: impl Iterator<Item = u64>) -> Keys {
        let mut keys = Keys::default();
        for number in numbers {
            for half in 0..2 {
                keys.evolve(&event(number, half));
            }
        }
        keys
    }

    fn event(number: u64, half: u64) -> Recorded {
        let id = |half: u64| EventId::from_bytes(uuid_v7(number * 2 + half, [7; 10]));
        let keyed = Keyed { key: key(number), fingerprint: Hash([number as u8; 32]), salt: [3; 16] };
        Recorded {
            position: number * 2 + half,
            id: id(half),
            time: Timestamp::default(),
            actor: ann(),
            correlation: id(0),
            causation: None,
            idempotency: (half == 0).then_some(keyed),
            event: ActorRegistered { name: ann(), kind: ActorKind::Agent }.into(),
        }
    }

    fn ann() -> ActorName {
        ActorName::parse("ann").unwrap()
    }

    fn key(number: u64) -> Key {
        Key::parse(&format!("key-{number}")).unwrap()
    }

    #[test]
    fn equal_keys_have_equal_bytes_however_they_came_to_be() {
        let once = folded(0..1000);
        let bytes = postcard::to_stdvec(&once).unwrap();
        let mut resumed: Keys = postcard::from_bytes(&postcard::to_stdvec(&folded(0..500)).unwrap()).unwrap();
        for number in 500..1000 {
            resumed.evolve(&event(number, 0));
            resumed.evolve(&event(number, 1));
        }
        assert_eq!(resumed, once);
        assert_eq!(postcard::to_stdvec(&resumed).unwrap(), bytes);
    }

    #[test]
    fn the_oldest_key_goes_when_there_are_too_many() {
        let kept = KEYS_KEPT_MAX as u64;
        let keys = folded(0..kept + 10);
        assert_eq!(keys.len(), KEYS_KEPT_MAX);
        assert_eq!(keys.get(&ann(), &key(9)), None);
        let oldest = keys.get(&ann(), &key(10)).unwrap();
        assert_eq!((oldest.first, oldest.count), (20, 2));
        let loaded: Keys = postcard::from_bytes(&postcard::to_stdvec(&keys).unwrap()).unwrap();
        assert_eq!(loaded.get(&ann(), &key(kept + 9)), keys.get(&ann(), &key(kept + 9)));
        assert_eq!(loaded, keys);
    }

    #[test]
    fn keys_are_equal_if_they_remember_the_same_and_are_in_the_same_command() {
        let one = folded(0..1);
        assert_eq!(one, folded(0..1));
        assert_ne!(one, folded(0..2), "another key");
        let mut ended = one.clone();
        ended.evolve(&event(1, 1));
        assert_eq!(ended.len(), one.len());
        assert_ne!(one, ended, "the same keys, but the command has ended");
    }

    #[test]
    fn nothing_is_remembered_at_first() {
        assert!(Keys::default().is_empty());
        assert!(!folded(0..1).is_empty());
    }

    #[test]
    fn the_longest_name_has_the_longest_keys() {
        let longest = ActorName::parse(&"a".repeat(ActorName::BYTES_MAX)).unwrap();
        let long = |end: char| Key::parse(&format!("{}{end}", "k".repeat(limits::KEY_BYTES_MAX - 1))).unwrap();
        let mut keys = Keys::default();
        for (number, end) in [(0, 'x'), (1, 'y')] {
            let mut recorded = Recorded { actor: longest.clone(), ..event(number, 0) };
            recorded.idempotency.as_mut().unwrap().key = long(end);
            keys.evolve(&recorded);
        }
        assert_eq!(keys.get(&longest, &long('x')).map(|known| known.first), Some(0));
        assert_eq!(keys.get(&longest, &long('y')).map(|known| known.first), Some(2));
    }

    /// No command writes this: a key that is remembered is answered. The fold of any log is the same on every machine all the same.
    #[test]
    fn a_key_that_comes_again_keeps_its_place_also_when_older_ones_have_gone() {
        let kept = KEYS_KEPT_MAX as u64;
        let mut keys = folded(0..kept + 10);
        keys.evolve(&Recorded { position: 7_000_000, ..event(20, 0) });
        assert_eq!(keys.get(&ann(), &key(20)).map(|known| known.first), Some(7_000_000));
        assert_eq!(keys.get(&ann(), &key(30)).map(|known| known.first), Some(60));
        assert_eq!(keys.len(), KEYS_KEPT_MAX);
    }

    #[test]
    fn entries_that_are_cut_short_are_not_read() {
        let mut bytes = postcard::to_stdvec(&folded(0..1)).unwrap();
        assert_eq!(bytes[0] as usize, ENTRY_BYTES);
        bytes[0] -= 1;
        bytes.remove(1);
        assert!(postcard::from_bytes::<Keys>(&bytes).is_err());
    }
}
