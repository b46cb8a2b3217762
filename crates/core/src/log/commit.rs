//! A commit: one or more events, as the bytes that are stored and hashed.
//!
//! An event's **frame** is `header length (u16) ‖ header ‖ presence (u8) ‖ salt (16) ‖ payload length (u32) ‖ payload`,
//! numbers big-endian. Presence is 1; 0 means that salt and payload were erased (nothing follows it), and the header
//! alone still verifies.

use super::{
    hash::{Salt, leaf_hash, payload_hash},
    header::{Header, HeaderError},
};
use crate::log::Hash;

const ERASED: u8 = 0;
const PRESENT: u8 = 1;
/// The bytes of salt and payload length before the payload.
const SALTED_PREFIX: usize = 16 + 4;

/// One event's stored bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRef<'a> {
    /// The header, as hashed into the leaf.
    pub header: &'a [u8],
    /// `salt ‖ payload length ‖ payload`, as hashed into the header; `None` once erased.
    pub salted_payload: Option<&'a [u8]>,
}

/// Why bytes are not a sequence of frames, or not what their hashes say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// They end too early.
    #[error("the frame is cut short")]
    Short,
    /// Neither present nor erased.
    #[error("the frame's presence byte is neither 0 nor 1")]
    Presence,
    /// The header does not decode.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// Salt and payload are not those that the header was made for.
    #[error("the payload does not match its hash")]
    PayloadHash,
    /// The salted payload does not begin with a salt and its own length.
    #[error("the payload's length is not the one it states")]
    PayloadLength,
    /// Longer than the numbers that count it can say.
    #[error("the frames or their positions go beyond what the format can count")]
    TooLong,
}

impl<'a> EventRef<'a> {
    /// The payload's bytes; `None` once erased.
    #[must_use]
    pub fn payload(&self) -> Option<&'a [u8]> {
        self.salted_payload?.get(SALTED_PREFIX..)
    }

    /// The salt; `None` once erased.
    #[must_use]
    pub fn salt(&self) -> Option<Salt> {
        self.salted_payload?.first_chunk().copied()
    }

    /// The leaf hash.
    #[must_use]
    pub fn leaf(&self) -> Hash {
        leaf_hash(self.header)
    }

    /// Decodes the header.
    ///
    /// # Errors
    /// [`HeaderError`] if its bytes are not one.
    pub fn decode_header(&self) -> Result<Header, HeaderError> {
        Header::decode(self.header)
    }

    /// Whether salt and payload hash to what the header says (the header's last 32 bytes). True when erased.
    #[must_use]
    pub fn payload_matches(&self) -> bool {
        let Some(stated) = self.header.last_chunk::<32>() else { return false };
        self.salted_payload.is_none_or(|salted| payload_hash(salted).0 == *stated)
    }

    /// Reads the frame at the start of `rest` and moves past it.
    ///
    /// # Errors
    /// [`FrameError`] if the bytes are not a frame. Headers and hashes are not looked at.
    pub fn take(rest: &mut &'a [u8]) -> Result<Self, FrameError> {
        let (length, tail) = rest.split_first_chunk::<2>().ok_or(FrameError::Short)?;
        let (header, tail) = tail.split_at_checked(u16::from_be_bytes(*length).into()).ok_or(FrameError::Short)?;
        let (presence, tail) = tail.split_first().ok_or(FrameError::Short)?;
        match *presence {
            ERASED => {
                *rest = tail;
                Ok(Self { header, salted_payload: None })
            }
            PRESENT => {
                let prefix = tail.first_chunk::<SALTED_PREFIX>().ok_or(FrameError::Short)?;
                let length = SALTED_PREFIX.checked_add(stated_length(prefix)).ok_or(FrameError::Short)?;
                let (salted, tail) = tail.split_at_checked(length).ok_or(FrameError::Short)?;
                *rest = tail;
                Ok(Self { header, salted_payload: Some(salted) })
            }
            _ => Err(FrameError::Presence),
        }
    }

    /// Appends the frame, for [`EventRef::take`] to read back.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the header is longer than a frame can say, [`FrameError::PayloadLength`] if the salted payload is not
    /// one. Nothing is appended then.
    pub fn put(&self, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let length = u16::try_from(self.header.len()).map_err(|_| FrameError::TooLong)?;
        if !self.salted_payload.is_none_or(states_its_length) {
            return Err(FrameError::PayloadLength);
        }
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(self.header);
        match self.salted_payload {
            None => out.push(ERASED),
            Some(salted) => {
                out.push(PRESENT);
                out.extend_from_slice(salted);
            }
        }
        Ok(())
    }
}

fn stated_length(prefix: &[u8; SALTED_PREFIX]) -> usize {
    u32::from_be_bytes([prefix[16], prefix[17], prefix[18], prefix[19]]) as usize
}

/// Whether bytes are a salt, a length, and a payload of that length.
pub(super) fn states_its_length(salted: &[u8]) -> bool {
    salted.split_first_chunk().is_some_and(|(prefix, payload)| stated_length(prefix) == payload.len())
}

/// The frames of one commit, in order: what a store appends at once and reads back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Commit {
    first: u64,
    frames: Vec<u8>,
    /// Where each frame ends in `frames`.
    ends: Vec<u32>,
}

impl Commit {
    /// Reads the frames of a commit whose first event has position `first`.
    ///
    /// # Errors
    /// [`FrameError`] if the bytes are not whole frames, or too many to count. Headers and hashes are not looked at.
    pub fn from_frames(first: u64, frames: Vec<u8>) -> Result<Self, FrameError> {
        let mut ends = Vec::new();
        let mut rest = frames.as_slice();
        while !rest.is_empty() {
            EventRef::take(&mut rest)?;
            ends.push(u32::try_from(frames.len() - rest.len()).map_err(|_| FrameError::TooLong)?);
        }
        first.checked_add(ends.len() as u64).ok_or(FrameError::TooLong)?;
        Ok(Self { first, frames, ends })
    }

    /// The position of its first event.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The position after its last event.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first + self.ends.len() as u64
    }

    /// How many events it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it has none; a store refuses to append such a commit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The frames' bytes, one after another.
    #[must_use]
    pub fn frames(&self) -> &[u8] {
        &self.frames
    }

    /// Where each frame ends in [`Commit::frames`].
    #[must_use]
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// Its events, in order.
    pub fn events(&self) -> impl Iterator<Item = EventRef<'_>> {
        let mut rest = self.frames.as_slice();
        std::iter::from_fn(move || if rest.is_empty() { None } else { EventRef::take(&mut rest).ok() })
    }

    /// The event at an absolute position, if it is in this commit.
    #[must_use]
    pub fn event(&self, position: u64) -> Option<EventRef<'_>> {
        let index = usize::try_from(position.checked_sub(self.first)?).ok()?;
        let end = *self.ends.get(index)? as usize;
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        EventRef::take(&mut &self.frames[start..end]).ok()
    }
}

/// Builds a commit, hashing each payload as it goes in.
#[derive(Debug)]
pub struct CommitBuilder {
    commit: Commit,
    header: Vec<u8>,
}

impl CommitBuilder {
    /// An empty commit that will start at this position.
    #[must_use]
    pub fn new(first: u64) -> Self {
        Self { commit: Commit { first, frames: Vec::new(), ends: Vec::new() }, header: Vec::new() }
    }

    /// Adds an event. Its header's position and payload hash are set here, whatever they were.
    ///
    /// Keeping a payload within [`limits::PAYLOAD_BYTES_MAX`](crate::limits::PAYLOAD_BYTES_MAX) is the caller's part; a store refuses a longer one.
    pub fn push(&mut self, mut header: Header, salt: Salt, payload: &[u8]) {
        header.position = self.commit.end();
        let frames = &mut self.commit.frames;
        self.header.clear();
        header.encode(&mut self.header);
        frames.extend_from_slice(&(self.header.len() as u16).to_be_bytes());
        frames.extend_from_slice(&self.header);
        let header_end = frames.len();
        frames.push(PRESENT);
        let salted_start = frames.len();
        frames.extend_from_slice(&salt);
        frames.extend_from_slice(&(payload.len() as u32).to_be_bytes());
        frames.extend_from_slice(payload);
        let hash = payload_hash(&frames[salted_start..]);
        frames[header_end - 32..header_end].copy_from_slice(&hash.0);
        self.commit.ends.push(frames.len() as u32);
    }

    /// Bytes of the frames so far.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.commit.frames.len()
    }

    /// The commit.
    #[must_use]
    pub fn finish(self) -> Commit {
        self.commit
    }
}
