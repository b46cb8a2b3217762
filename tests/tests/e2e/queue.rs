//! The queue from end to end: changes land on a real git branch, once, tested, and say why if they do not.

use std::{fs, thread, time::Duration};

use convoke_tests::{
    queue::{Queue, count, git, id_in, new_file, patch, text},
    workspace::{ORGANIZER, Workspace},
};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::program;

fn queue(settings: &str) -> Queue {
    Queue::new(program(), settings)
}

#[test]
fn changes_of_many_agents_land_once_each_in_trees_that_were_tested() {
    let queue = queue("lanes = 3\nbatch = 3\nchecks = [\"test -f f0\"]");
    let mut handed_in = Vec::new();
    for number in 0..12 {
        let agent = format!("agent-{}", number % 4);
        handed_in.push(queue.submit(&agent, &format!("T-{number}"), &patch(number, 3, &format!("new {number}"))));
    }
    let user = queue.user();
    for number in 12..15 {
        let branch = format!("work-{number}");
        git(&user, &["checkout", "-q", "-b", &branch, "origin/main"]);
        fs::write(user.join(format!("f{number}")), text(number, &[(5, "by branch")])).unwrap();
        git(&user, &["commit", "-q", "-a", "-m", "On a branch\n\nWith a reason."]);
        git(&user, &["push", "-q", "origin", &branch]);
        let answer = queue.workspace.ok("brigitte", &["queue", "submit", "--branch", &branch]);
        handed_in.push(id_in(&answer));
    }
    let request = json!({
        "task_id": "T-request", "agent": "carol", "metadata": {"intent": "A new file and one less"},
        "changes": [
            {"path": "new/file", "operation": "add", "content": "hello\n"},
            {"path": "f20", "operation": "delete"},
            {"path": "f21", "operation": "update", "patch": "@@ -1,2 +1,2 @@\n-21 0\n+twenty-one\n 21 1\n"},
        ],
    });
    let ran = queue.workspace.run_with_input("carol", &["queue", "submit", "-"], request.to_string().as_bytes());
    assert_eq!(ran.exit, 0, "{ran}");
    let outcomes = queue.work_all("walter", &[]);
    assert_eq!(count(&outcomes, "landed"), 16, "{outcomes:#?}");
    for number in 0..12 {
        assert_eq!(queue.file(&format!("f{number}")), text(number, &[(3, &format!("new {number}"))]).trim_end());
    }
    assert_eq!(queue.file("f14"), text(14, &[(5, "by branch")]).trim_end());
    assert_eq!(queue.file("new/file"), "hello");
    assert!(queue.file("f21").starts_with("twenty-one\n"));
    assert!(!queue.git(&["ls-tree", "--name-only", "main"]).lines().any(|name| name == "f20"));
    let authors = queue.git(&["log", "--format=%an: %s", "main"]);
    for line in ["agent-0: T-0", "brigitte: On a branch", "carol: A new file and one less"] {
        assert!(authors.lines().any(|author| author == line), "{line} in {authors}");
    }
    for change in &handed_in {
        let shown = queue.show(change);
        assert_eq!(shown["state"], "landed");
        let receipt = &shown["receipt"];
        assert_eq!(receipt["tested_tree"], receipt["tree"]);
        assert_eq!(receipt["checks"][0]["command"], "test -f f0");
    }
    queue.is_sound();
    assert_eq!(queue.git(&["for-each-ref", "refs/convoke/fence"]), "", "no fence of an ended change is left");
}

#[test]
fn a_change_that_does_not_apply_is_handed_back_with_its_conflict() {
    let queue = queue("");
    let one = queue.submit("ann", "T-1", &patch(0, 5, "ann's"));
    let other = queue.submit("bob", "T-2", &patch(0, 5, "bob's"));
    let far = queue.submit("cleo", "T-3", &patch(0, 10, "cleo's"));
    let outcomes = queue.work_all("walter", &[]);
    assert_eq!((count(&outcomes, "landed"), count(&outcomes, "conflicted")), (2, 1), "{outcomes:#?}");
    let shown = queue.show(&other);
    assert_eq!(shown["state"], "conflicted");
    assert_eq!((&shown["cause"]["paths"], &shown["cause"]["other"]), (&json!(["f0"]), &json!(one)));
    assert!(shown["cause"]["output"].as_str().unwrap().contains("patch failed: f0:5"), "{shown}");
    let letters = queue.workspace.ok("bob", &["inbox"]).to_string();
    assert!(letters.contains("T-2"), "{letters}");
    assert_eq!(queue.state(&far), "landed");
    assert_eq!(queue.file("f0"), text(0, &[(5, "ann's"), (10, "cleo's")]).trim_end());
    queue.is_sound();
}

#[test]
fn a_change_waits_for_those_it_collides_with_as_long_as_they_are_not_decided() {
    // Ann's change fails its check, so that bob's, which collides with it, is the one that applies.
    let queue = queue("lanes = 2\nchecks = [\"sleep 0.3; ! grep -q broken f0\"]");
    let ann = queue.submit("ann", "T-1", &patch(0, 5, "broken"));
    let bob = queue.submit("bob", "T-2", &patch(0, 5, "fine"));
    let after = queue.submit("cleo", "T-3", &patch(0, 9, "after"));
    let worker = queue.start("walter", &["--lanes", "2"], None);
    queue.wait_for(&after, "landed");
    worker.signal(Signal::TERM);
    let (exit, out, err) = worker.end();
    assert_eq!(exit, Some(0), "{out}{err}");
    assert_ne!(queue.state(&ann), "landed");
    assert_eq!(queue.landed(), [bob, after], "what overlaps keeps its order");
}

#[test]
fn a_failing_check_is_told_with_its_output_and_innocent_batch_mates_land() {
    let queue = queue("lanes = 1\nbatch = 8\nchecks = [\"! grep -l poison f* || { echo seen >&2; exit 7; }\"]");
    let mut innocent = Vec::new();
    for number in 0..8 {
        let new = if number == 5 { "poison" } else { "fine" };
        let change = queue.submit("ann", &format!("T-{number}"), &patch(number, 2, new));
        if number != 5 {
            innocent.push(change);
        }
    }
    let worker = queue.start("walter", &["--batch", "8"], None);
    for change in &innocent {
        queue.wait_for(change, "landed");
    }
    worker.signal(Signal::TERM);
    assert_eq!(worker.end().0, Some(0));
    // On a slow machine its pause may be over, and its last attempt begun.
    let log = queue.workspace.ok("ann", &["log", "--kind", "change.failed"]);
    let failed = log["log"]["events"].as_array().unwrap();
    assert_eq!(failed.len(), 1, "tried once more before it was blamed, and that is one failure: {log}");
    let cause = &failed[0]["payload"];
    assert_eq!((&cause["output"], &cause["class"]), (&json!("f5\nseen\n"), &json!("check")));
    assert!(cause["cause"].as_str().unwrap().ends_with("ended with 7, twice"), "{cause}");
    assert!(!queue.file("f5").contains("poison"));
    queue.is_sound();
}

/// A merge follows a file that was renamed: it would touch one that the change does not name.
#[test]
fn a_branch_whose_file_was_renamed_meanwhile_conflicts() {
    let queue = queue("");
    let user = queue.user();
    git(&user, &["checkout", "-q", "-b", "edits", "origin/main"]);
    fs::write(user.join("f0"), text(0, &[(5, "edited")])).unwrap();
    git(&user, &["commit", "-q", "-a", "-m", "Edit"]);
    git(&user, &["checkout", "-q", "-b", "renames", "origin/main"]);
    git(&user, &["mv", "f0", "g0"]);
    git(&user, &["commit", "-q", "-a", "-m", "Rename"]);
    git(&user, &["push", "-q", "origin", "edits", "renames"]);
    let submit = |branch: &str| id_in(&queue.workspace.ok("ann", &["queue", "submit", "--branch", branch]));
    let (renames, edits) = (submit("renames"), submit("edits"));
    queue.work_all("walter", &[]);
    assert_eq!((queue.state(&renames), queue.state(&edits)), ("landed".to_owned(), "conflicted".to_owned()));
    let cause = &queue.show(&edits)["cause"];
    assert_eq!(cause["paths"], json!(["g0"]));
    assert!(cause["output"].as_str().unwrap().contains("renamed on the branch"), "{cause}");
    queue.is_sound();
}

#[test]
fn a_change_that_fails_again_and_again_is_dead_with_its_cause() {
    let queue = queue("checks = [\"exit 3\"]");
    let change = queue.submit("ann", "T-1", &patch(0, 2, "x"));
    let outcomes = queue.work_all("walter", &[]);
    assert_eq!(count(&outcomes, "failed"), 2, "{outcomes:#?}");
    let shown = queue.show(&change);
    assert_eq!((&shown["state"], &shown["failures"]), (&json!("dead"), &json!(2)));
    let cause = shown["cause"]["text"].as_str().unwrap();
    assert!(cause.ends_with("ended with 3, again, in attempt 2"), "{cause}");
    assert!(queue.workspace.ok("ann", &["inbox"]).to_string().contains("T-1"));
    queue.is_sound();
}

#[test]
fn a_change_that_failed_is_tried_by_itself_and_one_run_decides() {
    let queue = queue("");
    let (runs, change) = (queue.workspace.root().join("runs"), patch(0, 2, "guilty"));
    let check = format!("cat f* | grep -c -e guilty -e fine >> {}; ! grep -q guilty f*", runs.display());
    queue.settings(&format!("lanes = 1\nattempts = 3\nchecks = [{check:?}]"));
    queue.submit("ann", "T-1", &change);
    let outcomes = queue.work_all("walter", &[]);
    assert_eq!((count(&outcomes, "failed"), &queue.show("T-1")["failures"]), (3, &json!(3)));
    // Twice before it was blamed, and once in each attempt after that.
    assert_eq!(std::fs::read_to_string(&runs).unwrap(), "1\n1\n1\n1\n");
}

#[test]
fn a_check_that_fails_by_chance_is_tried_once_more_and_blames_nobody() {
    let queue = queue("");
    let mark = queue.workspace.root().join("ran-once");
    let check = format!("test -e {mark} || {{ touch {mark}; exit 1; }}", mark = mark.display());
    queue.settings(&format!("checks = [{check:?}]"));
    let change = queue.submit("ann", "T-1", &patch(0, 2, "x"));
    let outcomes = queue.work_all("walter", &[]);
    assert_eq!((count(&outcomes, "landed"), count(&outcomes, "failed")), (1, 0), "{outcomes:#?}");
    let checks = &queue.show(&change)["receipt"]["checks"];
    assert_eq!((&checks[0]["command"], &checks[0]["runs"]), (&json!(check), &json!(2)));
    queue.is_sound();
}

#[test]
fn each_request_is_tested_with_its_own_checks_and_only_with_allowed_ones() {
    let queue = queue("lanes = 2\nallowed_checks = [\"grep -q good *\", \"false\"]");
    let good = queue.submit_with("ann", "T-1", &patch(0, 2, "good"), &["--check", "grep -q good f0"]);
    let bad = queue.submit_with("ann", "T-2", &patch(1, 2, "bad"), &["--check", "grep -q good f1"]);
    let forbidden = queue.submit_with("ann", "T-3", &patch(2, 2, "x"), &["--check", "false"]);
    queue.settings("lanes = 2\nallowed_checks = [\"grep -q good *\"]");
    let outcomes = queue.work_all("walter", &[]);
    assert_eq!(count(&outcomes, "landed"), 1, "{outcomes:#?}");
    assert_eq!(queue.state(&good), "landed");
    assert_eq!((queue.state(&bad), queue.show(&bad)["failures"].clone()), ("dead".to_owned(), json!(2)));
    let shown = queue.show(&forbidden);
    assert_eq!(
        (&shown["state"], &shown["failures"], &shown["cause"]["class"]),
        (&json!("dead"), &json!(1), &json!("final"))
    );
    assert!(shown["cause"]["text"].as_str().unwrap().contains("allowed_checks"), "{shown}");
    queue.is_sound();
}

#[test]
fn a_branch_that_somebody_else_moves_during_a_check_keeps_what_they_put_there() {
    let queue = queue("");
    let theirs = queue.git(&["commit-tree", "main^{tree}", "-p", "main", "-m", "theirs"]);
    let mark = queue.workspace.root().join("moved");
    let check = format!(
        "test -e {mark} || {{ touch {mark}; git -C {repository} update-ref refs/heads/main {theirs}; }}",
        mark = mark.display(),
        repository = queue.repository().display()
    );
    queue.settings(&format!("checks = [{check:?}]"));
    let change = queue.submit("ann", "T-1", &patch(0, 2, "x"));
    let outcomes = queue.work_all("walter", &[]);
    assert_eq!((count(&outcomes, "landed"), count(&outcomes, "returned")), (1, 1), "{outcomes:#?}");
    assert_eq!(queue.show(&change)["receipt"]["base"], theirs);
    assert_eq!(queue.git(&["rev-parse", "main^"]), theirs);
    queue.is_sound();
}

#[test]
fn two_workers_at_once_never_hold_one_change() {
    let queue = queue("lanes = 2\nbatch = 2\nchecks = [\"sleep 0.05\"]");
    for number in 0..16 {
        queue.submit("ann", &format!("T-{number}"), &patch(number, 2, "x"));
    }
    let workers = ["walter", "wanda", "wim"].map(|name| queue.start(name, &["--until-empty"], None));
    for worker in workers {
        let (exit, out, err) = worker.end();
        assert_eq!(exit, Some(0), "{out}{err}");
    }
    let log = queue.workspace.ok(ORGANIZER, &["log", "--limit", "1000", "--kind", "change"]);
    let mut held: std::collections::BTreeMap<String, bool> = std::collections::BTreeMap::new();
    for event in log["log"]["events"].as_array().unwrap() {
        let change = event["payload"]["change"].as_str().unwrap_or_default().to_owned();
        match event["kind"].as_str().unwrap() {
            "change.leased" => assert_ne!(held.insert(change, true), Some(true), "held twice: {event}"),
            "change.returned" | "change.lease_expired" | "change.landed" => {
                held.insert(change, false);
            }
            _ => {}
        }
    }
    assert_eq!(held.len(), 16);
    assert_eq!(queue.landed().len(), 16);
    queue.is_sound();
}

#[test]
fn a_worker_that_is_told_to_stop_gives_everything_back_and_leaves_nothing() {
    let queue = queue("lanes = 2\nbatch = 1\nchecks = [\"sleep 1000\"]");
    let changes = [0, 1, 2].map(|number| queue.submit("ann", &format!("T-{number}"), &patch(number, 2, "x")));
    let worker = queue.start("walter", &[], None);
    queue.wait_for(&changes[0], "leased");
    thread::sleep(Duration::from_millis(300));
    worker.signal(Signal::INT);
    let (exit, out, err) = worker.end();
    assert_eq!(exit, Some(0), "{out}{err}");
    for change in &changes {
        let shown = queue.show(change);
        assert_eq!((&shown["state"], &shown["failures"]), (&json!("queued"), &json!(0)));
    }
    let folder = queue.workspace.inside("worktrees");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "no worktree is left");
    queue.is_sound();
}

#[test]
fn a_change_that_is_withdrawn_while_it_is_tested_does_not_land() {
    let queue = queue("checks = [\"sleep 1\"]\nlease = \"1s\"");
    let gone = queue.submit("ann", "T-1", &patch(0, 2, "x"));
    let stays = queue.submit("ann", "T-2", &patch(1, 2, "x"));
    let worker = queue.start("walter", &["--until-empty"], None);
    queue.wait_for(&gone, "leased");
    queue.workspace.ok("ann", &["queue", "cancel", &gone]);
    let (exit, out, err) = worker.end();
    assert_eq!(exit, Some(0), "{out}{err}");
    assert_eq!((queue.state(&gone), queue.state(&stays)), ("cancelled".to_owned(), "landed".to_owned()));
    assert_eq!(queue.landed(), [stays]);
    queue.is_sound();
}

#[test]
fn a_worker_that_cannot_work_says_why_before_it_claims_anything() {
    let queue = queue("");
    let change = queue.submit("ann", "T-1", &patch(0, 2, "x"));
    let code = |ran: &convoke_tests::workspace::Ran| {
        ran.is_a_sentence();
        (ran.exit, ran.code())
    };
    assert_eq!(code(&queue.work("walter", &["--once", "--target", "gone"])), (3, "no_branch".to_owned()));
    let user = queue.user();
    git(&user, &["worktree", "list"]);
    let there = queue.workspace.root().join("there");
    git(queue.repository(), &["worktree", "add", "-q", there.to_str().unwrap(), "main"]);
    let ran = queue.work("walter", &["--once"]);
    assert_eq!(code(&ran), (4, "branch_checked_out".to_owned()));
    assert!(ran.out.contains("there"), "it says where: {ran}");
    git(queue.repository(), &["worktree", "remove", there.to_str().unwrap()]);
    let mut without_git = queue.workspace.command("walter", &["queue", "worker", "--once"]);
    let ended = without_git.env("PATH", "/nowhere").output().unwrap();
    let said: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!((ended.status.code(), &said["error"]["code"]), (Some(1), &json!("no_git")));
    assert_eq!((queue.state(&change).as_str(), queue.show(&change)["fence"].clone()), ("queued", json!(0)));
    let busy = queue.start("walter", &[], None);
    queue.wait_for(&change, "landed");
    assert_eq!(code(&queue.work("walter", &["--once"])), (4, "worker_runs".to_owned()));
    assert_eq!(code(&queue.work("wanda", &["--once"])), (8, "nothing_there".to_owned()));
    drop(busy);
}

#[test]
fn a_new_file_and_a_change_of_it_land_in_the_order_in_which_they_were_handed_in() {
    let queue = queue("lanes = 2\nchecks = [\"true\"]");
    let made = queue.submit("ann", "T-1", &new_file("d/new", "one"));
    let changed = queue.submit("bob", "T-2", "--- a/d/new\n+++ b/d/new\n@@ -1 +1 @@\n-one\n+two\n");
    queue.work_all("walter", &[]);
    assert_eq!(queue.landed(), [made, changed]);
    assert_eq!(queue.file("d/new"), "two");
    queue.is_sound();
}

#[test]
fn the_members_of_a_role_may_approve_and_what_is_recorded_are_actors() {
    let rule = "[[queue.approvals]]\nneeded = 2\nof = [\"carol\", \"reviewers\"]\n";
    let queue = queue(&format!("{rule}[roles]\nreviewers = [\"ann\", \"bob\"]"));
    let change = queue.submit("ann", "T-1", &patch(0, 2, "x"));
    let shown = queue.show(&change);
    assert_eq!(shown["approval"], json!({"needed": 2, "of": ["ann", "bob", "carol"]}));
    assert_eq!((&shown["approvals_missing"], &shown["may_approve"]), (&json!(2), &json!(["bob", "carol"])));
    assert_eq!(queue.workspace.run("ann", &["queue", "approve", &change]).code(), "not_a_reviewer");
    // What a role means later changes nothing for what was handed in before.
    queue.settings(&format!("{rule}[roles]\nreviewers = [\"eve\", \"finn\"]"));
    assert_eq!(queue.workspace.run("eve", &["queue", "approve", &change]).code(), "not_a_reviewer");
    queue.workspace.ok("bob", &["queue", "approve", &change]);
    let list = queue.workspace.ok(ORGANIZER, &["queue", "list"]);
    let line = &list["changes"]["changes"][0];
    assert_eq!((&line["approvals_missing"], &line["may_approve"]), (&json!(1), &json!(["carol"])), "{line}");
    queue.workspace.ok("carol", &["queue", "approve", &change]);
    let shown = queue.show(&change);
    assert_eq!((&shown["state"], &shown["may_approve"]), (&json!("queued"), &Value::Null));
    queue.settings("[roles]\nreviewers = [\"owners\"]\nowners = [\"ann\"]");
    let ran = queue.workspace.run_with_input("ann", &["queue", "submit", "--patch", "-", "--task", "t"], b"");
    assert_eq!(ran.code(), "bad_settings", "{ran}");
    assert!(ran.out.contains("reviewers names owners, which is a role"), "{ran}");
}

#[test]
fn duplicates_are_counted_by_the_daemon_while_it_runs_and_by_nobody_else() {
    let queue = queue("");
    let metrics = |more: &[&str]| {
        queue.workspace.ok(ORGANIZER, &[&["queue", "metrics"], more].concat())["queue_metrics"]["duplicates_answered"]
            .clone()
    };
    let prometheus =
        |more: &[&str]| queue.workspace.run_plain(&[&["queue", "metrics", "--prometheus"], more].concat()).out;
    let change = queue.submit("ann", "T-1", &patch(0, 2, "x"));
    assert_eq!(metrics(&[]), 0);
    for _ in 0..3 {
        assert_eq!(queue.submit("ann", "T-1", &patch(0, 2, "x")), change);
    }
    queue.submit("ann", "T-2", &patch(0, 2, "x"));
    assert_eq!(metrics(&[]), 3);
    assert!(prometheus(&[]).contains("\nconvoke_queue_duplicates_total 3\n"), "{}", prometheus(&[]));
    assert_eq!(metrics(&["--as-of", "1"]), Value::Null);
    queue.workspace.stop_daemon();
    assert_eq!(metrics(&["--no-daemon"]), Value::Null);
    assert!(!prometheus(&["--no-daemon"]).contains("duplicates"));
    assert_eq!(metrics(&[]), 0, "since this daemon started");
}

#[test]
fn two_workspaces_on_one_repository_keep_and_clean_up_their_own_commits() {
    let queue = queue("");
    let other = Workspace::new(program());
    let settings = format!("[queue]\nrepository = {:?}\n", queue.repository().to_str().unwrap());
    fs::write(other.root().join("convoke.toml"), settings).unwrap();
    let user = queue.user();
    git(&user, &["checkout", "-q", "-b", "work", "origin/main"]);
    fs::write(user.join("f1"), "by branch").unwrap();
    git(&user, &["commit", "-q", "-a", "-m", "On a branch"]);
    git(&user, &["push", "-q", "origin", "work"]);
    for workspace in [&queue.workspace, &other] {
        workspace.ok("ann", &["queue", "submit", "--branch", "work"]);
    }
    let kept = || queue.git(&["for-each-ref", "refs/convoke/keep"]).lines().count();
    assert_eq!(kept(), 2);
    queue.workspace.ok("ann", &["queue", "cancel", "work"]);
    assert_eq!(queue.workspace.ok(ORGANIZER, &["queue", "cleanup"])["kept_commits"], 1);
    assert_eq!((kept(), &queue.workspace.ok(ORGANIZER, &["queue", "cleanup"])["kept_commits"]), (1, &json!(0)));
    other.ok("ann", &["queue", "cancel", "work"]);
    assert_eq!(other.ok(ORGANIZER, &["queue", "cleanup"])["kept_commits"], 1);
    assert_eq!(kept(), 0);
}
