//! Ids: UUIDv7, shown and matched by their random end.
//!
//! A UUIDv7 begins with the time, so that the ids of one morning all begin alike. People and agents therefore see the
//! end: 8 or more base32 characters (Crockford's alphabet in lower case) over the last 40 or more bits, with at least
//! one digit among them or 12 characters long, so that an ordinary word hardly ever looks like an id.

use serde::{Deserialize, Deserializer, Serialize, de};
use smol_str::SmolStr;
use uuid::Uuid;

use crate::name::shorten;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// The fewest characters of a short id.
pub const SHORT_CHARS_MIN: usize = 8;
/// The most characters of a short id: 60 of the 62 random bits at the end.
pub const SHORT_CHARS_MAX: usize = 12;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// From its 16 bytes, as stored.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
            /// Its 16 bytes, as stored.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; 16] {
                *self.0.as_bytes()
            }
            /// The short form that people see: its random end.
            #[must_use]
            pub fn short(self) -> String {
                short(tail(&self.to_bytes()))
            }
            /// The last 64 bits, which hold the random end.
            #[must_use]
            pub fn tail(self) -> u64 {
                tail(&self.to_bytes())
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({})", stringify!($name), self.short())
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                canonical(deserializer).map(Self)
            }
        }
        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::try_parse(text).map(Self)
            }
        }
    )+ };
}
ids! {
    /// Names one log: random, in the header of every event.
    LogId,
    /// Names one event, and whatever that event created.
    EventId,
    /// Names a countdown: the id of its `countdown.scheduled`.
    CountdownId,
    /// Names a campaign: the id of its `campaign.created`.
    CampaignId,
    /// Names a message: the id of its `message.sent`.
    MessageId,
    /// Names a change: the id of its `change.submitted`.
    ChangeId,
}

macro_rules! created_by_an_event {
    ($($name:ident),+) => { $(
        impl From<EventId> for $name {
            fn from(id: EventId) -> Self {
                Self(id.0)
            }
        }
        impl From<$name> for EventId {
            fn from(id: $name) -> Self {
                Self(id.0)
            }
        }
    )+ };
}
created_by_an_event!(CountdownId, CampaignId, MessageId, ChangeId);

/// A UUIDv7 from a time and 10 random bytes; the version and variant bits are set here.
#[must_use]
pub fn uuid_v7(unix_ms: u64, random: [u8; 10]) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&unix_ms.to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&random);
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    bytes
}

/// Reads an id as it is written in files: text in its one spelling, lower case with dashes.
fn canonical<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    if !deserializer.is_human_readable() {
        return Uuid::deserialize(deserializer);
    }
    let text = SmolStr::deserialize(deserializer)?;
    let mut spelling = Uuid::encode_buffer();
    Uuid::try_parse(&text)
        .ok()
        .filter(|id| id.hyphenated().encode_lower(&mut spelling) == text.as_str())
        .ok_or_else(|| de::Error::custom(format_args!("{:?} is not an id in lower case with dashes", shorten(&text))))
}

/// Gives fresh ids. The shell's is random; a test's or model checker's counts.
pub trait IdSource {
    /// An id that no other call gave or will give.
    fn fresh(&mut self) -> EventId;
    /// The salt of an event whose command has a key: unguessable.
    fn salt(&mut self) -> crate::log::Salt;
}

fn tail(bytes: &[u8; 16]) -> u64 {
    let mut end = [0; 8];
    end.copy_from_slice(&bytes[8..]);
    u64::from_be_bytes(end)
}

/// The short form of an id with this tail.
#[must_use]
pub fn short(tail: u64) -> String {
    let mut chars = SHORT_CHARS_MIN;
    while chars < SHORT_CHARS_MAX && !text(tail, chars).bytes().any(|b| b.is_ascii_digit()) {
        chars += 1;
    }
    text(tail, chars)
}

/// Whether the short form of an id with this tail needs no more than [`SHORT_CHARS_MIN`] characters.
#[must_use]
pub fn has_plain_short_form(tail: u64) -> bool {
    // The first ten of the alphabet are the digits.
    (0..SHORT_CHARS_MIN).any(|i| (tail >> (5 * i)) & 31 < 10)
}

/// The last `chars` base32 characters of a tail.
#[must_use]
pub fn text(tail: u64, chars: usize) -> String {
    (0..chars).rev().map(|i| char::from(ALPHABET[(tail >> (5 * i)) as usize & 31])).collect()
}

/// The value of up to 25 base32 characters; `None` if there are more, or others.
#[must_use]
pub fn bits(text: &str) -> Option<u128> {
    if text.len() > 25 {
        return None;
    }
    text.bytes().try_fold(0, |bits, byte| {
        let value = ALPHABET.iter().position(|a| *a == byte.to_ascii_lowercase())?;
        Some(bits << 5 | value as u128)
    })
}

/// A reference to something by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdReference {
    /// The whole UUID.
    Full([u8; 16]),
    /// The last bits of it.
    Short {
        /// How many base32 characters were given.
        chars: usize,
        /// Their value.
        bits: u64,
    },
}

impl IdReference {
    /// Reads a full UUID or a short id; `None` if the text is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if (32..=36).contains(&text.len()) {
            return Uuid::try_parse(text).ok().map(|uuid| Self::Full(*uuid.as_bytes()));
        }
        // One id in a hundred has no digit in its last 12 characters; it is shown, and so must be read, with all of them.
        let has_a_digit = text.bytes().any(|b| b.is_ascii_digit());
        let long_enough = if has_a_digit { SHORT_CHARS_MIN } else { SHORT_CHARS_MAX };
        if !(long_enough..=SHORT_CHARS_MAX).contains(&text.len()) {
            return None;
        }
        let bits = u64::try_from(bits(text)?).ok()?;
        Some(Self::Short { chars: text.len(), bits })
    }

    /// Whether an id with this tail may be meant. A full reference must be compared whole besides.
    #[must_use]
    pub fn matches_tail(&self, candidate: u64) -> bool {
        match self {
            Self::Full(bytes) => tail(bytes) == candidate,
            Self::Short { chars, bits } => candidate & ((1 << (5 * chars)) - 1) == *bits,
        }
    }

    /// Whether this id is meant.
    #[must_use]
    pub fn matches(&self, candidate: EventId) -> bool {
        match self {
            Self::Full(bytes) => candidate.to_bytes() == *bytes,
            Self::Short { .. } => self.matches_tail(candidate.tail()),
        }
    }
}

/// Whether a text would be read as an id, so that it cannot be a name.
#[must_use]
pub fn looks_like_an_id(text: &str) -> bool {
    IdReference::parse(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_id_is_the_random_end_and_matches_only_it() {
        let id = EventId::from_bytes(uuid_v7(1_765_845_503_000, [7, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
        let short = id.short();
        let reference = IdReference::parse(&short).unwrap();
        assert!(reference.matches(id));
        let other = EventId::from_bytes(uuid_v7(1_765_845_503_000, [7, 1, 2, 3, 4, 5, 6, 7, 8, 8]));
        assert!(!reference.matches(other));
        assert!(IdReference::parse(&id.to_string()).unwrap().matches(id));
    }

    #[test]
    fn an_id_in_a_file_has_one_spelling() {
        let id = EventId::from_bytes(uuid_v7(1_765_845_503_000, [0xab; 10]));
        let text = id.to_string();
        let read = |text: &str| serde_json::from_value::<EventId>(serde_json::Value::from(text)).ok();
        assert_eq!(read(&text), Some(id));
        for other in [text.to_uppercase(), text.replace('-', ""), format!("{{{text}}}"), format!("urn:uuid:{text}")] {
            assert_eq!(read(&other), None, "{other}");
            assert_eq!(other.parse().ok(), Some(id), "what people type may be spelled otherwise");
        }
    }

    #[test]
    fn a_short_id_holds_a_digit_or_is_as_long_as_they_get() {
        let all_letters = EventId::from_bytes([0xff; 16]);
        assert_eq!(all_letters.short().len(), SHORT_CHARS_MAX);
        assert!(IdReference::parse(&all_letters.short()).unwrap().matches(all_letters));
        let digits = EventId::from_bytes(uuid_v7(0, [0; 10]));
        assert_eq!(digits.short(), "00000000");
        assert!(!looks_like_an_id("standard"));
        assert!(looks_like_an_id("gate2026"));
    }

    #[test]
    fn a_plain_short_form_has_as_few_characters_as_any() {
        for random in 0..200_u8 {
            let id = EventId::from_bytes(uuid_v7(0, [random.wrapping_mul(151); 10]));
            assert_eq!(has_plain_short_form(id.tail()), id.short().len() == SHORT_CHARS_MIN, "{id}");
        }
    }
}
