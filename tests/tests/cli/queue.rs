//! Handing changes in, from real repositories: what is refused is written nowhere, and what landed can be verified.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::place::Place;

/// A workspace whose folder is a git repository with a file `list` on its branch `main`, and the user on another branch.
fn place(settings: &str) -> Place {
    let place = Place::with_workspace();
    for line in [
        "git init -q -b main && git config user.name dana && git config user.email dana@here",
        "echo convoke.toml >> .git/info/exclude",
        "printf 'one\\ntwo\\nthree\\n' > list && git add list && git commit -qm 'A beginning' && git checkout -q -b desk",
    ] {
        sh(&place, line);
    }
    let written = fs::read_to_string(place.project().join("convoke.toml")).unwrap();
    fs::write(place.project().join("convoke.toml"), format!("{written}\n[queue]\n{settings}\n")).unwrap();
    place
}

#[track_caller]
fn sh(place: &Place, line: &str) -> String {
    let output = place.shell(line);
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn file(place: &Place, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = place.root().join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn request(task: &str, path: &str) -> String {
    json!({"task_id": task, "agent": "ann", "changes": [{"path": path, "operation": "add", "content": "x\n"}]})
        .to_string()
}

/// Everything that lies in the workspace's folder, apart from the daemon's own files.
fn contents_and_refs(place: &Place) -> (bool, String) {
    (place.project().join(".convoke/blobs").exists(), sh(place, "git for-each-ref"))
}

#[test]
fn what_is_refused_is_written_nowhere() {
    let place = place("protected = ['release/*']");
    sh(&place, "git branch release/1");
    sh(&place, "git checkout -qb leak && ln -s /etc/passwd leak && git add leak && git commit -qm leak");
    sh(&place, "git checkout -qb module desk && git update-index --add --cacheinfo 160000,$(git rev-parse main),m");
    sh(
        &place,
        "git commit -qm module && git checkout -q --orphan lone && git commit -qm lone && git checkout -qf desk",
    );
    sh(
        &place,
        "git checkout -qb odd && printf x > \"$(printf 'a\\377b')\" && git add . && git commit -qm odd && git checkout -q desk",
    );
    let diff = |from: &str, to: &str| format!("--- {from}\n+++ {to}\n@@ -0,0 +1 @@\n+x\n");
    let patch = |name: &str, bytes: &[u8]| {
        vec!["--task".to_owned(), "t".to_owned(), "--patch".to_owned(), file(&place, name, bytes)]
    };
    let branch = |name: &str| vec!["--branch".to_owned(), name.to_owned()];
    let json = |name: &str, text: &str| vec![file(&place, name, text)];
    let cases: Vec<(Vec<String>, &str, i32)> = vec![
        (patch("up", diff("/dev/null", "b/../up").as_bytes()), "invalid_change", 1),
        (patch("absolute", diff("/dev/null", "/etc/absolute").as_bytes()), "invalid_change", 1),
        (patch("git", diff("/dev/null", "b/.git/hooks/x").as_bytes()), "invalid_change", 1),
        (patch("odd", diff("/dev/null", "\"b/\\377\"").as_bytes()), "invalid_change", 1),
        (patch("latin", b"--- a/list\n+++ b/list\n@@ -1 +1 @@\n-one\n+\xff\n"), "invalid_change", 1),
        (patch("cut", b"--- a/list\n+++ b/list\n@@ -1,3 +1,3 @@\n-one\n"), "invalid_change", 1),
        (patch("nothing", b""), "invalid_change", 1),
        (patch("large", &vec![b'x'; 50 * 1024 * 1024]), "over_limit", 4),
        (
            patch("long", &[diff("/dev/null", "b/x").as_bytes(), &vec![b'+'; 17 * 1024 * 1024]].concat()),
            "invalid_change",
            1,
        ),
        (json("no-json", "hello"), "invalid_change", 1),
        (json("list", "[]"), "invalid_change", 1),
        (json("changes", r#"{"task_id":"t","agent":"ann","changes":[]}"#), "invalid_change", 1),
        (json("id", &request("k7q2m9xa", "x")), "invalid_change", 1),
        (
            [json("protected", &request("t", "x")), vec!["--target".into(), "release/1".into()]].concat(),
            "protected_branch",
            5,
        ),
        (
            [json("spelt", &request("t", "x")), vec!["--target".into(), "refs/heads/release/1".into()]].concat(),
            "protected_branch",
            5,
        ),
        ([json("gone", &request("t", "x")), vec!["--target".into(), "mian".into()]].concat(), "no_branch", 3),
        ([json("option", &request("t", "x")), vec!["--target=--all".into()]].concat(), "no_branch", 3),
        ([json("check", &request("t", "x")), vec!["--check".into(), "true".into()]].concat(), "check_not_allowed", 5),
        (vec!["/nowhere.json".into()], "not_found", 3),
        (branch("leak"), "invalid_change", 1),
        (branch("module"), "invalid_change", 1),
        (branch("lone"), "invalid_change", 1),
        (branch("odd"), "invalid_change", 1),
        (branch("desk"), "invalid_change", 1),
        (branch("nowhere"), "no_branch", 3),
        (vec!["--commit=--all".into(), "--task".into(), "t".into()], "no_branch", 3),
    ];
    let before = (place.size(), contents_and_refs(&place));
    for (arguments, code, exit) in cases {
        let arguments: Vec<&str> =
            ["queue", "submit"].into_iter().chain(arguments.iter().map(String::as_str)).collect();
        assert_eq!(place.refused("ann", &arguments, exit)["code"], code, "{arguments:?}");
    }
    assert_eq!((place.size(), contents_and_refs(&place)), before);
}

#[test]
fn a_binary_patch_is_taken_in_if_it_says_how_the_file_changes() {
    let place = place("");
    sh(&place, "head -c 2000 /dev/urandom > noise && git add noise && git commit -qm noise");
    sh(&place, "git diff --binary main > whole.diff && git diff main > without.diff");
    place.ok("ann", &["queue", "submit", "--patch", "whole.diff", "--task", "t"]);
    let refused = place.refused("ann", &["queue", "submit", "--patch", "without.diff", "--task", "u"], 1);
    assert!(refused["message"].as_str().unwrap().contains("--binary"), "{refused}");
    land(&place);
    assert_eq!(sh(&place, "git cat-file blob main:noise | cmp - noise && echo same"), "same\n");
}

/// Runs the program where there is no git.
fn without_git(place: &Place, arguments: &[&str]) -> (Option<i32>, String) {
    let output = place.command("ann", arguments).env("PATH", place.root().join("bin")).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn without_git_or_a_repository_no_change_is_blamed() {
    let place = place("");
    let dropped = place.project().join("dropped");
    fs::create_dir(&dropped).unwrap();
    let request = json!({"task_id": "t", "agent": "ann", "changes":
        [{"path": "list", "operation": "update", "patch": "@@ -1 +1 @@\n-one\n+ONE\n"}]})
    .to_string();
    fs::write(dropped.join("a.json"), &request).unwrap();
    for arguments in [
        &["queue", "submit", "dropped/a.json"][..],
        &["queue", "validate", "dropped/a.json"],
        &["queue", "watch-dir", "dropped", "--once"],
    ] {
        let (exit, error) = without_git(&place, arguments);
        assert_eq!(exit, Some(1), "{arguments:?}: {error}");
        assert!(error.starts_with("error[no_git]"), "{arguments:?}: {error}");
    }
    fs::rename(place.project().join(".git"), place.root().join("elsewhere")).unwrap();
    assert_eq!(place.refused("ann", &["queue", "watch-dir", "dropped", "--once"], 3)["code"], "no_repository");
    assert_eq!(fs::read_to_string(dropped.join("a.json")).unwrap(), request, "the file stays");
    fs::rename(place.root().join("elsewhere"), place.project().join(".git")).unwrap();
    place.ok("dana", &["queue", "watch-dir", "dropped", "--once"]);
    assert!(dropped.join("taken/a.json").exists());
}

/// Lets a worker land everything.
fn land(place: &Place) {
    place.ok("w1", &["queue", "worker", "--until-empty", "--lanes", "1"]);
}

fn state(place: &Place, change: &str) -> Value {
    place.data("dana", &["queue", "show", change])["change"]["state"].clone()
}

#[test]
fn a_branch_that_is_deleted_after_it_was_handed_in_lands_all_the_same() {
    let place = place("");
    sh(&place, "git checkout -qb short && echo four >> list && git commit -qam four && git checkout -q desk");
    place.ok("ann", &["queue", "submit", "--branch", "short"]);
    sh(&place, "git branch -D short && git reflog expire --expire=now --all && git gc -q --prune=now");
    land(&place);
    assert_eq!(state(&place, "short"), "landed");
    assert_eq!(sh(&place, "git show main:list"), "one\ntwo\nthree\nfour\n");
}

#[test]
fn a_verification_finds_a_branch_that_lost_what_had_landed() {
    let place = place("");
    for task in ["t-1", "t-2"] {
        let name = file(&place, task, request(task, task));
        place.ok("ann", &["queue", "submit", &name]);
    }
    land(&place);
    let verified = place.data("dana", &["verify", "--git"]);
    assert_eq!(verified["git"], json!({"receipts": 2, "targets": 1, "contents": 2}));
    let wrong = |line: &str| {
        sh(&place, line);
        let error = place.refused("dana", &["verify", "--git"], 9);
        assert_eq!(error["code"], "receipt_wrong", "{line}");
    };
    sh(&place, "git branch kept main");
    wrong("git update-ref refs/heads/main main~1");
    wrong("git update-ref refs/heads/main $(git commit-tree kept^{tree} -p kept~1 -m 'the same tree')");
    wrong("git update-ref -d refs/heads/main");
    sh(&place, "git branch main kept");
    place.ok("dana", &["verify", "--git"]);
    // A later commit of somebody else is no loss.
    sh(&place, "git update-ref refs/heads/main $(git commit-tree main^{tree} -p main -m 'by hand')");
    place.ok("dana", &["verify", "--git"]);
}

#[test]
fn a_verification_finds_a_content_that_is_damaged_or_missing() {
    let place = place("");
    place.ok("ann", &["queue", "submit", &file(&place, "r.json", request("t-1", "x"))]);
    let blob = sh(&place, "find .convoke/blobs -type f");
    let blob = place.project().join(blob.trim_end());
    let content = fs::read(&blob).unwrap();
    let wrong = |code: &str| assert_eq!(place.refused("dana", &["verify", "--git"], 9)["code"], code);
    fs::write(&blob, b"[]").unwrap();
    wrong("content_damaged");
    fs::remove_file(&blob).unwrap();
    wrong("content_damaged");
    place.ok("ann", &["queue", "cancel", "t-1"]);
    place.ok("dana", &["verify", "--git"]);
    fs::write(&blob, content).unwrap();
}

#[test]
fn one_who_was_interrupted_takes_each_file_in_once() {
    let place = place("");
    let dropped = place.project().join("dropped");
    fs::create_dir_all(dropped.join("taken")).unwrap();
    let watch = || place.ok("dana", &["queue", "watch-dir", "dropped", "--once"]);
    fs::write(dropped.join("a.json"), request("t-1", "x")).unwrap();
    watch();
    land(&place);
    let size = place.size();
    // As after a crash between the log and the move, and although the change has landed meanwhile.
    fs::rename(dropped.join("taken/a.json"), dropped.join("a.json")).unwrap();
    assert!(watch().contains("handed in before"));
    assert_eq!(place.size(), size);
    assert!(dropped.join("taken/a.json").exists() && !dropped.join("a.json").exists());
}

#[test]
fn a_file_that_is_dropped_slowly_is_taken_when_it_is_whole() {
    let place = place("");
    let dropped = place.project().join("dropped");
    fs::create_dir(&dropped).unwrap();
    let mut watcher =
        place.command("dana", &["queue", "watch-dir", "dropped"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    let whole = request("t-1", "x");
    for end in [10, 30, 50, whole.len()] {
        fs::write(dropped.join("a.json"), &whole[..end]).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(700));
    }
    assert!(wait_for(&dropped.join("taken/a.json")));
    watcher.kill().unwrap();
    watcher.wait().unwrap();
    assert_eq!(state(&place, "t-1"), "queued");
    assert_eq!(fs::read_dir(dropped.join("rejected")).unwrap().count(), 0);
}

fn wait_for(file: &Path) -> bool {
    (0..200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        file.exists()
    })
}

#[test]
fn a_dead_change_can_be_put_back_after_its_branch_is_gone_and_all_is_cleaned_up() {
    let place = place("allowed_checks = ['test *']");
    sh(&place, "git checkout -qb short && echo four >> list && git commit -qam four && git checkout -q desk");
    place.ok("ann", &["queue", "submit", "--branch", "short", "--check", "test 1"]);
    // Whoever keeps the settings thinks better of it: such a change is given up at once.
    let settings = place.project().join("convoke.toml");
    let written = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, written.replace("'test *'", "")).unwrap();
    land(&place);
    assert_eq!(state(&place, "short"), "dead");
    assert_eq!(place.data("dana", &["status"])["status"]["queue"], json!({"dead": 1}));
    place.ok("dana", &["queue", "cleanup"]);
    sh(&place, "git branch -D short && git reflog expire --expire=now --all && git gc -q --prune=now");
    fs::write(&settings, written).unwrap();
    place.ok("dana", &["queue", "requeue", "short"]);
    land(&place);
    assert_eq!(sh(&place, "git show main:list"), "one\ntwo\nthree\nfour\n");
}

#[test]
fn nothing_is_kept_of_what_has_ended() {
    let place = place("");
    sh(&place, "git checkout -qb short && echo four >> list && git commit -qam four && git checkout -q desk");
    place.ok("ann", &["queue", "submit", "--branch", "short"]);
    let kept = || sh(&place, "git for-each-ref refs/convoke").lines().count();
    place.ok("dana", &["queue", "cleanup"]);
    assert_eq!(kept(), 1);
    land(&place);
    place.ok("dana", &["queue", "cleanup"]);
    assert_eq!(kept(), 0);
}
