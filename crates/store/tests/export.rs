//! The export: what is written is read, and anything else is refused by its line.

use convoke_core::{
    limits::PAYLOAD_BYTES_MAX,
    log::{Commit, EventRef, Frontier, Hash},
};
use convoke_store::{
    EXPORT_LINE_BYTES_MAX, ExportError, ExportReader, ExportWriter, LineFault, LoadError, Log, MemoryLog, SledLog,
    Stored, VerifyError, conformance::run, export, sample, verify, verify_export,
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

fn read(bytes: &[u8]) -> Result<Vec<Stored>, ExportError> {
    ExportReader::new(bytes)?.collect()
}

/// The export of a small log, as lines.
fn small() -> Vec<String> {
    let text = String::from_utf8(written(&commits(&[(1, 10), (2, 10)]))).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn check_refused(lines: &[String], line: u64, fault: LineFault) {
    let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    match read(text.as_bytes()) {
        Err(ExportError::Line { line: at, fault: found }) => assert_eq!((at, found), (line, fault)),
        other => panic!("{other:?} where {fault:?} was to be found in line {line}"),
    }
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
    check_refused(&without(6), 7, LineFault::CutShort);
    check_refused(&without(5), 6, LineFault::Expected("the commit of the events before"));
    check_refused(&without(4), 5, LineFault::Size { stated: 3, actual: 2 });
    check_refused(&without(3), 4, LineFault::Position { expected: 1, found: 2 });
    check_refused(&without(1), 2, LineFault::Expected("an event"));
    check_refused(&lines[..1], 2, LineFault::CutShort);
    let mut twice = lines.clone();
    twice.push(lines[6].clone());
    check_refused(&twice, 8, LineFault::Trailing);
    let mut swapped = lines.clone();
    swapped.swap(3, 4);
    check_refused(&swapped, 4, LineFault::Position { expected: 1, found: 2 });
    let none = [lines[0].clone(), lines[6].clone()];
    check_refused(&none, 2, LineFault::Expected("a commit"));
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
    let malformed = |lines: Vec<String>, line: u64| {
        let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        match read(text.as_bytes()) {
            Err(ExportError::Line { line: at, fault: LineFault::Malformed(_) }) => assert_eq!(at, line),
            other => panic!("{other:?}"),
        }
    };
    malformed(edited(0, "{", "{\"more\":1,"), 1);
    malformed(edited(0, "c0c0c0c0-", "C0c0c0c0-"), 1);
    malformed(edited(1, "{", "{\"more\":1,"), 2);
    malformed(edited(1, "{", "{\"position\":0,"), 2);
    malformed(edited(1, ":0,", ":-1,"), 2);
    malformed(edited(1, ":0,", ":\"0\","), 2);
    malformed(edited(2, "\"root\":\"", "\"root\":\"0"), 3);
    check_refused(&edited(0, ":1,", ":2,"), 1, LineFault::Version(2));
    check_refused(&edited(1, "\"header\":\"c", "\"header\":\"C"), 2, LineFault::Hex("the header"));
    check_refused(&edited(1, "\"salt\":\"", "\"salt\":\"00"), 2, LineFault::Hex("the salt"));
    let start = lines[1].find(",\"salt\"").unwrap();
    let salt = &lines[1][start..start + 42];
    check_refused(&edited(1, salt, ""), 2, LineFault::HalfErased);
    malformed(edited(1, salt, ",\"salt\":null"), 2);
    check_refused(&edited(6, "T", "t"), 7, LineFault::Checkpoint);
    check_refused(&edited(6, "\"size\":3", "\"size\":2"), 7, LineFault::Checkpoint);
}

#[test]
fn what_is_too_long_is_refused_before_it_is_held() {
    let lines = small();
    let padded = |line: &str, bytes: usize| {
        let mut long = lines.clone();
        long[1] = format!("{line}{}", " ".repeat(bytes - line.len()));
        long
    };
    check_refused(&padded(&lines[1], EXPORT_LINE_BYTES_MAX + 1), 2, LineFault::TooLong);
    let text = padded(&lines[1], EXPORT_LINE_BYTES_MAX).join("\n") + "\n";
    read(text.as_bytes()).unwrap();
    let endless = std::io::BufReader::new(std::io::repeat(b'x'));
    assert!(matches!(ExportReader::new(endless), Err(ExportError::Line { fault: LineFault::TooLong, .. })));

    let many = commits(&[(8_193, 2)]);
    let limit = LineFault::OverLimit { what: "the number of the commit's events", limit: 8_192 };
    assert!(matches!(read(&written(&many)), Err(ExportError::Line { fault, .. }) if fault == limit));
    let large = commits(&[(180, PAYLOAD_BYTES_MAX)]);
    assert!(matches!(
        read(&written(&large)),
        Err(ExportError::Line { fault: LineFault::OverLimit { what: "the commit", .. }, .. })
    ));
    // A payload of nothing but control characters is the longest line there is.
    let mut control = commits(&[(1, PAYLOAD_BYTES_MAX)]);
    let header = control[0].commit.events().next().unwrap().header.to_vec();
    let mut salted = vec![7; 16];
    salted.extend_from_slice(&(PAYLOAD_BYTES_MAX as u32).to_be_bytes());
    salted.resize(20 + PAYLOAD_BYTES_MAX, 1);
    let mut frames = Vec::new();
    EventRef { header: &header, salted_payload: Some(&salted) }.put(&mut frames).unwrap();
    control[0].commit = Commit::from_frames(0, frames).unwrap();
    assert!(read(&written(&control)).unwrap() == control);
}

#[test]
fn every_flipped_bit_of_an_export_is_found() {
    let text = written(&commits(&[(1, 30), (7, 30), (3, 30), (9, 30)]));
    verify_export(ExportReader::new(text.as_slice()).unwrap(), None, |_| ()).unwrap();
    for bit in 0..text.len() * 8 {
        let mut flipped = text.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let held = ExportReader::new(flipped.as_slice())
            .map_err(VerifyError::from)
            .and_then(|reader| verify_export(reader, None, |_| ()));
        assert!(
            held.is_err(),
            "bit {bit}: {:?}",
            String::from_utf8_lossy(&flipped[bit / 8..(bit / 8 + 40).min(text.len())])
        );
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
            SledLog::load(&place, ExportReader::new(text.as_slice()).unwrap(), Some(&checkpoint), |_| ()).unwrap();
        assert_eq!(loaded.head, memory.head());
        let again = SledLog::load(&place, ExportReader::new(text.as_slice()).unwrap(), None, |_| ());
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
    let outcome = SledLog::load(folder.path().join("log"), ExportReader::new(text.as_slice()).unwrap(), None, |_| ());
    assert!(matches!(outcome, Err(LoadError::Verify(VerifyError::Flawed { position: 1, .. }))), "{outcome:?}");
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
        if let Ok(reader) = ExportReader::new(text.as_slice()) {
            let _ = verify_export(reader, None, |_| ());
        }
    }
}
