//! The backends that the tests of a log's contract run on.

use std::{fs, path::PathBuf};

use convoke_core::log::{Commit, Hash};
use convoke_store::{
    MemoryLog, SledLog,
    conformance::Backend,
    record::{self, SEGMENT_BYTES},
    simulated::{Disk, Fate, SimulatedLog},
};
use tempfile::TempDir;

pub(crate) struct Memory(pub(crate) MemoryLog);

impl Backend for Memory {
    type Log = MemoryLog;

    fn open(&self) -> MemoryLog {
        self.0.clone()
    }
}

pub(crate) struct Sled(TempDir);

impl Sled {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("log")
    }

    /// Puts records behind the end, as a process does that is killed before its sync.
    pub(crate) fn leave(&self, records: Vec<Vec<u8>>) {
        let engine = sled::Config::new().path(self.folder().join("sled")).segment_size(SEGMENT_BYTES).open().unwrap();
        let count = engine.iter().keys().filter(|key| key.as_ref().unwrap()[8] < 0x80).count() as u64;
        for (number, record) in (count..).zip(records) {
            let key = [&(number / 7).to_be_bytes()[..], &[(number % 7) as u8]].concat();
            engine.insert(key, record).unwrap();
        }
        engine.flush().unwrap();
    }
}

impl Backend for Sled {
    type Log = SledLog;

    fn open(&self) -> SledLog {
        SledLog::open_or_create(self.folder()).unwrap()
    }

    fn tear(&self, commit: &Commit) -> bool {
        let mut records = record::split(commit, &Hash([1; 32]));
        if records.len() == 1 {
            // One record is all or nothing: what can be left of this append is a record that says that more follow.
            records = vec![open_ended(&records[0])];
        } else {
            // Without its first record, or without its last: both can be what reached the disk.
            let missing = if records.len().is_multiple_of(2) { 0 } else { records.len() - 1 };
            records.remove(missing);
        }
        self.leave(records);
        true
    }

    fn inspect(&self) {
        // A page above the engine's limit would go to a file of its own, which is never synced.
        let blobs = fs::read_dir(self.folder().join("sled/blobs")).unwrap().count();
        assert_eq!(blobs, 0);
    }
}

/// The last record of a commit, made into one that is not the last: without the mark and the root.
fn open_ended(value: &[u8]) -> Vec<u8> {
    let (version, first_and_count) = (value[0], &value[2..14]);
    let ends_and_frames = &value[46..value.len() - 4];
    let mut record = [&[version, 0], first_and_count, ends_and_frames].concat();
    let crc = crc32fast::hash(&record);
    record.extend_from_slice(&crc.to_be_bytes());
    record
}

pub(crate) struct Simulated(pub(crate) Disk);

impl Backend for Simulated {
    type Log = SimulatedLog;

    fn open(&self) -> SimulatedLog {
        SimulatedLog::open(&self.0, Fate::default).unwrap()
    }

    fn tear(&self, commit: &Commit) -> bool {
        let mut records = record::split(commit, &Hash([1; 32]));
        if records.len() == 1 {
            let half = records[0].len() / 2;
            records[0].truncate(half);
        } else {
            let missing = if records.len().is_multiple_of(2) { 0 } else { records.len() - 1 };
            records.remove(missing);
        }
        self.0.leave(records);
        true
    }
}
