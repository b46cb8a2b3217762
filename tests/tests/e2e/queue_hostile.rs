//! Checks and changes that mean no good: the queue goes on, and nothing reaches what it may not touch.

use std::{
    fs,
    os::unix::ffi::OsStrExt as _,
    time::{Duration, Instant},
};

use convoke_tests::queue::{Queue, count, git, new_file, patch};
use serde_json::json;

use crate::program;

fn queue(settings: &str) -> Queue {
    Queue::new(program(), settings)
}

#[test]
fn checks_that_hang_fork_flood_or_delete_the_worktree_hold_nobody_up() {
    let queue = queue("lanes = 1\nbatch = 1\nany_check = true\ncheck_limit = \"1s\"");
    let mark = format!("convoke-hostile-{}", std::process::id());
    let checks = [
        (format!("sleep 1000; : {mark}"), "took longer than 1 s"),
        (format!("sh -c 'sleep 1000; : {mark}' & sh -c 'sleep 1000; : {mark}' & exit 1"), "ended with 1"),
        ("head -c 3000000 /dev/zero | tr '\\0' '\\033'; echo the end; exit 2".to_owned(), "ended with 2"),
        ("rm -rf \"$PWD\"; exit 4".to_owned(), "ended with 4"),
        ("git checkout -q --orphan other; rm -rf .git; touch litter; exit 5".to_owned(), "ended with 5"),
        ("kill -9 $$".to_owned(), "was ended by signal 9"),
    ];
    let mut bad = Vec::new();
    for (number, (check, _)) in checks.iter().enumerate() {
        bad.push(queue.submit_with("ann", &format!("T-{number}"), &patch(number, 2, "x"), &["--check", check]));
    }
    let good = queue.submit_with("ann", "T-good", &patch(30, 2, "x"), &["--check", "test -f f0 && ! test -e litter"]);
    let worker = queue.start("walter", &[], None);
    queue.wait_for(&good, "landed");
    worker.signal(rustix::process::Signal::TERM);
    let (exit, out, err) = worker.end();
    assert_eq!(exit, Some(0), "{out}{err}");
    for (change, (check, how)) in bad.iter().zip(&checks) {
        let cause = &queue.show(change)["cause"];
        assert!(cause["text"].as_str().unwrap_or_default().contains(how), "{check}: {cause}");
        assert!(cause["output"].as_str().unwrap_or_default().len() <= 16 * 1024);
    }
    let flood = queue.show(&bad[2])["cause"]["output"].as_str().unwrap().to_owned();
    assert!(flood.ends_with("the end\n") && !flood.contains('\u{1b}'), "{flood:?}");
    let left = std::process::Command::new("pgrep").args(["-f", &mark]).output().unwrap();
    // Its own command line does not hold the mark of another process; only what checks left behind would.
    assert!(left.stdout.is_empty(), "{}", String::from_utf8_lossy(&left.stdout));
    queue.is_sound();
}

#[test]
fn a_change_that_touches_what_it_does_not_name_or_leads_out_is_rejected_with_every_fault() {
    let queue = queue("");
    let user = queue.user();
    git(&user, &["checkout", "-q", "-b", "sly", "origin/main"]);
    fs::write(user.join("f0"), "other\n").unwrap();
    fs::write(user.join("f1"), "other\n").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", user.join("link")).unwrap();
    git(&user, &["add", "."]);
    git(&user, &["commit", "-q", "-m", "sly"]);
    git(&user, &["push", "-q", "origin", "sly"]);
    let commit = git(&user, &["rev-parse", "HEAD"]);
    // Straight to the log, past the checks of `queue submit`.
    let submit = |task: &str, content: serde_json::Value, paths: &[&str]| {
        let command = json!({"submit_change": {"task": task, "target": "main", "content": content, "paths": paths}});
        let line = json!({"as": "mallory", "command": command}).to_string();
        let ran = queue.workspace.run_with_input("mallory", &["batch"], line.as_bytes());
        assert_eq!(ran.exit, 0, "{ran}");
    };
    submit("T-sly", json!({"commit": commit}), &["f0"]);
    git(&user, &["checkout", "-q", "--orphan", "stranger"]);
    git(&user, &["commit", "-q", "-m", "of another history"]);
    git(&user, &["push", "-q", "origin", "stranger"]);
    submit("T-strange", json!({"commit": git(&user, &["rev-parse", "HEAD"])}), &["f4"]);
    let named = std::ffi::OsStr::from_bytes(b"na\xefve");
    git(&user, &["checkout", "-q", "-f", "-b", "odd", "origin/main"]);
    fs::write(user.join(named), "x\n").unwrap();
    git(&user, &["add", "."]);
    git(&user, &["commit", "-q", "-m", "odd"]);
    git(&user, &["push", "-q", "origin", "odd"]);
    submit("T-odd", json!({"commit": git(&user, &["rev-parse", "HEAD"])}), &["na\u{fffd}ve"]);
    submit("T-gone", json!({"commit": "0123456789012345678901234567890123456789"}), &["f2"]);
    submit("T-lost", json!({"operations": "ab".repeat(32)}), &["f3"]);
    let ran = queue.work("walter", &["--once"]);
    assert_eq!(ran.exit, 0, "{ran}");
    let sly = queue.show("T-sly");
    assert_eq!(sly["state"], "rejected");
    let faults = sly["cause"]["text"].as_str().unwrap();
    for fault in ["\"f1\", which it does not name", "\"link\", which it does not name", "leads out of the repository"] {
        assert!(faults.contains(fault), "{fault} in {faults}");
    }
    for (task, fault) in
        [("T-gone", "is not in the repository"), ("T-strange", "no history in common"), ("T-odd", "is not UTF-8")]
    {
        let shown = queue.show(task);
        assert_eq!(shown["state"], "rejected", "{shown}");
        assert!(shown["cause"]["text"].as_str().unwrap().contains(fault), "{shown}");
    }
    let lost = queue.show("T-lost");
    assert_eq!((&lost["state"], &lost["cause"]["class"]), (&json!("queued"), &json!("machine")), "{lost}");
    assert!(queue.landed().is_empty());
}

#[test]
fn a_change_of_which_nothing_is_left_is_handed_back() {
    let queue = queue("");
    queue.submit("ann", "T-1", &new_file("n", "same"));
    queue.work_all("walter", &[]);
    let again = queue.submit("bob", "T-2", &new_file("n", "same"));
    queue.work_all("walter", &[]);
    assert_eq!(queue.state(&again), "conflicted");
    let user = queue.user();
    git(&user, &["fetch", "-q"]);
    git(&user, &["checkout", "-q", "-b", "same", "origin/main"]);
    queue.is_sound();
}

#[test]
fn a_full_disk_during_a_landing_is_a_failure_of_the_machine_and_nothing_lands_by_half() {
    let place = tempfile::tempdir().unwrap();
    let mut mount = std::process::Command::new("mount");
    let mounting = mount.args(["-t", "tmpfs", "-o", "size=2m", "none"]).arg(place.path());
    let is_mounted = mounting.status().is_ok_and(|status| status.success());
    if !is_mounted {
        eprintln!("left out: mounting a filesystem needs root");
        return;
    }
    let queue = queue("");
    let small = place.path().join("small.git");
    git(place.path(), &["clone", "-q", "--bare", queue.repository().to_str().unwrap(), "small.git"]);
    let text = fs::read_to_string(queue.workspace.root().join("convoke.toml")).unwrap();
    fs::write(queue.workspace.root().join("convoke.toml"), text.replace("r.git", small.to_str().unwrap())).unwrap();
    let filler = place.path().join("filler");
    let noise: String =
        (0..40_000).map(|number: u64| format!("{:x}\n", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    let large =
        json!({"task_id": "T-1", "agent": "ann", "changes": [{"path": "large", "operation": "add", "content": noise}]});
    let ran = queue.workspace.run_with_input("ann", &["queue", "submit", "-"], large.to_string().as_bytes());
    assert_eq!(ran.exit, 0, "{ran}");
    // All of it, but for a little: refs and small objects can be written, the change cannot.
    let full = vec![1; 2_000_000];
    std::io::Write::write_all(&mut fs::File::create(&filler).unwrap(), &full).unwrap_err();
    let filled = fs::metadata(&filler).unwrap().len();
    fs::File::options().write(true).open(&filler).unwrap().set_len(filled - 200_000).unwrap();
    let before = git(&small, &["rev-parse", "main"]);
    let ran = queue.work("walter", &["--once"]);
    let _ = ran;
    let shown = queue.show("T-1");
    assert_eq!((&shown["state"], &shown["cause"]["class"]), (&json!("queued"), &json!("machine")), "{shown}");
    assert!(shown["cause"]["text"].as_str().unwrap().contains("no space"), "{shown}");
    assert_eq!(git(&small, &["rev-parse", "main"]), before);
    fs::remove_file(&filler).unwrap();
    let begun = Instant::now();
    let outcomes = queue.work_all("walter", &[]);
    assert_eq!(count(&outcomes, "landed"), 1, "{outcomes:#?}");
    assert!(begun.elapsed() < Duration::from_secs(60));
    std::process::Command::new("umount").arg("--lazy").arg(place.path()).status().ok();
}
