//! The real writer at work on a log that stops between its steps: whoever asks waits until what he is told is durable.

use std::time::Duration;

use convoke::{
    Clock, Engine, Settings,
    core::{clock::Readings, command::Request},
};
use convoke_store::{Log, MemoryLog};
use tokio::task::{JoinHandle, yield_now};

use crate::{
    gate::{GatedLog, Gates, now},
    world::{beginning, readings, request},
};

/// Time stands still.
struct Still;

impl Clock for Still {
    fn readings(&self) -> Readings {
        readings(0, 0)
    }
}

async fn started(inner: MemoryLog) -> (Engine<GatedLog<MemoryLog>>, Gates) {
    let gates = Gates::closed();
    let settings =
        Settings { clock: Box::new(Still), snapshots: false, audit_after: Duration::MAX, ..Settings::default() };
    (Engine::start(GatedLog { inner, gates: gates.clone() }, None, settings).await.unwrap(), gates)
}

fn begun() -> MemoryLog {
    let log = MemoryLog::new();
    now(log.append_if(log.head(), beginning())).unwrap();
    log
}

/// What became of a request, as its code.
type Answered = JoinHandle<&'static str>;

fn ask(engine: &Engine<GatedLog<MemoryLog>>, request: Request) -> Answered {
    let engine = engine.clone();
    tokio::spawn(async move {
        match engine.command(request).await {
            Ok(answer) if answer.repeated => "repeated",
            Ok(answer) if answer.events.is_empty() => "nothing",
            Ok(_) => "done",
            Err(fault) if fault.code == "not_found" => "refused",
            Err(fault) => panic!("{fault:?}"),
        }
    })
}

/// Lets everybody go as far as he can.
async fn settle() {
    for _ in 0..1_000 {
        yield_now().await;
    }
}

#[tokio::test]
async fn nobody_is_answered_before_what_he_is_told_is_durable() {
    let log = begun();
    let (engine, gates) = started(log.clone()).await;
    let before = engine.head();
    // All of them rest on the batch, also the refusal and the one that changes nothing.
    let asked = [
        ask(&engine, request("ann", "plan")),
        ask(&engine, request("ann", "plan")),
        ask(&engine, request("bob", "vain")),
        ask(&engine, request("bob", "tick")),
    ];
    settle().await;
    assert!(asked.iter().all(|one| !one.is_finished()), "nothing is written yet");
    assert_eq!((log.head(), engine.head()), (before, before));

    gates.let_write();
    settle().await;
    assert!(asked.iter().all(|one| !one.is_finished()), "the writer does not know yet that it is");
    assert_eq!((log.head().size, engine.head()), (before.size + 1, before), "and shows it to nobody");

    gates.let_return();
    let mut answers = Vec::new();
    for one in asked {
        answers.push(one.await.unwrap());
    }
    assert_eq!(answers, ["done", "repeated", "refused", "nothing"]);
    assert_eq!(engine.head(), log.head());
}

#[tokio::test]
async fn a_request_that_comes_during_a_write_waits_for_the_next_batch() {
    let log = begun();
    let (engine, gates) = started(log.clone()).await;
    let first = ask(&engine, request("ann", "plan"));
    settle().await;
    let refused = ask(&engine, request("bob", "vain"));
    settle().await;
    assert!(!refused.is_finished(), "one batch is in flight at a time");
    gates.let_write();
    gates.let_return();
    assert_eq!((first.await.unwrap(), refused.await.unwrap()), ("done", "refused"));
}

#[tokio::test]
async fn a_retry_after_a_crash_in_the_write_gets_the_answer_of_what_was_written() {
    let log = begun();
    let (engine, gates) = started(log.clone()).await;
    let lost = ask(&engine, request("ann", "plan"));
    settle().await;
    gates.let_write();
    settle().await;
    assert!(!lost.is_finished());
    lost.abort();
    // The process is gone; its log is there.
    drop(engine);
    let size = log.head().size;
    let (engine, _gates) = started(log.clone()).await;
    assert_eq!(ask(&engine, request("ann", "plan")).await.unwrap(), "repeated");
    assert_eq!(log.head().size, size);
}
