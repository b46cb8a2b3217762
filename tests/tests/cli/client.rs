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
fn a_repeated_answer_counts_from_now_and_promises_no_lease_that_has_ended() {
    let place = Place::with_workspace();
    let schedule = ["schedule", "review", "+3s", "--idempotency-key", "s1"];
    assert!(place.ok("dana", &schedule).contains("T-0 in 3s"));
    place.ok("dana", &["send", "bob", "one"]);
    let recv = ["recv", "--lease", "1s", "--idempotency-key", "r1"];
    let taken = &place.data("bob", &recv)["messages"][0];
    assert_eq!((&taken["delivery"], &taken["ended"]), (&json!(1), &Value::Null));
    assert!(place.data("bob", &recv)["messages"][0]["ended"].is_null(), "the claim still holds");
    std::thread::sleep(std::time::Duration::from_millis(1300));
    let again = place.data("bob", &recv);
    assert_eq!((&again["repeated"], &again["messages"][0]["ended"]), (&json!(true), &json!(true)));
    let text = place.ok("bob", &recv);
    assert!(text.starts_with("repeated: ") && text.contains("delivery 1, the lease has ended"), "{text}");
    assert_eq!(place.refused("bob", &["ack", taken["token"].as_str().unwrap()], 6)["code"], "stale_fence");
    let text = place.ok("dana", &schedule);
    assert!(text.starts_with("repeated: ") && !text.contains("in 3s"), "{text}");

    // What was acked is not held any more, however long its lease was.
    let recv = ["recv", "--lease", "20m", "--idempotency-key", "r2"];
    let token = place.data("bob", &recv)["messages"][0]["token"].as_str().unwrap().to_owned();
    assert!(place.ok("bob", &recv).contains("delivery 2, lease ends in 20m"));
    place.ok("bob", &["ack", &token]);
    let text = place.ok("bob", &recv);
    assert!(text.contains("the lease has ended") && !text.contains("20m"), "{text}");
}

#[test]
fn a_name_that_nobody_has_is_noted() {
    let place = Place::with_workspace();
    place.ok("dana", &["schedule", "review", "+1h", "--attendees", "bob"]);
    place.ok("dana", &["send", "bob", "hello"]);
    let run = |line: &str| {
        let output = place.shell(&format!("convoke --as dana {line}"));
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    for line in
        ["list --actor", "status --actor", "log --actor", "inbox", "inbox --dead", "wait event --timeout 1ms --by"]
    {
        let note = "note: nobody is registered as bbo\n";
        assert!(run(&format!("{line} bbo")).1.starts_with(note), "{line}: {:?}", run(&format!("{line} bbo")));
        assert!(!run(&format!("{line} bob")).1.contains("note:"), "{line}");
    }
    assert!(run("wait mail:bbo --timeout 1ms").1.starts_with("note: nobody is registered as bbo\n"));
    for name in ["all", "system"] {
        let error = place.refused("dana", &["wait", &format!("mail:{name}"), "--timeout", "1ms"], 2);
        assert_eq!(error["code"], "bad_request");
    }
    let (text, _) = run("status --actor bbo");
    assert!(text.contains("countdowns: none") && text.contains("mail: empty"), "{text}");
}

#[test]
fn a_dead_letter_of_somebody_else_is_found_by_the_hint() {
    let place = Place::with_workspace();
    place.ok("dana", &["send", "bob", "hello"]);
    for nacks in 1..=5 {
        let taken = place.data("bob", &["recv", "--wait", "--timeout", "60s"]);
        let token = taken["messages"][0]["token"].as_str().unwrap();
        place.ok("bob", &["nack", token]);
        if nacks < 5 {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }
    let listed = place.ok("dana", &["inbox", "--dead"]);
    let id = listed.split_whitespace().next().unwrap();
    let error = place.refused("dana", &["redrive", id], 3);
    assert!(error["hint"].as_str().unwrap().contains(&format!("convoke redrive {id} --as bob")), "{error}");
    place.ok("dana", &["redrive", id, "--as", "bob"]);
}

#[test]
fn a_countdown_and_a_campaign_are_shown_by_name() {
    let place = Place::with_workspace();
    place.ok("dana", &["schedule", "w-1", "+1h"]);
    place.ok("dana", &["campaign", "create", "release"]);
    assert_eq!(place.data("dana", &["show", "w-1"])["event"]["kind"], "countdown.scheduled");
    assert_eq!(place.data("dana", &["show", "release"])["event"]["kind"], "campaign.created");
    assert_eq!(place.refused("dana", &["show", "release", "--as-of", "2"], 3)["code"], "not_found");
    place.ok("dana", &["schedule", "w-1", "+2h"]);
    assert_eq!(place.refused("dana", &["show", "w-1"], 4)["code"], "ambiguous");
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
fn an_answer_that_cannot_be_shown_is_a_failure_that_is_heard() {
    let place = Place::with_workspace();
    for line in ["send bob hello", "send bob hello --json"] {
        let size = place.size();
        let output = place.shell(&format!("convoke --as dana {line} > /dev/full"));
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}: {text}");
        assert!(text.starts_with("error[io]") && text.contains("the command was done all the same"), "{line}: {text}");
        assert!(text.contains("--idempotency-key "), "{line}: {text}");
        assert!(place.size() > size);
    }
    let output = place.shell("convoke --as dana confirm none --json > /dev/full");
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("error[not_found]"));
    for line in ["--help", "--version", "queue --help"] {
        let output = place.shell(&format!("convoke {line} > /dev/full"));
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(String::from_utf8(output.stderr).unwrap().starts_with("error[io]"), "{line}");
    }
}

#[test]
fn what_finds_faults_is_not_ok_and_gives_what_it_found() {
    let place = Place::with_workspace();
    let run = |arguments: &[&str]| -> (Option<i32>, Value) {
        let output = place.command("dana", &[arguments, &["--json"]].concat()).output().unwrap();
        (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
    };
    fs::write(place.project().join("change.json"), "{}").unwrap();
    let (exit, envelope) = run(&["queue", "validate", "change.json"]);
    assert_eq!((exit, &envelope["ok"], &envelope["error"]["code"]), (Some(1), &json!(false), &json!("invalid_change")));
    assert!(envelope["data"]["faults"].as_array().unwrap().contains(&json!("task_id is missing")), "{envelope}");
    let (exit, envelope) = run(&["doctor"]);
    assert_eq!((exit, &envelope["ok"], &envelope["error"]), (Some(0), &json!(true), &Value::Null));
    fs::write(place.project().join("convoke.toml"), "[daemon]\nidle_exit = \"soon\"\n").unwrap();
    let (exit, envelope) = run(&["doctor"]);
    assert_eq!((exit, &envelope["ok"], &envelope["error"]["code"]), (Some(1), &json!(false), &json!("bad_settings")));
    let checks = envelope["data"]["checks"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["what"] == "log" && check["ok"] == true), "{envelope}");
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
fn where_the_block_for_agents_cannot_stand_nothing_is_made() {
    let block = include_str!("../../../crates/cli/src/commands/agents.md");
    let half = format!("<!-- convoke:begin -->\n{block}");
    for (bytes, code) in [(half.as_bytes(), "bad_document"), (&b"caf\xe9"[..], "bad_document")] {
        let place = Place::new();
        fs::write(place.project().join("AGENTS.md"), bytes).unwrap();
        let error = place.refused("dana", &["init", "--agents-md"], 1);
        assert_eq!(error["code"], code);
        assert!(!error["message"].as_str().unwrap().contains("written"), "{error}");
        assert!(!place.project().join(".convoke").exists() && !place.project().join("convoke.toml").exists());
        assert_eq!(fs::read(place.project().join("AGENTS.md")).unwrap(), bytes);
    }
    let place = Place::new();
    fs::create_dir(place.project().join("AGENTS.md")).unwrap();
    assert_eq!(place.refused("dana", &["init", "--agents-md"], 1)["code"], "io");
    assert!(!place.project().join(".convoke").exists());
}

#[test]
fn an_organizer_who_comes_too_late_is_told_so() {
    let place = Place::with_workspace();
    let output = place.command("dana", &["init", "--organizer", "erin", "--agents-md"]).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("--organizer erin changes nothing"), "{text}");
}

#[test]
fn a_file_where_the_folder_should_be_is_said() {
    let place = Place::new();
    fs::write(place.project().join(".convoke"), "a file").unwrap();
    for arguments in [&["list"][..], &["init"]] {
        let output = place.command("dana", arguments).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(
            text.starts_with("error[no_workspace]") && text.contains("hint: Move it away"),
            "{arguments:?}: {text}"
        );
    }
    fs::remove_file(place.project().join(".convoke")).unwrap();
    place.ok("dana", &["init"]);
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
fn of_many_refused_requests_the_rest_is_counted_and_arrays_are_told_apart() {
    let place = Place::with_workspace();
    let lines = r#"["dana",null,null,{"tick":{}}]\n"#.repeat(13) + r#"{"command":{"tick":{}}}\n"#;
    let output = place.shell(&format!("printf '{lines}' | convoke --as dana batch"));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.matches("\nline ").count() + 1, 10, "{text}");
    assert!(text.starts_with("line 1: bad_request: a request is a JSON object with named members"), "{text}");
    assert!(text.contains("\n… 3 more refused: --json shows them all\n"), "{text}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("14 requests: 1 done, 13 refused; 0 events in "), "{text}");
    let array = json!(["dana", null, null, {"tick": {}}]).to_string();
    let output = place.shell(&format!("echo '{array}' | convoke --as dana batch"));
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("1 request: 0 done"));
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
