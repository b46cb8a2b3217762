//! The recorded head: what the log last acknowledged, kept beside it (`docs/log-format.md`, section 7.2).
//!
//! The engine drops a damaged tail without a word. This file is what such a loss is found against. It is written after
//! the log's own sync and not synced itself, so it never claims more than the log holds.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

use convoke_core::{
    id::LogId,
    log::{Hash, Head},
};

const MAGIC: &[u8; 8] = b"CVKHEAD1";
const SLOT_BYTES: usize = 512;
const SLOT_OFFSETS: [u64; 2] = [0, 4096];
const CRC_AT: usize = 8 + 16 + 8 + 32;

/// A head and the log it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) log_id: LogId,
    pub(crate) head: Head,
}

/// The open file.
#[derive(Debug)]
pub(crate) struct RecordedHead {
    file: File,
    /// The slot to write next: never the one that counts.
    next_slot: usize,
}

impl RecordedHead {
    /// Makes the file, durable but for its folder's entry, with the head of an empty log in its first slot: from now on at
    /// least one slot is valid, or somebody damaged it.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        // Both slots are allocated now, so that writing one later changes nothing but its bytes.
        file.write_all_at(&[0; SLOT_OFFSETS[1] as usize + SLOT_BYTES], 0)?;
        let nothing = Recorded { log_id: LogId::from_bytes([0; 16]), head: Head::EMPTY };
        file.write_all_at(&encode(nothing), SLOT_OFFSETS[0])?;
        file.sync_all()?;
        Ok(Self { file, next_slot: 1 })
    }

    /// Opens the file and reads the head that counts: the larger of the valid ones. `None` if it is missing, or none is valid.
    pub(crate) fn open(path: &Path) -> io::Result<Option<(Self, Recorded)>> {
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let mut found: Option<(usize, Recorded)> = None;
        for (slot, offset) in SLOT_OFFSETS.into_iter().enumerate() {
            let mut bytes = [0; SLOT_BYTES];
            if read_fully(&file, &mut bytes, offset)?
                && let Some(recorded) = decode(&bytes)
                && found.is_none_or(|(_, other)| recorded.head.size > other.head.size)
            {
                found = Some((slot, recorded));
            }
        }
        Ok(found.map(|(slot, recorded)| (Self { file, next_slot: 1 - slot }, recorded)))
    }

    /// Records a head that the log has made durable.
    pub(crate) fn write(&mut self, recorded: Recorded) -> io::Result<()> {
        self.file.write_all_at(&encode(recorded), SLOT_OFFSETS[self.next_slot])?;
        self.next_slot = 1 - self.next_slot;
        Ok(())
    }
}

fn read_fully(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<bool> {
    match file.read_exact_at(bytes, offset) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn encode(recorded: Recorded) -> [u8; SLOT_BYTES] {
    let mut slot = [0; SLOT_BYTES];
    slot[..8].copy_from_slice(MAGIC);
    slot[8..24].copy_from_slice(&recorded.log_id.to_bytes());
    slot[24..32].copy_from_slice(&recorded.head.size.to_be_bytes());
    slot[32..64].copy_from_slice(&recorded.head.root.0);
    let crc = crc32fast::hash(&slot[..CRC_AT]);
    slot[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_be_bytes());
    slot
}

fn decode(slot: &[u8; SLOT_BYTES]) -> Option<Recorded> {
    let crc = u32::from_be_bytes(slot[CRC_AT..CRC_AT + 4].try_into().ok()?);
    if !slot.starts_with(MAGIC) || crc != crc32fast::hash(&slot[..CRC_AT]) {
        return None;
    }
    let log_id = LogId::from_bytes(slot[8..24].try_into().ok()?);
    let size = u64::from_be_bytes(slot[24..32].try_into().ok()?);
    let root = Hash(slot[32..64].try_into().ok()?);
    Some(Recorded { log_id, head: Head { size, root } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(size: u64) -> Recorded {
        Recorded { log_id: LogId::from_bytes([3; 16]), head: Head { size, root: Hash([size as u8; 32]) } }
    }

    fn read(path: &Path) -> Option<Recorded> {
        RecordedHead::open(path).unwrap().map(|(_, recorded)| recorded)
    }

    #[test]
    fn a_missing_file_claims_nothing_and_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("head");
        assert_eq!(read(&path), None);
        assert!(!path.exists());
    }

    #[test]
    fn the_only_valid_slot_is_never_the_one_written_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("head");
        let file = RecordedHead::create(&path).unwrap();
        for spoiled in [0, 1] {
            for size in [1, 2] {
                let (mut file, _) = RecordedHead::open(&path).unwrap().unwrap();
                file.write(recorded(size + 2 * spoiled as u64)).unwrap();
            }
            file.file.write_all_at(&[0xff; 20], SLOT_OFFSETS[spoiled]).unwrap();
            let (left, _) = RecordedHead::open(&path).unwrap().unwrap();
            assert_eq!(left.next_slot, spoiled);
        }
    }

    #[test]
    fn the_last_head_written_is_the_one_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("head");
        let mut file = RecordedHead::create(&path).unwrap();
        assert_eq!(read(&path), Some(Recorded { log_id: LogId::from_bytes([0; 16]), head: Head::EMPTY }));
        for size in 1..5 {
            file.write(recorded(size)).unwrap();
            assert_eq!(read(&path), Some(recorded(size)));
        }
        let (mut reopened, _) = RecordedHead::open(&path).unwrap().unwrap();
        reopened.write(recorded(5)).unwrap();
        assert_eq!(read(&path), Some(recorded(5)));
    }

    #[test]
    fn a_torn_slot_leaves_the_head_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("head");
        let mut file = RecordedHead::create(&path).unwrap();
        file.write(recorded(1)).unwrap();
        file.write(recorded(2)).unwrap();
        let newest = SLOT_OFFSETS[1 - file.next_slot];
        file.file.write_all_at(&[0xff; 20], newest + 30).unwrap();
        assert_eq!(read(&path), Some(recorded(1)));
    }

    #[test]
    fn every_flipped_bit_of_a_slot_is_found() {
        let slot = encode(recorded(7));
        for bit in 0..(CRC_AT + 4) * 8 {
            let mut flipped = slot;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&flipped), None, "bit {bit}");
        }
    }

    /// `tests/vectors/records-v1.json` is written in Python from the document.
    #[test]
    fn the_files_of_the_test_vectors_are_read_as_they_say() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/vectors/records-v1.json")).unwrap();
        for one in vectors["heads"].as_array().unwrap() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("head");
            let mut bytes = Vec::new();
            for (at, part) in one["parts"].as_object().unwrap() {
                let part = part.as_str().unwrap();
                bytes.resize(at.parse().unwrap(), 0);
                bytes.extend((0..part.len() / 2).map(|i| u8::from_str_radix(&part[2 * i..2 * i + 2], 16).unwrap()));
            }
            std::fs::write(&path, bytes).unwrap();
            let found = read(&path).map_or(
                serde_json::Value::Null,
                |Recorded { log_id, head }| serde_json::json!({"log_id": log_id, "size": head.size, "root": head.root}),
            );
            assert_eq!(found, one["head"], "{}", one["name"]);
        }
    }
}
