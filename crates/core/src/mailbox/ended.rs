//! The latest acked claims, so that a repeated ack is a success and an outdated token can be told why.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Token;
use crate::{
    limits::ENDED_DELIVERIES_KEPT,
    name::ActorName,
    packed::{Packed, take},
};

/// The latest [`ENDED_DELIVERIES_KEPT`] acked claims, oldest first. Looking one up reads through them, latest first:
/// that is needed only for a token that is not current, which is rare, and an index would cost every ack.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Ended {
    oldest_first: VecDeque<Entry>,
    /// Who ever acked, each once, in that order. An entry says who by the place here.
    names: Vec<ActorName>,
    places: BTreeMap<ActorName, u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
            self.oldest_first.pop_front();
        }
        let by = self.place(by);
        self.oldest_first.push_back(Entry { token, by });
    }

    /// The claims on this message that were acked, latest first.
    pub(super) fn of(&self, token: Token) -> impl Iterator<Item = Acked<'_>> {
        let of_message = self.oldest_first.iter().rev().filter(move |entry| entry.token.tail == token.tail);
        of_message.filter_map(|entry| {
            let by = self.names.get(usize::try_from(entry.by).ok()?)?;
            Some(Acked { fence: entry.token.fence, by })
        })
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
        ended.oldest_first.extend(entries.map(|mut entry| {
            let (tail, fence) = (u64::from_le_bytes(take(&mut entry)), u32::from_le_bytes(take(&mut entry)));
            Entry { token: Token { tail, fence }, by: u32::from_le_bytes(take(&mut entry)) }
        }));
        Ok(ended)
    }
}
