//! Where nothing can be written: a full disk, a read-only one. What is there can be read, and what is refused says why.
//!
//! Filesystems of their own are mounted for it, which needs root; without, the tests say so and do nothing.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    process::Command,
};

use convoke_store::{Log as _, OpenError, SledLog, conformance::run, sample};
use convoke_tests::workspace::{ORGANIZER, Workspace};
use tempfile::TempDir;

use crate::program;

/// A small filesystem in memory, mostly with a workspace of a few events on it that nobody has open.
struct Disk {
    /// Dropped before the filesystem goes.
    workspace: Option<Workspace>,
    folder: TempDir,
}

impl Disk {
    fn new() -> Option<Self> {
        let mut disk = Self::empty_one()?;
        let workspace = Workspace::at(program(), &disk.folder.path().join("w"));
        for index in 0..5 {
            workspace.ok("alice", &["send", "bob", &format!("message {index}")]);
        }
        workspace.stop_daemon();
        disk.workspace = Some(workspace);
        Some(disk)
    }

    fn empty_one() -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("convoke-disk-").tempdir().unwrap();
        if mount(&["-t", "tmpfs", "-o", "size=16m", "none"], folder.path()) {
            return Some(Self { workspace: None, folder });
        }
        eprintln!("left out: mounting a filesystem needs root");
        None
    }

    fn workspace(&self) -> &Workspace {
        self.workspace.as_ref().unwrap()
    }

    fn fill(&self) {
        let mut file = File::create(self.folder.path().join("fill")).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    fn empty(&self) {
        fs::remove_file(self.folder.path().join("fill")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.workspace.take());
        let _ = Command::new("umount").arg("--lazy").arg(self.folder.path()).status();
    }
}

fn mount(options: &[&str], place: &Path) -> bool {
    Command::new("mount").args(options).arg(place).output().is_ok_and(|ran| ran.status.success())
}

const READING: [&[&str]; 10] = [
    &["status"],
    &["inbox", "bob"],
    &["list"],
    &["log"],
    &["show", "2"],
    &["verify"],
    &["replay"],
    &["checkpoint"],
    &["prove", "2"],
    &["actor", "list"],
];

/// All that reads works, alone and with `--no-daemon`, and all that writes is refused with this code.
#[track_caller]
fn can_be_read_only(workspace: &Workspace, code: &str) {
    for daemon in [&[][..], &["--no-daemon"]] {
        for question in READING {
            let ran = workspace.run(ORGANIZER, &[question, daemon].concat());
            assert_eq!(ran.exit, 0, "{ran}");
        }
        assert_eq!(
            workspace.ok(ORGANIZER, &[&["inbox", "bob"], daemon].concat())["inbox"]["messages"]
                .as_array()
                .unwrap()
                .len(),
            5
        );
        let elsewhere = tempfile::tempdir().unwrap();
        let file = elsewhere.path().join("log.ndjson");
        workspace.ok(ORGANIZER, &[&["export", "--output", file.to_str().unwrap()], daemon].concat());
        workspace.ok(ORGANIZER, &["verify", "--from", file.to_str().unwrap()]);
        for command in [&["send", "bob", "no room"][..], &["tick"], &["schedule", "later", "+1h"]] {
            let ran = workspace.run("alice", &[command, daemon].concat());
            ran.is_a_sentence();
            assert_eq!((ran.exit, ran.code().as_str()), (1, code), "{ran}");
        }
    }
    let doctor = workspace.run(ORGANIZER, &["doctor"]);
    assert_eq!(doctor.exit, 1, "{doctor}");
    let data = doctor.data();
    let checks = data["checks"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["fault"]["code"] == code), "{doctor}");
    assert!(checks.iter().any(|check| check["what"] == "log" && check["ok"] == true), "{doctor}");
}

#[test]
fn a_workspace_on_a_read_only_filesystem_can_be_read_and_says_why_it_cannot_be_written() {
    let Some(disk) = Disk::new() else { return };
    assert!(mount(&["-o", "remount,ro"], disk.folder.path()), "it cannot be made read-only");
    can_be_read_only(disk.workspace(), "read_only");
    assert!(mount(&["-o", "remount,rw"], disk.folder.path()));
    disk.workspace().ok("alice", &["send", "bob", "message 5"]);
}

#[test]
fn a_workspace_on_a_full_disk_can_be_read_and_goes_on_once_there_is_room() {
    let Some(disk) = Disk::new() else { return };
    disk.fill();
    // Whether the daemon can open the log now is sled's affair: with a page to spare it can. The disk is full for its files.
    can_be_read_only(disk.workspace(), "disk_full");
    disk.empty();
    disk.workspace().ok("alice", &["send", "bob", "message 5"]);
    disk.workspace().ok(ORGANIZER, &["verify"]);
}

#[test]
fn a_command_that_met_a_full_disk_says_how_to_find_out_what_became_of_it() {
    let Some(disk) = Disk::new() else { return };
    let workspace = disk.workspace();
    let text = "x".repeat(6_000);
    // The log's file has room for 4 MiB already, whatever the disk has: most of that is used up first.
    let line =
        serde_json::json!({"as": "alice", "command": {"send_message": {"to": ["bob"], "body": text}}}).to_string();
    let ran = workspace.run_with_input("alice", &["batch"], (line + "\n").repeat(600).as_bytes());
    assert_eq!(ran.exit, 0, "{ran}");
    disk.fill();
    let failed = (0..2_000).map(|_| workspace.run("alice", &["send", "bob", &text])).find(|ran| ran.exit != 0).unwrap();
    failed.is_a_sentence();
    let sent = |workspace: &Workspace| {
        workspace.ok(ORGANIZER, &["verify"])["verified"]["checkpoint"]["size"].as_u64().unwrap()
    };
    assert_eq!(failed.code(), "outcome_unknown", "{failed}");
    let hint = failed.envelope()["error"]["hint"].as_str().unwrap().to_owned();
    let key = hint.split("--idempotency-key ").nth(1).unwrap().split(':').next().unwrap().to_owned();
    disk.empty();
    workspace.ok("alice", &["send", "bob", &text, "--idempotency-key", &key]);
    let before = sent(workspace);
    workspace.ok("alice", &["send", "bob", &text, "--idempotency-key", &key]);
    assert_eq!(sent(workspace), before, "it took effect once");
}

#[test]
fn a_store_that_cannot_be_opened_for_want_of_room_says_so_and_holds_everything_afterwards() {
    let Some(disk) = Disk::empty_one() else { return };
    let place = disk.folder.path().join("log");
    let log = SledLog::create(&place).unwrap();
    for _ in 0..20 {
        let head = log.head();
        run(log.append_if(head, sample::commit(head.size, 5, 300))).unwrap();
    }
    let head = log.head();
    drop(log);
    disk.fill();
    for _ in 0..3 {
        let error = SledLog::open(&place).unwrap_err();
        assert!(matches!(&error, OpenError::Full { .. }), "{error:?}");
        assert!(error.to_string().contains("no space is left"), "{error}");
    }
    let elsewhere = tempfile::tempdir().unwrap();
    assert_eq!(SledLog::open_copy(&place, elsewhere.path()).unwrap().head(), head);
    disk.empty();
    assert_eq!(SledLog::open(&place).unwrap().head(), head);
}
