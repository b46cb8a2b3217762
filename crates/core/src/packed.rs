//! Many small records of one size: how a snapshot keeps them, as one run of bytes, for reading 100,000 one by one takes long.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The records' bytes, one after another.
pub(crate) struct Packed(pub(crate) Vec<u8>);

/// The next bytes of a record, which is long enough.
pub(crate) fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (taken, after) = rest.split_first_chunk().unwrap_or((&[0; N], &[]));
    *rest = after;
    *taken
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
