//! Random work given to a running engine, one request after another, with the laws checked after each: the same steps
//! that core's tests decide and fold directly, here through the writer and a log.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicI64, Ordering},
};

use convoke::{Clock, Engine, Settings, api::Fault};
use convoke_core::{
    clock::Readings,
    command::{AcceptClock, Command, CreateWorkspace, Request, SendMessage},
    id::LogId,
    laws::Step,
    log::{Commit, Hash, Head},
    name::{ActorName, Key},
    time::Timestamp,
};
use convoke_store::{AppendError, Log, ReadError, Stored};
use serde_json::json;
use tokio::sync::watch;

use crate::witness::{self, Durable, QUERIES, Witness, query};

/// More time than this at once is a wall clock that was set.
const SET_MS: u64 = 50_000_000;

/// Plays the steps on an engine; at a snapshot step it is closed, and opened again on what `open` gives. Gives the number of
/// events.
///
/// # Panics
/// If a law does not hold.
pub fn play<L: Log>(steps: &[Step], open: impl Fn() -> L) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let tap = Tap::default();
        let mut player =
            Player { witness: Witness::new(tap.clone()), clocks: Clocks::default(), settled: Vec::new(), serial: 0 };
        let opened = |player: &Player| {
            let log = Tapped { inner: open(), tap: tap.clone() };
            Engine::start(log, None, Settings { clock: Box::new(player.clocks.clone()), ..Settings::default() })
        };
        let mut engine = opened(&player).await.expect("an engine");
        player.create(&engine).await;
        for step in steps {
            player.serial += 1;
            match step {
                Step::Advance { ms } => player.clocks.advance(*ms),
                Step::Snapshot => {
                    player.compare(&engine).await;
                    engine.close().await;
                    // What ended with it lets go of the log on its next turn.
                    tokio::task::yield_now().await;
                    engine = opened(&player).await.expect("an engine");
                    player.compare(&engine).await;
                }
                step => player.give(&engine, step).await,
            }
        }
        player.compare(&engine).await;
        let size = engine.head().size;
        engine.close().await;
        size
    })
}

struct Player {
    witness: Witness,
    clocks: Clocks,
    /// Keyed requests that wrote something.
    settled: Vec<Request>,
    serial: usize,
}

impl Player {
    async fn create<L: Log>(&mut self, engine: &Engine<L>) {
        let command = Command::CreateWorkspace(CreateWorkspace { organizer: organizer() });
        self.ask(engine, &Request { actor: organizer(), key: None, expect_head: None, command }, false).await;
    }

    async fn give<L: Log>(&mut self, engine: &Engine<L>, step: &Step) {
        let settled = |which: &usize| self.settled.iter().rev().nth(*which).cloned();
        let (request, again) = match step {
            Step::Again { which } => (settled(which), true),
            Step::Reuse { which } => {
                let command = json!({"to": ["bob"], "body": "another command under an old key"});
                let command: SendMessage = serde_json::from_value(command).expect("a message");
                let reused = |request| Request { command: Command::SendMessage(command), ..request };
                (settled(which).map(reused), true)
            }
            step => {
                let laws = self.witness.laws();
                (laws.names().request(laws.state(), step, self.serial), false)
            }
        };
        if let Some(request) = request {
            self.ask(engine, &request, again).await;
        }
        if self.serial.is_multiple_of(7) {
            let query = query(u32::try_from(self.serial / 7).unwrap_or_default() % QUERIES);
            let (view, head) = witness::look(engine, &query).await;
            self.witness.shown(&query, &view, head);
        }
    }

    async fn ask<L: Log>(&mut self, engine: &Engine<L>, request: &Request, again: bool) {
        let since = engine.head().size;
        let mut answer = engine.command(request.clone()).await;
        if answer.as_ref().is_err_and(|fault| fault.code == "clock_jumped") {
            self.accept(engine).await;
            answer = engine.command(request.clone()).await;
        }
        self.witness.catch_up();
        match answer {
            Ok(answer) => {
                assert!(!again || answer.repeated, "SameKeyOneEffect: {request:?}");
                self.witness.answered(request, &answer);
                if !again && request.key.is_some() && !answer.events.is_empty() {
                    self.settled.push(request.clone());
                }
            }
            Err(fault) => self.witness.refused(request, &fault, since),
        }
    }

    async fn accept<L: Log>(&mut self, engine: &Engine<L>) {
        let command = Command::AcceptClock(AcceptClock { reason: "somebody set it".to_owned() });
        let key = Some(Key::parse(&format!("clock-{}", self.serial)).expect("a key"));
        let request = Request { actor: organizer(), key, expect_head: None, command };
        let accepted: Result<_, Fault> = engine.command(request).await;
        assert!(accepted.is_ok(), "{accepted:?}");
    }

    /// Compares the engine's states with the log.
    async fn compare<L: Log>(&mut self, engine: &Engine<L>) {
        let replayed = witness::replay(engine).await.expect("an engine that runs");
        self.witness.replayed(&replayed);
    }
}

fn organizer() -> ActorName {
    ActorName::parse("olga").expect("a name")
}

/// Both clocks; a long time is the wall clock's alone.
#[derive(Debug, Clone, Default)]
struct Clocks {
    steady_us: Arc<AtomicI64>,
    wall_ahead_us: Arc<AtomicI64>,
}

impl Clocks {
    fn advance(&self, ms: u64) {
        let clock = if ms > SET_MS { &self.wall_ahead_us } else { &self.steady_us };
        clock.fetch_add(i64::try_from(ms).unwrap_or_default() * 1_000, Ordering::Relaxed);
    }
}

impl Clock for Clocks {
    fn readings(&self) -> Readings {
        let steady_us = self.steady_us.load(Ordering::Relaxed);
        let wall_us = 1_795_262_400_000_000 + steady_us + self.wall_ahead_us.load(Ordering::Relaxed);
        Readings { wall: Timestamp::from_us(wall_us).unwrap_or_default(), steady_us }
    }
}

/// What was appended to a log.
#[derive(Debug, Clone, Default)]
struct Tap(Arc<Mutex<Vec<Stored>>>);

impl Durable for Tap {
    fn commits_from(&self, index: usize) -> Vec<Stored> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(index..).unwrap_or_default().to_vec()
    }
}

/// A log whose durable commits can be seen from outside.
struct Tapped<L> {
    inner: L,
    tap: Tap,
}

impl<L: Log> Log for Tapped<L> {
    fn head(&self) -> Head {
        self.inner.head()
    }

    fn log_id(&self) -> Option<LogId> {
        self.inner.log_id()
    }

    async fn append_if(&self, expected: Head, commit: Commit) -> Result<Head, AppendError> {
        let head = self.inner.append_if(expected, commit.clone()).await?;
        let stored = Stored { commit, root: head.root };
        self.tap.0.lock().unwrap_or_else(PoisonError::into_inner).push(stored);
        Ok(head)
    }

    async fn read(&self, from: u64, events_max: usize) -> Result<Vec<Stored>, ReadError> {
        self.inner.read(from, events_max).await
    }

    async fn range_root(&self, start: u64, end: u64) -> Result<Hash, ReadError> {
        self.inner.range_root(start, end).await
    }

    fn watch(&self) -> watch::Receiver<Head> {
        self.inner.watch()
    }
}
