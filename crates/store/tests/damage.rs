//! Damaged stores: every flipped bit is found, or nothing that is served has changed. Never a panic, never a shorter log.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use convoke_core::log::{Frontier, Head};
use convoke_store::{
    Log, OpenError, ReadError, SledLog, Stored, VerifyError,
    conformance::run,
    quiet_engine_panics,
    record::{self, Joiner, Record},
    sample, verify,
};
use tempfile::TempDir;

/// What became of a damaged store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    RefusedToOpen,
    FoundByReading,
    FoundByVerifying,
    Unchanged,
}

/// A store that was closed, its files, and what it served.
struct Original {
    folder: TempDir,
    commits: Vec<Stored>,
}

impl Original {
    fn new(sizes: &[(usize, usize)], reopen: bool) -> Self {
        let folder = scratch();
        let path = folder.path().join("log");
        let log = SledLog::create(&path).unwrap();
        let mut commits = Vec::new();
        run(async {
            for (events, payload_bytes) in sizes {
                let head = log.head();
                log.append_if(head, sample::commit(head.size, *events, *payload_bytes)).await.unwrap();
            }
            commits = log.read(0, usize::MAX).await.unwrap();
        });
        drop(log);
        if reopen {
            // Opening it writes the engine's index.
            drop(SledLog::open(&path).unwrap());
        }
        Self { folder, commits }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn head(&self) -> Head {
        self.commits.last().unwrap().head()
    }

    /// A copy with one change, opened and read whole.
    fn after(&self, change: impl FnOnce(&Path)) -> Outcome {
        let copy = scratch();
        copy_folder(&self.path(), copy.path());
        change(copy.path());
        let log = match SledLog::open(copy.path()) {
            Ok(log) => log,
            Err(error) => {
                check_sentence(&error.to_string());
                return Outcome::RefusedToOpen;
            }
        };
        let read = run(log.read(0, usize::MAX));
        let verified = run(verify(&log, None, |_| ()));
        match (read, verified) {
            (Err(error), Err(_)) => {
                check_sentence(&error.to_string());
                Outcome::FoundByReading
            }
            (Ok(_), Err(error)) => {
                check_sentence(&error.to_string());
                Outcome::FoundByVerifying
            }
            (Ok(commits), Ok(report)) => {
                assert_eq!(log.head(), self.head(), "another head is served");
                assert_eq!(report.head, self.head());
                assert!(commits == self.commits, "other events are served");
                Outcome::Unchanged
            }
            (Err(error), Ok(_)) => panic!("it verifies, but cannot be read: {error}"),
        }
    }
}

fn check_sentence(text: &str) {
    assert!(!text.is_empty() && !text.contains('\n'), "{text:?}");
    for inside in ["Corruption {", "Os {", "unwrap()", "src/", ".rs:"] {
        assert!(!text.contains(inside), "{text:?} shows {inside:?}");
    }
}

/// What the store serves, if it opens and verifies.
fn served(path: &Path) -> Result<Vec<Stored>, String> {
    let log = SledLog::open(path).map_err(|error| error.to_string())?;
    run(verify(&log, None, |_| ())).map_err(|error| error.to_string())?;
    run(log.read(0, usize::MAX)).map_err(|error| error.to_string())
}

/// A folder in memory, where there is one: thousands of copies are made.
fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn flip(path: &Path, bit: u64) {
    let mut bytes = fs::read(path).unwrap();
    bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
    fs::write(path, bytes).unwrap();
}

/// The store's files, each with how many bits it has, up to its last byte that is not zero.
fn files(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            files.push((path, used as u64 * 8));
        }
    }
    files.retain(|(_, bits)| *bits > 0);
    files.sort();
    files
}

/// Runs a test while every panic that is shown to the user is counted, and a call that does not return ends it.
fn watched(test: impl FnOnce()) {
    static SHOWN: AtomicUsize = AtomicUsize::new(0);
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(|error| error.into_inner());
    static HOOKS: std::sync::Once = std::sync::Once::new();
    HOOKS.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            SHOWN.fetch_add(1, Ordering::Relaxed);
            before(panic);
        }));
        quiet_engine_panics();
    });
    let (done, waits) = mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        if waits.recv_timeout(Duration::from_secs(900)) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("a damaged store was opened or read without an end");
            std::process::abort();
        }
    });
    let shown = SHOWN.load(Ordering::Relaxed);
    test();
    assert_eq!(SHOWN.load(Ordering::Relaxed), shown, "a panic was shown");
    drop(done);
    watchdog.join().unwrap();
}

/// SplitMix64.
fn random(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *seed;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn many_flips(original: &Original, flips: usize, mut seed: u64) -> Vec<(Outcome, usize)> {
    let path = original.path();
    let engine: Vec<(PathBuf, u64)> = files(&path.join("sled"));
    let mut outcomes = Vec::new();
    for _ in 0..flips {
        // Mostly in the file that holds the events, and often enough in the small ones.
        let (file, bits) = match random(&mut seed) % 4 {
            0 => &engine[random(&mut seed) as usize % engine.len()],
            _ => engine.iter().max_by_key(|(_, bits)| bits).unwrap(),
        };
        let (name, bit) = (file.strip_prefix(&path).unwrap(), random(&mut seed) % bits);
        let caught = std::panic::catch_unwind(|| original.after(|copy| flip(&copy.join(name), bit)));
        match caught {
            Ok(outcome) => outcomes.push(outcome),
            Err(_) => panic!("bit {bit} of {} of {bits}", name.display()),
        }
    }
    use Outcome::{FoundByReading, FoundByVerifying, RefusedToOpen, Unchanged};
    [RefusedToOpen, FoundByReading, FoundByVerifying, Unchanged]
        .map(|kind| (kind, outcomes.iter().filter(|outcome| **outcome == kind).count()))
        .to_vec()
}

#[test]
fn a_flipped_bit_in_the_engines_files_is_found_or_changes_nothing() {
    watched(|| {
        // All in the engine's last segment, which it reads whole on opening; then most of it in segments that it does not.
        let small: Vec<(usize, usize)> = (0..60).map(|i| (1 + i % 7 * 3, 40 + i * 37 % 900)).collect();
        let large: Vec<(usize, usize)> = (0..30).map(|i| (1 + i % 7 * 30, 40 + i * 997 % 7_000)).collect();
        for (sizes, reopened, flips, seed) in [(&small, false, 900, 1), (&small, true, 500, 2), (&large, true, 600, 3)]
        {
            let original = Original::new(sizes, reopened);
            let counts = many_flips(&original, flips, seed);
            eprintln!("{flips} flips: {counts:?}");
            let found: usize = counts[..3].iter().map(|(_, count)| count).sum();
            assert!(found > flips / 2, "the flips miss what matters: {counts:?}");
        }
    });
}

#[test]
fn a_store_that_was_refused_for_a_flipped_bit_holds_again_once_the_bit_is_put_back() {
    watched(|| {
        let small: Vec<(usize, usize)> = (0..60).map(|i| (1 + i % 7 * 3, 40 + i * 37 % 900)).collect();
        let large: Vec<(usize, usize)> = (0..30).map(|i| (1 + i % 7 * 30, 40 + i * 997 % 7_000)).collect();
        let mut seed = 4;
        let (mut refused, mut found) = (0, 0);
        for (sizes, reopened, flips) in
            [(&small, false, 150), (&small, true, 100), (&large, true, 60), (&large, false, 60)]
        {
            let original = Original::new(sizes, reopened);
            let engine = files(&original.path().join("sled"));
            for _ in 0..flips {
                let (file, bits) = &engine[random(&mut seed) as usize % engine.len()];
                let (name, bit) = (file.strip_prefix(original.path()).unwrap(), random(&mut seed) % bits);
                let copy = scratch();
                copy_folder(&original.path(), copy.path());
                let damaged = copy.path().join(name);
                flip(&damaged, bit);
                // Twice: the first opening must leave it so that the second can be undone, too.
                let outcomes = [(); 2].map(|()| SledLog::open(copy.path()).map(drop));
                let is_found = served(copy.path()).is_err();
                let [first, second] = outcomes.each_ref().map(Result::is_err);
                assert_eq!(first, second, "bit {bit} of {}: {outcomes:?}", name.display());
                refused += usize::from(first);
                found += usize::from(is_found);
                if is_found {
                    assert!(damaged.exists(), "{} is gone", name.display());
                    flip(&damaged, bit);
                }
                match served(copy.path()) {
                    Ok(commits) => assert!(commits == original.commits, "bit {bit} of {}", name.display()),
                    Err(error) => panic!("bit {bit} of {} of {bits} was put back, and yet: {error}", name.display()),
                }
                assert!(!copy.path().join("undo").exists());
            }
        }
        assert!(refused > 50 && found >= refused, "the flips miss what matters: {refused} refused, {found} found");
    });
}

#[test]
fn an_opening_that_was_killed_amid_a_torn_tail_is_undone_by_the_next() {
    watched(|| {
        let original = Original::new(&[(5, 30), (5, 30), (5, 30)], false);
        let data = original.path().join("sled/db");
        let text = b"\"12 ";
        let at = fs::read(&data).unwrap().windows(text.len()).rposition(|window| window == text).unwrap() as u64 * 8;
        flip(&data, at);
        let damaged = fs::read(&data).unwrap();
        assert!(SledLog::open(original.path()).is_err());
        assert!(fs::read(&data).unwrap() == damaged, "it is put back whole");
        // As a killed opening leaves it: the copy is there, and sled has zeroed and cut its file.
        let undo = original.path().join("undo");
        fs::create_dir(&undo).unwrap();
        fs::write(undo.join("db.0"), &damaged).unwrap();
        fs::write(undo.join("db-bytes"), damaged.len().to_string()).unwrap();
        fs::write(&data, &damaged[..9_000]).unwrap();
        fs::write(original.path().join("sled/snap.0000000000001000"), b"an index of what was left").unwrap();
        assert!(matches!(SledLog::open(original.path()), Err(OpenError::Truncated { .. })));
        assert!(!undo.exists() && fs::read(&data).unwrap() == damaged);
        flip(&data, at);
        assert!(served(&original.path()).unwrap() == original.commits);
    });
}

#[test]
fn every_flipped_bit_of_every_record_is_found_though_its_checksum_was_made_anew() {
    let mut frontier = Frontier::default();
    for events in [1, 4, 2, 13] {
        let commit = sample::commit(frontier.size(), events, 30);
        let before = frontier.clone();
        commit.events().for_each(|event| frontier.push(event.leaf()));
        let root = frontier.root();
        for value in record::split(&commit, &root) {
            let sealed = value.len() - 4;
            for bit in 0..sealed * 8 {
                let mut flipped = value.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(Record::decode(&flipped).is_err(), "bit {bit} past the checksum");
                let crc = crc32fast::hash(&flipped[..sealed]);
                flipped[sealed..].copy_from_slice(&crc.to_be_bytes());
                let joined = Record::decode(&flipped).and_then(|record| Joiner::default().take(&record));
                // What still is a commit must not hold where the one before it ended.
                if let Ok(Some(stored)) = joined {
                    let mut frontier = before.clone();
                    let mut holds = stored.commit.first() == frontier.size();
                    for event in stored.commit.events() {
                        frontier.push(event.leaf());
                        holds &= event.decode_header().is_ok() && event.payload_matches();
                    }
                    assert!(!holds || frontier.root() != stored.root, "bit {bit}");
                }
            }
        }
    }
}

#[test]
fn a_flipped_bit_in_the_stores_own_files_changes_nothing_that_is_served() {
    watched(|| {
        let original = Original::new(&[(1, 30), (700, 30), (9, 30)], true);
        for name in ["head", "tiles", "format"] {
            let bits = files(&original.path()).into_iter().find(|(path, _)| path.ends_with(name)).unwrap().1;
            for bit in (0..bits).step_by(if name == "format" { 1 } else { 97 }) {
                original.after(|copy| flip(&copy.join(name), bit));
            }
        }
    });
}

#[test]
fn a_tail_that_the_engine_drops_silently_is_reported_as_truncated() {
    watched(|| {
        let original = Original::new(&[(5, 30), (5, 30), (5, 30)], false);
        let data = original.path().join("sled/db");
        let bytes = fs::read(&data).unwrap();
        // Spoil the last commit's record, at a text that only it holds.
        let text = b"\"14 ";
        let at = bytes.windows(text.len()).rposition(|window| window == text).unwrap();
        let copy = scratch();
        copy_folder(&original.path(), copy.path());
        flip(&copy.path().join("sled/db"), at as u64 * 8);
        match SledLog::open(copy.path()) {
            Err(OpenError::Truncated { found, recorded }) => {
                assert_eq!((found.size, recorded), (10, original.head()));
            }
            other => panic!("{other:?}"),
        }
        // And it is reported again the next time.
        assert!(matches!(SledLog::open(copy.path()), Err(OpenError::Truncated { .. })));
    });
}

#[test]
fn a_store_rolled_back_to_an_older_copy_of_the_engines_files_is_reported_as_truncated() {
    let original = Original::new(&[(5, 30)], false);
    let newer = scratch();
    copy_folder(&original.path(), newer.path());
    let log = SledLog::open(newer.path()).unwrap();
    let head = log.head();
    run(log.append_if(head, sample::commit(head.size, 3, 30))).unwrap();
    drop(log);
    fs::remove_dir_all(newer.path().join("sled")).unwrap();
    copy_folder(&original.path().join("sled"), &newer.path().join("sled"));
    assert!(matches!(SledLog::open(newer.path()), Err(OpenError::Truncated { .. })));
}

#[test]
fn the_engines_files_of_another_log_are_reported() {
    let original = Original::new(&[(5, 30)], false);
    let other = Original::new(&[(5, 31)], false);
    fs::remove_dir_all(original.path().join("sled")).unwrap();
    copy_folder(&other.path().join("sled"), &original.path().join("sled"));
    assert!(matches!(SledLog::open(original.path()), Err(OpenError::OtherRoot { .. })));
}

#[test]
fn tiles_that_are_missing_cut_or_wrong_are_made_anew() {
    let original = Original::new(&[(300, 30), (700, 30), (24, 30)], true);
    let whole = fs::read(original.path().join("tiles")).unwrap();
    assert_eq!(whole.len(), 4 * 32);
    let changes: [fn(&Path); 4] = [
        |tiles| fs::remove_file(tiles).unwrap(),
        |tiles| fs::write(tiles, b"short").unwrap(),
        |tiles| flip(tiles, 40 * 8),
        |tiles| fs::write(tiles, vec![7; 5 * 32]).unwrap(),
    ];
    for change in changes {
        assert_eq!(original.after(|copy| change(&copy.join("tiles"))), Outcome::Unchanged);
        let copy = scratch();
        copy_folder(&original.path(), copy.path());
        change(&copy.path().join("tiles"));
        let log = SledLog::open(copy.path()).unwrap();
        assert_eq!(run(log.range_root(0, 1_024)).unwrap(), original.head().root);
        drop(log);
        assert_eq!(fs::read(copy.path().join("tiles")).unwrap(), whole);
    }
}

#[test]
fn opening_a_copy_leaves_the_original_untouched() {
    let original = Original::new(&[(5, 30), (700, 30)], false);
    let before: Vec<Vec<u8>> = files(&original.path()).into_iter().map(|(path, _)| fs::read(path).unwrap()).collect();
    let scratch = tempfile::tempdir().unwrap();
    let log = SledLog::open_copy(original.path(), scratch.path()).unwrap();
    assert_eq!(log.head(), original.head());
    assert!(log.folder().starts_with(scratch.path()));
    run(log.append_if(log.head(), sample::commit(705, 1, 30))).unwrap();
    drop(log);
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "the copy is removed");
    let after: Vec<Vec<u8>> = files(&original.path()).into_iter().map(|(path, _)| fs::read(path).unwrap()).collect();
    assert!(before == after);
}

#[test]
fn damage_in_the_middle_is_found_where_it_is() {
    watched(|| {
        let original = Original::new(&[(5, 30), (1_500, 3_000), (1_500, 3_000)], true);
        let bytes = fs::read(original.path().join("sled/db")).unwrap();
        let text = b"\"700 ";
        let at = bytes.windows(text.len()).rposition(|window| window == text).unwrap();
        let copy = scratch();
        copy_folder(&original.path(), copy.path());
        flip(&copy.path().join("sled/db"), at as u64 * 8);
        let log = SledLog::open(copy.path()).unwrap();
        match run(log.read(0, usize::MAX)) {
            Err(ReadError::Damaged { position, .. }) => assert!((6..=700).contains(&position), "{position}"),
            other => panic!("{other:?}"),
        }
        match run(verify(&log, None, |_| ())) {
            Err(VerifyError::Read(ReadError::Damaged { position, .. })) => {
                assert!((6..=700).contains(&position), "{position}")
            }
            other => panic!("{other:?}"),
        }
    });
}
