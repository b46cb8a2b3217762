//! Records: how a commit lies in a key-value store (`docs/log-format.md`, section 7.1). Pure, both ways.
//!
//! A commit is split into records that fit the engine's pages; the last one carries the root.

use convoke_core::{
    limits::PAYLOAD_BYTES_MAX,
    log::{Commit, Hash, Header},
};

use crate::{admission, log::Stored};

/// The engine's segment size, fixed for a store's life: `docs/decisions/0001-store-settings.md` has the measurements.
pub const SEGMENT_BYTES: usize = 4 * 1024 * 1024;
/// The entries that a leaf page of the engine may hold when it is written whole: it splits above 16 (sled's
/// `Node::should_split`), so up to 17 are written, and one more if a writer races the split.
const LEAF_ENTRIES_MAX: usize = 18;
/// What the engine adds to a leaf page (header, bounds) and to each of its entries (key, lengths), generously.
const LEAF_OVERHEAD: usize = 1024;
const ENTRY_OVERHEAD: usize = 64;
/// The longest record. A page of the engine above `segment size / 4 - 20` bytes (sled's `Log::reserve_inner`) would go to a
/// blob file of its own, which is never synced; so a leaf full of the longest records must stay below that. The page
/// counts, not the value: a leaf is rewritten whole now and then.
pub const RECORD_BYTES_MAX: usize = (SEGMENT_BYTES / 4 - 20 - LEAF_OVERHEAD) / LEAF_ENTRIES_MAX - ENTRY_OVERHEAD;
/// Where a commit is split: a record of more than one event stays below this. The engine keeps at least one page in each of
/// the 256 parts of its cache, so that small pages are what keeps its memory small.
const RECORD_BYTES_AIM: usize = 16 * 1024;

/// Of a commit of several records so much memory at most is taken beforehand.
const USUAL_BYTES_MAX: usize = 128 * 1024;

const VERSION: u8 = 1;
const LAST: u8 = 1;
const PREFIX_BYTES: usize = 1 + 1 + 8 + 4;
const ROOT_BYTES: usize = 32;
const CRC_BYTES: usize = 4;
/// What a record has besides its frames and their ends, at most.
const FIXED_BYTES: usize = PREFIX_BYTES + ROOT_BYTES + CRC_BYTES;
const END_BYTES: usize = 4;

/// The longest frame: every field of the header and the payload at their limits.
const FRAME_BYTES_MAX: usize = 2 + Header::BYTES_MAX + 1 + 16 + 4 + PAYLOAD_BYTES_MAX;
const _: () = assert!(FIXED_BYTES + END_BYTES + FRAME_BYTES_MAX <= RECORD_BYTES_MAX, "one event always fits a record");

/// Why stored bytes are not a record, or records not a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// They end too early.
    #[error("the record is cut short")]
    Short,
    /// Their checksum is another.
    #[error("the record's checksum does not match")]
    Checksum,
    /// Written by another version.
    #[error("the record has version {0}; this build reads version 1")]
    Version(u8),
    /// A flag that this version does not know.
    #[error("the record has an unknown flag")]
    Flags,
    /// No event, or more than fit.
    #[error("the record's count of events does not fit its bytes")]
    Count,
    /// The offsets do not describe the frames.
    #[error("the record's offsets do not match its frames")]
    Ends,
    /// The frames are not frames.
    #[error("the record's frames are malformed")]
    Frames,
    /// Events of another position than the record says, or of several logs.
    #[error("the record holds events of another position or log")]
    Misplaced,
    /// Another record should follow or come before.
    #[error("a record of the commit is missing")]
    Missing,
}

/// One record, checked as far as it goes by itself; borrows the bytes it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The position of its first event.
    pub first: u64,
    /// How many events it holds.
    pub count: u32,
    /// The root after the commit, if it is the last record of its commit.
    pub root: Option<Hash>,
    ends: &'a [u8],
    frames: &'a [u8],
}

impl<'a> Record<'a> {
    /// Reads a record.
    ///
    /// # Errors
    /// [`RecordError`] says what is wrong with the bytes.
    pub fn decode(value: &'a [u8]) -> Result<Self, RecordError> {
        let (checked, crc) = value.split_last_chunk::<CRC_BYTES>().ok_or(RecordError::Short)?;
        if crc32fast::hash(checked) != u32::from_be_bytes(*crc) {
            return Err(RecordError::Checksum);
        }
        let (prefix, mut rest) = checked.split_first_chunk::<PREFIX_BYTES>().ok_or(RecordError::Short)?;
        let [version, flags, f0, f1, f2, f3, f4, f5, f6, f7, c0, c1, c2, c3] = *prefix;
        if version != VERSION {
            return Err(RecordError::Version(version));
        }
        let root = match flags {
            0 => None,
            LAST => {
                let (root, tail) = rest.split_first_chunk::<ROOT_BYTES>().ok_or(RecordError::Short)?;
                rest = tail;
                Some(Hash(*root))
            }
            _ => return Err(RecordError::Flags),
        };
        let first = u64::from_be_bytes([f0, f1, f2, f3, f4, f5, f6, f7]);
        let count = u32::from_be_bytes([c0, c1, c2, c3]);
        let (ends, frames) = rest.split_at_checked(END_BYTES * count as usize).ok_or(RecordError::Count)?;
        if count == 0 || first.checked_add(count.into()).is_none() {
            return Err(RecordError::Count);
        }
        Ok(Self { first, count, root, ends, frames })
    }

    /// The position after its last event.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first + u64::from(self.count)
    }

    fn ends(&self) -> impl Iterator<Item = u32> + 'a {
        self.ends.chunks_exact(END_BYTES).map(|end| u32::from_be_bytes([end[0], end[1], end[2], end[3]]))
    }
}

/// Splits a commit into records, in order.
#[must_use]
pub fn split(commit: &Commit, root: &Hash) -> Vec<Vec<u8>> {
    let (frames, ends) = (commit.frames(), commit.ends());
    let mut records = Vec::new();
    let (mut from, mut start) = (0, 0);
    while from < ends.len() {
        let fits =
            |to: usize| FIXED_BYTES + END_BYTES * (to - from) + (ends[to - 1] as usize - start) <= RECORD_BYTES_AIM;
        let mut to = from + 1;
        while to < ends.len() && fits(to + 1) {
            to += 1;
        }
        let last = (to == ends.len()).then_some(root);
        let end = ends[to - 1] as usize;
        let first = commit.first() + from as u64;
        records.push(encode(first, &ends[from..to], start, &frames[start..end], last));
        (from, start) = (to, end);
    }
    records
}

fn encode(first: u64, ends: &[u32], start: usize, frames: &[u8], root: Option<&Hash>) -> Vec<u8> {
    let mut value = Vec::with_capacity(FIXED_BYTES + END_BYTES * ends.len() + frames.len());
    value.push(VERSION);
    value.push(if root.is_some() { LAST } else { 0 });
    value.extend_from_slice(&first.to_be_bytes());
    value.extend_from_slice(&(ends.len() as u32).to_be_bytes());
    if let Some(root) = root {
        value.extend_from_slice(&root.0);
    }
    for end in ends {
        value.extend_from_slice(&(end - start as u32).to_be_bytes());
    }
    value.extend_from_slice(frames);
    let crc = crc32fast::hash(&value);
    value.extend_from_slice(&crc.to_be_bytes());
    value
}

/// Puts the records of one commit together again, given in order.
#[derive(Debug, Default)]
pub struct Joiner {
    first: u64,
    ends: Vec<u32>,
    frames: Vec<u8>,
    /// How long the frames of the commit before were: mostly the next ones are as long.
    usual: usize,
}

impl Joiner {
    /// Takes the next record, and gives the commit when it was its last one; the joiner is then ready for the next commit.
    ///
    /// # Errors
    /// [`RecordError`] if the record does not follow the one before, or its events are not those its key names.
    pub fn take(&mut self, record: &Record<'_>) -> Result<Option<Stored>, RecordError> {
        if self.ends.is_empty() {
            if let Some(root) = record.root {
                // Most commits are one record.
                return whole(record.first, record.frames.to_vec(), record.ends(), root).map(Some);
            }
            self.first = record.first;
            self.frames.reserve_exact(self.usual.max(record.frames.len()));
        } else if self.next() != record.first {
            return Err(RecordError::Missing);
        }
        let base = u32::try_from(self.frames.len()).map_err(|_| RecordError::Ends)?;
        for end in record.ends() {
            self.ends.push(base.checked_add(end).ok_or(RecordError::Ends)?);
        }
        self.frames.extend_from_slice(record.frames);
        if self.ends.last().map(|end| *end as usize) != Some(self.frames.len()) {
            return Err(RecordError::Ends);
        }
        let Some(root) = record.root else { return Ok(None) };
        let usual = self.frames.len().min(USUAL_BYTES_MAX);
        let Self { first, ends, frames, .. } = std::mem::replace(self, Self { usual, ..Self::default() });
        whole(first, frames, ends.into_iter(), root).map(Some)
    }

    /// Whether it waits for further records of a commit.
    #[must_use]
    pub fn is_midway(&self) -> bool {
        !self.ends.is_empty()
    }

    /// The position that must come next while it is midway.
    fn next(&self) -> u64 {
        self.first + self.ends.len() as u64
    }
}

fn whole(first: u64, frames: Vec<u8>, ends: impl Iterator<Item = u32>, root: Hash) -> Result<Stored, RecordError> {
    let commit = Commit::from_frames(first, frames).map_err(|_| RecordError::Frames)?;
    if !ends.eq(commit.ends().iter().copied()) {
        return Err(RecordError::Ends);
    }
    if !admission::is_in_place(&commit) {
        return Err(RecordError::Misplaced);
    }
    Ok(Stored { commit, root })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample;

    fn join(records: &[Vec<u8>]) -> Result<Option<Stored>, RecordError> {
        let mut joiner = Joiner::default();
        let mut commit = None;
        for value in records {
            commit = joiner.take(&Record::decode(value)?)?;
        }
        Ok(commit)
    }

    #[test]
    fn a_commit_of_any_size_is_the_same_after_splitting_and_joining() {
        for (events, payload_bytes) in
            [(1, 0), (1, PAYLOAD_BYTES_MAX), (17, 40), (300, 300), (700, 3_000), (8_192, 600)]
        {
            let commit = sample::commit(7, events, payload_bytes);
            let root = Hash([9; 32]);
            let records = split(&commit, &root);
            assert!(records.iter().all(|value| value.len() <= RECORD_BYTES_MAX), "{events} events");
            assert_eq!(join(&records).unwrap(), Some(Stored { commit, root }), "{events} events");
        }
    }

    #[test]
    fn a_commit_without_one_of_its_records_is_not_joined() {
        let records = split(&sample::commit(0, 500, 500), &Hash::ZERO);
        assert!(records.len() > 3);
        for missing in 0..records.len() - 1 {
            let mut rest = records.clone();
            rest.remove(missing);
            let joined = join(&rest);
            if missing == 0 {
                // What remains looks whole by itself; whoever reads sees that it does not start where it must.
                assert_ne!(joined.unwrap().unwrap().commit.first(), 0);
            } else {
                assert_eq!(joined, Err(RecordError::Missing));
            }
        }
        assert_eq!(join(&records[..records.len() - 1]).unwrap(), None);
    }

    #[test]
    fn every_flipped_bit_of_a_record_is_found() {
        let value = split(&sample::commit(3, 2, 10), &Hash([1; 32])).remove(0);
        for bit in 0..value.len() * 8 {
            let mut flipped = value.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Record::decode(&flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn events_that_name_other_positions_than_their_record_are_refused() {
        let moved = Commit::from_frames(4, sample::commit(3, 2, 10).frames().to_vec()).unwrap();
        assert_eq!(join(&split(&moved, &Hash::ZERO)), Err(RecordError::Misplaced));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_the_decoder(
            mut value in proptest::collection::vec(any::<u8>(), 0..300),
            sealed in any::<bool>(),
        ) {
            if sealed {
                // A right checksum lets the bytes through to what comes after it.
                if let Some(version) = value.first_mut() { *version = VERSION; }
                if let Some(flags) = value.get_mut(1) { *flags &= LAST; }
                if let Some(count) = value.get_mut(10..13) { count.fill(0); }
                let crc = crc32fast::hash(&value);
                value.extend_from_slice(&crc.to_be_bytes());
            }
            if let Ok(record) = Record::decode(&value) {
                let _ = Joiner::default().take(&record);
            }
        }
    }
}
