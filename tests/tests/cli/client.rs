//! What a user of the program can rely on, whatever the command.

use std::{
    fs,
    io::{Read as _, Write as _},
    process::Stdio,
};

use serde_json::{Value, json};

use crate::place::Place;

#[test]
fn an_agent_that_forgets_its_name_does_not_pass_for_the_human() {
    let place = Place::with_workspace();
    let before = place.size();
    let output = place.shell("convoke send bob hello </dev/null");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("error[actor_required]"));
    assert_eq!(place.size(), before);
}

#[test]
fn the_same_key_and_command_is_done_once() {
    let place = Place::with_workspace();
    let send = ["send", "bob", "hello", "--idempotency-key", "k1"];
    let first = place.data("dana", &send);
    let size = place.size();
    let again = place.data("dana", &send);
    assert_eq!(first["events"], again["events"]);
    assert_eq!(again["repeated"], true);
    assert_eq!(place.refused("dana", &["send", "bob", "other", "--idempotency-key", "k1"], 4)["code"], "key_reused");
    assert_eq!(place.size(), size);
}

#[test]
fn without_a_key_two_equal_commands_are_two() {
    let place = Place::with_workspace();
    place.ok("dana", &["send", "bob", "hello"]);
    place.ok("dana", &["send", "bob", "hello"]);
    assert_eq!(place.data("bob", &["inbox"])["inbox"]["messages"].as_array().unwrap().len(), 2);
}

#[test]
fn a_command_is_refused_if_the_head_is_not_the_expected_one() {
    let place = Place::with_workspace();
    assert_eq!(place.refused("dana", &["send", "bob", "hello", "--expect-head", "7"], 4)["code"], "head_moved");
    place.ok("dana", &["send", "bob", "hello", "--expect-head", "1"]);
}

#[test]
fn every_view_can_be_asked_for_an_earlier_state() {
    let place = Place::with_workspace();
    place.ok("dana", &["schedule", "review", "+1h", "--attendees", "bob"]);
    place.ok("dana", &["campaign", "create", "release"]);
    place.ok("dana", &["campaign", "add", "release", "build", "+1h"]);
    place.ok("dana", &["send", "bob", "hello"]);
    let id = place.data("bob", &["inbox"])["inbox"]["messages"][0]["short"].as_str().unwrap().to_owned();
    let size = place.size();
    let views: [&[&str]; 12] = [
        &["status"],
        &["status", "review"],
        &["list"],
        &["inbox", "bob"],
        &["inbox", "--dead"],
        &["campaign", "list"],
        &["campaign", "status", "release"],
        &["campaign", "order", "release"],
        &["campaign", "graph", "release"],
        &["actor", "list"],
        &["actor", "show", "bob"],
        &["thread", &id],
    ];
    let now: Vec<_> = views.iter().map(|view| at(&place, view, size)).collect();
    place.ok("bob", &["confirm", "review"]);
    place.ok("dana", &["campaign", "start", "release"]);
    place.ok("bob", &["recv", "--ack"]);
    place.ok("dana", &["send", "carol", "hello"]);
    for (view, now) in views.iter().zip(&now) {
        assert_eq!(at(&place, view, size), *now, "{view:?}");
    }
    assert_eq!(place.refused("dana", &["list", "--as-of", "9999"], 3)["code"], "not_found");
    assert_eq!(place.data("dana", &["list", "--as-of", "1970-01-01T00:00:00Z"])["countdowns"]["countdowns"], json!([]));
}

fn at(place: &Place, view: &[&str], size: u64) -> Value {
    place.data("dana", &[view, &["--as-of", &size.to_string()]].concat())
}

#[test]
fn a_reader_who_leaves_is_no_error() {
    let place = Place::with_workspace();
    for _ in 0..3 {
        place.ok("dana", &["send", "bob", "hello"]);
    }
    for line in ["log", "log --json", "export", "completions bash", "man", "explain", "--help", "log --follow"] {
        let mut child = place.command("dana", &line.split(' ').collect::<Vec<_>>());
        let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        if line == "log --follow" {
            std::thread::sleep(std::time::Duration::from_millis(200));
            place.ok("dana", &["send", "bob", "hello"]);
        }
        let mut text = String::new();
        child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!((child.wait().unwrap().code(), text.as_str()), (Some(0), ""), "{line}");
    }
}

#[test]
fn text_from_standard_input_is_kept_as_it_is_or_refused() {
    let place = Place::with_workspace();
    let send = |bytes: &[u8]| {
        let mut command = place.command("dana", &["send", "bob", "-", "--json"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // One who refuses early does not read everything.
        let _ = child.stdin.take().unwrap().write_all(bytes);
        let output = child.wait_with_output().unwrap();
        let envelope: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code().unwrap(), envelope)
    };
    let text = "two lines,\n\ttabs, ünïcode and a \"quote\"\n";
    assert_eq!(send(text.as_bytes()).0, 0);
    assert_eq!(place.data("bob", &["inbox"])["inbox"]["messages"][0]["body"], text);
    let before = place.size();
    let (exit, envelope) = send(b"abc\xff");
    assert_eq!((exit, envelope["error"]["code"].as_str()), (2, Some("bad_request")));
    assert!(envelope["error"]["message"].as_str().unwrap().contains("byte 3"));
    let (exit, envelope) = send(&vec![b'x'; 1_000_000]);
    assert_eq!((exit, envelope["error"]["code"].as_str()), (4, Some("over_limit")));
    assert_eq!(place.size(), before);
}

#[test]
fn arguments_that_are_not_utf_8_are_a_sentence() {
    use std::os::unix::ffi::OsStrExt as _;
    let place = Place::with_workspace();
    let mut command = place.command("dana", &["send", "bob"]);
    let output = command.arg(std::ffi::OsStr::from_bytes(b"\xff")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("error[usage]"));
}

#[test]
fn a_workspace_is_found_from_any_folder_below_it() {
    let place = Place::with_workspace();
    let below = place.project().join("a/b");
    fs::create_dir_all(&below).unwrap();
    assert!(place.command("dana", &["list"]).current_dir(&below).output().unwrap().status.success());
    let outside = place.command("dana", &["list"]).current_dir("/").output().unwrap();
    assert_eq!(outside.status.code(), Some(3));
    for command in [
        place.command("dana", &["list", "--workspace", place.project().to_str().unwrap()]).current_dir("/"),
        place.command("dana", &["list"]).current_dir("/").env("CONVOKE_WORKSPACE", place.project()),
    ] {
        assert!(command.output().unwrap().status.success());
    }
}

#[test]
fn a_workspace_is_made_once_and_the_block_for_agents_as_often_as_one_likes() {
    let place = Place::with_workspace();
    let error = place.refused("dana", &["init"], 4);
    assert_eq!(error["code"], "workspace_exists");
    fs::write(place.project().join("AGENTS.md"), "# Ours\n").unwrap();
    place.ok("dana", &["init", "--agents-md"]);
    let once = fs::read_to_string(place.project().join("AGENTS.md")).unwrap();
    place.ok("dana", &["init", "--agents-md"]);
    assert_eq!(fs::read_to_string(place.project().join("AGENTS.md")).unwrap(), once);
    assert!(once.starts_with("# Ours\n") && once.contains("convoke recv"));
    assert_eq!(place.shell("git init -q . && git status --porcelain --ignored=no .convoke").stdout, b"");
}

#[test]
fn a_failed_init_or_import_leaves_nothing_behind() {
    let place = Place::new();
    fs::write(place.root().join("no-export"), "no export\n").unwrap();
    let file = place.root().join("no-export");
    assert_eq!(place.refused("dana", &["import", file.to_str().unwrap()], 1)["code"], "bad_document");
    assert_eq!(place.refused("dana", &["init", "--organizer", "all"], 4)["code"], "reserved_name");
    assert_eq!(fs::read_dir(place.project()).unwrap().count(), 0);
    place.ok("dana", &["init"]);
}

#[test]
fn an_export_is_a_workspace_elsewhere_with_identical_hashes() {
    let place = Place::with_workspace();
    place.ok("dana", &["schedule", "review", "+1h", "--attendees", "bob"]);
    place.ok("dana", &["send", "bob", "hello"]);
    let checkpoint = place.ok("dana", &["checkpoint"]);
    let export = place.root().join("export");
    let file = export.to_str().unwrap();
    place.ok("dana", &["export", "--output", file]);
    assert_eq!(place.ok("dana", &["export"]).into_bytes(), fs::read(&export).unwrap());
    place.ok("dana", &["verify", "--from", file]);

    let other = Place::new();
    other.ok("erin", &["import", file]);
    assert_eq!(other.ok("erin", &["checkpoint"]), checkpoint);
    assert_eq!(other.data("erin", &["list"])["countdowns"]["countdowns"][0]["name"], "review");
    other.ok("erin", &["send", "bob", "more"]);
    fs::write(place.root().join("checkpoint"), &checkpoint).unwrap();
    let kept = place.root().join("checkpoint");
    other.ok("erin", &["verify", "--against", kept.to_str().unwrap()]);
    // The first workspace goes another way; the two logs no longer extend one another.
    place.ok("dana", &["send", "bob", "different"]);
    fs::write(&kept, place.ok("dana", &["checkpoint"])).unwrap();
    let error = other.refused("erin", &["verify", "--against", kept.to_str().unwrap()], 9);
    assert_eq!(error["retryable"], false);
    // An edited or cut export is found out.
    let text = fs::read_to_string(&export).unwrap();
    fs::write(&export, text.replace("hello", "hallo")).unwrap();
    place.refused("dana", &["verify", "--from", file], 9);
    let lines: Vec<_> = text.lines().collect();
    fs::write(&export, lines[..lines.len() - 1].join("\n")).unwrap();
    let cut = place.command("dana", &["verify", "--from", file]).output().unwrap();
    assert!([Some(1), Some(9)].contains(&cut.status.code()));
    assert_eq!(Place::new().command("erin", &["import", file]).output().unwrap().status.code(), cut.status.code());
}

#[test]
fn a_log_that_nobody_has_open_is_verified_without_altering_it() {
    let place = Place::with_workspace();
    place.ok("dana", &["send", "bob", "hello"]);
    place.ok("dana", &["daemon", "stop"]);
    let bytes = |place: &Place| {
        fs::read(place.project().join(".convoke/store/sled/db"))
            .or_else(|_| fs::read(place.project().join(".convoke/store/db")))
    };
    let before = bytes(&place).unwrap();
    place.ok("dana", &["verify"]);
    place.ok("dana", &["doctor"]);
    assert_eq!(bytes(&place).unwrap(), before);
    assert_eq!(place.daemon(), None, "and no daemon was started");
}

#[test]
fn settings_that_are_not_ours_are_an_error_with_a_place() {
    let place = Place::with_workspace();
    fs::write(place.project().join("convoke.toml"), "[daemon]\nidle_exit = \"soon\"\n").unwrap();
    let error = place.refused("dana", &["send", "bob", "hello"], 1);
    assert_eq!(error["code"], "bad_settings");
    assert!(error["message"].as_str().unwrap().contains("convoke.toml"), "{error}");
}

#[test]
fn a_bulk_stream_is_answered_line_by_line() {
    let place = Place::with_workspace();
    let run = |arguments: &[&str]| {
        let mut command = place.command("dana", arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let writing = std::thread::spawn(move || {
            for number in 0..3000 {
                let body = json!({"command": {"send_message": {"to": ["bob"], "body": number.to_string()}}});
                writeln!(input, "{body}").unwrap();
            }
        });
        let output = child.wait_with_output().unwrap();
        writing.join().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let answers = run(&["batch", "--json"]);
    let firsts: Vec<_> = answers
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["data"]["first"].as_u64().unwrap())
        .collect();
    assert_eq!(firsts.len(), 3000);
    assert!(firsts.is_sorted());
    place.ok("dana", &["daemon", "stop"]);
    assert!(run(&["batch", "--no-daemon"]).starts_with("3000 requests: 3000 done, 0 refused"));
    assert_eq!(place.data("bob", &["inbox"])["inbox"]["counts"]["ready"], 6000);
}
