//! Stores and exports that are not what was written: found, with a sentence and no backtrace, or nothing that is served
//! has changed.
//!
//! `CONVOKE_FLIPS` says how many bits are flipped (24 if not given), each in a copy of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use convoke_tests::{
    chance,
    workspace::{ORGANIZER, Ran, Workspace},
};
use rand::RngExt as _;
use serde_json::Value;

use crate::workspace;

/// The questions whose answers must not change unnoticed. None depends on the time of asking.
const QUESTIONS: [&[&str]; 4] = [&["verify"], &["log", "--limit", "1000"], &["replay"], &["checkpoint"]];

/// A workspace with a little of everything, and no daemon.
fn prepared() -> Workspace {
    let workspace = workspace();
    for index in 0..10 {
        workspace.ok("alice", &["send", "bob", &format!("message {index}"), "--subject", "of a good store"]);
    }
    workspace.ok(ORGANIZER, &["schedule", "review", "+30m", "--quorum", "2", "--attendees", "alice,bob"]);
    workspace.ok("alice", &["confirm", "review"]);
    workspace.ok("bob", &["confirm", "review"]);
    workspace.ok("bob", &["recv"]);
    workspace.stop_daemon();
    workspace
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => copy(&entry.path(), &target),
            kind if kind.is_file() => drop(fs::copy(entry.path(), target).unwrap()),
            _ => {}
        }
    }
}

/// Everything that stands below `.convoke`, put back as it was.
struct Kept {
    workspace: Workspace,
    place: tempfile::TempDir,
}

impl Kept {
    fn of(workspace: Workspace) -> Self {
        let place = tempfile::tempdir().unwrap();
        copy(&workspace.root().join(".convoke"), place.path());
        Self { workspace, place }
    }

    fn put_back(&self) {
        let folder = self.workspace.root().join(".convoke");
        fs::remove_dir_all(&folder).unwrap();
        copy(self.place.path(), &folder);
    }
}

/// Asks without a daemon, which would outlive the question.
fn ask(workspace: &Workspace, question: &[&str]) -> Ran {
    let ran = workspace.run(ORGANIZER, &[question, &["--no-daemon"]].concat());
    ran.is_a_sentence();
    ran
}

/// An answer without what differs from run to run.
fn stable(ran: &Ran) -> Value {
    let mut data = ran.data();
    if let Some(replayed) = data.get_mut("replayed") {
        replayed["took_ms"] = Value::Null;
    }
    data
}

#[test]
fn a_store_whose_tail_is_gone_is_reported_as_truncated_and_not_written_to() {
    let workspace = prepared();
    let (sled, older) = (workspace.inside("store/sled"), workspace.inside("older"));
    copy(&sled, &older);
    workspace.ok("alice", &["send", "bob", "acknowledged after the copy"]);
    workspace.stop_daemon();
    fs::remove_dir_all(&sled).unwrap();
    copy(&older, &sled);
    for question in QUESTIONS {
        let ran = ask(&workspace, question);
        assert_eq!((ran.exit, ran.code().as_str()), (9, "log_truncated"), "{ran}");
    }
    for command in [&["send", "bob", "no"][..], &["tick"], &["status"]] {
        for daemon in [&[][..], &["--no-daemon"]] {
            let ran = workspace.run("alice", &[command, daemon].concat());
            ran.is_a_sentence();
            assert_eq!((ran.exit, ran.code().as_str()), (9, "log_truncated"), "{ran}");
        }
    }
}

#[test]
fn what_ordinary_commands_refuse_is_as_it_was_when_the_damage_is_repaired() {
    let workspace = prepared();
    let data = workspace.inside("store/sled/db");
    let good = fs::read(&data).unwrap();
    let mut damaged = good.clone();
    let text = b"message 3";
    let at = damaged.windows(text.len()).rposition(|window| window == text).unwrap();
    damaged[at] ^= 4;
    fs::write(&data, &damaged).unwrap();
    let commands: [&[&str]; 6] =
        [&["status"], &["send", "bob", "no"], &["inbox", "bob"], &["verify"], &["doctor"], &["daemon", "start"]];
    for command in commands {
        let ran = workspace.run("alice", command);
        if command != ["doctor"] {
            ran.is_a_sentence();
        }
        assert_eq!(ran.exit, 9, "{ran}");
        assert!(fs::read(&data).unwrap() == damaged, "`{}` altered the log", command.join(" "));
    }
    fs::write(&data, &good).unwrap();
    let verified = workspace.ok(ORGANIZER, &["verify"]);
    assert_eq!(verified["verified"]["checkpoint"]["size"], 19, "{verified}");
    assert_eq!(workspace.ok(ORGANIZER, &["inbox", "bob"])["inbox"]["messages"].as_array().unwrap().len(), 11);
}

#[test]
fn a_store_rolled_back_as_a_whole_is_found_only_against_a_checkpoint_kept_elsewhere() {
    let workspace = prepared();
    let (store, older) = (workspace.inside("store"), workspace.inside("older"));
    copy(&store, &older);
    workspace.ok("alice", &["send", "bob", "acknowledged after the copy"]);
    let checkpoint = workspace.root().join("checkpoint.json");
    let checkpoint = checkpoint.to_str().unwrap();
    assert_eq!(workspace.run(ORGANIZER, &["checkpoint", "--output", checkpoint]).exit, 0);
    workspace.stop_daemon();
    fs::remove_dir_all(&store).unwrap();
    copy(&older, &store);
    assert_eq!(ask(&workspace, &["verify"]).exit, 0, "it is consistent in itself");
    let ran = ask(&workspace, &["verify", "--against", checkpoint]);
    assert_eq!((ran.exit, ran.code().as_str()), (9, "verify_failed"), "{ran}");
}

#[test]
fn a_flipped_bit_anywhere_below_the_store_is_found_or_changes_nothing_that_is_served() {
    let workspace = prepared();
    let good: Vec<Value> = QUESTIONS.iter().map(|question| stable(&ask(&workspace, question))).collect();
    let kept = Kept::of(workspace);
    let mut chance = chance::generator(3);
    let (mut found, mut harmless) = (0, 0);
    for _ in 0..chance::number("CONVOKE_FLIPS", 24) {
        kept.put_back();
        let files = files_below(&kept.workspace.inside("store"));
        let file = &files[chance.random_range(0..files.len())];
        let mut bytes = fs::read(file).unwrap();
        // Most of sled's file is empty; most flips are where something is.
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(bytes.len(), |last| last + 1);
        let end = if chance.random_bool(0.9) { used } else { bytes.len() };
        let place = chance.random_range(0..end);
        bytes[place] ^= 1 << chance.random_range(0..8);
        fs::write(file, bytes).unwrap();
        for (question, good) in QUESTIONS.iter().zip(&good) {
            let ran = ask(&kept.workspace, question);
            let what = format!("byte {place} of {}: {ran}", file.display());
            match ran.exit {
                0 => {
                    assert_eq!(stable(&ran), *good, "another answer after a flip in {what}");
                    harmless += 1;
                }
                1 | 9 => found += 1,
                _ => panic!("a flip in {what}"),
            }
        }
    }
    println!("{found} answers said so, {harmless} were unchanged");
    assert!(found > 0, "no flip was ever found");
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => files.extend(files_below(&entry.path())),
            kind if kind.is_file() && entry.metadata().unwrap().len() > 0 => files.push(entry.path()),
            _ => {}
        }
    }
    files.sort();
    files
}

#[test]
fn a_store_or_an_export_of_a_newer_version_is_refused_by_name() {
    let workspace = prepared();
    let export = exported(&workspace);
    let newer = fs::read_to_string(&export).unwrap().replacen("\"convoke_export\":1", "\"convoke_export\":2", 1);
    fs::write(&export, newer).unwrap();
    let ran = ask(&workspace, &["verify", "--from", export.to_str().unwrap()]);
    assert_eq!(ran.exit, 1, "{ran}");
    assert!(ran.envelope()["error"]["message"].as_str().unwrap().contains("version"), "{ran}");
    fs::write(workspace.inside("store/format"), "convoke-store 2\n").unwrap();
    for question in QUESTIONS.iter().chain(&[&["send", "bob", "no"][..]]) {
        let ran = ask(&workspace, question);
        assert_eq!((ran.exit, ran.code().as_str()), (1, "newer_format"), "{ran}");
    }
}

fn exported(workspace: &Workspace) -> PathBuf {
    let file = workspace.root().join("export.ndjson");
    assert_eq!(ask(workspace, &["export", "--output", file.to_str().unwrap()]).exit, 0);
    file
}

#[test]
fn an_export_that_was_edited_or_cut_short_is_refused_and_leaves_nothing_behind() {
    let workspace = prepared();
    let export = exported(&workspace);
    let good = fs::read_to_string(&export).unwrap();
    let lines: Vec<&str> = good.split_inclusive('\n').collect();
    let cut_short = |lines: usize| good.split_inclusive('\n').take(lines).collect::<String>();
    let without = |line: usize| -> String {
        lines.iter().enumerate().filter(|(index, _)| *index != line).map(|(_, text)| *text).collect()
    };
    let mut swapped = lines.clone();
    swapped.swap(2, 3);
    let mut bad = vec![
        ("a text that says something else", good.replacen("message 3", "message 4", 1)),
        ("a sender who was somebody else", good.replace("alice", "mallo")),
        ("no checkpoint", cut_short(lines.len() - 1)),
        ("half of it", good[..good.len() / 2].to_owned()),
        ("one event less", without(4)),
        ("two events in another order", swapped.concat()),
        ("something after the end", format!("{good}{}", lines[1])),
        ("only its first line", cut_short(1)),
        ("nothing", String::new()),
        ("no export at all", "{\"hello\":\"world\"}\n".to_owned()),
    ];
    let mut chance = chance::generator(4);
    for _ in 0..20 {
        let mut bytes = good.clone().into_bytes();
        let place = chance.random_range(0..bytes.len());
        bytes[place] ^= 1 << chance.random_range(0..7);
        bad.push(("a flipped bit", String::from_utf8(bytes).unwrap()));
    }
    let unchanged = ask(&workspace, &["verify", "--from", export.to_str().unwrap()]).data();
    for (what, text) in bad {
        fs::write(&export, &text).unwrap();
        let ran = ask(&workspace, &["verify", "--from", export.to_str().unwrap()]);
        // Blanks between members may be altered without altering what is said.
        if ran.exit == 0 && what == "a flipped bit" {
            assert_eq!(ran.data(), unchanged, "{what}: {ran}");
            continue;
        }
        assert!(matches!(ran.exit, 1 | 9), "{what}: {ran}");
        let fresh = Workspace::nothing_yet(crate::program());
        let imported = fresh.run(ORGANIZER, &["import", export.to_str().unwrap()]);
        imported.is_a_sentence();
        assert_eq!(imported.exit, ran.exit, "{what}: {imported}");
        assert!(!fresh.root().join(".convoke").exists(), "{what}: half a workspace was left behind");
    }
}
