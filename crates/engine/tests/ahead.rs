//! What is decided while the batch before is made durable: in the next commit, answered after it, and refused with it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use convoke::{
    Brief, Engine, Settings,
    api::{Ask, Fault, Question, Reply},
    core::{
        command::{Command, CreateWorkspace, Request, SendMessage},
        id::LogId,
        log::{Commit, Hash, Head},
        name::ActorName,
    },
};
use convoke_store::{AppendError, Log, MemoryLog, ReadError, Stored};
use tokio::{
    sync::{Semaphore, watch},
    task::{JoinHandle, yield_now},
    time::{sleep, timeout},
};

/// A log whose disk makes one append durable for each permit, and fails when there will be no more.
#[derive(Clone)]
struct SlowLog {
    log: MemoryLog,
    disk: Arc<Semaphore>,
    handed_over: Arc<AtomicU64>,
}

impl Log for SlowLog {
    fn head(&self) -> Head {
        self.log.head()
    }

    fn log_id(&self) -> Option<LogId> {
        self.log.log_id()
    }

    async fn append_if(&self, expected: Head, commit: Commit) -> Result<Head, AppendError> {
        self.handed_over.fetch_add(1, Ordering::SeqCst);
        match self.disk.acquire().await {
            Ok(permit) => permit.forget(),
            Err(_) => return Err(AppendError::OutcomeUnknown("the disk failed".to_owned())),
        }
        self.log.append_if(expected, commit).await
    }

    async fn read(&self, from: u64, events_max: usize) -> Result<Vec<Stored>, ReadError> {
        self.log.read(from, events_max).await
    }

    async fn range_root(&self, start: u64, end: u64) -> Result<Hash, ReadError> {
        self.log.range_root(start, end).await
    }

    fn watch(&self) -> watch::Receiver<Head> {
        self.log.watch()
    }
}

fn name(text: &str) -> ActorName {
    ActorName::parse(text).unwrap()
}

/// An engine with a workspace, whose disk makes nothing more durable until it is told to.
async fn begun() -> (Engine<SlowLog>, SlowLog) {
    let log = SlowLog { log: MemoryLog::new(), disk: Arc::new(Semaphore::new(1)), handed_over: Arc::default() };
    let engine = Engine::start(log.clone(), None, Settings::default()).await.unwrap();
    let command = Command::CreateWorkspace(CreateWorkspace { organizer: name("olga") });
    engine.command(Request { actor: name("olga"), key: None, expect_head: None, command }).await.unwrap();
    (engine, log)
}

/// Somebody who sends a message and waits for the answer.
async fn sending(engine: &Engine<SlowLog>) -> JoinHandle<Result<Brief, Fault>> {
    let command: SendMessage = serde_json::from_str(r#"{"to":["olga"],"body":"hello"}"#).unwrap();
    let command = Command::SendMessage(command);
    let request = Request { actor: name("olga"), key: None, expect_head: None, command };
    let pending = engine.submit(request).await.unwrap();
    let answer = tokio::spawn(pending.brief());
    // Long enough for everybody to do what can be done.
    for _ in 0..100 {
        yield_now().await;
    }
    answer
}

async fn answer(waiting: JoinHandle<Result<Brief, Fault>>) -> Result<Brief, Fault> {
    timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_arrives_during_a_sync_is_one_commit_and_answered_when_that_is_durable() {
    let (engine, log) = begun().await;
    let first = sending(&engine).await;
    let next = [sending(&engine).await, sending(&engine).await, sending(&engine).await];
    assert_eq!(log.handed_over.load(Ordering::SeqCst), 2, "one batch is in flight at a time");
    assert!(!first.is_finished());

    log.disk.add_permits(1);
    assert_eq!(answer(first).await.unwrap().head.size, 2);
    for _ in 0..100 {
        yield_now().await;
    }
    assert_eq!(log.handed_over.load(Ordering::SeqCst), 3, "the next is handed over at once");
    assert!(next.iter().all(|waiting| !waiting.is_finished()));
    assert_eq!(engine.head().size, 2);

    log.disk.add_permits(1);
    for (waiting, first) in next.into_iter().zip(2..) {
        let brief = answer(waiting).await.unwrap();
        assert_eq!((brief.first, brief.head.size), (first, 5));
    }
    assert_eq!(log.handed_over.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn when_an_append_fails_those_decided_after_it_are_refused_too_and_never_handed_over() {
    let (engine, log) = begun().await;
    let waiting = [sending(&engine).await, sending(&engine).await, sending(&engine).await];
    log.disk.close();
    for waiting in waiting {
        assert_eq!(answer(waiting).await.unwrap_err().code, "outcome_unknown");
    }
    assert_eq!(log.handed_over.load(Ordering::SeqCst), 2);
    assert_eq!(log.head().size, 1);
}

#[tokio::test]
async fn who_compares_the_deciding_state_with_the_log_sees_a_durable_one() {
    let (engine, log) = begun().await;
    let before = [sending(&engine).await, sending(&engine).await];
    let asking = engine.clone();
    let replay = tokio::spawn(async move { asking.ask(Ask { question: Question::Replay, as_of: None }).await });
    let after = sending(&engine).await;
    sleep(Duration::from_millis(20)).await;
    assert!(!replay.is_finished());
    log.disk.add_permits(10);
    let (Reply::Replayed(replayed), _) = replay.await.unwrap().unwrap() else { panic!("a replay was asked for") };
    assert!(replayed.matches);
    for waiting in before.into_iter().chain([after]) {
        answer(waiting).await.unwrap();
    }
}
