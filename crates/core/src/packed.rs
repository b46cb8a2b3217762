//! Many small records of one size: how a snapshot keeps them, as one run of bytes, for reading 100,000 one by one takes long; and
//! how they are found, by keys that are random already.

use std::{fmt, hash::Hasher};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The records' bytes, one after another.
pub(crate) struct Packed(pub(crate) Vec<u8>);

/// The next bytes of a record, which is long enough.
pub(crate) fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (taken, after) = rest.split_first_chunk().unwrap_or((&[0; N], &[]));
    *rest = after;
    *taken
}

/// Of a digest, or of the random end of an id, the first bytes serve: hashing them again would cost more than all else.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Already(u64);

impl Hasher for Already {
    fn write(&mut self, digest: &[u8]) {
        if let Some(first) = digest.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn write_u64(&mut self, tail: u64) {
        self.0 = tail;
    }

    // The length of the digest, which is always the same.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Serialize for Packed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'de> de::Visitor<'de> for Bytes {
            type Value = Packed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Packed, E> {
                Ok(Packed(bytes.to_vec()))
            }

            // JSON has no bytes but lists of numbers.
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Packed, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = list.next_element()? {
                    bytes.push(byte);
                }
                Ok(Packed(bytes))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}
