//! The contract of [`Log`] as a test suite, written once and run on every backend: a test for each bold word of its
//! documentation.
//!
//! A backend's tests say `convoke_store::conformance_suite!(MyBackend::new());`. Power cuts and kills are tested by
//! programs of their own; here a crash is what a backend says it looks like ([`Backend::tear`]).

use std::{future::Future, sync::Arc};

use convoke_core::{
    id::LogId,
    limits::{COMMIT_BYTES_MAX, COMMIT_EVENTS_MAX, PAYLOAD_BYTES_MAX},
    log::{Commit, Hash, Head, Header, range_root},
};

use crate::{
    error::{AppendError, ReadError},
    faulty::{Fault, Faults, FaultyLog},
    log::{Log, Stored},
    sample,
};

/// A place that keeps one log, which can be opened, dropped and opened again.
pub trait Backend: Send + Sync + 'static {
    /// Its log.
    type Log: Log;

    /// Opens the log; an earlier one was dropped before.
    fn open(&self) -> Self::Log;

    /// Leaves a part of this commit behind the end of the log, as a crash during its append may; the log is not open.
    /// `false` if no crash can do that to this backend.
    fn tear(&self, commit: &Commit) -> bool {
        let _ = commit;
        false
    }

    /// Checks whatever else must hold of the place; the log is not open.
    fn inspect(&self) {}
}

/// Runs one test of the suite, or whatever else needs an async runtime.
///
/// # Panics
/// If the test fails.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(test)
}

/// Makes a `#[test]` of each function of the suite; the argument makes a new, empty [`Backend`].
#[macro_export]
macro_rules! conformance_suite {
    ($backend:expr) => {
        $crate::conformance_suite!($backend; durable, atomic, ordered, conditional, one_of_many_wins, exact, poisoned,
            a_lost_acknowledgement_is_found_on_reopening, bounded, watchable);
    };
    ($backend:expr; $($test:ident),+) => { $(
        #[test]
        fn $test() {
            $crate::conformance::run($crate::conformance::$test($backend));
        }
    )+ };
}

/// Commits of many sizes, up to the largest: (events, bytes of each payload).
const SIZES: [(usize, usize); 9] = [
    (1, 2),
    (1, PAYLOAD_BYTES_MAX),
    (2, 300),
    (255, 300),
    (256, 300),
    (1_000, 50),
    (120, PAYLOAD_BYTES_MAX),
    (COMMIT_EVENTS_MAX, 600),
    (3, 5_000),
];

async fn append(log: &impl Log, events: usize, payload_bytes: usize) -> Head {
    let head = log.head();
    log.append_if(head, sample::commit(head.size, events, payload_bytes)).await.expect("an append at the head")
}

async fn read_all(log: &impl Log) -> Vec<Stored> {
    log.read(0, usize::MAX).await.expect("a read of everything")
}

fn leaves(commits: &[Stored]) -> Vec<Hash> {
    commits.iter().flat_map(|stored| stored.commit.events().map(|event| event.leaf()).collect::<Vec<_>>()).collect()
}

/// **Durable**: what was acknowledged is there when the log is opened again.
pub async fn durable(backend: impl Backend) {
    let mut expected = Vec::new();
    let mut head = Head::EMPTY;
    for (events, payload_bytes) in SIZES {
        let log = backend.open();
        assert_eq!(log.head(), head);
        head = append(&log, events, payload_bytes).await;
        expected.push(sample::commit(head.size - events as u64, events, payload_bytes));
        drop(log);
        backend.inspect();
    }
    let log = backend.open();
    assert_eq!(log.head(), head);
    assert_eq!(log.log_id(), Some(sample::log_id()));
    let found: Vec<Commit> = read_all(&log).await.into_iter().map(|stored| stored.commit).collect();
    assert!(found == expected, "other commits than were appended");
}

/// **Atomic**: what a crash left of an append is gone, and does not mix with what is appended next.
pub async fn atomic(backend: impl Backend) {
    for torn_events in [1, 700, 3_000] {
        let log = backend.open();
        let head = append(&log, 300, 300).await;
        drop(log);
        if !backend.tear(&sample::commit(head.size, torn_events, 400)) {
            return;
        }
        let log = backend.open();
        assert_eq!(log.head(), head);
        let next = append(&log, 2, 20).await;
        drop(log);
        let log = backend.open();
        assert_eq!(log.head(), next);
        let commits = read_all(&log).await;
        assert_eq!(range_root(&leaves(&commits)), next.root);
        assert_eq!(commits.last().map(|stored| stored.commit.clone()), Some(sample::commit(head.size, 2, 20)));
    }
}

/// **Ordered**: positions grow by one, with no gaps, in the order of the appends.
pub async fn ordered(backend: impl Backend) {
    let log = backend.open();
    let sizes = [1, 3, 1, 700, 2, 1];
    for events in sizes {
        append(&log, events, 200).await;
    }
    let commits = read_all(&log).await;
    let mut next = 0;
    for (stored, events) in commits.iter().zip(sizes) {
        assert_eq!((stored.commit.first(), stored.commit.len()), (next, events));
        for event in stored.commit.events() {
            assert_eq!(event.decode_header().expect("a header").position, next);
            next += 1;
        }
    }
    assert_eq!(next, log.head().size);
    // From any position on, the commit that holds it comes first, and the number asked for is the least that comes.
    for from in [0, 1, 2, 3, 4, 5, 300, 704, 705, 706, 707] {
        let found = log.read(from, 2).await.expect("a read");
        let first = found.first().expect("a commit");
        assert!((first.commit.first()..first.commit.end()).contains(&from), "from {from}");
        let events: usize = found.iter().map(|stored| stored.commit.len()).sum();
        assert!(events >= 2 || found.last().map(Stored::head) == Some(log.head()), "from {from}");
        let without_last: usize = found[..found.len() - 1].iter().map(|stored| stored.commit.len()).sum();
        assert!(without_last < 2, "from {from}");
    }
    for beyond in [708, 709, u64::MAX] {
        assert_eq!(log.read(beyond, 1).await.expect("a read beyond the end"), []);
    }
}

/// **Conditional**: a conflict names the head as it is, and nothing was written.
pub async fn conditional(backend: impl Backend) {
    let log = backend.open();
    let old = append(&log, 2, 10).await;
    let head = append(&log, 1, 10).await;
    let other_root = Head { size: head.size, root: old.root };
    for stale in [Head::EMPTY, old, other_root] {
        match log.append_if(stale, sample::commit(stale.size, 1, 10)).await {
            Err(AppendError::Conflict { actual }) => assert_eq!(actual, head),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(log.head(), head);
    assert_eq!(read_all(&log).await.len(), 2);
    drop(log);
    let log = backend.open();
    assert_eq!(log.head(), head);
    append(&log, 1, 10).await;
}

/// **Conditional**, with many at once: for each head one append wins, and no other leaves a trace.
pub async fn one_of_many_wins(backend: impl Backend) {
    const TASKS: usize = 8;
    const EACH: usize = 20;
    let log = Arc::new(backend.open());
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let log = log.clone();
            tokio::spawn(async move {
                let (mut heads, mut expected) = (Vec::new(), log.head());
                while heads.len() < EACH {
                    // Each task's payloads have a length of their own, so that its commits are recognised.
                    match log.append_if(expected, sample::commit(expected.size, 1 + task % 3, 20 + task)).await {
                        Ok(head) => {
                            heads.push(head);
                            expected = head;
                        }
                        Err(AppendError::Conflict { actual }) => expected = actual,
                        Err(error) => panic!("{error}"),
                    }
                }
                heads
            })
        })
        .collect();
    let mut acknowledged = Vec::new();
    for (task, handle) in tasks.into_iter().enumerate() {
        acknowledged.extend(handle.await.expect("a task").into_iter().map(|head| (head.size, head.root, task)));
    }
    acknowledged.sort_unstable();
    let found: Vec<(u64, Hash, usize)> = read_all(&*log)
        .await
        .into_iter()
        .map(|stored| {
            let payload = stored.commit.events().next().and_then(|event| event.payload()).map_or(0, <[u8]>::len);
            (stored.commit.end(), stored.root, payload - 20)
        })
        .collect();
    assert_eq!(found, acknowledged);
}

/// **Exact**: the bytes read are the bytes appended, and the root is the Merkle root over them.
pub async fn exact(backend: impl Backend) {
    let log = backend.open();
    let mut expected = Vec::new();
    for (events, payload_bytes) in SIZES {
        let commit = sample::commit(log.head().size, events, payload_bytes);
        let head = log.append_if(log.head(), commit.clone()).await.expect("an append");
        expected.push(Stored { commit, root: head.root });
        assert_eq!(log.head(), head);
    }
    let found = read_all(&log).await;
    assert!(found == expected, "other bytes than were appended");
    let all = leaves(&found);
    for stored in &found {
        assert_eq!(stored.root, range_root(&all[..stored.commit.end() as usize]));
    }
    let size = all.len() as u64;
    for start in [0, 1, 255, 256, 257, 1_024, 1_500, 2_048, size - 300, size - 1, size] {
        for end in [start, start + 1, start + 200, start + 256, start + 1_024, size] {
            if start <= end && end <= size {
                let root = log.range_root(start, end).await.expect("a root");
                assert_eq!(root, range_root(&all[start as usize..end as usize]), "{start}..{end}");
            }
        }
    }
    assert!(matches!(log.range_root(0, size + 1).await, Err(ReadError::Beyond { .. })));
    drop(log);
    backend.inspect();
}

/// **Poisoned**: after an append of unknown outcome there are no more, until the log is opened anew.
pub async fn poisoned(backend: impl Backend) {
    let faults = Faults::default();
    let log = FaultyLog::new(backend.open(), faults.clone());
    faults.plan(2, Fault::BeforeWrite);
    append(&log, 1, 10).await;
    let head = append(&log, 1, 10).await;
    let next = sample::commit(head.size, 1, 10);
    assert!(matches!(log.append_if(head, next.clone()).await, Err(AppendError::OutcomeUnknown(_))));
    for _ in 0..2 {
        assert!(matches!(log.append_if(head, next.clone()).await, Err(AppendError::Poisoned)));
    }
    assert_eq!(log.head(), head);
    assert_eq!(read_all(&log).await.len(), 2);
    drop(log);
    let log = backend.open();
    assert_eq!(log.head(), head, "nothing was written");
    log.append_if(head, next).await.expect("an append after reopening");
}

/// **Poisoned**, the other way it can have gone: the commit is there, and repeating it is a conflict.
pub async fn a_lost_acknowledgement_is_found_on_reopening(backend: impl Backend) {
    let faults = Faults::default();
    let log = FaultyLog::new(backend.open(), faults.clone());
    let head = append(&log, 1, 10).await;
    faults.plan(0, Fault::LostAcknowledgement);
    let next = sample::commit(head.size, 3, 10);
    assert!(matches!(log.append_if(head, next.clone()).await, Err(AppendError::OutcomeUnknown(_))));
    assert!(matches!(log.append_if(head, next.clone()).await, Err(AppendError::Poisoned)));
    assert_eq!((log.head(), read_all(&log).await.len()), (head, 1), "nobody sees what was not acknowledged");
    drop(log);
    let log = backend.open();
    assert_eq!(log.head().size, head.size + 3);
    assert!(matches!(log.append_if(head, next.clone()).await, Err(AppendError::Conflict { .. })));
    assert_eq!(read_all(&log).await.last().map(|stored| stored.commit.clone()), Some(next));
}

/// **Bounded**: what is empty, misplaced or over a limit is refused and writes nothing.
pub async fn bounded(backend: impl Backend) {
    let log = backend.open();
    let head = append(&log, 3, 10).await;
    let at = head.size;
    let refused = |commit: Commit| {
        let log = &log;
        async move { log.append_if(head, commit).await.expect_err("a refusal") }
    };
    assert!(matches!(refused(sample::commit(at, 0, 0)).await, AppendError::Empty));
    for misplaced in [
        sample::commit(at + 1, 1, 10),
        sample::commit(at - 1, 1, 10),
        sample::commit_of(LogId::from_bytes([7; 16]), at, 1, 10),
        relabelled(at, &sample::commit(at + 5, 2, 10)),
    ] {
        assert!(matches!(refused(misplaced).await, AppendError::Misplaced));
    }
    let bytes_each = COMMIT_BYTES_MAX / 200;
    for (too_large, size_max) in [
        (sample::commit(at, COMMIT_EVENTS_MAX + 1, 2), COMMIT_EVENTS_MAX),
        (sample::commit(at, 200, bytes_each), COMMIT_BYTES_MAX),
        (sample::commit(at, 1, PAYLOAD_BYTES_MAX + 1), PAYLOAD_BYTES_MAX),
        (with_header_of(at, Header::BYTES_MAX + 1), Header::BYTES_MAX),
    ] {
        match refused(too_large).await {
            AppendError::TooLarge { size, size_max: named, .. } => {
                assert_eq!(named, size_max);
                assert!(size > size_max);
            }
            other => panic!("{other:?} where {size_max} was exceeded"),
        }
    }
    assert_eq!((log.head(), read_all(&log).await.len()), (head, 1));
    // Exactly at the limits is not over them.
    append(&log, COMMIT_EVENTS_MAX, 2).await;
    append(&log, 1, PAYLOAD_BYTES_MAX).await;
    drop(log);
    backend.inspect();
}

/// The frames of a commit under another first position.
fn relabelled(first: u64, commit: &Commit) -> Commit {
    Commit::from_frames(first, commit.frames().to_vec()).expect("whole frames")
}

/// A commit of one event whose header has this length.
fn with_header_of(position: u64, header_bytes: usize) -> Commit {
    let mut header = vec![0; header_bytes];
    header[..16].copy_from_slice(&sample::log_id().to_bytes());
    header[16..24].copy_from_slice(&position.to_be_bytes());
    let mut frame = (header_bytes as u16).to_be_bytes().to_vec();
    frame.extend_from_slice(&header);
    frame.push(0);
    Commit::from_frames(position, frame).expect("a whole frame")
}

/// **Watchable**: a watcher is woken by each head, and whoever is woken reads up to it and never beyond.
pub async fn watchable(backend: impl Backend) {
    let log = Arc::new(backend.open());
    let mut heads = log.watch();
    assert_eq!(*heads.borrow_and_update(), log.head());
    let head = append(&*log, 1, 10).await;
    assert!(heads.has_changed().expect("an open log"));
    assert_eq!(*heads.borrow_and_update(), head);
    log.append_if(Head::EMPTY, sample::commit(0, 1, 10)).await.expect_err("a conflict");
    assert!(!heads.has_changed().expect("an open log"), "a refusal wakes nobody");

    let writer = tokio::spawn({
        let log = log.clone();
        async move {
            for _ in 0..30 {
                append(&*log, 40, 100).await;
                tokio::task::yield_now().await;
            }
        }
    });
    while heads.borrow_and_update().size < 1 + 30 * 40 {
        let before = log.head();
        let commits = log.read(0, usize::MAX).await.expect("a read");
        let seen = commits.last().map_or(Head::EMPTY, Stored::head);
        let after = log.head();
        assert!(before.size <= seen.size && seen.size <= after.size);
        heads.changed().await.expect("a head");
    }
    writer.await.expect("the writer");
}
