//! The latest acked claims, so that a repeated ack is a success and an outdated token can be told why.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, VecDeque},
    hash::{Hash, Hasher},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Token;
use crate::{
    limits::ENDED_DELIVERIES_KEPT,
    name::ActorName,
    numbers::Numbers,
    packed::{Packed, take},
};

/// The latest [`ENDED_DELIVERIES_KEPT`] acked claims, oldest first.
///
/// An index leads to the latest claim of a message, and each claim to the one before it: whoever comes with an outdated
/// token again and again costs no more than others. It is made anew on reading, and no part of what is compared.
#[derive(Debug, Clone, Default)]
pub(super) struct Ended {
    oldest_first: VecDeque<Entry>,
    /// Beside each entry: how far before it the message's previous one is, 0 if there was none.
    back: VecDeque<u32>,
    /// By the message's tail, which is random already, the number of its latest entry.
    latest: Numbers,
    /// How many entries went out, modulo 2^32: the number of the oldest one kept.
    gone: u32,
    /// Who ever acked, each once, in that order. An entry says who by the place here.
    names: Vec<ActorName>,
    places: BTreeMap<ActorName, u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Entry {
    token: Token,
    by: u32,
}

/// A claim that was acked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Acked<'a> {
    pub(super) fence: u32,
    pub(super) by: &'a ActorName,
}

impl Ended {
    pub(super) fn push(&mut self, token: Token, by: &ActorName) {
        if self.oldest_first.len() >= ENDED_DELIVERIES_KEPT {
            self.forget_the_oldest();
        }
        let by = self.place(by);
        self.enter(Entry { token, by });
    }

    /// The claims on this message that were acked, latest first.
    pub(super) fn of(&self, token: Token) -> impl Iterator<Item = Acked<'_>> {
        let mut next = self.latest.get(token.tail, |number| self.tail(number) == Some(token.tail));
        let entries = std::iter::from_fn(move || {
            let number = next?;
            let place = number.wrapping_sub(self.gone) as usize;
            let (entry, back) = (self.oldest_first.get(place)?, self.back.get(place)?);
            next = (*back > 0).then(|| number.wrapping_sub(*back));
            Some(entry)
        });
        entries.filter_map(|entry| {
            let by = self.names.get(usize::try_from(entry.by).ok()?)?;
            Some(Acked { fence: entry.token.fence, by })
        })
    }

    fn enter(&mut self, entry: Entry) {
        let Self { oldest_first, latest, gone, .. } = self;
        let (tail, number) = (entry.token.tail, gone.wrapping_add(oldest_first.len() as u32));
        let tail_of = |number: u32| oldest_first.get(number.wrapping_sub(*gone) as usize).map(|entry| entry.token.tail);
        let before = latest.enter(tail, number, |number| tail_of(number) == Some(tail), tail_of);
        let back = before.map_or(0, |before| number.wrapping_sub(std::mem::replace(before, number)));
        self.oldest_first.push_back(entry);
        self.back.push_back(back);
    }

    fn forget_the_oldest(&mut self) {
        if self.oldest_first.pop_front().is_some() {
            self.back.pop_front();
            self.gone = self.gone.wrapping_add(1);
        }
    }

    /// What the entry of this number was acked on; `None` if it has gone.
    fn tail(&self, number: u32) -> Option<u64> {
        self.oldest_first.get(number.wrapping_sub(self.gone) as usize).map(|entry| entry.token.tail)
    }

    /// What tells one from another.
    fn content(&self) -> (&VecDeque<Entry>, &[ActorName]) {
        (&self.oldest_first, &self.names)
    }

    fn place(&mut self, name: &ActorName) -> u32 {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.clone());
        self.places.insert(name.clone(), place);
        place
    }
}

impl PartialEq for Ended {
    fn eq(&self, other: &Self) -> bool {
        self.content() == other.content()
    }
}

impl Eq for Ended {}

impl PartialOrd for Ended {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ended {
    fn cmp(&self, other: &Self) -> Ordering {
        self.content().cmp(&other.content())
    }
}

impl Hash for Ended {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.content().hash(state);
    }
}

/// The serialised form. An entry is the token's tail (8 bytes) and fence (4) and the name's place (4), little-endian.
#[derive(Serialize, Deserialize)]
struct Stored {
    entries: Packed,
    names: Vec<ActorName>,
}

const ENTRY_BYTES: usize = 8 + 4 + 4;

impl Serialize for Ended {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(self.oldest_first.len() * ENTRY_BYTES);
        for Entry { token, by } in &self.oldest_first {
            bytes.extend_from_slice(&token.tail.to_le_bytes());
            bytes.extend_from_slice(&token.fence.to_le_bytes());
            bytes.extend_from_slice(&by.to_le_bytes());
        }
        Stored { entries: Packed(bytes), names: self.names.clone() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Ended {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Stored { entries: Packed(bytes), names } = Stored::deserialize(deserializer)?;
        let entries = bytes.chunks_exact(ENTRY_BYTES);
        if !entries.remainder().is_empty() || entries.len() > ENDED_DELIVERIES_KEPT {
            return Err(de::Error::invalid_length(bytes.len(), &"whole entries, and not too many"));
        }
        let mut ended = Self::default();
        for name in &names {
            ended.place(name);
        }
        for mut entry in entries {
            let (tail, fence) = (u64::from_le_bytes(take(&mut entry)), u32::from_le_bytes(take(&mut entry)));
            ended.enter(Entry { token: Token { tail, fence }, by: u32::from_le_bytes(take(&mut entry)) });
        }
        Ok(ended)
    }
}
