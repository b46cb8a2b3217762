//! Snapshots that are damaged are ignored; one that is whole, of the right head and wrong is found by the audit.

use std::{fs, path::Path, time::Duration};

use convoke::{
    Engine, Settings,
    api::{Ask, Fault, Question, Reply},
    core::{
        actors::events::{ActorKind, ActorRegistered},
        event::Recorded,
        id::EventId,
        log::Head,
        name::ActorName,
        workspace::State,
    },
    projections::snapshot::Envelope,
};
use convoke_tests::{chance, workspace::ORGANIZER};
use rand::RngExt as _;
use serde_json::Value;

use crate::workspace;

#[test]
fn a_damaged_snapshot_is_ignored() {
    let workspace = workspace();
    for index in 0..10 {
        workspace.ok("alice", &["send", "bob", &format!("message {index}")]);
    }
    workspace.ok(ORGANIZER, &["schedule", "review", "+30m", "--attendees", "alice"]);
    workspace.stop_daemon();
    let questions: [&[&str]; 3] = [&["actor", "list"], &["inbox", "bob"], &["list"]];
    let answers = || -> Vec<Value> {
        let ask = |question: &&[&str]| {
            let ran = workspace.run(ORGANIZER, &[question, &["--no-daemon", "--as-of", "14"][..]].concat());
            assert_eq!(ran.exit, 0, "{ran}");
            let mut data = ran.data();
            // Ages are counted from the time of asking.
            data.as_object_mut().unwrap().values_mut().for_each(|view| view["now"] = Value::Null);
            data
        };
        let replayed = workspace.ok(ORGANIZER, &["replay", "--no-daemon"]);
        assert_eq!(replayed["replayed"]["matches"], true, "what is served is what the log folds to");
        questions.iter().map(ask).collect()
    };
    let good = answers();
    let mut chance = chance::generator(5);
    for name in ["state", "views"] {
        let file = workspace.inside("snapshots").join(name);
        let whole = fs::read(&file).unwrap();
        let mut bad = vec![Vec::new(), whole[..whole.len() / 2].to_vec(), [&whole[..], b"x"].concat()];
        for _ in 0..4 {
            let mut flipped = whole.clone();
            let place = chance.random_range(0..flipped.len());
            flipped[place] ^= 1 << chance.random_range(0..8);
            bad.push(flipped);
        }
        for bytes in bad {
            fs::write(&file, bytes).unwrap();
            assert_eq!(answers(), good);
        }
        fs::write(&file, whole).unwrap();
    }
}

async fn opened(folder: &Path, settings: impl Fn() -> Settings) -> Engine {
    // The last clone of an engine lets go of the log on another thread.
    loop {
        match Engine::open(folder, settings()).await {
            Err(fault) if fault.code == "log_locked" => tokio::time::sleep(Duration::from_millis(5)).await,
            opened => return opened.unwrap(),
        }
    }
}

async fn replayed(engine: &Engine) -> Result<(Reply, Head), Fault> {
    engine.ask(Ask { question: Question::Replay, as_of: None }).await
}

/// The state with somebody in it whom nobody ever registered, sealed again as if the engine had written it.
fn forge(file: &Path) {
    let bytes = fs::read(file).unwrap();
    let envelope = Envelope::decode(&bytes).unwrap();
    let mut state: State = postcard::from_bytes(envelope.body).unwrap();
    let ghost = ActorName::parse("ghost").unwrap();
    let id = EventId::from_bytes([7; 16]);
    state.evolve(&Recorded {
        position: envelope.head.size - 1,
        id,
        time: state.time,
        actor: ghost.clone(),
        correlation: id,
        causation: None,
        idempotency: None,
        event: ActorRegistered { name: ghost, kind: ActorKind::Human }.into(),
    });
    assert_eq!(state.size, envelope.head.size);
    let body = postcard::to_stdvec(&state).unwrap();
    fs::write(file, Envelope { body: &body, ..envelope }.encode()).unwrap();
}

#[tokio::test]
async fn a_forged_snapshot_with_a_valid_digest_is_found_by_the_audit_and_never_used_again() {
    let workspace = workspace();
    workspace.ok("alice", &["send", "bob", "hello"]);
    workspace.stop_daemon();
    let folder = workspace.root().join(".convoke");
    let file = folder.join("snapshots/state");
    forge(&file);

    let soon = || Settings { audit_after: Duration::from_millis(20), ..Settings::default() };
    let engine = opened(&folder, soon).await;
    let asked = replayed(&engine).await;
    assert!(
        matches!(&asked, Err(fault) if fault.code == "snapshot_wrong")
            || matches!(&asked, Ok((Reply::Replayed(replayed), _)) if !replayed.matches),
        "a replay says so at once: {asked:?}"
    );
    for _ in 0..1_000 {
        if engine.failed().is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(engine.failed().map(|fault| fault.code).as_deref(), Some("snapshot_wrong"));
    assert!(!file.exists(), "it is deleted");
    let tick = serde_json::from_str(r#"{"as": "olga", "command": {"tick": {}}}"#).unwrap();
    assert_eq!(engine.command(tick).await.unwrap_err().code, "snapshot_wrong", "it decides nothing more");
    engine.close().await;

    let engine = opened(&folder, soon).await;
    let Ok((Reply::Replayed(replayed), _)) = replayed(&engine).await else { panic!() };
    assert!(replayed.matches, "folded from zero, it is right");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(engine.failed(), None);
    engine.close().await;
}
