//! Verification: what holds, what does not, and where.

use std::sync::Mutex;

use convoke_core::{
    id::LogId,
    log::{Broken, Checkpoint, Commit, CommitBuilder, EventRef, Fault, Frontier, Hash, Head, HeaderError},
    time::Timestamp,
};
use convoke_store::{
    AppendError, ExportError, ExportReader, ExportWriter, Log, ReadError, Report, Stored, VerifyError,
    conformance::run, sample, verify, verify_export,
};
use tokio::sync::watch;

/// Changes an event's header and its salted payload.
type Change<'a> = &'a dyn Fn(&mut Vec<u8>, &mut Option<Vec<u8>>);

/// A log that serves whatever it was given, right or wrong.
struct Canned(Vec<Stored>);

impl Log for Canned {
    fn head(&self) -> Head {
        self.0.last().map_or(Head::EMPTY, Stored::head)
    }
    fn log_id(&self) -> Option<LogId> {
        Some(sample::log_id())
    }
    async fn append_if(&self, _: Head, _: Commit) -> Result<Head, AppendError> {
        Err(AppendError::Poisoned)
    }
    async fn read(&self, from: u64, events_max: usize) -> Result<Vec<Stored>, ReadError> {
        let start = self.0.partition_point(|stored| stored.commit.end() <= from);
        let mut events = 0;
        let more = |stored: &&Stored| {
            let more = events < events_max;
            events += stored.commit.len();
            more
        };
        Ok(self.0[start..].iter().take_while(more).cloned().collect())
    }
    async fn range_root(&self, _: u64, _: u64) -> Result<Hash, ReadError> {
        Ok(Hash::ZERO)
    }
    fn watch(&self) -> watch::Receiver<Head> {
        watch::Sender::new(self.head()).subscribe()
    }
}

/// The commits with the roots that belong to them.
fn rooted(commits: Vec<Commit>) -> Vec<Stored> {
    let mut frontier = Frontier::default();
    commits
        .into_iter()
        .map(|commit| {
            commit.events().for_each(|event| frontier.push(event.leaf()));
            Stored { root: frontier.root(), commit }
        })
        .collect()
}

fn log_of(sizes: &[usize]) -> Vec<Stored> {
    let mut first = 0;
    let commits = sizes.iter().map(|events| {
        let commit = sample::commit(first, *events, 60);
        first = commit.end();
        commit
    });
    rooted(commits.collect())
}

fn verified(commits: Vec<Stored>, against: Option<&Checkpoint>) -> Result<Report, VerifyError> {
    let outcome = Mutex::new(None);
    run(async {
        let report = verify(&Canned(commits), against, |_| ()).await;
        *outcome.lock().unwrap() = Some(report);
    });
    outcome.into_inner().unwrap().unwrap()
}

/// The log is flawed there, both as a log and as an export of it.
fn check_flawed(commits: &[Stored], position: u64, fault: Fault) {
    let expected = Broken { position, fault };
    match verified(commits.to_vec(), None) {
        Err(VerifyError::Flawed(found)) => assert_eq!(found, expected),
        other => panic!("{other:?} where {expected:?} was to be found"),
    }
    let mut export = ExportWriter::new(Vec::new(), sample::log_id()).unwrap();
    for stored in commits {
        match export.write(stored) {
            Ok(()) => {}
            // It does not get into an export.
            Err(ExportError::Broken(broken)) => return assert_eq!(broken, expected),
            Err(other) => panic!("{other:?}"),
        }
    }
    let (bytes, _) = export.finish().unwrap();
    match verify_export(ExportReader::new(bytes.as_slice()).unwrap(), None, |_| ()) {
        Err(VerifyError::Flawed(found)) => assert_eq!(found, expected, "in the export"),
        other => panic!("{other:?} where {expected:?} was to be found in the export"),
    }
}

/// The commit with the frame of one event changed.
fn with_event(commit: &Commit, position: u64, change: impl Fn(&mut Vec<u8>, &mut Option<Vec<u8>>)) -> Commit {
    let mut frames = Vec::new();
    for (at, event) in (commit.first()..).zip(commit.events()) {
        let (mut header, mut salted) = (event.header.to_vec(), event.salted_payload.map(<[u8]>::to_vec));
        if at == position {
            change(&mut header, &mut salted);
        }
        EventRef { header: &header, salted_payload: salted.as_deref() }.put(&mut frames).unwrap();
    }
    Commit::from_frames(commit.first(), frames).unwrap()
}

/// A log of which one event is changed, and every root made anew: the work of somebody who hides it.
fn forged(position: u64, change: impl Fn(&mut Vec<u8>, &mut Option<Vec<u8>>)) -> Vec<Stored> {
    let commits = log_of(&[3, 1, 5, 8_000, 2]).into_iter().map(|stored| with_event(&stored.commit, position, &change));
    rooted(commits.collect())
}

#[test]
fn a_log_that_holds_is_reported_whole() {
    let commits = log_of(&[1, 7, 300, 8_000, 1, 8_192, 9_000, 2]);
    let head = commits.last().unwrap().head();
    let report = verified(commits.clone(), None).unwrap();
    let checkpoint = Checkpoint {
        convoke_checkpoint: Checkpoint::VERSION,
        log_id: sample::log_id(),
        size: head.size,
        root: head.root,
        time: Timestamp::from_us(1_700_000_000_000_000 + head.size as i64 - 1).unwrap(),
    };
    assert_eq!(report, Report { head, checkpoint: Some(checkpoint), commits: 8, erased: 0 });
    let nothing = Report { head: Head::EMPTY, checkpoint: None, commits: 0, erased: 0 };
    assert_eq!(verified(Vec::new(), None).unwrap(), nothing);
}

#[test]
fn progress_grows_to_the_size() {
    run(async {
        let mut seen = Vec::new();
        verify(&Canned(log_of(&[8_192; 5])), None, |events| seen.push(events)).await.unwrap();
        assert!(seen.is_sorted() && seen.len() >= 5, "{seen:?}");
        assert_eq!(seen.last(), Some(&(5 * 8_192)));
    });
}

#[test]
fn an_erased_payload_holds_and_is_counted() {
    let commits = forged(5, |_, salted| *salted = None);
    let report = verified(commits.clone(), None).unwrap();
    assert_eq!(report.erased, 1);
    assert_eq!(report.head, log_of(&[3, 1, 5, 8_000, 2]).last().unwrap().head(), "erasing changes no root");
}

#[test]
fn each_flaw_is_named_at_its_position_though_every_root_was_made_anew() {
    for position in [0, 3, 8, 5_000, 8_010] {
        let flawed = |change: Change<'_>, fault| {
            check_flawed(&forged(position, change), position, fault);
        };
        // In the payload's text, and in the salt.
        flawed(&|_, salted| salted.as_mut().unwrap()[25] ^= 1, Fault::PayloadHash);
        flawed(&|_, salted| salted.as_mut().unwrap()[3] ^= 1, Fault::PayloadHash);
        let stated = position + 1;
        flawed(&|header, _| header[16..24].copy_from_slice(&stated.to_be_bytes()), Fault::Position(stated));
        flawed(&|header, _| header[64] |= 0x80, Fault::Header(HeaderError::Flags));
        if position > 0 {
            flawed(&|header, _| header[0] ^= 1, Fault::OtherLog);
            flawed(&|header, _| header[40..48].fill(0), Fault::Time);
        }
    }
    // The first event's kind, which is told from the place of its text in the header.
    let renamed = forged(0, |header, _| {
        let at = header.windows(17).position(|text| text == b"workspace.created").unwrap();
        header[at] = b'x';
    });
    check_flawed(&renamed, 0, Fault::FirstKind);
    let mut builder = CommitBuilder::new(3);
    let event = sample::commit(3, 1, 60);
    let event = event.events().next().unwrap();
    builder.push(event.decode_header().unwrap(), [1; 16], b"\xff");
    let commits = rooted(vec![sample::commit(0, 3, 60), builder.finish()]);
    check_flawed(&commits, 3, Fault::PayloadText);
}

#[test]
fn a_wrong_root_is_named_at_the_first_position_of_its_commit() {
    for (index, first) in [(0, 0), (1, 3), (3, 9), (4, 8_009)] {
        let mut commits = log_of(&[3, 1, 5, 8_000, 2]);
        commits[index].root.0[7] ^= 1;
        check_flawed(&commits, first, Fault::Root);
    }
    // A header that still decodes is found by the root, and before what comes after it.
    let mut commits = log_of(&[3, 1, 5, 8_000, 2]);
    commits[2].commit = with_event(&commits[2].commit, 6, |header, _| header[30] ^= 1);
    commits[3].commit = with_event(&commits[3].commit, 20, |_, salted| salted.as_mut().unwrap()[30] ^= 1);
    check_flawed(&commits, 4, Fault::Root);
}

#[test]
fn a_missing_commit_is_found() {
    let mut commits = log_of(&[3, 1, 5, 2]);
    commits.remove(1);
    check_flawed(&commits, 3, Fault::Position(4));
    let mut commits = log_of(&[3, 1]);
    commits.remove(0);
    check_flawed(&commits, 0, Fault::Position(3));
}

/// A log that gives less than its head says.
struct Short(Canned);

impl Log for Short {
    fn head(&self) -> Head {
        self.0.head()
    }
    fn log_id(&self) -> Option<LogId> {
        self.0.log_id()
    }
    async fn append_if(&self, expected: Head, commit: Commit) -> Result<Head, AppendError> {
        self.0.append_if(expected, commit).await
    }
    async fn read(&self, from: u64, events_max: usize) -> Result<Vec<Stored>, ReadError> {
        let mut read = self.0.read(from, events_max).await?;
        read.retain(|stored| stored.commit.first() < 4);
        Ok(read)
    }
    async fn range_root(&self, start: u64, end: u64) -> Result<Hash, ReadError> {
        self.0.range_root(start, end).await
    }
    fn watch(&self) -> watch::Receiver<Head> {
        self.0.watch()
    }
}

#[test]
fn a_log_that_ends_before_its_head_is_damaged_there() {
    run(async {
        let outcome = verify(&Short(Canned(log_of(&[3, 1, 5]))), None, |_| ()).await;
        assert!(matches!(outcome, Err(VerifyError::Read(ReadError::Damaged { position: 4, .. }))), "{outcome:?}");
    });
}

fn checkpoint(commits: &[Stored]) -> Checkpoint {
    verified(commits.to_vec(), None).unwrap().checkpoint.unwrap()
}

#[test]
fn a_log_holds_against_each_of_its_own_checkpoints() {
    let commits = log_of(&[3, 1, 5, 8_000, 2]);
    for end in 1..=5 {
        verified(commits.clone(), Some(&checkpoint(&commits[..end]))).unwrap();
    }
    // The head of any prefix will do, also of one that no commit ends at.
    let prefix = checkpoint(&rooted(vec![sample::commit(0, 7, 60)]));
    verified(commits, Some(&prefix)).unwrap();
}

#[test]
fn a_checkpoint_whose_time_was_altered_is_found_out() {
    let commits = log_of(&[3, 1, 5]);
    for end in 1..=3 {
        let mut kept = checkpoint(&commits[..end]);
        kept.time = Timestamp::from_us(kept.time.us() + 1).unwrap();
        let found = verified(commits.clone(), Some(&kept));
        assert!(matches!(found, Err(VerifyError::OtherTime { .. })), "{end}: {found:?}");
    }
}

#[test]
fn a_log_rolled_back_or_rewritten_holds_by_itself_and_not_against_a_checkpoint() {
    let commits = log_of(&[3, 1, 5, 8_000, 2]);
    let kept = checkpoint(&commits);
    let rolled_back = verified(commits[..3].to_vec(), Some(&kept));
    assert!(matches!(rolled_back, Err(VerifyError::RolledBack { size: 9, .. })), "{rolled_back:?}");

    let mut builder = CommitBuilder::new(3);
    let event = commits[1].commit.events().next().unwrap();
    builder.push(event.decode_header().unwrap(), event.salt().unwrap(), b"\"another\"");
    let mut rewritten: Vec<Commit> = commits.iter().map(|stored| stored.commit.clone()).collect();
    rewritten[1] = builder.finish();
    let rewritten = rooted(rewritten);
    verified(rewritten.clone(), None).unwrap();
    let outcome = verified(rewritten.clone(), Some(&kept));
    assert!(matches!(outcome, Err(VerifyError::Rewritten { .. })), "{outcome:?}");
    verified(rewritten, Some(&checkpoint(&commits[..1]))).unwrap();

    let elsewhere = rooted(vec![sample::commit_of(LogId::from_bytes([5; 16]), 0, 4, 60)]);
    let outcome = verified(elsewhere, Some(&checkpoint(&commits[..1])));
    assert!(matches!(outcome, Err(VerifyError::OtherLog { .. })), "{outcome:?}");
}
