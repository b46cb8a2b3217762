//! Checks and gits that leave things in a state that nobody expects: the branch gets only what was tested, and those who are
//! innocent go on.

use std::{
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use convoke_tests::queue::{Queue, count, new_file, outcomes, patch};
use rustix::process::Signal;

use crate::program;

fn queue(settings: &str) -> Queue {
    Queue::new(program(), settings)
}

#[test]
fn a_check_that_puts_the_branch_into_its_worktree_lands_nothing_by_that() {
    let queue = queue("lanes = 1\nbatch = 1\nattempts = 1\nany_check = true");
    let good = queue.submit_with("ann", "T-1", &patch(0, 2, "x"), &["--check", "git checkout -q main"]);
    let bad = queue.submit_with("bob", "T-2", &patch(1, 2, "x"), &["--check", "false"]);
    let outcomes = queue.work_all("walter", &[]);
    assert_eq!(queue.landed(), [good], "what is red is not on the branch: {outcomes:#?}");
    assert_eq!(queue.state(&bad), "dead");
    queue.is_sound();
}

#[test]
fn a_tree_of_which_no_files_can_be_made_is_found_among_its_batch_mates() {
    let queue = queue("lanes = 1\nbatch = 8\nattempts = 1\nchecks = [\"true\"]");
    let good = [0, 1].map(|number| queue.submit("ann", &format!("T-{number}"), &patch(number, 2, "x")));
    let bad = queue.submit("bob", "T-bad", &new_file(&"x".repeat(300), "x"));
    let last = queue.submit("ann", "T-last", &patch(3, 2, "x"));
    let outcomes = queue.work_all("walter", &[]);
    assert_eq!((count(&outcomes, "landed"), count(&outcomes, "returned")), (3, 0), "{outcomes:#?}");
    for change in good.iter().chain([&last]) {
        assert_eq!(queue.state(change), "landed");
    }
    let cause = &queue.show(&bad)["cause"];
    assert!(cause["text"].as_str().unwrap_or_default().contains("git checkout"), "{cause}");
    assert!(cause["output"].as_str().unwrap_or_default().contains("File name too long"), "{cause}");
    queue.is_sound();
}

#[test]
fn a_check_that_passes_and_takes_the_worktree_away_is_not_the_machine_s_fault() {
    let queue = queue("lanes = 1\nbatch = 8\nattempts = 1\nany_check = true\nchecks = [\"true\"]");
    let more = ["--check", "rm -rf \"$PWD\"", "--check", "echo next"];
    let bad = queue.submit_with("bob", "T-1", &patch(0, 2, "x"), &more);
    let good = queue.submit("ann", "T-2", &patch(1, 2, "x"));
    let outcomes = queue.work_all("walter", &[]);
    assert_eq!(count(&outcomes, "landed"), 1, "{outcomes:#?}");
    assert_eq!(queue.landed(), [good]);
    let cause = &queue.show(&bad)["cause"]["text"];
    assert!(cause.as_str().unwrap_or_default().contains("took the worktree away"), "{cause}");
    queue.is_sound();
}

#[test]
fn a_lock_that_a_killed_git_left_at_the_branch_ends_the_worker_and_harms_no_change() {
    let queue = queue("lanes = 1\nchecks = [\"true\"]");
    let changes = [0, 1].map(|number| queue.submit("ann", &format!("T-{number}"), &patch(number, 2, "x")));
    let lock = queue.repository().join("refs/heads/main.lock");
    fs::write(&lock, "").unwrap();
    let (exit, out, err) = queue.start("walter", &["--until-empty"], None).end();
    assert_eq!(exit, Some(1), "{out}{err}");
    assert!(out.contains("main.lock") && out.contains("git_failed"), "it says what is in the way: {out}");
    for change in &changes {
        assert_eq!(queue.state(change), "queued");
    }
    fs::remove_file(&lock).unwrap();
    assert_eq!(count(&queue.work_all("walter", &[]), "landed"), 2);
    queue.is_sound();
}

#[test]
fn a_repository_that_takes_no_worktrees_ends_the_worker_and_harms_no_change() {
    let queue = queue("lanes = 1\nchecks = [\"true\"]");
    let changes = [0, 1].map(|number| queue.submit("ann", &format!("T-{number}"), &patch(number, 2, "x")));
    let in_the_way = queue.repository().join("worktrees");
    fs::write(&in_the_way, "").unwrap();
    let (exit, out, err) = queue.start("walter", &["--until-empty"], None).end();
    assert_eq!(exit, Some(1), "{out}{err}");
    assert!(out.contains("git worktree failed"), "it says what is in the way: {out}");
    for change in &changes {
        assert_eq!(queue.state(change), "queued");
    }
    fs::remove_file(&in_the_way).unwrap();
    assert_eq!(count(&queue.work_all("walter", &[]), "landed"), 2);
    queue.is_sound();
}

#[test]
fn a_lock_at_the_fence_of_one_change_holds_up_only_that_one() {
    let queue = queue("lanes = 1");
    let changes = [0, 1, 2].map(|number| queue.submit("ann", &format!("T-{number}"), &patch(number, 2, "x")));
    let fences = queue.repository().join("refs/convoke/fence/main");
    fs::create_dir_all(&fences).unwrap();
    let id = queue.show(&changes[1])["id"].as_str().unwrap().to_owned();
    let lock = fences.join(format!("{id}.lock"));
    fs::write(&lock, "").unwrap();
    let ran = queue.work("walter", &["--once"]);
    assert_eq!(ran.exit, 0, "{ran}");
    assert_eq!(count(&outcomes(&ran.out), "landed"), 2, "{ran}");
    let cause = &queue.show(&changes[1])["cause"]["text"];
    assert!(cause.as_str().unwrap_or_default().contains(".lock"), "{cause}");
    fs::remove_file(&lock).unwrap();
    assert_eq!(count(&queue.work_all("walter", &[]), "landed"), 1);
    queue.is_sound();
}

#[test]
fn a_repository_that_takes_no_fences_ends_the_worker_and_harms_no_change() {
    let queue = queue("lanes = 1");
    let changes = [0, 1].map(|number| queue.submit("ann", &format!("T-{number}"), &patch(number, 2, "x")));
    let in_the_way = queue.repository().join("refs/convoke");
    fs::write(&in_the_way, "").unwrap();
    let (exit, out, err) = queue.start("walter", &["--until-empty"], None).end();
    assert_eq!(exit, Some(1), "{out}{err}");
    for change in &changes {
        assert_eq!((queue.state(change).as_str(), &queue.show(change)["failures"]), ("queued", &0.into()));
    }
    fs::remove_file(&in_the_way).unwrap();
    assert_eq!(count(&queue.work_all("walter", &[]), "landed"), 2);
    queue.is_sound();
}

#[test]
fn a_check_does_not_outlive_a_worker_that_was_killed() {
    let queue = queue("lanes = 1\nany_check = true\nlease = \"1s\"");
    let mark = format!("convoke-orphan-{}", std::process::id());
    let left = || Command::new("pgrep").args(["-f", &format!("sleep 1000; : {mark}")]).output().unwrap().stdout;
    let check = format!("sleep 1000; : {mark}");
    let change = queue.submit_with("ann", "T-1", &patch(0, 2, "x"), &["--check", &check]);
    let worker = queue.start("walter", &[], None);
    let until = Instant::now() + Duration::from_secs(60);
    while left().is_empty() {
        assert!(Instant::now() < until, "the check never runs");
        thread::sleep(Duration::from_millis(20));
    }
    worker.signal(Signal::KILL);
    worker.end();
    while !left().is_empty() {
        assert!(Instant::now() < until, "it goes on: {}", String::from_utf8_lossy(&left()));
        thread::sleep(Duration::from_millis(20));
    }
    queue.workspace.ok("ann", &["queue", "cancel", &change]);
    queue.workspace.ok("olga", &["queue", "cleanup"]);
    queue.is_sound();
}
