//! The daemon is killed at random moments while several clients write; after each restart, everything that was
//! acknowledged is there.
//!
//! `CONVOKE_CRASH_CYCLES` says how often (60 if not given; hundreds in a soak).

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use convoke_core::log::ConsistencyProof;
use convoke_tests::{
    chance,
    ledger::{Acknowledged, Ledger},
    load::{self, SENDERS},
    socket::Client,
    workspace::{ORGANIZER, Workspace},
    written::Written,
};
use rand::RngExt as _;
use serde_json::{Value, json};

use crate::workspace;

#[test]
fn after_each_kill_everything_acknowledged_is_there_and_the_log_extends_every_head_ever_acknowledged() {
    let cycles = chance::number("CONVOKE_CRASH_CYCLES", 60);
    let workspace = workspace();
    let (ledger, ended) = (Ledger::default(), AtomicBool::new(false));
    thread::scope(|scope| {
        let mut writing = Vec::new();
        for (index, name) in SENDERS.into_iter().enumerate() {
            let (workspace, ledger, ended) = (&workspace, &ledger, &ended);
            writing.push(scope.spawn(move || match index {
                5 => load::by_processes(workspace, ledger, name, ended),
                _ => {
                    let mut chance = chance::generator(10 + index as u64);
                    load::over_the_socket(workspace, ledger, name, &mut chance, ended)
                }
            }));
        }
        let cycling = scope.spawn(|| {
            let (mut chance, mut checked) = (chance::generator(2), 0);
            for _ in 0..cycles {
                wait_for_acknowledgements(&ledger);
                thread::sleep(Duration::from_micros(chance.random_range(0..30_000)));
                workspace.kill_daemon_and_wait();
                let entries = ledger.entries();
                check_served(&workspace, &entries[checked..]);
                checked = entries.len();
            }
        });
        let cycled = cycling.join();
        ended.store(true, Ordering::Relaxed);
        let written: Vec<_> = writing.into_iter().map(thread::ScopedJoinHandle::join).collect();
        cycled.unwrap();
        written.into_iter().for_each(|given| assert!(given.unwrap() > 0, "every sender was heard"));
    });
    workspace.kill_daemon_and_wait();
    let written = Written::in_workspace(&workspace);
    ledger.check(&written);
    load::check_commits_are_whole(&written);
    assert_eq!(workspace.ok(ORGANIZER, &["replay"])["replayed"]["matches"], true);
    workspace.stop_daemon();
    let verified = workspace.ok(ORGANIZER, &["verify", "--no-daemon"]);
    assert_eq!(verified["verified"]["checkpoint"]["size"], written.events.len());
    assert!(!blobs(&workspace), "sled's blobs do not survive a power cut");
    println!("{cycles} kills, {} acknowledgements, {} events", ledger.len(), written.events.len());
}

/// Some commands are acknowledged between two kills, however slow the machine is.
fn wait_for_acknowledgements(ledger: &Ledger) {
    let (before, until) = (ledger.len(), Instant::now() + Duration::from_secs(60));
    while ledger.len() < before + 5 {
        assert!(Instant::now() < until, "nothing is acknowledged any more");
        thread::sleep(Duration::from_millis(1));
    }
}

/// The daemon that runs now serves these events where they were acknowledged, holds, and extends their heads.
fn check_served(workspace: &Workspace, acknowledged: &[Acknowledged]) {
    let mut client = Client::new(workspace);
    for entry in acknowledged.iter().rev().take(10) {
        for (position, id) in &entry.events {
            let shown = ask(&mut client, workspace, &json!({"show": position.to_string()}));
            assert_eq!(shown["data"]["event"]["id"], *id, "{entry:?}");
        }
    }
    let heads = [acknowledged.first(), acknowledged.last()];
    for head in heads.into_iter().flatten().map(|entry| entry.head) {
        let extends = ask(&mut client, workspace, &json!({"extends": head.size}));
        let proof: ConsistencyProof = serde_json::from_value(extends["data"]["extension"].clone()).unwrap();
        proof.check().unwrap();
        assert_eq!(proof.old, head, "the log extends the head that was acknowledged");
    }
    let verified = ask(&mut client, workspace, &json!({"verify": {}}));
    assert!(verified["data"]["verified"]["checkpoint"]["size"].as_u64() > Some(0), "{verified}");
}

fn ask(client: &mut Client<'_>, workspace: &Workspace, question: &Value) -> Value {
    let body = json!({"question": question}).to_string();
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let answered = client.exchange("POST", "/v1/ask", &body);
        if let Ok(envelope) = answered {
            assert_eq!(envelope["ok"], true, "{question}: {envelope}");
            return envelope;
        }
        assert!(Instant::now() < until, "nobody answers: {answered:?}");
        workspace.ok(ORGANIZER, &["daemon", "start"]);
    }
}

fn blobs(workspace: &Workspace) -> bool {
    std::fs::read_dir(workspace.inside("store/sled/blobs")).is_ok_and(|mut blobs| blobs.next().is_some())
}
