//! The export: what is written is read, and anything else is refused by its line.

use convoke_core::{
    limits::{COMMIT_BYTES_MAX, COMMIT_EVENTS_MAX, PAYLOAD_BYTES_MAX},
    log::{
        Broken, Commit, CommitBuilder, EventRef, Fault, FileError, Frontier, Hash,
        export::{self as form, LINE_BYTES_MAX},
    },
};
use convoke_store::{
    ExportError, ExportReader, ExportWriter, LoadError, Log, MemoryLog, Report, SledLog, Stored, VerifyError,
    conformance::run, export, read_export, sample, verify, verify_export,
};
use proptest::prelude::*;

fn commits(sizes: &[(usize, usize)]) -> Vec<Stored> {
    let mut frontier = Frontier::default();
    sizes
        .iter()
        .map(|(events, payload_bytes)| {
            let commit = sample::commit(frontier.size(), *events, *payload_bytes);
            commit.events().for_each(|event| frontier.push(event.leaf()));
            Stored { root: frontier.root(), commit }
        })
        .collect()
}

fn written(commits: &[Stored]) -> Vec<u8> {
    let mut writer = ExportWriter::new(Vec::new(), sample::log_id()).unwrap();
    commits.iter().for_each(|stored| writer.write(stored).unwrap());
    writer.finish().unwrap().0
}

fn read(bytes: &[u8]) -> Result<Vec<Stored>, VerifyError> {
    let mut commits = Vec::new();
    let keep = |stored| {
        commits.push(stored);
        Ok::<(), VerifyError>(())
    };
    read_export(ExportReader::new(bytes)?, None, |_| (), keep)?;
    Ok(commits)
}

fn verified(bytes: &[u8]) -> Result<Report, VerifyError> {
    verify_export(ExportReader::new(bytes)?, None, |_| ())
}

/// The export of a small log, as lines.
fn small() -> Vec<String> {
    let text = String::from_utf8(written(&commits(&[(1, 10), (2, 10)]))).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// What is found in the export of these lines.
fn found(lines: &[String]) -> VerifyError {
    let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    read(text.as_bytes()).expect_err("it is not to be read")
}

/// The line is none that can stand there.
fn check_refused(lines: &[String], line: u64, reason: &str) {
    match found(lines) {
        VerifyError::Export(ExportError::Form(form::ExportError::Line { line: at, reason: found })) => {
            assert_eq!(at, line, "{found}");
            assert!(found.contains(reason), "{found:?} where {reason:?} was to be said of line {line}");
        }
        other => panic!("{other:?} where {reason:?} was to be said of line {line}"),
    }
}

/// The lines are those of an export, and the log in it does not hold.
fn check_broken(lines: &[String], position: u64, fault: Fault) {
    match found(lines) {
        VerifyError::Flawed(broken) => assert_eq!(broken, Broken { position, fault }),
        other => panic!("{other:?} where {fault:?} at {position} was to be found"),
    }
}

fn check_cut(lines: &[String]) {
    let error = found(lines);
    assert!(matches!(error, VerifyError::Export(ExportError::Form(form::ExportError::Cut))), "{error:?}");
}

#[test]
fn what_is_written_is_read_byte_for_byte() {
    let commits = commits(&[(1, 2), (300, 100), (1, PAYLOAD_BYTES_MAX), (8_192, 10), (2, 0)]);
    assert!(read(&written(&commits)).unwrap() == commits);
}

#[test]
fn an_erased_payload_stays_erased() {
    let mut commits = commits(&[(1, 10)]);
    let header = commits[0].commit.events().next().unwrap().header.to_vec();
    let mut frames = Vec::new();
    EventRef { header: &header, salted_payload: None }.put(&mut frames).unwrap();
    commits[0].commit = Commit::from_frames(0, frames).unwrap();
    let text = written(&commits);
    assert!(!String::from_utf8_lossy(&text).contains("salt"));
    assert_eq!(read(&text).unwrap(), commits);
}

#[test]
fn the_form_is_the_documented_one() {
    let lines = small();
    assert_eq!(lines[0], format!("{{\"convoke_export\":1,\"log_id\":\"{}\"}}", sample::log_id()));
    assert!(lines[1].starts_with("{\"position\":0,\"header\":\"c0c0"), "{}", lines[1]);
    assert!(lines[1].contains(",\"salt\":\"") && lines[1].contains("\",\"payload\":\"\\\"0 "), "{}", lines[1]);
    assert!(lines[2].starts_with("{\"commit\":{\"size\":1,\"root\":\""), "{}", lines[2]);
    assert!(lines[6].starts_with("{\"checkpoint\":{\"convoke_checkpoint\":1,\"log_id\":\""), "{}", lines[6]);
    assert_eq!(lines.len(), 7);
}

#[test]
fn lines_out_of_order_missing_or_double_are_refused() {
    let lines = small();
    let without = |index: usize| {
        let mut rest = lines.clone();
        rest.remove(index);
        rest
    };
    check_cut(&without(6));
    check_refused(&without(5), 6, "the checkpoint is not that of the commits before it");
    check_broken(&without(4), 1, Fault::Size(3));
    check_broken(&without(3), 1, Fault::Position(2));
    check_broken(&without(1), 0, Fault::EmptyCommit);
    check_cut(&lines[..1]);
    let mut twice = lines.clone();
    twice.push(lines[6].clone());
    check_refused(&twice, 8, "something follows the checkpoint");
    let mut swapped = lines.clone();
    swapped.swap(3, 4);
    check_broken(&swapped, 1, Fault::Position(2));
    let none = [lines[0].clone(), lines[6].clone()];
    check_refused(&none, 2, "the checkpoint is not that of the commits before it");
}

#[test]
fn members_that_are_not_exactly_the_documented_ones_are_refused() {
    let lines = small();
    let edited = |line: usize, from: &str, to: &str| {
        let mut edited = lines.clone();
        assert!(edited[line].contains(from), "{from} in {}", edited[line]);
        edited[line] = edited[line].replacen(from, to, 1);
        edited
    };
    let no_export = |from: &str, to: &str| {
        let error = found(&edited(0, from, to));
        let VerifyError::Export(ExportError::Form(form::ExportError::File(error))) = error else {
            panic!("{error:?}");
        };
        error
    };
    assert!(matches!(no_export("{", "{\"more\":1,"), FileError::Malformed { .. }));
    assert!(matches!(no_export("c0c0c0c0-", "C0c0c0c0-"), FileError::Malformed { .. }));
    assert!(matches!(no_export(":1,", ":2,"), FileError::Other { version: 2, .. }));
    check_refused(&edited(1, "{", "{\"more\":1,"), 2, "unknown field `more`");
    check_refused(&edited(1, "{", "{\"position\":0,"), 2, "duplicate field `position`");
    check_refused(&edited(1, ":0,", ":-1,"), 2, "invalid value");
    check_refused(&edited(1, ":0,", ":\"0\","), 2, "invalid type");
    check_refused(&edited(2, "\"root\":\"", "\"root\":\"0"), 3, "64 lower-case hex digits");
    check_refused(&edited(1, "\"header\":\"c", "\"header\":\"C"), 2, "lower-case hex");
    check_refused(&edited(1, "\"salt\":\"", "\"salt\":\"00"), 2, "the salt is not 16 bytes");
    let start = lines[1].find(",\"salt\"").unwrap();
    let salt = &lines[1][start..start + 42];
    check_refused(&edited(1, salt, ""), 2, "salt and payload are there together or not at all");
    check_refused(&edited(1, salt, ",\"salt\":null"), 2, "invalid type: null");
    check_refused(&edited(6, "T", "t"), 7, "RFC 3339");
    check_refused(&edited(6, "\"size\":3", "\"size\":2"), 7, "the checkpoint is not that of the commits before it");
}

#[test]
fn the_first_thing_that_does_not_hold_is_the_answer_whatever_kind_it_is_of() {
    let mut lines = small();
    lines[3] = lines[3].replacen("\"salt\":\"", "\"salt\":\"0", 1).replacen("\",\"payload", ",\"payload", 1);
    check_refused(&lines, 4, "");
    lines[1] = lines[1].replace("\\\"0 ", "\\\"1 ");
    check_broken(&lines, 0, Fault::PayloadHash);
}

#[test]
fn a_refusal_is_one_short_line_whatever_the_export_says() {
    let mut lines = small();
    lines[1] = format!("{{\"more\\n at line {}\":1}}", "x".repeat(9_000));
    let text = found(&lines).to_string();
    assert!(text.starts_with("line 2 of the export: unknown field `more "), "{text}");
    assert!(text.len() < 300 && !text.contains('\n'), "{text}");
}

#[test]
fn what_is_too_long_is_refused_before_it_is_held() {
    let lines = small();
    let padded = |line: &str, bytes: usize| {
        let mut long = lines.clone();
        long[1] = format!("{line}{}", " ".repeat(bytes - line.len()));
        long
    };
    check_refused(&padded(&lines[1], LINE_BYTES_MAX + 1), 2, "longer than a line of an export can be");
    let text = padded(&lines[1], LINE_BYTES_MAX).join("\n") + "\n";
    read(text.as_bytes()).unwrap();
    let endless = || std::io::BufReader::new(std::io::repeat(b'x'));
    let outcome = ExportReader::new(endless()).map(|_| ());
    assert!(matches!(outcome, Err(ExportError::Form(form::ExportError::Line { line: 1, .. }))), "{outcome:?}");
    let first = format!("{}\n", lines[0]);
    let then_endless = std::io::BufReader::new(std::io::Read::chain(first.as_bytes(), endless()));
    let outcome = verify_export(ExportReader::new(then_endless).unwrap(), None, |_| ());
    assert!(
        matches!(outcome, Err(VerifyError::Export(ExportError::Form(form::ExportError::Line { line: 2, .. })))),
        "{outcome:?}"
    );

    let too_large = |commit: (usize, usize)| match read(&written(&commits(&[commit]))) {
        Err(VerifyError::Export(ExportError::Form(form::ExportError::Line { line, reason }))) => {
            assert!(reason.contains("the commit is larger than one can be"), "{reason}");
            line
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(too_large((COMMIT_EVENTS_MAX + 1, 2)), COMMIT_EVENTS_MAX as u64 + 2);
    too_large((COMMIT_BYTES_MAX / PAYLOAD_BYTES_MAX + 1, PAYLOAD_BYTES_MAX));
    // A payload of nothing but control characters is the longest line there is.
    let header = sample::commit(0, 1, 2).events().next().unwrap().decode_header().unwrap();
    let mut builder = CommitBuilder::new(0);
    builder.push(header, [7; 16], &[1; PAYLOAD_BYTES_MAX]);
    let commit = builder.finish();
    let mut frontier = Frontier::default();
    commit.events().for_each(|event| frontier.push(event.leaf()));
    let control = vec![Stored { root: frontier.root(), commit }];
    assert!(read(&written(&control)).unwrap() == control);
}

/// Gives what it has, and then fails.
struct Failing<'a>(&'a [u8]);

impl std::io::Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() { Err(std::io::ErrorKind::TimedOut.into()) } else { self.0.read(buffer) }
    }
}

#[test]
fn a_file_that_fails_is_told_as_such_after_what_was_read_before() {
    let mut text = written(&commits(&[(1, 10), (5, 10)]));
    let outcome = |text: &[u8]| {
        let reader = ExportReader::new(std::io::BufReader::new(Failing(text))).unwrap();
        verify_export(reader, None, |_| ()).unwrap_err()
    };
    for cut in [20, 400] {
        let error = outcome(&text[..text.len() - cut]);
        assert!(matches!(error, VerifyError::Export(ExportError::Io { done: "read", .. })), "{error:?}");
    }
    let at = text.windows(9).position(|text| text == b"\"payload\"").unwrap() + 13;
    text[at] ^= 1;
    let error = outcome(&text[..text.len() - 20]);
    assert!(matches!(error, VerifyError::Flawed(Broken { position: 0, fault: Fault::PayloadHash })), "{error:?}");
}

#[test]
fn every_flipped_bit_of_an_export_is_found() {
    let text = written(&commits(&[(1, 30), (7, 30), (3, 30), (9, 30)]));
    verified(&text).unwrap();
    for bit in 0..text.len() * 8 {
        let mut flipped = text.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let around = String::from_utf8_lossy(&flipped[bit / 8..(bit / 8 + 40).min(text.len())]);
        assert!(verified(&flipped).is_err(), "bit {bit}: {around:?}");
    }
}

#[test]
fn an_export_cut_anywhere_is_refused() {
    let text = written(&commits(&[(1, 30), (3, 30)]));
    for end in 0..text.len() {
        assert!(read(&text[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn a_log_comes_back_from_its_export_with_the_same_hashes() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("log");
    run(async {
        let memory = MemoryLog::new();
        for (events, payload_bytes) in [(1, 10), (700, 300), (8_192, 600), (2, 40_000), (1, 3)] {
            let head = memory.head();
            memory.append_if(head, sample::commit(head.size, events, payload_bytes)).await.unwrap();
        }
        let (text, checkpoint) = export(&memory, Vec::new(), |_| ()).await.unwrap();
        let loaded =
            SledLog::import(&place, ExportReader::new(text.as_slice()).unwrap(), Some(&checkpoint), |_| ()).unwrap();
        assert_eq!(loaded.head, memory.head());
        let again = SledLog::import(&place, ExportReader::new(text.as_slice()).unwrap(), None, |_| ());
        assert!(matches!(again, Err(LoadError::Occupied(_))));

        let log = SledLog::open(&place).unwrap();
        assert_eq!((log.head(), log.log_id()), (memory.head(), memory.log_id()));
        assert!(log.read(0, usize::MAX).await.unwrap() == memory.read(0, usize::MAX).await.unwrap());
        assert_eq!(verify(&log, Some(&checkpoint), |_| ()).await.unwrap(), loaded);
        let (same, _) = export(&log, Vec::new(), |_| ()).await.unwrap();
        assert!(same == text, "another export than the one it was made of");
        let head = log.head();
        log.append_if(head, sample::commit(head.size, 1, 10)).await.unwrap();
    });
}

#[test]
fn nothing_is_left_of_a_load_that_failed() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = commits(&[(1, 30), (3, 30), (1, 30)]);
    wrong[1].root = Hash([1; 32]);
    let text = written(&wrong);
    let outcome = SledLog::import(folder.path().join("log"), ExportReader::new(text.as_slice()).unwrap(), None, |_| ());
    assert!(
        matches!(outcome, Err(LoadError::Verify(VerifyError::Flawed(Broken { position: 1, fault: Fault::Root })))),
        "{outcome:?}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
    }

    #[test]
    fn an_export_with_bytes_changed_never_panics_the_reader(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6)
    ) {
        let mut text = written(&commits(&[(1, 10), (2, 10)]));
        for (at, byte, kind) in edits {
            let at = at.index(text.len());
            match kind {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                _ => { text.remove(at); }
            }
        }
        let _ = verified(&text);
    }
}
