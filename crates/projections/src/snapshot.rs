//! The envelope of a snapshot: which fold, of which log, up to where, and a digest over all of it.
//!
//! A snapshot saves time and proves nothing. [`Envelope::decode`] takes any bytes and gives back only what was written whole; whether it is the
//! snapshot that is wanted (this build's fold version, this log, a head that the log has) the caller asks with [`Envelope::is_of`] and by
//! comparing `head` with the log. Deciding and showing are separate folds with separate snapshots, in this one form.
//!
//! ```text
//! "CVKSNAP2" ‖ name length (1) ‖ fold name ‖ fold version (4) ‖ log id (16) ‖ size (8) ‖ root (32)
//!   ‖ body length (8) ‖ digest (32) ‖ body
//! ```
//! Integers are little-endian. The digest is BLAKE3 (`derive_key`, context `convoke snapshot v2`) over the body and then all before the
//! digest: so a body is hashed while it is written, and never held as bytes.

use std::io::{self, Cursor, Seek, SeekFrom, Write};

use convoke_core::{
    id::LogId,
    log::{Hash, Head},
};

const MAGIC: &[u8; 8] = b"CVKSNAP2";
const DIGEST_CONTEXT: &str = "convoke snapshot v2";
const DIGEST_BYTES: usize = 32;

/// A snapshot's body with all that says what it is a snapshot of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The fold: `views`, `workspace`. At most 255 bytes.
    pub fold: &'a str,
    /// The version of the fold that made the body.
    pub fold_version: u32,
    /// The log.
    pub log_id: LogId,
    /// The prefix of it that was folded.
    pub head: Head,
    /// The state, in the fold's own form.
    pub body: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// All of it as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Cursor::new(Vec::with_capacity(128 + self.fold.len() + self.body.len()));
        // A vector takes every write. If it did not, what is there is no snapshot, and is ignored.
        let _ = self.write(&mut out, |out| out.write_all(self.body));
        out.into_inner()
    }

    /// Writes it with a body that is made meanwhile, in place of its own.
    ///
    /// # Errors
    /// Those of `out`; what was written then is no snapshot.
    pub fn write<W: Write + Seek>(
        &self,
        out: &mut W,
        body: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut described = Vec::with_capacity(128 + self.fold.len());
        let fold = &self.fold.as_bytes()[..self.fold.len().min(usize::from(u8::MAX))];
        described.extend(MAGIC);
        described.push(fold.len() as u8);
        described.extend(fold);
        described.extend(self.fold_version.to_le_bytes());
        described.extend(self.log_id.to_bytes());
        described.extend(self.head.size.to_le_bytes());
        described.extend(self.head.root.0);
        // Length and digest are known last. Until then the place is not even the beginning of a snapshot.
        let body_begins = described.len() + size_of::<u64>() + DIGEST_BYTES;
        out.write_all(&vec![0; body_begins])?;
        let mut hashed = Hashed { out, hasher: hasher(), bytes: 0 };
        body(&mut hashed)?;
        let Hashed { mut hasher, bytes, .. } = hashed;
        described.extend(bytes.to_le_bytes());
        hasher.update(&described);
        out.seek(SeekFrom::Start(0))?;
        out.write_all(&described)?;
        out.write_all(hasher.finalize().as_bytes())
    }

    /// Reads what [`Envelope::encode`] wrote; `None` for any other bytes: cut short, altered, of another form.
    #[must_use]
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(MAGIC)?;
        let [fold_length] = take(&mut rest)?;
        let (fold, after) = rest.split_at_checked(usize::from(fold_length))?;
        rest = after;
        let fold_version = u32::from_le_bytes(take(&mut rest)?);
        let log_id = LogId::from_bytes(take(&mut rest)?);
        let size = u64::from_le_bytes(take(&mut rest)?);
        let root = Hash(take(&mut rest)?);
        let body_length = u64::from_le_bytes(take(&mut rest)?);
        let described = &bytes[..bytes.len() - rest.len()];
        let stored: [u8; DIGEST_BYTES] = take(&mut rest)?;
        let body = rest;
        if body.len() as u64 != body_length || digest(described, body) != stored {
            return None;
        }
        let fold = std::str::from_utf8(fold).ok()?;
        Some(Self { fold, fold_version, log_id, head: Head { size, root }, body })
    }

    /// Whether it is a snapshot by this version of this fold, of this log. Its `head` is still to be compared with the log's own.
    #[must_use]
    pub fn is_of(&self, fold: &str, fold_version: u32, log_id: LogId) -> bool {
        self.fold == fold && self.fold_version == fold_version && self.log_id == log_id
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}

fn digest(described: &[u8], body: &[u8]) -> [u8; DIGEST_BYTES] {
    *hasher().update(body).update(described).finalize().as_bytes()
}

fn hasher() -> blake3::Hasher {
    blake3::Hasher::new_derive_key(DIGEST_CONTEXT)
}

/// Hashes and counts what passes through.
struct Hashed<'a, W> {
    out: &'a mut W,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl<W: Write> Write for Hashed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn envelope(body: &[u8]) -> Envelope<'_> {
        Envelope {
            fold: "views",
            fold_version: 3,
            log_id: LogId::from_bytes([7; 16]),
            head: Head { size: 42, root: Hash([9; 32]) },
            body,
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(body in prop::collection::vec(any::<u8>(), 0..500)) {
            let bytes = envelope(&body).encode();
            prop_assert_eq!(Envelope::decode(&bytes), Some(envelope(&body)));
        }

        #[test]
        fn arbitrary_bytes_are_no_snapshot(bytes in prop::collection::vec(any::<u8>(), 0..300), magic: bool) {
            let bytes = if magic { [MAGIC.as_slice(), &bytes].concat() } else { bytes };
            prop_assert_eq!(Envelope::decode(&bytes), None);
        }
    }

    #[test]
    fn no_bit_can_be_altered_and_no_byte_cut_or_added() {
        let bytes = envelope(b"a small body").encode();
        for bit in 0..bytes.len() * 8 {
            let mut altered = bytes.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Envelope::decode(&altered), None, "bit {bit}");
        }
        for end in 0..bytes.len() {
            assert_eq!(Envelope::decode(&bytes[..end]), None, "cut at {end}");
        }
        assert_eq!(Envelope::decode(&[bytes.as_slice(), &[0]].concat()), None);
    }

    #[test]
    fn a_snapshot_of_another_fold_version_or_log_is_not_the_one_wanted() {
        let snapshot = envelope(b"");
        assert!(snapshot.is_of("views", 3, LogId::from_bytes([7; 16])));
        assert!(!snapshot.is_of("workspace", 3, LogId::from_bytes([7; 16])));
        assert!(!snapshot.is_of("views", 4, LogId::from_bytes([7; 16])));
        assert!(!snapshot.is_of("views", 3, LogId::from_bytes([8; 16])));
    }
}
