//! What a client sees when the log fails, and that a retry with the same key finds out what happened.

use convoke::{
    Engine, Settings,
    api::Fault as Refused,
    core::{
        command::{Command, CreateWorkspace, Request, SendMessage},
        name::{ActorName, Key},
    },
};
use convoke_store::{
    MemoryLog,
    faulty::{Fault, Faults, FaultyLog},
};

fn name(text: &str) -> ActorName {
    ActorName::parse(text).unwrap()
}

fn send(key: &str) -> Request {
    let command: SendMessage = serde_json::from_str(r#"{"to":["bob"],"body":"hello"}"#).unwrap();
    let key = Some(Key::parse(key).unwrap());
    Request { actor: name("alice"), key, expect_head: None, command: Command::SendMessage(command) }
}

async fn open(log: &MemoryLog, faults: &Faults) -> Engine<FaultyLog<MemoryLog>> {
    let log = FaultyLog::new(log.clone(), faults.clone());
    Engine::start(log, None, Settings::default()).await.unwrap()
}

async fn begun(log: &MemoryLog, faults: &Faults) -> Engine<FaultyLog<MemoryLog>> {
    let engine = open(log, faults).await;
    let command = Command::CreateWorkspace(CreateWorkspace { organizer: name("olga") });
    engine.command(Request { actor: name("olga"), key: None, expect_head: None, command }).await.unwrap();
    engine
}

async fn fails(engine: &Engine<FaultyLog<MemoryLog>>, key: &str) -> Refused {
    engine.command(send(key)).await.unwrap_err()
}

#[tokio::test]
async fn a_lost_acknowledgement_is_found_by_the_retry_and_nothing_is_done_twice() {
    let (log, faults) = (MemoryLog::new(), Faults::default());
    let engine = begun(&log, &faults).await;
    faults.plan(0, Fault::LostAcknowledgement);
    let fault = fails(&engine, "k").await;
    assert_eq!(fault.code, "outcome_unknown");
    assert!(fault.retryable);
    assert_eq!(engine.failed().unwrap().code, "outcome_unknown");
    assert_eq!(fails(&engine, "other").await.code, "outcome_unknown", "nothing more is decided on an unknown outcome");
    let engine = open(&log, &faults).await;
    let size = engine.head().size;
    let answer = engine.command(send("k")).await.unwrap();
    assert!(answer.repeated);
    assert_eq!(engine.head().size, size);
}

#[tokio::test]
async fn a_write_that_never_happened_is_made_by_the_retry() {
    let (log, faults) = (MemoryLog::new(), Faults::default());
    let engine = begun(&log, &faults).await;
    faults.plan(0, Fault::BeforeWrite);
    assert_eq!(fails(&engine, "k").await.code, "outcome_unknown");
    let engine = open(&log, &faults).await;
    let size = engine.head().size;
    let answer = engine.command(send("k")).await.unwrap();
    assert!(!answer.repeated);
    assert_eq!(engine.head().size, size + answer.events.len() as u64);
}
