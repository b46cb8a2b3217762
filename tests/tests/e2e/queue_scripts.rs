//! Workers of one's own: a script claims, tests and completes, and can do as little wrong as a worker of Convoke's.

use std::{fs, process, thread, time::Duration};

use convoke_tests::{
    queue::{Queue, git, patch},
    workspace::{ORGANIZER, Ran},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::program;

fn queue(settings: &str) -> Queue {
    Queue::new(program(), settings)
}

/// Claims one change; gives its id and the claim's number.
#[track_caller]
fn lease(queue: &Queue, worker: &str, more: &[&str]) -> (String, String) {
    let data = queue.workspace.ok(worker, &[&["queue", "lease"], more].concat());
    let leased = &data["leases"][0];
    (leased["change"].as_str().unwrap().to_owned(), leased["fence"].to_string())
}

/// A command under a claim.
fn under(queue: &Queue, worker: &str, command: &str, (change, fence): &(String, String), more: &[&str]) -> Ran {
    queue.workspace.run(worker, &[&["queue", command, change, "--fence", fence], more].concat())
}

#[track_caller]
fn build(queue: &Queue, worker: &str, claim: &(String, String)) -> String {
    let ran = under(queue, worker, "build", claim, &[]);
    assert_eq!(ran.exit, 0, "{ran}");
    ran.data()["commit"].as_str().unwrap().to_owned()
}

#[track_caller]
fn complete(queue: &Queue, worker: &str, claim: &(String, String), commit: &str) -> Ran {
    under(queue, worker, "complete", claim, &["--commit", commit])
}

#[track_caller]
fn lands(ran: &Ran) {
    assert_eq!(ran.exit, 0, "{ran}");
    assert_eq!(ran.data()["events"][0]["kind"], "change.landed", "{ran}");
}

#[track_caller]
fn refused(ran: &Ran, exit: i32, code: &str) {
    ran.is_a_sentence();
    assert_eq!((ran.exit, ran.code().as_str()), (exit, code), "{ran}");
}

/// One change that walter has claimed and built: the change, his claim, the commit.
#[track_caller]
fn built(queue: &Queue) -> (String, (String, String), String) {
    let change = queue.submit("ann", "T-1", &patch(0, 2, "x"));
    let claim = lease(queue, "walter", &[]);
    let commit = build(queue, "walter", &claim);
    (change, claim, commit)
}

/// Walter's completion, which is interrupted at a point of it: `kill:moved` kills it when the branch has moved.
fn interrupted(queue: &Queue, (change, fence): &(String, String), commit: &str, interrupt: &str) -> process::Command {
    let args = ["queue", "complete", change, "--fence", fence, "--commit", commit];
    let mut command = queue.workspace.command("walter", &args);
    command.env("CONVOKE_INTERRUPT", interrupt);
    command
}

/// Waits until the log says that a claim ran out.
fn wait_for_expiry(queue: &Queue, change: &str) {
    queue.wait_for(change, "queued");
}

const SCRIPT: &str = r#"
set -eu
while :; do
    set +e; leased=$("$CONVOKE" queue lease --target main 2>err); exit=$?; set -e
    if [ $exit = 8 ]; then exit 0; elif [ $exit != 0 ]; then cat err; exit $exit; fi
    set -- $leased
    change=$1 fence=$3
    commit=$("$CONVOKE" queue build $change --fence $fence)
    git -C r.git worktree add -q --detach "$PWD/bench" $commit
    began=$(date +%s%3N)
    if (cd bench && ! grep bad f* && test -f f0) >log 2>&1; then
        took=$(($(date +%s%3N) - began))
        "$CONVOKE" queue heartbeat $change --fence $fence --lease 1m
        "$CONVOKE" queue complete $change --fence $fence --commit $commit --passed "${took}ms test -f f0"
    else
        "$CONVOKE" queue fail $change --fence $fence --class final --cause 'it is bad' --output log
    fi
    git -C r.git worktree remove --force "$PWD/bench"
done
"#;

#[test]
fn a_script_lands_what_it_tested_and_says_what_failed() {
    let queue = queue("checks = [\"test -f f0\"]");
    let bad = queue.submit("ann", "T-bad", &patch(0, 2, "bad"));
    let user = queue.user();
    git(&user, &["checkout", "-q", "-b", "work", "origin/main"]);
    fs::write(user.join("f3"), "good\n").unwrap();
    git(&user, &["commit", "-q", "-a", "-m", "On a branch"]);
    git(&user, &["push", "-q", "origin", "work"]);
    let branch = convoke_tests::queue::id_in(&queue.workspace.ok("bob", &["queue", "submit", "--branch", "work"]));
    let good = queue.submit("ann", "T-good", &patch(1, 2, "good"));
    let mut shell = process::Command::new("sh");
    let ended = shell.args(["-c", SCRIPT]).current_dir(queue.workspace.root());
    let ended = ended.env("CONVOKE", program()).env("CONVOKE_ACTOR", "builder").output().unwrap();
    let said = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
    assert!(ended.status.success(), "{said}");
    assert_eq!(queue.landed(), [branch.clone(), good.clone()], "{said}");
    let failed = queue.show(&bad);
    assert_eq!((&failed["state"], &failed["cause"]["class"]), (&json!("dead"), &json!("final")));
    assert_eq!((&failed["cause"]["text"], &failed["cause"]["output"]), (&json!("it is bad"), &json!("f0:bad\n")));
    let receipt = &queue.show(&good)["receipt"];
    assert_eq!((&receipt["checks"][0]["command"], &receipt["tree"]), (&json!("test -f f0"), &receipt["tested_tree"]));
    assert_eq!(queue.git(&["log", "-2", "--format=%an: %s", "main"]), "ann: T-good\nbob: On a branch");
    queue.is_sound();
    queue.workspace.ok(ORGANIZER, &["queue", "cleanup"]);
    assert_eq!(queue.git(&["for-each-ref", "refs/convoke"]), "", "nothing is left");
}

#[test]
fn whoever_has_an_older_claim_is_refused_whatever_it_says_and_the_branch_stands_still() {
    let queue = queue("");
    let (change, late, commit) = built(&queue);
    // As if its lease had ended, without waiting for that.
    assert_eq!(under(&queue, "walter", "return", &late, &["--reason", "asleep"]).exit, 0);
    let next = lease(&queue, "wanda", &[]);
    assert_eq!((&next.0, next.1.as_str()), (&change, "2"));
    let first = queue.git(&["rev-parse", "main"]);
    for (command, more) in [
        ("complete", &["--commit", commit.as_str()][..]),
        ("build", &[]),
        ("heartbeat", &[]),
        ("fail", &["--cause", "late"]),
        ("return", &["--reason", "late"]),
    ] {
        refused(&under(&queue, "walter", command, &late, more), 6, "stale_fence");
    }
    assert_eq!(queue.git(&["rev-parse", "main"]), first);
    // Nor under the number of a claim that is somebody else's, or that is not there yet.
    refused(&complete(&queue, "walter", &next, &commit), 6, "stale_fence");
    refused(&complete(&queue, "walter", &(change.clone(), "77".to_owned()), &commit), 6, "stale_fence");
    refused(
        &under(&queue, "walter", "return", &(change.clone(), "77".to_owned()), &["--reason", "x"]),
        6,
        "stale_fence",
    );
    lands(&complete(&queue, "wanda", &next, &commit));
    assert_eq!(queue.landed(), [change]);
    queue.is_sound();
}

#[test]
fn a_script_whose_lease_ran_out_is_refused_and_the_next_one_lands() {
    let queue = queue("");
    let change = queue.submit("ann", "T-1", &patch(0, 2, "x"));
    let late = lease(&queue, "walter", &["--lease", "1s"]);
    thread::sleep(Duration::from_millis(1100));
    wait_for_expiry(&queue, &change);
    let first = queue.git(&["rev-parse", "main"]);
    refused(&complete(&queue, "walter", &late, &first), 6, "stale_fence");
    assert_eq!(queue.git(&["rev-parse", "main"]), first);
    let next = lease(&queue, "wanda", &[]);
    let commit = build(&queue, "wanda", &next);
    lands(&complete(&queue, "wanda", &next, &commit));
    queue.is_sound();
}

#[test]
fn what_is_refused_leaves_the_branch_and_the_claim_as_they_are() {
    let queue = queue("checks = [\"true\"]");
    let (change, claim, old) = built(&queue);
    // Somebody else moves the branch.
    let theirs = queue.git(&["commit-tree", "main^{tree}", "-p", "main", "-m", "theirs"]);
    queue.git(&["update-ref", "refs/heads/main", &theirs]);
    let passed = ["--passed", "1ms true"];
    let try_with = |commit: &str, more: &[&str]| {
        under(&queue, "walter", "complete", &claim, &[&["--commit", commit], more].concat())
    };
    refused(&try_with(&old, &passed), 4, "base_moved");
    let commit = build(&queue, "walter", &claim);
    refused(&try_with(&commit, &[]), 4, "checks_missing");
    refused(&try_with(&commit, &["--passed", "1ms false"]), 4, "checks_missing");
    refused(&try_with(&theirs, &passed), 2, "bad_request");
    for head in ["HEAD", "HEAD~1", "@", "FETCH_HEAD"] {
        refused(&try_with(head, &passed), 2, "bad_request");
    }
    refused(&try_with("nowhere", &passed), 3, "no_branch");
    // A tree with another file besides.
    let user = queue.user();
    git(&user, &["fetch", "-q", "origin"]);
    git(&user, &["checkout", "-q", "-b", "more", "origin/main"]);
    fs::write(user.join("f0"), "x\n").unwrap();
    fs::write(user.join("f1"), "besides\n").unwrap();
    git(&user, &["commit", "-q", "-a", "-m", "more"]);
    git(&user, &["push", "-q", "origin", "more"]);
    let ran = try_with("more", &passed);
    refused(&ran, 4, "paths_not_named");
    assert!(ran.out.contains("f1") && !ran.out.contains("\\\"f0"), "{ran}");
    let there = queue.workspace.root().join("there");
    queue.git(&["worktree", "add", "-q", there.to_str().unwrap(), "main"]);
    refused(&try_with(&commit, &passed), 4, "branch_checked_out");
    refused(&queue.workspace.run("wanda", &["queue", "lease"]), 4, "branch_checked_out");
    queue.git(&["worktree", "remove", there.to_str().unwrap()]);
    assert_eq!(queue.git(&["rev-parse", "main"]), theirs);
    let shown = queue.show(&change);
    assert_eq!((&shown["state"], &shown["receipt"]), (&json!("leased"), &Value::Null));
    lands(&try_with(&commit, &passed));
    assert_eq!(queue.git(&["rev-parse", "main^"]), theirs);
    queue.is_sound();
}

#[test]
fn a_completion_killed_at_any_step_is_repeated_and_lands_once() {
    for point in ["announced", "moved", "recorded"] {
        let queue = queue("");
        let (change, claim, commit) = built(&queue);
        let killed = interrupted(&queue, &claim, &commit, &format!("kill:{point}")).output().unwrap();
        assert_eq!(killed.status.code(), None);
        if point == "announced" {
            refused(&under(&queue, "walter", "fail", &claim, &["--cause", "x"]), 4, "landing_begun");
        }
        lands(&complete(&queue, "walter", &claim, &commit));
        lands(&complete(&queue, "walter", &claim, &commit));
        assert_eq!(queue.landed(), std::slice::from_ref(&change), "{point}");
        let log = queue.workspace.ok(ORGANIZER, &["log", "--kind", "change.landed"]);
        let events = log["log"]["events"].as_array().unwrap();
        assert_eq!(events.len(), 1, "{point}");
        assert_eq!(events[0]["payload"]["recovered"] == true, point == "moved", "{point}");
        queue.workspace.ok(ORGANIZER, &["queue", "cleanup"]);
        queue.is_sound();
    }
}

#[test]
fn a_change_is_given_back_only_when_its_landing_can_happen_no_more() {
    let queue = queue("");
    let (change, claim, commit) = built(&queue);
    let first = queue.git(&["rev-parse", "main"]);
    let mut completes = interrupted(&queue, &claim, &commit, "stop:announced");
    let completes = completes.stdout(process::Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(completes.id()).unwrap()).unwrap();
    while queue.show(&change)["receipt"] == Value::Null {
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(under(&queue, "walter", "return", &claim, &["--reason", "impatient"]).exit, 0);
    assert_eq!(queue.state(&change), "queued");
    kill_process(pid, Signal::CONT).unwrap();
    let ended = completes.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(6), "{}", String::from_utf8_lossy(&ended.stdout));
    assert_eq!(queue.git(&["rev-parse", "main"]), first, "the branch stands still");
    assert_eq!(queue.work_all("wanda", &[]).len(), 1);
    queue.is_sound();
}

#[test]
fn giving_back_what_has_landed_records_the_landing() {
    let queue = queue("");
    let (change, claim, commit) = built(&queue);
    let killed = interrupted(&queue, &claim, &commit, "kill:moved").output().unwrap();
    assert_eq!(killed.status.code(), None);
    lands(&under(&queue, "walter", "return", &claim, &["--reason", "I know nothing of it"]));
    assert_eq!(queue.landed(), [change]);
    queue.workspace.ok(ORGANIZER, &["queue", "cleanup"]);
    queue.is_sound();
}

#[test]
fn a_lease_clears_up_what_a_killed_worker_had_begun_to_land() {
    for (point, landed) in [("announced", false), ("moved", true)] {
        let queue = queue("lease = \"1s\"\nchecks = [\"true\"]");
        let change = queue.submit("ann", "T-1", &patch(0, 2, "x"));
        assert_eq!(queue.start("walter", &["--once"], Some(&format!("kill:{point}"))).end().0, None);
        wait_for_expiry(&queue, &change);
        let ran = queue.workspace.run("wanda", &["queue", "lease", "--lease", "1m"]);
        if landed {
            assert_eq!((ran.exit, ran.code().as_str()), (8, "nothing_there"), "{ran}");
            assert!(ran.err.contains("had landed"), "{ran}");
        } else {
            let claim = (change.clone(), ran.data()["leases"][0]["fence"].to_string());
            let commit = build(&queue, "wanda", &claim);
            lands(&under(&queue, "wanda", "complete", &claim, &["--commit", &commit, "--passed", "1ms true"]));
        }
        assert_eq!(queue.landed(), [change], "{point}");
        queue.workspace.ok(ORGANIZER, &["queue", "cleanup"]);
        queue.is_sound();
    }
}

#[test]
fn what_cannot_be_built_goes_back_to_its_author() {
    let queue = queue("");
    let one = queue.submit("ann", "T-1", &patch(0, 5, "ann's"));
    let other = queue.submit("bob", "T-2", &patch(0, 5, "bob's"));
    let claim = lease(&queue, "walter", &[]);
    let commit = build(&queue, "walter", &claim);
    lands(&complete(&queue, "walter", &claim, &commit));
    let claim = lease(&queue, "walter", &[]);
    refused(&under(&queue, "walter", "build", &claim, &[]), 4, "change_ended");
    let shown = queue.show(&other);
    assert_eq!((&shown["state"], &shown["cause"]["other"]), (&json!("conflicted"), &json!(one)));
    assert_eq!(shown["cause"]["paths"], json!(["f0"]));
    assert!(queue.workspace.ok("bob", &["inbox"]).to_string().contains("T-2"));
    refused(&queue.workspace.run("walter", &["queue", "lease"]), 8, "nothing_there");
    queue.is_sound();
}

#[test]
fn a_check_that_is_not_allowed_any_more_is_given_to_nobody() {
    let queue = queue("allowed_checks = [\"test *\"]");
    let change = queue.submit_with("ann", "T-1", &patch(0, 2, "x"), &["--check", "test 1"]);
    queue.settings("");
    assert_eq!(queue.workspace.run("walter", &["queue", "lease"]).exit, 8);
    assert_eq!(queue.state(&change), "dead");
}

#[test]
fn a_claim_with_a_key_is_made_once_and_told_again() {
    let queue = queue("");
    queue.submit("ann", "T-1", &patch(0, 2, "x"));
    queue.submit("ann", "T-2", &patch(1, 2, "x"));
    let first = lease(&queue, "walter", &["--idempotency-key", "k-1"]);
    assert_eq!(lease(&queue, "walter", &["--idempotency-key", "k-1"]), first);
    let both = queue.workspace.ok("walter", &["queue", "lease", "--max", "5"]);
    assert_eq!(both["leases"].as_array().unwrap().len(), 1, "the other one: {both}");
    let again = queue.workspace.run("walter", &["queue", "lease"]);
    refused(&again, 8, "nothing_there");
    let hint = again.envelope()["error"]["hint"].clone();
    assert!(!hint.as_str().unwrap().contains("recv"), "{hint}");
}
