//! What sled will find in its files, told without opening them: opening alters them.
//!
//! sled takes the first message that it cannot read for the end of its log, and zeroes what follows. That is right after a
//! crash, and wrong after damage: what follows may have been acknowledged. So before it is let near, its files are read the
//! way it will (sled 0.34.7, `pagecache/{snapshot,iterator,logger}.rs`): the snapshot of its page table, which it calls index
//! here, and from there on every message with its checksum.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _},
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::record::SEGMENT_BYTES;

const SEGMENT: u64 = SEGMENT_BYTES as u64;
/// A segment begins with its checksum, its place in the log, and up to where the log was safe by then.
const SEGMENT_HEADER: usize = 20;
/// The longest header of a message: nearer to its end than this, a segment holds no more of them.
const MESSAGE_HEADER_MAX: usize = 32;
const INDEX_PREFIX: &str = "snap.";

/// What an opening would do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    /// How long the file with the log is.
    pub(crate) file_bytes: u64,
    /// What may be zeroed or given up although it is not empty, in ranges of the file.
    pub(crate) at_risk: Vec<Range<u64>>,
    /// Messages in the midst of others are unreadable: sled will go on behind them as if nothing had been there. If this is not
    /// so, all messages up to the end that sled will find are whole.
    pub(crate) has_holes: bool,
}

/// Reads the files of a database. One that is not there has none.
pub(crate) fn look(folder: &Path) -> io::Result<Look> {
    let file = match File::open(folder.join("db")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Look::default()),
        file => file?,
    };
    let mut look = Look { file_bytes: file.metadata()?.len(), ..Look::default() };
    let indexed = index_end(folder)?;
    let mut segments = Segments::read(&file, look.file_bytes, indexed / SEGMENT * SEGMENT)?;
    look.at_risk.append(&mut segments.headless);
    look.has_holes = !look.at_risk.is_empty();
    walk(&file, indexed, &segments, &mut look)?;
    Ok(look)
}

/// The files of the index. Those that sled was interrupted in writing are not among them.
pub(crate) fn index_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    Ok(snapshots(folder)?.into_iter().filter(|path| !is_unfinished(path)).collect())
}

/// Removes an index that sled was interrupted in writing. sled would take it for the newest, and refuse it.
pub(crate) fn remove_unfinished_index(folder: &Path) -> io::Result<()> {
    snapshots(folder)?.into_iter().filter(|path| is_unfinished(path)).try_for_each(fs::remove_file)
}

fn is_unfinished(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "generating")
}

fn snapshots(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(INDEX_PREFIX) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Up to where the log is in the index, 0 without one. Whether the index is whole is not looked at: sled refuses a damaged one
/// before it alters anything.
fn index_end(folder: &Path) -> io::Result<u64> {
    let Some(newest) = index_files(folder)?.pop() else { return Ok(0) };
    let mut begin = Vec::new();
    File::open(newest)?.take(8).read_to_end(&mut begin)?;
    // 0 stands for nothing, and any other number is one more than it says.
    Ok(le_u64(&begin).saturating_sub(1).min(i64::MAX as u64))
}

/// The segments that sled will look through.
struct Segments {
    /// By their place in the log: where they are in the file.
    by_place: BTreeMap<u64, u64>,
    /// Up to where the log was safe, as the newest of them know.
    safe: u64,
    /// Those whose header is unreadable, and which are not empty.
    headless: Vec<Range<u64>>,
}

impl Segments {
    fn read(file: &File, file_bytes: u64, from: u64) -> io::Result<Self> {
        let mut segments = Self { by_place: BTreeMap::new(), safe: from, headless: Vec::new() };
        for at in (0..file_bytes).step_by(SEGMENT_BYTES) {
            let mut header = [0; SEGMENT_HEADER];
            if file_bytes - at >= header.len() as u64 {
                file.read_exact_at(&mut header, at)?;
            }
            let place = le_u64(&header[4..12]) ^ i64::MAX as u64;
            if le_u32(&header[..4]) ^ u32::MAX != crc32fast::hash(&header[4..]) {
                let range = at..(at + SEGMENT).min(file_bytes);
                if !is_empty(&read(file, &range)?) {
                    segments.headless.push(range);
                }
            } else if place >= from {
                segments.safe = segments.safe.max(le_u64(&header[12..]) ^ i64::MAX as u64);
                // Of two with one place, both are suspect.
                if let Some(other) = segments.by_place.insert(place, at) {
                    segments.headless.push(other..(other + SEGMENT).min(file_bytes));
                }
            }
        }
        Ok(segments)
    }
}

/// Reads all messages, and notes from where on something is at risk.
fn walk(file: &File, indexed: u64, segments: &Segments, look: &mut Look) -> io::Result<()> {
    let last = segments.by_place.last_key_value().map(|(place, _)| *place);
    // From here on sled demands that no segment is missing.
    let tail = segments.safe / SEGMENT * SEGMENT;
    let mut expected = tail;
    let mut is_broken = false;
    for (place, range, found) in read_all(file, segments, look.file_bytes)? {
        if place >= tail {
            is_broken |= place != expected;
            expected = place + SEGMENT;
        }
        if !is_broken {
            let Found { end, is_closed, is_empty_behind } = found;
            let is_last_and_ended = Some(place) == last && place + end as u64 >= indexed && is_empty_behind;
            let is_whole = is_closed || is_last_and_ended;
            // Where the index ends, or where the tail begins, a message ended once: what is unreadable before was damaged.
            is_broken = !is_whole;
            look.has_holes |= !is_whole && (place < tail || place + (end as u64) < indexed.max(segments.safe));
        }
        if is_broken {
            look.at_risk.push(range);
        }
    }
    Ok(())
}

/// What a segment holds.
#[derive(Clone, Copy, Default)]
struct Found {
    /// Where its messages end.
    end: usize,
    /// It was closed, or is full.
    is_closed: bool,
    /// Nothing is behind its messages.
    is_empty_behind: bool,
}

/// Reads the segments on all cores, and gives each with its place and its range of the file, in the order of the places.
fn read_all(file: &File, segments: &Segments, file_bytes: u64) -> io::Result<Vec<(u64, Range<u64>, Found)>> {
    let all: Vec<(u64, Range<u64>)> =
        segments.by_place.iter().map(|(place, at)| (*place, *at..(*at + SEGMENT).min(file_bytes))).collect();
    let (next, found) = (AtomicUsize::new(0), Mutex::new(vec![Ok(Found::default()); all.len()]));
    let work = || {
        while let Some((place, range)) = all.get(next.fetch_add(1, Ordering::Relaxed)).cloned() {
            let one = read(file, &range).map(|bytes| messages(&bytes, place / SEGMENT)).map_err(|error| error.kind());
            let index = all.partition_point(|(before, _)| *before < place);
            found.lock().unwrap_or_else(PoisonError::into_inner)[index] = one;
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from).min(all.len());
    thread::scope(|scope| {
        // A thread that cannot be had is done without.
        for _ in 1..cores {
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.into_iter().zip(found).map(|((place, range), found)| Ok((place, range, found?))).collect()
}

/// Where the messages of a segment end, and how.
fn messages(segment: &[u8], number: u64) -> Found {
    let mut end = SEGMENT_HEADER;
    while end + MESSAGE_HEADER_MAX <= SEGMENT_BYTES {
        match message(segment.get(end..).unwrap_or_default(), number) {
            Some((_, Kind::Cap)) => return Found { end, is_closed: true, is_empty_behind: false },
            Some((bytes, Kind::Other)) => end += bytes,
            None => {
                let is_empty_behind = is_empty(segment.get(end..).unwrap_or_default());
                return Found { end, is_closed: false, is_empty_behind };
            }
        }
    }
    Found { end, is_closed: true, is_empty_behind: false }
}

enum Kind {
    Cap,
    Other,
}

/// The message that bytes begin with: its length with its header, and its kind. Large pages and batches, which have files or
/// rules of their own, do not occur in a store, and count as unreadable.
fn message(bytes: &[u8], segment: u64) -> Option<(usize, Kind)> {
    let mut rest = bytes.get(5..)?;
    let length = usize::try_from(number(&mut rest)?).ok()?;
    let stated = number(&mut rest)?;
    let _page = number(&mut rest)?;
    let header = bytes.len() - rest.len();
    let body = rest.get(..length)?;
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(body);
    checksum.update(&bytes[4..header]);
    if checksum.finalize() ^ u32::MAX != le_u32(bytes) || stated != segment {
        return None;
    }
    let kind = match bytes[4] {
        2 => Kind::Cap,
        1 | 4 | 5 | 6 | 8 | 10 => Kind::Other,
        _ => return None,
    };
    Some((header + length, kind))
}

/// A number as sled writes it: in one to nine bytes.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let (first, rest) = bytes.split_first()?;
    let (value, used) = match *first {
        small @ ..=240 => (u64::from(small), 0),
        first @ 241..=248 => (240 + 256 * (u64::from(first) - 241) + u64::from(*rest.first()?), 1),
        249 => (2288 + 256 * u64::from(*rest.first()?) + u64::from(*rest.get(1)?), 2),
        first => {
            let used = usize::from(first) - 247;
            let mut value = [0; 8];
            value[..used].copy_from_slice(rest.get(..used)?);
            (u64::from_le_bytes(value), used)
        }
    };
    *bytes = &rest[used..];
    Some(value)
}

fn read(file: &File, range: &Range<u64>) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; (range.end - range.start) as usize];
    file.read_exact_at(&mut bytes, range.start)?;
    Ok(bytes)
}

fn is_empty(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

fn le_u32(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn le_u64(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;

    /// A closed database with this many records of a size.
    fn database(records: usize, bytes: usize) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::open(folder.path()).unwrap();
        for _ in 0..records {
            engine.put(vec![vec![7; bytes]]).unwrap();
        }
        engine.sync().unwrap();
        folder
    }

    #[test]
    fn a_database_that_was_closed_has_nothing_at_risk_whatever_its_size_and_with_or_without_an_index() {
        for (records, bytes) in [(0, 0), (1, 1), (60, 900), (900, 16_000), (20_000, 300), (300, 50_000)] {
            let folder = database(records, bytes);
            for opening in 0..3 {
                let seen = look(folder.path()).unwrap();
                let file_bytes = folder.path().join("db").metadata().unwrap().len();
                assert_eq!(seen, Look { file_bytes, ..Look::default() }, "{records} of {bytes}, opening {opening}");
                assert_eq!(Engine::open(folder.path()).unwrap().count(), records as u64);
            }
            assert!(!index_files(folder.path()).unwrap().is_empty(), "three openings made an index");
        }
    }

    #[test]
    fn numbers_are_read_as_sled_writes_them() {
        let cases: [(&[u8], u64); 7] = [
            (&[0], 0),
            (&[240], 240),
            (&[241, 0], 240),
            (&[248, 255], 2287),
            (&[249, 255, 255], 67823),
            (&[250, 1, 2, 3], 0x03_02_01),
            (&[255, 1, 0, 0, 0, 0, 0, 0, 0x80], 0x8000_0000_0000_0001),
        ];
        for (bytes, value) in cases {
            let longer = [bytes, &[9]].concat();
            let mut rest = &longer[..];
            assert_eq!((number(&mut rest), rest), (Some(value), &[9_u8][..]));
            assert!(bytes.len() == 1 || number(&mut &bytes[..bytes.len() - 1]).is_none());
        }
    }

    #[test]
    fn an_index_that_was_cut_short_is_damaged_and_one_that_was_being_written_is_none() {
        let folder = database(60, 900);
        drop(Engine::open(folder.path()).unwrap());
        let index = index_files(folder.path()).unwrap().pop().unwrap();
        let bytes = fs::read(&index).unwrap();
        for length in [0, 5, 12, bytes.len() - 1] {
            fs::write(&index, &bytes[..length]).unwrap();
            assert!(Engine::open(folder.path()).is_err(), "{length}: sled refuses it");
            // Found by hand: sled writes its index under this name, and takes it for one when it was killed meanwhile.
            fs::write(&index, &bytes).unwrap();
            let unfinished = folder.path().join("snap.7FFFFFFFFFFFFFFF.generating");
            fs::write(&unfinished, &bytes[..length]).unwrap();
            assert!(look(folder.path()).unwrap().at_risk.is_empty());
            assert!(Engine::open(folder.path()).is_err(), "sled takes it for its index");
            remove_unfinished_index(folder.path()).unwrap();
            assert_eq!(Engine::open(folder.path()).unwrap().count(), 60);
        }
    }
}
