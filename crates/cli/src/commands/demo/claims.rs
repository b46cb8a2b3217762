//! What the demo claims, in order; each builds on the workspace that those before left.

use std::{fs, path::Path};

use serde_json::Value;

use super::{
    landing,
    stage::{Broken, Stage, ended},
};

type Check = fn(&Stage) -> Result<String, Broken>;

/// Every claim with its check, which says what was seen.
pub(super) const ALL: &[(&str, Check)] = &[
    ("a countdown goes as soon as its quorum is reached", goes_on_quorum),
    ("a countdown without its quorum is missed, by itself", is_missed),
    ("a campaign keeps its order", keeps_order),
    ("two receivers race for one message, and one gets it", one_taker),
    ("a receiver that comes too late is fenced", is_fenced),
    ("a killed receiver's message comes back", comes_back),
    ("the same key has one effect", one_effect),
    ("a change lands on a git branch, with a receipt for the tree that was tested", landing::lands),
    ("a worker that slept through its lease lands nothing", landing::is_fenced),
    ("the whole log verifies, and an event can be proved offline", verifies),
    ("one altered byte in an export is found", altered_export),
    ("one altered byte in the store is found", altered_store),
];

/// The kinds of the events that a command wrote.
fn kinds(data: &Value) -> Vec<&str> {
    data["events"].as_array().into_iter().flatten().filter_map(|event| event["kind"].as_str()).collect()
}

pub(super) fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

fn goes_on_quorum(stage: &Stage) -> Result<String, Broken> {
    stage.run("olga", &["init", "--organizer", "olga"])?.data()?;
    let schedule = ["schedule", "review", "+5m", "--quorum", "2", "--attendees", "alice,bob,carol"];
    stage.run("olga", &schedule)?.data()?;
    let first = stage.run("alice", &["confirm", "review"])?.data()?;
    expect(kinds(&first) == ["countdown.confirmed"], || format!("alice's confirmation wrote {:?}", kinds(&first)))?;
    let second = stage.run("bob", &["confirm", "review"])?.data()?;
    expect(kinds(&second) == ["countdown.confirmed", "countdown.fired", "message.sent"], || {
        format!("bob's confirmation wrote {:?}", kinds(&second))
    })?;
    let late = stage.run("carol", &["confirm", "review"])?.refused(4, "already_fired")?;
    Ok(format!("2 of 3 confirmed; confirmed, fired and told everybody in one commit; carol: {late}"))
}

fn is_missed(stage: &Stage) -> Result<String, Broken> {
    stage.run("olga", &["schedule", "standup", "+700ms", "--attendees", "alice"])?.data()?;
    stage.run("olga", &["wait", "countdown:standup=ended", "--timeout", "20s"])?.data()?;
    stage.run("olga", &["wait", "countdown:standup=missed", "--timeout", "1s"])?.data()?;
    let late = stage.run("alice", &["confirm", "standup"])?.refused(4, "already_missed")?;
    Ok(format!("nobody confirmed within 700 ms; alice: {late}"))
}

fn keeps_order(stage: &Stage) -> Result<String, Broken> {
    for command in [
        &["campaign", "create", "release"][..],
        &["campaign", "add", "release", "build", "+10m", "--attendees", "alice"],
        &["campaign", "add", "release", "ship", "+10m", "--attendees", "alice", "--after", "build"],
        &["campaign", "start", "release"],
    ] {
        stage.run("olga", command)?.data()?;
    }
    let held = stage.run("alice", &["confirm", "ship"])?.data()?;
    expect(kinds(&held) == ["countdown.confirmed"], || format!("ship did not wait: {:?}", kinds(&held)))?;
    let cascade = stage.run("alice", &["confirm", "build"])?.data()?;
    let cascade = kinds(&cascade);
    let fired = cascade.iter().filter(|kind| **kind == "countdown.fired").count();
    expect(fired == 2 && cascade.last() == Some(&"campaign.completed"), || format!("the cascade was {cascade:?}"))?;
    let events = cascade.len();
    Ok(format!(
        "ship was confirmed first and waited; build fired, then ship, then the campaign was complete: {events} events, one commit"
    ))
}

/// Takes bob's notices out of the way.
fn clear(stage: &Stage, actor: &str) -> Result<(), Broken> {
    let taken = stage.run(actor, &["recv", "--ack", "--max", "100"])?;
    expect(matches!(taken.code, 0 | 8), || format!("clearing the mailbox ended with {}", taken.code))
}

fn one_taker(stage: &Stage) -> Result<String, Broken> {
    clear(stage, "bob")?;
    stage.run("alice", &["send", "bob", "the migration is yours"])?.data()?;
    let recv = ["recv", "--lease", "700ms"];
    let (one, other) = (stage.start("bob", &recv)?, stage.start("bob", &recv)?);
    let mut racers = [ended(one)?, ended(other)?];
    racers.sort_by_key(|racer| racer.code);
    let [winner, loser] = racers;
    let token = winner.data()?["messages"][0]["token"].as_str().unwrap_or_default().to_owned();
    loser.refused(8, "nothing_there")?;
    fs::write(stage.path("token"), &token).map_err(|error| error.to_string())?;
    Ok(format!("one process took it with token {token}, the other was told that there is nothing (exit code 8)"))
}

fn is_fenced(stage: &Stage) -> Result<String, Broken> {
    let token = fs::read_to_string(stage.path("token")).map_err(|error| error.to_string())?;
    // The lease of 700 ms runs out and the message is handed out again.
    let again = stage.run("bob", &["recv", "--wait", "--timeout", "20s"])?.data()?;
    let newer = again["messages"][0]["token"].as_str().unwrap_or_default().to_owned();
    let refusal = stage.run("bob", &["ack", &token])?.refused(6, "stale_fence")?;
    stage.run("bob", &["ack", &newer])?.data()?;
    Ok(format!("{token} after {newer} was given out: {refusal} (exit code 6)"))
}

fn comes_back(stage: &Stage) -> Result<String, Broken> {
    clear(stage, "carol")?;
    let sent = stage.run("alice", &["send", "carol", "please review"])?;
    let cursor = sent.envelope["head"]["size"].to_string();
    sent.data()?;
    let mut receiver = stage.start("carol", &["recv", "--wait", "--lease", "700ms"])?;
    stage
        .run("olga", &["wait", "event:message.taken", "--by", "carol", "--from", &cursor, "--timeout", "20s"])?
        .data()?;
    // Killed with the message in its hands, whether or not it had printed it.
    receiver.kill().and_then(|()| receiver.wait()).map_err(|error| error.to_string())?;
    let again = stage.run("carol", &["recv", "--wait", "--timeout", "20s"])?.data()?;
    let message = &again["messages"][0];
    expect(message["delivery"] == 2 && message["body"] == "please review", || format!("what came was {message}"))?;
    let token = message["token"].as_str().unwrap_or_default();
    stage.run("carol", &["ack", token])?.data()?;
    Ok("SIGKILL; after its lease the message was delivered a second time, and acknowledged".to_owned())
}

fn one_effect(stage: &Stage) -> Result<String, Broken> {
    let send = ["send", "carol", "deploy at noon", "--idempotency-key", "demo-1"];
    let first = stage.run("alice", &send)?.data()?;
    let again = stage.run("alice", &send)?.data()?;
    expect(first["events"] == again["events"], || "the second answer is another".to_owned())?;
    let other = ["send", "carol", "deploy at one", "--idempotency-key", "demo-1"];
    stage.run("alice", &other)?.refused(4, "key_reused")?;
    Ok(format!("sent twice, answered twice, in the log once, at position {}", first["events"][0]["position"]))
}

fn verifies(stage: &Stage) -> Result<String, Broken> {
    let checkpoint = stage.path("checkpoint.json");
    stage.run("olga", &["checkpoint", "--output", &checkpoint])?.data()?;
    stage.run("alice", &["send", "bob", "after the checkpoint"])?.data()?;
    let verified = stage.run("olga", &["verify", "--against", &checkpoint])?.data()?;
    let proof = stage.path("proof.json");
    stage.run("olga", &["prove", "3", "--output", &proof])?.data()?;
    let elsewhere = stage.path("elsewhere");
    fs::create_dir(&elsewhere).map_err(|error| error.to_string())?;
    stage.run_in(&elsewhere, "olga", &["verify", "--proof", &proof])?.data()?;
    let size = &verified["verified"]["checkpoint"]["size"];
    expect(size.as_u64().is_some(), || format!("verify answered {verified}"))?;
    Ok(format!(
        "{size} events, every hash and the root recomputed, extends its checkpoint; event 3 proved without the log"
    ))
}

/// Flips a bit of the last byte of this text, wherever a file holds it, and says at which offsets.
fn alter(file: &Path, text: &str) -> Result<Vec<usize>, Broken> {
    let mut bytes = fs::read(file).map_err(|error| error.to_string())?;
    let starts = bytes.windows(text.len()).enumerate().filter(|(_, window)| *window == text.as_bytes());
    let places: Vec<usize> = starts.map(|(start, _)| start + text.len() - 1).collect();
    expect(!places.is_empty(), || format!("{text:?} is not in {}", file.display()))?;
    for place in &places {
        bytes[*place] ^= 1;
    }
    fs::write(file, bytes).map_err(|error| error.to_string())?;
    Ok(places)
}

fn altered_export(stage: &Stage) -> Result<String, Broken> {
    let file = stage.path("export.ndjson");
    stage.run("olga", &["export", "--output", &file])?.data()?;
    stage.run("olga", &["verify", "--from", &file])?.data()?;
    let places = alter(Path::new(&file), "the migration is yours")?;
    let found = stage.run("olga", &["verify", "--from", &file])?;
    let message = found.envelope["error"]["message"].as_str().unwrap_or_default().to_owned();
    expect(found.code == 9, || format!("exit code {} with {message:?}", found.code))?;
    Ok(format!("one bit of byte {}: {message} (exit code 9)", places[0]))
}

fn altered_store(stage: &Stage) -> Result<String, Broken> {
    stage.stop();
    let data = stage.folder().join(".convoke/store/sled/db");
    let whole = fs::read(&data).map_err(|error| error.to_string())?;
    // sled may hold an outdated copy of a record besides the one that counts.
    let places = alter(&data, "the migration is yours")?;
    let found = stage.run("olga", &["verify", "--no-daemon"])?;
    fs::write(&data, whole).map_err(|error| error.to_string())?;
    let message = found.envelope["error"]["message"].as_str().unwrap_or_default().to_owned();
    expect(matches!(found.code, 1 | 9), || format!("exit code {} with {message:?}", found.code))?;
    stage.run("olga", &["verify", "--no-daemon"])?.data()?;
    Ok(format!("one bit of byte {}: {message} (exit code {}); put back, it verifies", places[0], found.code))
}
