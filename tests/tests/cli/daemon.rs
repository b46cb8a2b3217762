//! The daemon's life: started by whoever needs it, by exactly one; stopped in good order; survived by every request.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader},
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::place::{PROGRAM, Place};

fn kill(signal: &str, pid: u32) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

/// Sends from as many processes at once, each as an actor of its own.
fn send_at_once(place: &Place, processes: usize, each: usize, meanwhile: impl Fn()) {
    thread::scope(|scope| {
        for process in 0..processes {
            scope.spawn(move || {
                for number in 0..each {
                    place.ok(&format!("sender-{process}"), &["send", "inbox-of-all", &format!("{number}")]);
                }
            });
        }
        meanwhile();
    });
}

/// Every message is there once, in its sender's order.
fn assert_all_arrived(place: &Place, processes: usize, each: usize) {
    let counted = place.data("dana", &["inbox", "inbox-of-all", "--limit", "1"])["inbox"]["counts"]["ready"].take();
    assert_eq!(counted, processes * each);
    let mut messages = Vec::new();
    while messages.len() < processes * each {
        let data = place.data("inbox-of-all", &["recv", "--ack", "--max", "100"]);
        messages.extend(data["messages"].as_array().unwrap().clone());
    }
    assert_eq!(messages.len(), processes * each);
    for process in 0..processes {
        let sender = format!("sender-{process}");
        let bodies: Vec<_> =
            messages.iter().filter(|m| m["from"] == sender.as_str()).map(|m| m["body"].clone()).collect();
        assert_eq!(bodies, (0..each).map(|number| number.to_string()).collect::<Vec<_>>(), "{sender}");
    }
}

#[test]
fn twenty_processes_without_a_daemon_start_one_and_lose_nothing() {
    let place = Place::with_workspace();
    assert_eq!(place.daemon(), None);
    send_at_once(&place, 20, 5, || ());
    assert_all_arrived(&place, 20, 5);
    let log = place.ok("dana", &["daemon", "logs"]);
    assert_eq!(log.matches("started:").count(), 1, "{log}");
}

#[test]
fn a_daemon_that_is_stopped_meanwhile_costs_nobody_anything() {
    let place = Place::with_workspace();
    send_at_once(&place, 8, 30, || {
        for _ in 0..4 {
            thread::sleep(Duration::from_millis(60));
            place.ok("dana", &["daemon", "stop"]);
        }
    });
    assert_all_arrived(&place, 8, 30);
    assert!(place.ok("dana", &["daemon", "logs"]).contains("stopping: asked to"));
}

#[test]
fn a_daemon_that_is_killed_meanwhile_costs_nobody_anything() {
    let place = Place::with_workspace();
    send_at_once(&place, 8, 30, || {
        for _ in 0..4 {
            thread::sleep(Duration::from_millis(60));
            if let Some(pid) = place.daemon() {
                kill("-KILL", pid);
            }
        }
    });
    assert_all_arrived(&place, 8, 30);
    place.ok("dana", &["verify"]);
}

#[test]
fn sigterm_ends_it_in_good_order() {
    let place = Place::with_workspace();
    place.ok("dana", &["send", "bob", "hello"]);
    let pid = place.daemon().unwrap();
    kill("-TERM", pid);
    let ended = Instant::now();
    while place.project().join(".convoke/daemon.sock").exists() {
        assert!(ended.elapsed() < Duration::from_secs(20), "it does not end");
        thread::sleep(Duration::from_millis(10));
    }
    assert!(!place.project().join(".convoke/daemon.pid").exists());
    let log = place.ok("dana", &["daemon", "logs"]);
    assert!(log.contains("stopping: SIGTERM") && log.trim_end().ends_with("stopped"), "{log}");
}

#[test]
fn it_ends_by_itself_when_it_has_nothing_to_do_and_not_before() {
    let place = Place::with_workspace();
    let settings = place.project().join("convoke.toml");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, text.replace("15m", "300ms")).unwrap();
    place.ok("dana", &["schedule", "timer", "+2s"]);
    let pid = place.daemon().unwrap();
    thread::sleep(Duration::from_millis(1200));
    assert_eq!(place.daemon(), Some(pid), "a countdown is counting");
    let began = Instant::now();
    while place.daemon().is_some() {
        assert!(began.elapsed() < Duration::from_secs(30), "it does not end");
        // Each look is a request, after which it stays for a while.
        thread::sleep(Duration::from_secs(2));
    }
    assert!(place.ok("dana", &["--no-daemon", "list"]).contains("fired"), "and the timer had fired by itself");
}

#[test]
fn a_stale_socket_and_a_stale_pid_are_no_obstacle() {
    let place = Place::with_workspace();
    place.ok("dana", &["daemon", "start"]);
    kill("-KILL", place.daemon().unwrap());
    assert!(place.project().join(".convoke/daemon.sock").exists());
    place.ok("dana", &["send", "bob", "hello"]);
    place.ok("dana", &["daemon", "stop"]);
    drop(UnixListener::bind(place.project().join(".convoke/daemon.sock")).unwrap());
    place.ok("dana", &["send", "bob", "hello"]);
}

#[test]
fn the_socket_and_the_log_file_are_this_users_only() {
    let place = Place::with_workspace();
    place.ok("dana", &["daemon", "start"]);
    for name in ["daemon.sock", "daemon.lock", "daemon.log"] {
        let mode = fs::metadata(place.project().join(".convoke").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_workspace_with_a_very_long_path_works() {
    let place = Place::new();
    let deep = place.project().join("long".repeat(40)).join("deeper".repeat(20));
    fs::create_dir_all(&deep).unwrap();
    for arguments in [&["init"][..], &["send", "bob", "hello"], &["inbox", "bob"], &["daemon", "stop"]] {
        let output = place.command("dana", arguments).current_dir(&deep).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn one_process_and_the_daemon_cannot_both_have_the_log() {
    let place = Place::with_workspace();
    place.ok("dana", &["daemon", "start"]);
    let pid = place.daemon().unwrap();
    let error = place.refused("dana", &["--no-daemon", "tick"], 75);
    assert_eq!(error["code"], "log_locked");
    assert_eq!(error["retryable"], true);
    assert!(error["message"].as_str().unwrap().contains(&format!("process {pid} ")), "{error}");
    // And the other way round: who finds the log open in another process learns which one, after a while.
    place.ok("dana", &["daemon", "stop"]);
    let (reader, writer) = std::io::pipe().unwrap();
    let mut holder = place.command("dana", &["--no-daemon", "batch"]).stdin(reader).spawn().unwrap();
    let began = Instant::now();
    let signed = || fs::read_to_string(place.project().join(".convoke/daemon.lock")).unwrap_or_default();
    while signed().trim() != holder.id().to_string() {
        assert!(began.elapsed() < Duration::from_secs(20), "nobody holds the log");
        thread::sleep(Duration::from_millis(5));
    }
    let error = place.refused("dana", &["send", "bob", "hello"], 75);
    assert_eq!(error["code"], "log_locked");
    assert!(error["message"].as_str().unwrap().contains(&format!("process {} ", holder.id())), "{error}");
    drop(writer);
    assert!(holder.wait().unwrap().success());
    place.ok("dana", &["send", "bob", "hello"]);
}

#[test]
fn a_daemon_whose_folder_was_deleted_ends_and_leaves_the_new_one_alone() {
    let place = Place::with_workspace();
    place.ok("dana", &["daemon", "start"]);
    let old = place.daemon().unwrap();
    fs::remove_dir_all(place.project().join(".convoke")).unwrap();
    assert_eq!(place.refused("dana", &["list"], 3)["code"], "no_workspace");
    place.ok("erin", &["init"]);
    place.ok("erin", &["send", "bob", "hello"]);
    let new = place.daemon().unwrap();
    assert_ne!(old, new);
    let began = Instant::now();
    while Command::new("kill").args(["-0", &old.to_string()]).stderr(Stdio::null()).status().unwrap().success() {
        assert!(began.elapsed() < Duration::from_secs(20), "the old one does not end");
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(place.daemon(), Some(new));
    assert_eq!(place.size(), 3, "created, bob registered, his message: {}", place.ok("erin", &["log"]));
}

#[test]
fn a_client_that_is_killed_while_waiting_takes_nothing_with_it() {
    let place = Place::with_workspace();
    place.ok("dana", &["daemon", "start"]);
    let mut waiting = place.command("bob", &["recv", "--wait"]).stdout(Stdio::null()).spawn().unwrap();
    thread::sleep(Duration::from_millis(400));
    waiting.kill().unwrap();
    waiting.wait().unwrap();
    thread::sleep(Duration::from_millis(100));
    place.ok("dana", &["send", "bob", "for whoever lives"]);
    let data = place.data("bob", &["recv"]);
    assert_eq!(data["messages"][0]["delivery"], 1, "nobody took it before");
}

#[test]
fn whoever_waits_outlives_the_daemon() {
    let place = Place::with_workspace();
    place.ok("dana", &["daemon", "start"]);
    let waiting = place.command("bob", &["recv", "--wait", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut following = place.command("bob", &["log", "--follow", "--kind", "message", "--json"]);
    let mut following = following.stdout(Stdio::piped()).spawn().unwrap();
    thread::sleep(Duration::from_millis(300));
    kill("-KILL", place.daemon().unwrap());
    thread::sleep(Duration::from_millis(100));
    place.ok("dana", &["daemon", "start"]);
    thread::sleep(Duration::from_millis(300));
    place.ok("dana", &["daemon", "stop"]);
    place.ok("dana", &["send", "bob", "hello"]);
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let seen: Vec<_> = (0..2).map(|_| lines.next().unwrap().unwrap()).collect();
    following.kill().unwrap();
    following.wait().unwrap();
    let kinds: Vec<_> = seen
        .iter()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["message.sent", "message.taken"], "each once, across three daemons");
    let output = waiting.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().contains("hello"));
}

#[test]
fn nothing_of_the_starters_terminal_is_kept_open() {
    // A shell waits for the end of a pipe that a background process inherited: the daemon must not be one.
    let place = Place::with_workspace();
    let output = place.shell("convoke --as dana send bob hello 2>&1 | cat; echo after");
    assert!(String::from_utf8(output.stdout).unwrap().ends_with("after\n"));
    let output = Command::new("sh")
        .args(["-c", &format!("exec 5>held; {PROGRAM} daemon stop >/dev/null; {PROGRAM} daemon start >/dev/null")])
        .current_dir(place.project())
        .output()
        .unwrap();
    assert!(output.status.success());
    let pid = place.daemon().unwrap();
    let open: BTreeSet<_> = fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .filter_map(|target| Some(target.file_name()?.to_str()?.to_owned()))
        .collect();
    assert!(!open.contains("held"), "{open:?}");
}

#[test]
fn a_log_that_cannot_be_opened_is_a_sentence_for_everybody() {
    let place = Place::with_workspace();
    let store = place.project().join(".convoke/store");
    fs::rename(&store, place.project().join("elsewhere")).unwrap();
    for _ in 0..2 {
        let output = place.command("dana", &["list"]).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_ne!(output.status.code(), Some(0));
        assert!(text.starts_with("error[") && !text.contains("panicked"), "{text}");
        assert_eq!(text.lines().count(), 2, "{text}");
    }
    fs::rename(place.project().join("elsewhere"), &store).unwrap();
    place.ok("dana", &["list"]);
}

#[test]
fn a_frozen_daemon_is_named_given_nothing_to_do_and_ended_with_force() {
    let place = Place::with_workspace();
    place.ok("alice", &["send", "bob", "before"]);
    let pid = place.daemon().unwrap();
    kill("-STOP", pid);
    for args in [&["send", "bob", "meanwhile"][..], &["status"], &["daemon", "stop"]] {
        let begun = Instant::now();
        let error = place.refused("alice", args, 75);
        assert!(error["message"].as_str().unwrap().contains(&format!("process {pid}")), "{error}");
        assert!(error["hint"].as_str().unwrap().contains("daemon stop --force"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{error}");
    }
    assert!(place.ok("alice", &["daemon", "stop", "--force"]).contains("was killed"));
    let log = place.ok("alice", &["log"]);
    assert!(log.contains("before") && !log.contains("meanwhile"), "{log}");
}

#[test]
fn a_wait_that_ran_out_names_the_time_that_was_asked_for_also_across_a_stop() {
    let place = Place::with_workspace();
    let wait = ["wait", "event:countdown.fired", "--timeout", "3s", "--json"];
    let waiting = place.command("bob", &wait).stdout(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(700));
    place.ok("dana", &["daemon", "stop"]);
    let output = waiting.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(7), "{text}");
    assert!(text.contains("within 3s; cursor"), "{text}");
}
