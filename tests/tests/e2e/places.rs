//! Places that fail under a workspace: a full disk, a read-only one, a folder that is deleted. A clear error or a
//! correct answer, never a wrong one.
//!
//! A disk of its own needs root. Where that is not to be had, these tests say so and pass; in CI they fail.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use convoke_tests::{
    ledger::{Acknowledged, Ledger},
    socket::Client,
    workspace::{ORGANIZER, Workspace},
    written::Written,
};
use serde_json::json;

use crate::{program, workspace};

/// A small filesystem in memory, unmounted when this is dropped.
struct Disk {
    mount_point: PathBuf,
    _place: tempfile::TempDir,
}

impl Disk {
    /// None, after saying so, where it cannot be had.
    fn of_megabytes(megabytes: u32) -> Option<Self> {
        let place = tempfile::tempdir().unwrap();
        let mount_point = place.path().join("disk");
        fs::create_dir(&mount_point).unwrap();
        let options = format!("size={megabytes}m");
        if let Err(why) = mount(&["-t", "tmpfs", "-o", &options, "convoke-e2e"], &mount_point) {
            assert!(std::env::var_os("CI").is_none(), "in CI a disk must be had: {why}");
            eprintln!("NOT TESTED: a disk of its own cannot be mounted here: {why}");
            return None;
        }
        Some(Self { mount_point, _place: place })
    }

    fn remount(&self, how: &str) {
        mount(&["-o", &format!("remount,{how}")], &self.mount_point).unwrap();
    }

    /// Leaves only so many bytes free.
    fn fill_but(&self, free: u64) -> PathBuf {
        let ballast = self.mount_point.join("ballast");
        let stat = rustix::fs::statvfs(&self.mount_point).unwrap();
        let size = (stat.f_bavail * stat.f_frsize).saturating_sub(free);
        fs::write(&ballast, vec![1; usize::try_from(size).unwrap()]).unwrap();
        ballast
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.mount_point).output();
    }
}

fn mount(options: &[&str], at: &Path) -> Result<(), String> {
    let output = Command::new("mount").args(options).arg(at).output().map_err(|error| error.to_string())?;
    output.status.success().then_some(()).ok_or_else(|| String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

#[test]
fn a_full_disk_is_a_sentence_and_costs_nothing_that_was_acknowledged() {
    let Some(disk) = Disk::of_megabytes(64) else { return };
    let workspace = Workspace::at(program(), &disk.mount_point.join("w"));
    let ledger = Ledger::default();
    let text = "x".repeat(30_000);
    workspace.ok("alice", &["send", "bob", "before"]);
    let ballast = disk.fill_but(600_000);
    let mut refused = 0;
    for number in 0..400 {
        let key = format!("key-{number}");
        let ran = workspace.run("alice", &["send", "bob", &text, "--idempotency-key", &key]);
        ran.is_a_sentence();
        if ran.exit == 0 {
            ledger.note(Acknowledged::of("alice", &key, &ran.envelope()));
            continue;
        }
        assert!(matches!(ran.exit, 1 | 75), "{ran}");
        refused += 1;
        if refused == 2 {
            break;
        }
    }
    assert_eq!(refused, 2, "the disk was never full");
    let said = fs::read_to_string(workspace.inside("daemon.log")).unwrap_or_default();
    assert!(!said.contains("panicked"), "{said}");

    fs::remove_file(ballast).unwrap();
    workspace.ok("alice", &["send", "bob", "after"]);
    let written = Written::in_workspace(&workspace);
    ledger.check(&written);
    assert_eq!(workspace.ok(ORGANIZER, &["verify"])["verified"]["checkpoint"]["size"], written.events.len());
    assert_eq!(workspace.ok(ORGANIZER, &["replay"])["replayed"]["matches"], true);
    workspace.stop_daemon();
}

#[test]
fn a_read_only_disk_is_a_sentence_and_all_is_well_when_it_can_be_written_again() {
    let Some(disk) = Disk::of_megabytes(64) else { return };
    let workspace = Workspace::at(program(), &disk.mount_point.join("w"));
    workspace.ok("alice", &["send", "bob", "before"]);
    workspace.stop_daemon();
    disk.remount("ro");
    for question in [&["status"][..], &["send", "bob", "no"], &["verify"], &["log"]] {
        for daemon in [&[][..], &["--no-daemon"]] {
            let ran = workspace.run("alice", &[question, daemon].concat());
            ran.is_a_sentence();
            assert!(ran.exit != 0 || question != ["send", "bob", "no"], "{ran}");
        }
    }
    disk.remount("rw");
    workspace.ok("alice", &["send", "bob", "after"]);
    assert_eq!(workspace.ok(ORGANIZER, &["verify"])["verified"]["checkpoint"]["size"], 5);
    workspace.stop_daemon();
}

#[test]
fn nothing_is_acknowledged_into_a_folder_that_was_deleted() {
    let workspace = workspace();
    let mut client = Client::new(&workspace);
    workspace.ok("alice", &["send", "bob", "before"]);
    let daemon = workspace.daemon().unwrap();
    let body = json!({"as": "alice", "command": {"send_message": {"to": ["bob"], "body": "x"}}}).to_string();
    // The connection stands when the folder goes.
    assert_eq!(client.exchange("POST", "/v1/command", &body).unwrap()["ok"], true);
    fs::remove_dir_all(workspace.root().join(".convoke")).unwrap();
    if let Ok(envelope) = client.exchange("POST", "/v1/command", &body) {
        assert_eq!(envelope["ok"], false, "acknowledged, and gone: {envelope}");
    }
    let ran = workspace.run("alice", &["send", "bob", "after"]);
    ran.is_a_sentence();
    assert_eq!((ran.exit, ran.code().as_str()), (3, "no_workspace"), "{ran}");
    let until = Instant::now() + Duration::from_secs(20);
    while fs::read(format!("/proc/{daemon}/cmdline")).is_ok_and(|line| !line.is_empty()) {
        assert!(Instant::now() < until, "its daemon stays");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!workspace.root().join(".convoke").exists(), "what was deleted came back");
    workspace.ok(ORGANIZER, &["init"]);
}

#[test]
fn a_daemon_that_cannot_be_reached_any_more_makes_room_for_another() {
    let workspace = workspace();
    workspace.ok("alice", &["send", "bob", "before"]);
    let daemon = workspace.daemon().unwrap();
    fs::remove_file(workspace.root().join(".convoke/daemon.sock")).unwrap();
    workspace.ok("alice", &["send", "bob", "after"]);
    assert_ne!(workspace.daemon(), Some(daemon));
    workspace.stop_daemon();
}
