//! A thousand records of real work, acted out by real processes, against totals that are computed from the file alone.
//!
//! Each record becomes a message from its agent to the owner of its first folder: the folder of its first file, owned by
//! the first agent in file order that touched any file in it. Files at the root belong to `supervisor`. Each 50 records
//! have a countdown that the agents concerned confirm.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use convoke_tests::{
    ledger::{Acknowledged, Ledger},
    socket::Client,
    workspace::{ORGANIZER, Workspace},
    written::Written,
};
use serde_json::{Value, json};

use crate::workspace;

const RECORDS: &str = include_str!("../../data/agent-commits-2001-3000.ndjson");
const BLOCK: usize = 50;
const SUPERVISOR: &str = "supervisor";

/// What the file says, computed without Convoke: plain counting.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    sent_by: BTreeMap<String, usize>,
    /// Texts per mailbox, in the order of the file.
    mailboxes: BTreeMap<String, Vec<String>>,
    /// The agents of each block.
    blocks: Vec<BTreeSet<String>>,
}

/// One message: from, to, text.
type Message = (String, String, String);

fn messages() -> Vec<Message> {
    let records: Vec<Value> = RECORDS.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 1_000);
    let folder = |file: &str| file.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let files = |record: &Value| -> Vec<String> {
        record["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap().to_owned()).collect()
    };
    let agent = |record: &Value| record["agent"].as_str().unwrap().to_owned();
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    for record in &records {
        for folder in files(record).iter().filter_map(|file| folder(file)) {
            owners.entry(folder).or_insert_with(|| agent(record));
        }
    }
    let message = |record: &Value| {
        let first = files(record).first().and_then(|file| folder(file));
        let to = first.map_or(SUPERVISOR.to_owned(), |folder| owners[&folder].clone());
        (agent(record), to, format!("{}: {}", record["n"], files(record).join(" ")))
    };
    records.iter().map(message).collect()
}

fn totals(messages: &[Message]) -> Totals {
    let mut totals = Totals::default();
    for (from, to, text) in messages {
        *totals.sent_by.entry(from.clone()).or_default() += 1;
        totals.mailboxes.entry(to.clone()).or_default().push(text.clone());
    }
    totals.blocks =
        messages.chunks(BLOCK).map(|block| block.iter().map(|(from, _, _)| from.clone()).collect()).collect();
    totals
}

#[test]
fn a_thousand_records_of_real_work_give_the_totals_that_the_file_gives() {
    let workspace = workspace();
    let ledger = Ledger::default();
    let messages = messages();
    let totals = totals(&messages);
    for (number, (block, agents)) in messages.chunks(BLOCK).zip(&totals.blocks).enumerate() {
        act_out(&workspace, &ledger, number, block, agents);
    }

    // Every agent is named once, registered once; the organizer is no agent of the file.
    let registered = totals.sent_by.len();
    let confirmed: usize = totals.blocks.iter().map(BTreeSet::len).sum();
    let blocks = totals.blocks.len();
    let expected = BTreeMap::from([
        ("workspace.created", 1),
        ("actor.registered", registered),
        ("countdown.scheduled", blocks),
        ("countdown.confirmed", confirmed),
        ("countdown.fired", blocks),
        ("message.sent", messages.len() + blocks),
    ]);
    let written = Written::in_workspace(&workspace);
    ledger.check(&written);
    let mut kinds = BTreeMap::new();
    for recorded in &written.events {
        *kinds.entry(recorded.event.kind()).or_default() += 1;
    }
    assert_eq!(kinds, expected);
    check_mailboxes(&workspace, &totals);
    check_status(&workspace, &totals);
    check_texts(&workspace, &totals);
    assert_eq!(workspace.ok(ORGANIZER, &["replay"])["replayed"]["matches"], true);
    check_copies(&workspace);
}

/// Fifty records: a countdown, their messages, and a confirmation of each agent concerned.
fn act_out(workspace: &Workspace, ledger: &Ledger, number: usize, block: &[Message], agents: &BTreeSet<String>) {
    let countdown = format!("records {}-{}", number * BLOCK + 2_001, (number + 1) * BLOCK + 2_000);
    let (quorum, attendees) = (agents.len().to_string(), agents.iter().cloned().collect::<Vec<_>>().join(","));
    workspace.ok(
        ORGANIZER,
        &["schedule", &countdown, "+6h", "--kind", "checkpoint", "--quorum", &quorum, "--attendees", &attendees],
    );
    // Messages one after another, as they happened: one block in four process by process, the others in one stream each.
    match number % 4 {
        0 => by_processes(workspace, ledger, number, block),
        _ => in_one_stream(workspace, number, block),
    }
    // The confirmations all at once.
    std::thread::scope(|scope| {
        for agent in agents {
            let countdown = &countdown;
            scope.spawn(move || {
                let key = format!("confirm-{number}");
                let ran = workspace.run(agent, &["confirm", countdown, "--idempotency-key", &key]);
                assert_eq!(ran.exit, 0, "{ran}");
                ledger.note(Acknowledged::of(agent, &key, &ran.envelope()));
            });
        }
    });
    assert_eq!(workspace.ok(ORGANIZER, &["status", &countdown])["countdown"]["state"], "fired");
}

fn by_processes(workspace: &Workspace, ledger: &Ledger, number: usize, block: &[Message]) {
    for (index, (from, to, text)) in block.iter().enumerate() {
        let key = format!("record-{number}-{index}");
        // A text may begin with a dash: it comes by standard input.
        let ran = workspace.run_with_input(from, &["send", to, "-", "--idempotency-key", &key], text.as_bytes());
        assert_eq!(ran.exit, 0, "{ran}");
        ledger.note(Acknowledged::of(from, &key, &ran.envelope()));
    }
}

fn in_one_stream(workspace: &Workspace, number: usize, block: &[Message]) {
    let request = |(index, (from, to, text)): (usize, &Message)| {
        let command = json!({"send_message": {"to": [to], "body": text}});
        format!("{}\n", json!({"as": from, "key": format!("record-{number}-{index}"), "command": command}))
    };
    let lines: String = block.iter().enumerate().map(request).collect();
    // The same stream again adds nothing: each of its commands has a key.
    for repeated in [false, true] {
        let ran = workspace.run_with_input(ORGANIZER, &["batch"], lines.as_bytes());
        assert_eq!(ran.exit, 0, "{ran}");
        let answers: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(answers.len(), block.len(), "{ran}");
        for answer in answers {
            assert_eq!((&answer["ok"], answer["data"]["repeated"] == true), (&json!(true), repeated), "{answer}");
        }
    }
}

/// What `inbox` and `log` count is what the file says, and a notice for each countdown that somebody took part in.
fn check_mailboxes(workspace: &Workspace, totals: &Totals) {
    let mut client = Client::new(workspace);
    let everybody: BTreeSet<&String> = totals.sent_by.keys().chain(totals.mailboxes.keys()).collect();
    for name in everybody {
        let inbox = ask(&mut client, &json!({"state": {"inbox": {"mailbox": name, "limit": 1000}}}));
        let messages = totals.mailboxes.get(name).map_or(0, Vec::len);
        let notices = totals.blocks.iter().filter(|agents| agents.contains(name)).count();
        assert_eq!(inbox["state"]["inbox"]["counts"]["ready"], messages + notices, "{name}: {inbox}");
        let log = json!({"log": {"kind": "message.sent", "actor": name, "limit": 10_000}});
        let sent = ask(&mut client, &log)["log"]["events"].take();
        let by_hand = sent.as_array().unwrap().iter().filter(|event| event["payload"]["from"] == name.as_str());
        assert_eq!(by_hand.count(), totals.sent_by.get(name).copied().unwrap_or_default(), "{name}");
    }
}

fn check_status(workspace: &Workspace, totals: &Totals) {
    let listed = workspace.ok(ORGANIZER, &["list", "--state", "fired", "--limit", "100"]);
    assert_eq!(listed["countdowns"]["countdowns"].as_array().map(Vec::len), Some(totals.blocks.len()), "{listed}");
}

/// Whoever empties a mailbox gets the texts of the file, in its order, and each once.
fn check_texts(workspace: &Workspace, totals: &Totals) {
    let mut client = Client::new(workspace);
    for (name, texts) in &totals.mailboxes {
        let (taker, mailbox) = if name == SUPERVISOR { (ORGANIZER, name) } else { (name.as_str(), name) };
        let receive = json!({"receive_messages": {"mailbox": mailbox, "max": 100, "ack": true}});
        let mut taken = Vec::new();
        for round in 0.. {
            let received = client.command(taker, &format!("empty-{name}-{round}"), &receive);
            match received["data"]["messages"].as_array() {
                Some(messages) => taken.extend(messages.clone()),
                None => break,
            }
        }
        let of_agents = taken.iter().filter(|taken| taken["from"] != "system");
        let got: Vec<&str> = of_agents.map(|taken| taken["body"].as_str().unwrap()).collect();
        assert_eq!(got, texts.iter().map(String::as_str).collect::<Vec<_>>(), "{name}");
    }
}

/// The export verifies in place, and a workspace made of it has the same root.
fn check_copies(workspace: &Workspace) {
    let file = workspace.inside("copy.ndjson");
    let file = file.to_str().unwrap();
    assert_eq!(workspace.run(ORGANIZER, &["export", "--output", file]).exit, 0);
    let here = workspace.ok(ORGANIZER, &["verify"]);
    let in_place = workspace.ok(ORGANIZER, &["verify", "--from", file]);
    assert_eq!(in_place["verified"]["checkpoint"], here["verified"]["checkpoint"]);
    let copy = Workspace::nothing_yet(Path::new(crate::program()));
    copy.ok(ORGANIZER, &["import", file]);
    assert_eq!(copy.ok(ORGANIZER, &["verify"])["verified"]["checkpoint"], here["verified"]["checkpoint"]);
}

fn ask(client: &mut Client<'_>, question: &Value) -> Value {
    let mut envelope = client.exchange("POST", "/v1/ask", &json!({"question": question}).to_string()).unwrap();
    assert_eq!(envelope["ok"], true, "{question}: {envelope}");
    envelope["data"].take()
}
