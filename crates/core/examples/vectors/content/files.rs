//! A small log, and the files made of it: the export, its checkpoint, and proofs; and edits of each that are refused.

use std::convert::Infallible;

use convoke_core::{
    id::LogId,
    log::{
        CheckedEvent, Checkpoint, Commit, CommitBuilder, ConsistencyProof, EventRef, Hash, Head, Header, Idempotency,
        InclusionProof, Kind, Verification, consistency_path,
        export::{ExportError, ExportReader, first_line, last_line, put_commit},
        fingerprint, inclusion_path, leaf_hash, range_root,
    },
    name::{ActorName, Key},
    time::Timestamp,
};
use serde_json::{Map, Value, json};

use super::{
    class,
    headers::{event_id, plain},
};

/// A log of six events in three commits; the payload of one was erased.
pub(super) struct SmallLog {
    log_id: LogId,
    commits: Vec<(Commit, Head)>,
    leaves: Vec<Hash>,
    checkpoint: Checkpoint,
}

const ERASED: u64 = 4;

pub(super) fn small_log() -> SmallLog {
    let events: [&[(&str, &str, &str)]; 3] = [
        &[("ann", "workspace.created", "{\"name\":\"vectors\"}")],
        &[
            ("ann", "actor.registered", "{\"actor\":\"bob\"}"),
            ("ann", "message.sent", "{\"to\":\"bob\",\"body\":\"ä \\\" \\\\ 🙂 \\u0000\"}"),
            ("system", "countdown.fired", "{}"),
        ],
        &[("bob", "message.sent", "{\"to\":\"ann\",\"body\":\"erase me\"}"), ("bob", "message.acked", "")],
    ];
    let mut log = Verification::new();
    let mut leaves = Vec::new();
    let mut commits = Vec::new();
    for events in events {
        let first = log.size();
        let mut builder = CommitBuilder::new(first);
        for (index, (actor, kind, payload)) in events.iter().enumerate() {
            let n = first as u8 + index as u8;
            let salt = [n + 1; 16];
            let header = Header {
                event_id: event_id(n),
                time: Timestamp::from_us(1_765_845_503_000_000 + 1_000 * first as i64).expect("a time"),
                actor: ActorName::parse(actor).expect("a name"),
                kind: Kind::parse(kind).expect("a kind"),
                correlation: event_id(first as u8),
                causation: (index > 0).then(|| event_id(first as u8)),
                idempotency: (index == 0 && first > 0).then(|| Idempotency {
                    key: Key::parse(&format!("key-{n}")).expect("a key"),
                    fingerprint: fingerprint(&salt, b"the command"),
                }),
                ..plain()
            };
            builder.push(header, salt, payload.as_bytes());
        }
        let mut frames = Vec::new();
        for (position, event) in (first..).zip(builder.finish().events()) {
            let salted_payload = event.salted_payload.filter(|_| position != ERASED);
            let event = EventRef { salted_payload, ..event };
            event.put(&mut frames).expect("a frame");
            log.event(CheckedEvent::of(event)).expect("an event that holds");
            leaves.push(event.leaf());
        }
        let head = Head { size: log.size(), root: range_root(&leaves) };
        log.commit(head).expect("a commit that holds");
        commits.push((Commit::from_frames(first, frames).expect("a commit"), head));
    }
    SmallLog { log_id: plain().log_id, commits, leaves, checkpoint: log.checkpoint().expect("a log") }
}

impl SmallLog {
    fn root(&self, start: u64, end: u64) -> Result<Hash, Infallible> {
        Ok(range_root(&self.leaves[start as usize..end as usize]))
    }

    fn export(&self) -> String {
        let mut text = first_line(self.log_id).into_bytes();
        for (commit, head) in &self.commits {
            put_commit(&mut text, commit, head.root).expect("payloads are text");
        }
        text.extend_from_slice(last_line(&self.checkpoint).as_bytes());
        String::from_utf8(text).expect("lines are text")
    }

    fn proof(&self, position: u64, size: u64) -> InclusionProof {
        let Ok(root) = self.root(0, size);
        let Ok(path) = inclusion_path(position, size, |a, b| self.root(a, b));
        let event = self.commits.iter().find_map(|(commit, _)| commit.event(position)).expect("an event");
        InclusionProof::new(self.log_id, position, Head { size, root }, event, path)
    }

    fn consistency(&self, old: u64, new: u64) -> ConsistencyProof {
        let (Ok(old_root), Ok(new_root)) = (self.root(0, old), self.root(0, new));
        let Ok(path) = consistency_path(old, new, |a, b| self.root(a, b));
        ConsistencyProof {
            convoke_consistency: ConsistencyProof::VERSION,
            log_id: self.log_id,
            old: Head { size: old, root: old_root },
            new: Head { size: new, root: new_root },
            path,
        }
    }
}

/// Reads a whole export; where and why it does not hold, if it does not.
fn read_export(text: &str) -> Result<Checkpoint, ExportError> {
    let mut lines = text.as_bytes().split_inclusive(|b| *b == b'\n');
    let mut reader = ExportReader::open(lines.next().unwrap_or_default())?;
    for line in lines {
        reader.line(line)?;
    }
    reader.finish()
}

fn check_proof(text: &str) -> Result<(), String> {
    InclusionProof::from_json(text).map_err(|e| class(&e))?.check().map_err(|e| class(&e))
}

fn check_consistency(text: &str) -> Result<(), String> {
    ConsistencyProof::from_json(text).map_err(|e| class(&e))?.check().map_err(|e| class(&e))
}

fn check_checkpoint(text: &str) -> Result<(), String> {
    Checkpoint::from_json(text).map(|_| ()).map_err(|e| class(&e))
}

fn check_export(text: &str) -> Result<(), String> {
    read_export(text).map(|_| ()).map_err(|error| match error {
        ExportError::Broken(broken) => class(&broken.fault),
        ExportError::File(error) => class(&error),
        error => class(&error),
    })
}

fn to_text<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("a JSON form")
}

/// Edits of a text that make it one to be refused: the only place that says `find` says `put` instead.
fn refused(text: &str, check: impl Fn(&str) -> Result<(), String>, edits: &[(&str, String, String)]) -> Value {
    edits
        .iter()
        .map(|(name, find, put)| {
            assert_eq!(text.matches(find).count(), 1, "{name}: {find} is in the text once");
            let reason = check(&text.replacen(find, put, 1)).expect_err(name);
            json!({"name": name, "find": find, "put": put, "reason": reason})
        })
        .collect()
}

/// Edits of a text after which it still holds, for the reason in their name.
fn accepted(text: &str, check: impl Fn(&str) -> Result<(), String>, edits: &[(&str, &str, &str)]) -> Value {
    edits
        .iter()
        .map(|(name, find, put)| {
            assert_eq!(text.matches(find).count(), 1, "{name}: {find} is in the text once");
            assert_eq!(check(&text.replacen(find, put, 1)), Ok(()), "{name}");
            json!({"name": name, "find": find, "put": put})
        })
        .collect()
}

pub(super) fn chapters() -> Map<String, Value> {
    let log = small_log();
    let mut chapters = Map::new();

    let export = log.export();
    assert_eq!(read_export(&export), Ok(log.checkpoint.clone()));
    chapters.insert("exports_refused".to_owned(), refused_exports(&export));
    let commit_line = export.split_inclusive('\n').nth(6).expect("the second commit's line");
    let edits = [
        ("commits may be cut otherwise: their ends are not hashed", commit_line, ""),
        ("white space between tokens is free", "{\"position\":2", "{ \"position\" :\t2"),
        (
            "a line may end as on Windows",
            "_export\":1,\"log_id\":\"10111213-1415-1617-1819-1a1b1c1d1e1f\"}\n",
            "_export\":1,\"log_id\":\"10111213-1415-1617-1819-1a1b1c1d1e1f\"}\r\n",
        ),
        (
            "the order of members is free",
            "{\"convoke_export\":1,\"log_id\":\"10111213-1415-1617-1819-1a1b1c1d1e1f\"}",
            "{\"log_id\":\"10111213-1415-1617-1819-1a1b1c1d1e1f\",\"convoke_export\":1}",
        ),
        (
            "a character may be escaped otherwise",
            "{\\\"actor\\\":\\\"bob\\\"}",
            "\\u007b\\u0022actor\\\":\\\"bo\\u0062\\\"}",
        ),
    ];
    chapters.insert("exports_accepted".to_owned(), accepted(&export, check_export, &edits));
    chapters.insert("export".to_owned(), export.into());

    let checkpoint = to_text(&log.checkpoint);
    check_checkpoint(&checkpoint).expect("a good checkpoint");
    let root = log.checkpoint.root.to_string();
    let edit = |name, find: &str, put: &str| (name, find.to_owned(), put.to_owned());
    let members = [
        edit("another version", "_checkpoint\":1", "_checkpoint\":2"),
        edit("a version that is no number", "_checkpoint\":1", "_checkpoint\":true"),
        edit("another file", "convoke_checkpoint", "convoke_proof"),
        edit("the log's id in upper case", "1a1b1c1d1e1f", "1A1B1C1D1E1F"),
        edit("the log's id without dashes", "10111213-1415-1617-1819-", "10111213141516171819"),
        edit("a size of zero", "\"size\":6", "\"size\":0"),
        edit("a size that is not whole", "\"size\":6", "\"size\":6.0"),
        edit("a size with an exponent", "\"size\":6", "\"size\":6e0"),
        edit("a size below zero", "\"size\":6", "\"size\":-6"),
        edit("a size of minus zero", "\"size\":6", "\"size\":-0"),
        edit("a size with a leading zero", "\"size\":6", "\"size\":06"),
        edit("a size of 2^64", "\"size\":6", "\"size\":18446744073709551616"),
        edit("a size as text", "\"size\":6", "\"size\":\"6\""),
        edit("a root in upper case", &root, &root.to_uppercase()),
        edit("a root that is too short", &root, &root[2..]),
        edit("a time with an offset", ".004Z", ".004+00:00"),
        edit("a time with more digits than it needs", ".004Z", ".004000Z"),
        edit("a time with fewer digits than are written", ".004Z", ".4Z"),
        edit("a time with nanoseconds", ".004Z", ".004000001Z"),
        edit("a time that does not exist", "2025-12-16", "2025-02-29"),
        edit("a leap second", ":23.004Z", ":60Z"),
        edit("a time with a small t", "16T00", "16t00"),
        edit("a time before 1970", "2025-12-16", "1969-12-16"),
        edit("a member more", "{", "{\"more\":1,"),
        edit("a member twice", "\"size\":6", "\"size\":6,\"size\":6"),
        edit("a member less", "\"size\":6,", ""),
        edit("a null", "\"size\":6", "\"size\":null"),
        edit("something after it", "}", "} 1"),
        edit("cut short", "}", ""),
    ];
    chapters.insert("checkpoints_refused".to_owned(), refused(&checkpoint, check_checkpoint, &members));
    chapters.insert("checkpoint".to_owned(), checkpoint.into());

    let mut proofs = Vec::new();
    for (position, size) in [(0, 1), (0, 6), (1, 4), (2, 6), (3, 6), (ERASED, 6), (5, 6)] {
        let text = to_text(&log.proof(position, size));
        check_proof(&text).expect("a good proof");
        proofs.push(Value::from(text));
    }
    chapters.insert("proofs".to_owned(), proofs.into());
    chapters.insert("proofs_refused".to_owned(), refused_proofs(&log));

    let text = to_text(&log.proof(2, 6));
    let edits = [
        ("the size alone is not shown: compare size and root with a checkpoint", "\"size\":6", "\"size\":8"),
        (
            "an erased payload is not needed",
            &*format!("\"salted_payload\":\"{}\",", log.proof(2, 6).salted_payload.expect("a payload")),
            "",
        ),
        ("white space between tokens is free", "{", "\n{\r\n  "),
    ];
    chapters.insert("proofs_accepted".to_owned(), json!([{"of": text, "edits": accepted(&text, check_proof, &edits)}]));

    let mut proofs = Vec::new();
    for (old, new) in [(1, 1), (1, 4), (4, 6), (3, 6), (6, 6)] {
        let text = to_text(&log.consistency(old, new));
        check_consistency(&text).expect("a good proof");
        proofs.push(Value::from(text));
    }
    chapters.insert("consistency_files".to_owned(), proofs.into());
    chapters.insert("consistency_files_refused".to_owned(), refused_consistency(&log));
    chapters
}

fn refused_proofs(log: &SmallLog) -> Value {
    let proof = log.proof(2, 6);
    let text = to_text(&proof);
    let quoted = |hash: &Hash| format!("\"{hash}\"");
    let [first, second, third] = proof.path.as_slice() else { panic!("the path of 2 in 6 has three hashes") };
    let other = quoted(&leaf_hash(b"another"));
    let salted = proof.salted_payload.as_deref().expect("a payload");
    let edit = |name, find: &str, put: &str| (name, find.to_owned(), put.to_owned());
    let edits = [
        edit("another version", "_proof\":1", "_proof\":2"),
        edit("another log", "\"10111213-", "\"11111213-"),
        edit("another position", "\"position\":2", "\"position\":3"),
        edit("a position outside the log", "\"size\":6", "\"size\":2"),
        edit("a log of no events", "\"size\":6", "\"size\":0"),
        edit("a size with a longer path", "\"size\":6", "\"size\":9"),
        edit("a size with a shorter path", "\"size\":6", "\"size\":4"),
        edit("another root", &quoted(&proof.root), &other),
        edit("another header", "\"header\":\"10", "\"header\":\"11"),
        edit("a header in upper case", &proof.header, &proof.header.to_uppercase()),
        edit("half a byte", &proof.header, &proof.header[1..]),
        edit("another salt", &format!("\"{}", &salted[..4]), "\"0000"),
        edit("another payload length", &salted[32..48], &format!("ffffffff{}", &salted[40..48])),
        edit("another payload", &salted[salted.len() - 8..], "00000000"),
        edit("no salt", salted, ""),
        edit("a null payload", &format!("\"{salted}\""), "null"),
        edit("another hash first", &quoted(first), &other),
        edit("another hash last", &quoted(third), &other),
        edit(
            "hashes in another order",
            &format!("{},{}", quoted(first), quoted(second)),
            &format!("{},{}", quoted(second), quoted(first)),
        ),
        edit("a hash more", &quoted(third), &format!("{},{other}", quoted(third))),
        edit("a hash less", &format!(",{}", quoted(third)), ""),
        edit("a hash more in front", &quoted(first), &format!("{other},{}", quoted(first))),
    ];
    json!([{"of": text, "edits": refused(&text, check_proof, &edits)}])
}

fn refused_consistency(log: &SmallLog) -> Value {
    let edit = |name, find: &str, put: &str| (name, find.to_owned(), put.to_owned());
    let quoted = |hash: &Hash| format!("\"{hash}\"");
    let other = quoted(&leaf_hash(b"another"));

    let three = log.consistency(3, 6);
    let text = to_text(&three);
    let mut chapters = Vec::new();
    let [first, .., last] = three.path.as_slice() else { panic!("the path from 3 to 6 has hashes") };
    let edits = [
        edit("another version", "_consistency\":1", "_consistency\":0"),
        edit("another old root", &quoted(&three.old.root), &other),
        edit("another new root", &quoted(&three.new.root), &other),
        edit("an old log longer than the new", "\"size\":3", "\"size\":7"),
        edit("an old log of the new one's size", "\"size\":3", "\"size\":6"),
        edit("an old log of no events", "\"size\":3", "\"size\":0"),
        edit("another old size", "\"size\":3", "\"size\":5"),
        edit("another first hash", &quoted(first), &other),
        edit("another last hash", &quoted(last), &other),
        edit("a hash more", &quoted(last), &format!("{},{other}", quoted(last))),
        edit("a hash less", &format!(",{}", quoted(last)), ""),
        edit("a member more", "\"path\"", "\"more\":[],\"path\""),
    ];
    chapters.push(json!({"of": text, "edits": refused(&text, check_consistency, &edits)}));

    let four = log.consistency(4, 6);
    let text = to_text(&four);
    let [only] = four.path.as_slice() else { panic!("the path from 4 to 6 is one hash") };
    let edits = [
        edit("no hashes", &quoted(only), ""),
        edit("a power of two that is not the old size", "\"size\":4", "\"size\":2"),
        edit("another hash", &quoted(only), &other),
    ];
    chapters.push(json!({"of": text, "edits": refused(&text, check_consistency, &edits)}));

    let same = log.consistency(6, 6);
    let text = to_text(&same);
    let edits = [
        edit("a hash where none belongs", "\"path\":[", &format!("\"path\":[{other}")),
        edit(
            "another root at the same size",
            &format!("\"old\":{{\"size\":6,\"root\":\"{}", same.old.root),
            &format!("\"old\":{{\"size\":6,\"root\":\"{}", leaf_hash(b"another")),
        ),
    ];
    chapters.push(json!({"of": text, "edits": refused(&text, check_consistency, &edits)}));
    chapters.into()
}

fn refused_exports(export: &str) -> Value {
    let lines: Vec<&str> = export.split_inclusive('\n').collect();
    let [first, e0, c0, e1, e2, e3, c1, e4, e5, c2, last] = lines.as_slice() else { panic!("eleven lines") };
    let edit = |name, find: &str, put: &str| (name, find.to_owned(), put.to_owned());
    let value = |line: &str| serde_json::from_str::<Value>(line).expect("JSON");
    let text_of = |line: &str, member: &str| value(line)[member].as_str().expect("text").to_owned();
    let root_of = |line: &str| value(line)["commit"]["root"].as_str().expect("text").to_owned();
    let header1 = text_of(e1, "header");
    // Another event with the same header length, so that only its meaning changes.
    let kind = |from: &str, to: &str| (super::hex(from.as_bytes()), super::hex(to.as_bytes()));
    let (created, renamed) = kind("workspace.created", "workspace.creates");
    let later_time = (1_765_845_503_000_000_i64 + 1_000).to_be_bytes();
    let earlier_time = (1_765_845_503_000_000_i64 - 1).to_be_bytes();
    let at_time = |time: [u8; 8]| format!("{}{}", &header1[..80], super::hex(&time)) + &header1[96..];
    assert_eq!(header1[80..96], super::hex(&later_time));
    let edits = [
        edit("another version", "_export\":1", "_export\":2"),
        edit(
            "another log in the first line",
            "{\"convoke_export\":1,\"log_id\":\"10",
            "{\"convoke_export\":1,\"log_id\":\"11",
        ),
        edit("no first line", first, ""),
        edit("nothing at all", export, ""),
        edit("an empty line", first, &format!("{first}\n")),
        edit("the first event is missing", &format!("{e0}{c0}"), ""),
        edit("the first event creates no workspace", &created, &renamed),
        edit("an event is missing", e2, ""),
        edit("an event twice", e2, &format!("{e2}{e2}")),
        edit("two events in another order", &format!("{e2}{e3}"), &format!("{e3}{e2}")),
        edit("another position beside the header", "{\"position\":2", "{\"position\":7"),
        edit("another position in the header", &header1[..48], &format!("{}{}", &header1[..32], "0000000000000007")),
        edit("an event of another log", &header1, &format!("11{}", &header1[2..])),
        edit("an event older than the one before", &header1, &at_time(earlier_time)),
        edit("another event id", &header1, &format!("{}ff{}", &header1[..48], &header1[50..])),
        edit("a header that does not decode", &header1, &header1[..header1.len() - 2]),
        edit("a header that is not hex", &header1, &format!("x{}", &header1[1..])),
        edit("a header longer than one can be", &header1, &"00".repeat(400)),
        edit("another salt", &text_of(e1, "salt"), "00000000000000000000000000000000"),
        edit("a salt that is too short", &text_of(e1, "salt"), "0000"),
        edit("another payload", "\\\"actor\\\":\\\"bob\\\"", "\\\"actor\\\":\\\"eve\\\""),
        edit("a payload with a space more", "\\\"actor\\\":\\\"bob\\\"", "\\\"actor\\\": \\\"bob\\\""),
        edit("a payload with half a surrogate pair", "\\\"actor\\\":\\\"bob\\\"", "\\ud800"),
        edit("a payload that is no text", &format!("\"payload\":{}", value(e1)["payload"]), "\"payload\":{}"),
        edit("a null payload", &format!("\"payload\":{}", value(e1)["payload"]), "\"payload\":null"),
        edit("a payload without its salt", &format!("\"salt\":\"{}\",", text_of(e1, "salt")), ""),
        edit("a salt without its payload", &format!(",\"payload\":{}", value(e1)["payload"]), ""),
        edit(
            "a salt where the payload was erased",
            &text_of(e4, "header"),
            &format!("{}\",\"salt\":\"{}", text_of(e4, "header"), "05".repeat(16)),
        ),
        edit("a member more", "{\"position\":2", "{\"more\":2,\"position\":2"),
        edit("a member twice", "{\"position\":2", "{\"position\":2,\"position\":2"),
        edit(
            "an event and a commit in one line",
            "{\"position\":2",
            &format!("{{{},\"position\":2", c0.trim_end().trim_matches(['{', '}']).to_owned() + "}"),
        ),
        edit("a commit's root is another", &root_of(c1), &leaf_hash(b"another").to_string()),
        edit("a commit's size is another", "{\"commit\":{\"size\":4", "{\"commit\":{\"size\":5"),
        edit("the last commit's line is missing", c2, ""),
        edit("a commit of no events", c1, &format!("{c1}{c1}")),
        edit("the last event is missing", e5, ""),
        edit("the last commit is missing", &format!("{e4}{e5}{c2}"), ""),
        edit("the checkpoint is missing", last, ""),
        edit("the checkpoint is cut short", last, &last[..40]),
        edit("the last newline is missing", last, last.trim_end()),
        edit("the checkpoint is there twice", last, &format!("{last}{last}")),
        edit("an event after the checkpoint", last, &format!("{last}{e5}")),
        edit(
            "the checkpoint is of another log",
            "{\"convoke_checkpoint\":1,\"log_id\":\"10",
            "{\"convoke_checkpoint\":1,\"log_id\":\"11",
        ),
        edit("the checkpoint's time is another", ".004Z", ".005Z"),
        edit("the checkpoint's version is another", "_checkpoint\":1", "_checkpoint\":2"),
        edit("a byte order mark", first, &format!("\u{feff}{first}")),
    ];
    let mut vectors = refused(export, check_export, &edits);
    // The first position that does not hold, where the fault is the log's and not the file's.
    for vector in vectors.as_array_mut().into_iter().flatten() {
        let (find, put) = (vector["find"].as_str().expect("text"), vector["put"].as_str().expect("text"));
        if let Err(ExportError::Broken(broken)) = read_export(&export.replacen(find, put, 1)) {
            vector["position"] = broken.position.into();
        }
    }
    vectors
}
