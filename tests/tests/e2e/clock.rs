//! A clock that jumps freezes decisions until a human says that it is right; nothing is missed for it, nothing fires
//! early, and the log's time never runs backwards.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use convoke::{
    Clock, Engine, Settings,
    api::{Ask, LogFilter, Question, Reply},
    core::{
        clock::Readings,
        command::Request,
        name::ActorName,
        time::{Span, Timestamp},
    },
};
use serde_json::{Value, json};

/// The two clocks of a machine, both in the test's hands.
#[derive(Clone)]
struct Machine {
    wall_us: Arc<AtomicI64>,
    steady_us: Arc<AtomicI64>,
}

impl Machine {
    fn new() -> Self {
        let start = Timestamp::parse("2026-11-21T09:00:00Z").unwrap().us();
        Self { wall_us: Arc::new(AtomicI64::new(start)), steady_us: Arc::default() }
    }

    /// Time passes, as both clocks see it.
    fn pass(&self, span: &str) {
        let us = Span::parse(span).unwrap().us();
        self.wall_us.fetch_add(us, Ordering::SeqCst);
        self.steady_us.fetch_add(us, Ordering::SeqCst);
    }

    /// Somebody sets the wall clock.
    fn set(&self, seconds: i64) {
        self.wall_us.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    fn settings(&self) -> Settings {
        Settings { clock: Box::new(self.clone()), ..Settings::default() }
    }
}

impl Clock for Machine {
    fn readings(&self) -> Readings {
        let wall = Timestamp::from_us(self.wall_us.load(Ordering::SeqCst)).unwrap();
        Readings { wall, steady_us: self.steady_us.load(Ordering::SeqCst) }
    }
}

async fn give(engine: &Engine, actor: &str, command: Value) -> Result<Vec<String>, String> {
    let request: Request = serde_json::from_value(json!({"as": actor, "command": command})).unwrap();
    let answer = engine.command(request).await.map_err(|fault| fault.code)?;
    Ok(answer.events.into_iter().map(|event| event.kind).collect())
}

async fn times(engine: &Engine) -> Vec<Timestamp> {
    let filter = LogFilter { limit: Some(1_000), ..LogFilter::default() };
    let asked = engine.ask(Ask { question: Question::Log(filter), as_of: None }).await;
    let Ok((Reply::Log { events, .. }, _)) = asked else { panic!("{asked:?}") };
    events.into_iter().map(|event| event.time).collect()
}

async fn opened(folder: &Path, machine: &Machine) -> Engine {
    loop {
        match Engine::open(folder, machine.settings()).await {
            Err(fault) if fault.code == "log_locked" => tokio::time::sleep(Duration::from_millis(5)).await,
            opened => return opened.unwrap(),
        }
    }
}

async fn scheduled(folder: &Path, machine: &Machine) -> Engine {
    let engine = Engine::create(folder, ActorName::parse("olga").unwrap(), machine.settings()).await.unwrap();
    let schedule = json!({"name": "gate", "time": "+10m", "attendees": ["alice"]});
    give(&engine, "olga", json!({"schedule_countdown": schedule})).await.unwrap();
    engine
}

#[tokio::test]
async fn a_year_ahead_misses_no_countdown_unless_a_human_accepts_it() {
    let (folder, machine) = (tempfile::tempdir().unwrap(), Machine::new());
    let engine = scheduled(folder.path(), &machine).await;
    machine.set(365 * 24 * 60 * 60);
    for command in [json!({"tick": {}}), json!({"confirm_countdown": {"countdown": "gate"}})] {
        assert_eq!(give(&engine, "alice", command).await, Err("clock_jumped".to_owned()));
    }
    let before = times(&engine).await;
    // The clock is put right again: the jump still waits, but nothing was decided by it.
    machine.set(-365 * 24 * 60 * 60);
    machine.pass("1m");
    let accept = json!({"accept_clock": {"reason": "it is right again"}});
    assert_eq!(give(&engine, "olga", accept).await, Ok(vec!["clock.accepted".to_owned()]));
    let confirm = json!({"confirm_countdown": {"countdown": "gate"}});
    let fired = ["countdown.confirmed", "countdown.fired", "message.sent"].map(str::to_owned).to_vec();
    assert_eq!(give(&engine, "alice", confirm).await, Ok(fired), "nine minutes before T-0");
    let after = times(&engine).await;
    assert!(after.is_sorted() && after.starts_with(&before));
    assert!(after.last() < Some(&Timestamp::parse("2026-11-21T09:02:00Z").unwrap()), "{after:?}");
}

#[tokio::test]
async fn a_wall_clock_that_is_behind_on_opening_waits_and_time_goes_on_from_the_last_event() {
    let (folder, machine) = (tempfile::tempdir().unwrap(), Machine::new());
    let engine = scheduled(folder.path(), &machine).await;
    machine.pass("2m");
    give(&engine, "alice", json!({"send_message": {"to": ["olga"], "body": "still here"}})).await.unwrap();
    engine.close().await;
    machine.set(-60 * 60);
    let engine = opened(folder.path(), &machine).await;
    assert_eq!(give(&engine, "olga", json!({"tick": {}})).await, Err("clock_jumped".to_owned()));
    assert_eq!(times(&engine).await.len(), 4, "reading goes on, and nothing was written");
    let accept = json!({"accept_clock": {"reason": "the other one was wrong"}});
    give(&engine, "olga", accept).await.unwrap();
    machine.pass("9m");
    let late = give(&engine, "alice", json!({"confirm_countdown": {"countdown": "gate"}})).await;
    assert_eq!(late, Err("already_missed".to_owned()), "11 minutes passed, by the clock that is never set");
    let times = times(&engine).await;
    assert!(times.is_sorted(), "{times:?}");
}

#[tokio::test]
async fn a_wall_clock_set_back_while_running_changes_nothing() {
    let (folder, machine) = (tempfile::tempdir().unwrap(), Machine::new());
    let engine = scheduled(folder.path(), &machine).await;
    machine.set(-24 * 60 * 60);
    machine.pass("9m");
    let confirm = json!({"confirm_countdown": {"countdown": "gate"}});
    assert!(give(&engine, "alice", confirm).await.unwrap().contains(&"countdown.fired".to_owned()));
    assert!(times(&engine).await.is_sorted());
}
