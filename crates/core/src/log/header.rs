//! The header of an event: canonical binary, fixed field order, one encoding for each value.

use smol_str::SmolStr;

use super::hash::Hash;
use crate::{
    id::{EventId, LogId},
    limits,
    name::{ActorName, Key, NameError},
    time::{TimeError, Timestamp},
};

/// What happened: `countdown.confirmed`. 1 to 48 of `a-z 0-9 _ .`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(SmolStr);

impl Kind {
    /// The longest kind.
    pub const BYTES_MAX: usize = 48;

    /// Reads a kind.
    ///
    /// # Errors
    /// [`HeaderError::Kind`] if it is empty, too long or holds another character.
    pub fn parse(text: &str) -> Result<Self, HeaderError> {
        let well_formed = (1..=Self::BYTES_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.'));
        if well_formed { Ok(Self(SmolStr::new(text))) } else { Err(HeaderError::Kind) }
    }

    /// A kind of the table of events, which holds well-formed ones only (a test sees to it); without an allocation.
    #[must_use]
    pub const fn known(text: &'static str) -> Self {
        Self(SmolStr::new_static(text))
    }

    /// The kind's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What makes a retry recognisable; on the first event of a command that was given a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The key, in the scope of the header's actor.
    pub key: Key,
    /// The [`fingerprint`](super::fingerprint) of the command as it was given, under the salt of this event's payload.
    pub fingerprint: Hash,
}

/// All that an event says about itself, besides its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The log it belongs to.
    pub log_id: LogId,
    /// Its 0-based index there.
    pub position: u64,
    /// Its own id.
    pub event_id: EventId,
    /// When it was decided; never before the event at the position before.
    pub time: Timestamp,
    /// Who acted.
    pub actor: ActorName,
    /// What happened.
    pub kind: Kind,
    /// The version of the payload's schema, from 1.
    pub schema: u16,
    /// The id of the first event that the same command (or due item) wrote.
    pub correlation: EventId,
    /// The event that brought this one about, if it was not the command itself.
    pub causation: Option<EventId>,
    /// The key of the command, on its first event.
    pub idempotency: Option<Idempotency>,
    /// The hash of salt and payload.
    pub payload_hash: Hash,
}

/// Why bytes are not a header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// They end too early.
    #[error("the header is cut short")]
    Short,
    /// They go on after the last field.
    #[error("the header has bytes after its last field")]
    Trailing,
    /// A flag that this version does not know.
    #[error("the header has a flag that this version does not know: it was written by a newer one, or is damaged")]
    Flags,
    /// A kind that is not one.
    #[error("the header's kind is malformed")]
    Kind,
    /// A schema version of zero.
    #[error("the header's schema version is zero")]
    Schema,
    /// A name or key that is not one, or not in its canonical form.
    #[error("the header's actor or key is malformed: {0}")]
    Name(#[from] NameError),
    /// A name or key that is not UTF-8 or not in its canonical form.
    #[error("the header holds text that is not canonical")]
    Text,
    /// A time out of range.
    #[error("the header's time is malformed: {0}")]
    Time(#[from] TimeError),
}

// These limits are the format's: with another one, a log that one build writes is refused by the other.
const _: () = assert!(ActorName::BYTES_MAX == 64 && Kind::BYTES_MAX == 48 && limits::KEY_BYTES_MAX == 64);

const HAS_CAUSATION: u8 = 1;
const HAS_IDEMPOTENCY: u8 = 2;

impl Header {
    /// The longest encoding: every field at its limit.
    pub const BYTES_MAX: usize = 16
        + 8
        + 16
        + 8
        + 16
        + 1
        + 16
        + 1
        + ActorName::BYTES_MAX
        + 1
        + Kind::BYTES_MAX
        + 2
        + 1
        + limits::KEY_BYTES_MAX
        + 32
        + 32;

    /// Appends the encoding. The payload's hash is its last 32 bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let flags = if self.causation.is_some() { HAS_CAUSATION } else { 0 }
            | if self.idempotency.is_some() { HAS_IDEMPOTENCY } else { 0 };
        out.extend_from_slice(&self.log_id.to_bytes());
        out.extend_from_slice(&self.position.to_be_bytes());
        out.extend_from_slice(&self.event_id.to_bytes());
        out.extend_from_slice(&self.time.us().to_be_bytes());
        out.extend_from_slice(&self.correlation.to_bytes());
        out.push(flags);
        if let Some(causation) = self.causation {
            out.extend_from_slice(&causation.to_bytes());
        }
        put_text(out, self.actor.as_str());
        put_text(out, self.kind.as_str());
        out.extend_from_slice(&self.schema.to_be_bytes());
        if let Some(Idempotency { key, fingerprint }) = &self.idempotency {
            put_text(out, key.as_str());
            out.extend_from_slice(&fingerprint.0);
        }
        out.extend_from_slice(&self.payload_hash.0);
    }

    /// Reads an encoding; only the one that [`Header::encode`] makes is accepted.
    ///
    /// # Errors
    /// [`HeaderError`] says what is wrong with the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        let mut rest = bytes;
        let log_id = LogId::from_bytes(take(&mut rest)?);
        let position = u64::from_be_bytes(take(&mut rest)?);
        let event_id = EventId::from_bytes(take(&mut rest)?);
        let time = Timestamp::from_us(i64::from_be_bytes(take(&mut rest)?))?;
        let correlation = EventId::from_bytes(take(&mut rest)?);
        let [flags] = take(&mut rest)?;
        if flags & !(HAS_CAUSATION | HAS_IDEMPOTENCY) != 0 {
            return Err(HeaderError::Flags);
        }
        let causation = if flags & HAS_CAUSATION != 0 { Some(EventId::from_bytes(take(&mut rest)?)) } else { None };
        let actor_text = take_text(&mut rest)?;
        let actor = ActorName::parse(actor_text)?;
        if actor.as_str() != actor_text {
            return Err(HeaderError::Text);
        }
        let kind = Kind::parse(take_text(&mut rest)?)?;
        let schema = u16::from_be_bytes(take(&mut rest)?);
        if schema == 0 {
            return Err(HeaderError::Schema);
        }
        let idempotency = if flags & HAS_IDEMPOTENCY != 0 {
            let key = Key::parse(take_text(&mut rest)?)?;
            Some(Idempotency { key, fingerprint: Hash(take(&mut rest)?) })
        } else {
            None
        };
        let payload_hash = Hash(take(&mut rest)?);
        if !rest.is_empty() {
            return Err(HeaderError::Trailing);
        }
        Ok(Self {
            log_id,
            position,
            event_id,
            time,
            actor,
            kind,
            schema,
            correlation,
            causation,
            idempotency,
            payload_hash,
        })
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.push(u8::try_from(text.len()).expect("names, kinds and keys are bounded below 256 bytes"));
    out.extend_from_slice(text.as_bytes());
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], HeaderError> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(HeaderError::Short)?;
    *rest = tail;
    Ok(*head)
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Result<&'a str, HeaderError> {
    let [bytes] = take(rest)?;
    let (text, tail) = rest.split_at_checked(bytes.into()).ok_or(HeaderError::Short)?;
    *rest = tail;
    std::str::from_utf8(text).map_err(|_| HeaderError::Text)
}
