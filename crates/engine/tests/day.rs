//! A day on one log, through the engine's API, on a real store.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use convoke::{
    Clock, Engine, Settings,
    api::{AsOf, Ask, Condition, LogFilter, Question, Reply, WaitAsk},
    core::{
        clock::Readings,
        command::{Command, Request},
        name::{ActorName, Key},
        time::{Span, Timestamp},
    },
    projections::{Query, View, query::Reference},
};
use serde_json::{Value, json};

/// A clock that the test turns; both of the machine's clocks agree.
#[derive(Clone, Default)]
struct TestClock {
    us: Arc<AtomicI64>,
    wall_ahead_us: Arc<AtomicI64>,
}

impl TestClock {
    fn at(time: &str) -> Self {
        let clock = Self::default();
        clock.us.store(Timestamp::parse(time).unwrap().us(), Ordering::SeqCst);
        clock
    }

    fn advance(&self, span: &str) {
        self.us.fetch_add(Span::parse(span).unwrap().us(), Ordering::SeqCst);
    }

    fn jump(&self, span: &str) {
        self.wall_ahead_us.fetch_add(Span::parse(span).unwrap().us(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn readings(&self) -> Readings {
        let us = self.us.load(Ordering::SeqCst);
        let wall = Timestamp::from_us(us + self.wall_ahead_us.load(Ordering::SeqCst)).unwrap();
        Readings { wall, steady_us: us }
    }
}

fn settings(clock: &TestClock) -> Settings {
    Settings { clock: Box::new(clock.clone()), ..Settings::default() }
}

fn name(text: &str) -> ActorName {
    ActorName::parse(text).unwrap()
}

fn request(actor: &str, command: Value) -> Request {
    let command: Command = serde_json::from_value(command).unwrap();
    Request { actor: name(actor), key: None, expect_head: None, command }
}

async fn kinds(engine: &Engine, actor: &str, command: Value) -> Vec<String> {
    let answer = engine.command(request(actor, command)).await.unwrap();
    answer.events.into_iter().map(|event| event.kind).collect()
}

async fn code(engine: &Engine, actor: &str, command: Value) -> String {
    engine.command(request(actor, command)).await.unwrap_err().code
}

async fn countdown_state(engine: &Engine, reference: &str, as_of: Option<AsOf>) -> String {
    let question = Question::State(Query::Countdown(Reference { reference: reference.to_owned() }));
    let (reply, _) = engine.ask(Ask { question, as_of }).await.unwrap();
    let Reply::State(View::Countdown(view)) = reply else { panic!("{reply:?}") };
    view.line.state.as_str().to_owned()
}

#[tokio::test]
async fn a_quorum_fires_in_the_same_commit_and_everybody_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at("2026-11-21T09:00:00Z");
    let engine = Engine::create(folder.path(), name("olga"), settings(&clock)).await.unwrap();
    let schedule = json!({"schedule_countdown": {"name": "review", "time": "+5m", "quorum": 2, "attendees": ["alice", "bob", "carol"]}});
    let written = kinds(&engine, "olga", schedule).await;
    assert_eq!(written, ["actor.registered", "actor.registered", "actor.registered", "countdown.scheduled"]);
    assert_eq!(
        kinds(&engine, "alice", json!({"confirm_countdown": {"countdown": "review"}})).await,
        ["countdown.confirmed"]
    );
    assert_eq!(kinds(&engine, "alice", json!({"confirm_countdown": {"countdown": "review"}})).await, [""; 0]);
    assert_eq!(
        kinds(&engine, "bob", json!({"confirm_countdown": {"countdown": "review"}})).await,
        ["countdown.confirmed", "countdown.fired", "message.sent"]
    );
    assert_eq!(code(&engine, "carol", json!({"decline_countdown": {"countdown": "review"}})).await, "already_fired");
    let answer = engine.command(request("carol", json!({"receive_messages": {}}))).await.unwrap();
    assert_eq!(answer.messages[0].subject.as_deref(), Some("review fired"));
    assert_eq!(answer.messages[0].data.as_ref().unwrap()["outcome"], "fired");
    assert_eq!(
        kinds(&engine, "carol", json!({"ack_message": {"token": answer.messages[0].token}})).await,
        ["message.acked"]
    );
    assert_eq!(countdown_state(&engine, "review", None).await, "fired");
    assert_eq!(countdown_state(&engine, "review", Some(AsOf::Size(6))).await, "counting");
}

#[tokio::test]
async fn what_is_due_comes_first_and_a_late_confirmation_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at("2026-11-21T09:00:00Z");
    let engine = Engine::create(folder.path(), name("olga"), settings(&clock)).await.unwrap();
    kinds(&engine, "olga", json!({"schedule_countdown": {"name": "gate", "time": "+5m", "attendees": ["alice"]}}))
        .await;
    clock.advance("5m");
    assert_eq!(code(&engine, "alice", json!({"confirm_countdown": {"countdown": "gate"}})).await, "already_missed");
    let (Reply::Log { events, .. }, _) =
        engine.ask(Ask { question: Question::Log(LogFilter::default()), as_of: None }).await.unwrap()
    else {
        panic!()
    };
    let missed = events.iter().find(|event| event.kind == "countdown.missed").unwrap();
    assert_eq!(missed.actor, ActorName::system());
    assert_eq!(missed.time, Timestamp::parse("2026-11-21T09:05:00Z").unwrap());
}

#[tokio::test]
async fn a_countdown_fires_by_itself_while_the_engine_runs() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::create(folder.path(), name("olga"), Settings::default()).await.unwrap();
    kinds(&engine, "olga", json!({"schedule_countdown": {"name": "soon", "time": "+50ms"}})).await;
    let conditions = vec![Condition::Countdown { countdown: "soon".to_owned(), state: "ended".to_owned() }];
    let timeout_ms = Span::parse("30s").unwrap();
    engine.wait(WaitAsk { conditions, timeout_ms }).await.unwrap();
    assert_eq!(countdown_state(&engine, "soon", None).await, "fired");
}

#[tokio::test]
async fn without_a_timer_who_only_looks_writes_nothing_and_the_next_command_comes_after_what_is_due() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at("2026-11-21T09:00:00Z");
    let without_timer = || Settings { timer: false, ..settings(&clock) };
    let engine = Engine::create(folder.path(), name("olga"), without_timer()).await.unwrap();
    kinds(&engine, "olga", json!({"schedule_countdown": {"name": "gate", "time": "+5m", "attendees": ["alice"]}}))
        .await;
    let before = engine.head();
    clock.advance("5m");
    assert_eq!(countdown_state(&engine, "gate", None).await, "counting");
    // This one looks at the deciding state, between two batches.
    engine.ask(Ask { question: Question::Replay, as_of: None }).await.unwrap();
    assert_eq!(engine.head(), before);
    engine.close().await;
    let engine = Engine::open(folder.path(), without_timer()).await.unwrap();
    assert_eq!(engine.head(), before);
    assert_eq!(kinds(&engine, "olga", json!({"tick": {}})).await.len(), 0);
    assert_eq!(countdown_state(&engine, "gate", None).await, "missed");
}

#[tokio::test]
async fn a_campaign_releases_in_order_and_one_commit_holds_the_cascade() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at("2026-11-21T09:00:00Z");
    let engine = Engine::create(folder.path(), name("olga"), settings(&clock)).await.unwrap();
    kinds(&engine, "olga", json!({"create_campaign": {"name": "release"}})).await;
    let add = |name: &str, after: &[&str]| json!({"schedule_countdown": {"name": name, "time": "+10m", "attendees": ["alice"], "campaign": "release", "after": after}});
    kinds(&engine, "olga", add("build", &[])).await;
    kinds(&engine, "olga", add("test", &["build"])).await;
    kinds(&engine, "olga", add("ship", &["test"])).await;
    let cycle = json!({"link_campaign": {"campaign": "release", "before": "ship", "after": "build"}});
    assert_eq!(code(&engine, "olga", cycle).await, "cycle");
    assert_eq!(
        kinds(&engine, "olga", json!({"start_campaign": {"campaign": "release"}})).await,
        ["campaign.started", "countdown.released"]
    );
    // Answers are accepted while held: test fires as soon as it is released.
    assert_eq!(
        kinds(&engine, "alice", json!({"confirm_countdown": {"countdown": "test"}})).await,
        ["countdown.confirmed"]
    );
    assert_eq!(
        kinds(&engine, "alice", json!({"confirm_countdown": {"countdown": "build"}})).await,
        [
            "countdown.confirmed",
            "countdown.fired",
            "message.sent",
            "countdown.released",
            "countdown.fired",
            "message.sent",
            "countdown.released"
        ]
    );
    clock.advance("1h");
    assert_eq!(kinds(&engine, "olga", json!({"tick": {}})).await, [""; 0]);
    assert_eq!(countdown_state(&engine, "ship", None).await, "missed");
    let question = Question::State(Query::Campaign(Reference { reference: "release".to_owned() }));
    let (Reply::State(View::Campaign(view)), _) = engine.ask(Ask { question, as_of: None }).await.unwrap() else {
        panic!()
    };
    assert_eq!(view.line.state.as_str(), "failed");
}

#[tokio::test]
async fn the_same_key_has_one_effect_and_one_answer_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at("2026-11-21T09:00:00Z");
    let engine = Engine::create(folder.path(), name("olga"), settings(&clock)).await.unwrap();
    let mut send = request("alice", json!({"send_message": {"to": ["bob"], "body": "once"}}));
    send.key = Some(Key::parse("k-1").unwrap());
    let first = engine.command(send.clone()).await.unwrap();
    let again = engine.command(send.clone()).await.unwrap();
    assert!(again.repeated);
    assert_eq!(json!(first.events), json!(again.events));
    engine.close().await;
    let engine = reopen(folder.path(), &clock).await;
    let again = engine.command(send.clone()).await.unwrap();
    assert_eq!(json!(first.events), json!(again.events));
    send.command = serde_json::from_value(json!({"send_message": {"to": ["bob"], "body": "twice"}})).unwrap();
    assert_eq!(engine.command(send).await.unwrap_err().code, "key_reused");
}

async fn reopen(folder: &std::path::Path, clock: &TestClock) -> Engine {
    // The last clone of an engine lets go of the log on another thread.
    for _ in 0..1000 {
        match Engine::open(folder, settings(clock)).await {
            Err(fault) if fault.code == "log_locked" => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
            opened => return opened.unwrap(),
        }
    }
    panic!("the log stays locked");
}

#[tokio::test]
async fn a_dead_receivers_message_comes_back_and_its_late_ack_is_fenced() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at("2026-11-21T09:00:00Z");
    let engine = Engine::create(folder.path(), name("olga"), settings(&clock)).await.unwrap();
    kinds(&engine, "alice", json!({"send_message": {"to": ["bob"], "body": "hello"}})).await;
    let first = engine.command(request("bob", json!({"receive_messages": {}}))).await.unwrap();
    assert!(engine.command(request("bob", json!({"receive_messages": {}}))).await.unwrap().events.is_empty());
    clock.advance("31m");
    let second = engine.command(request("bob", json!({"receive_messages": {}}))).await.unwrap();
    assert_eq!(second.messages[0].delivery, 2);
    assert_eq!(code(&engine, "bob", json!({"ack_message": {"token": first.messages[0].token}})).await, "stale_fence");
    kinds(&engine, "bob", json!({"ack_message": {"token": second.messages[0].token}})).await;
    // A reply finds its thread although the message is not in the deciding state any more.
    let reply =
        json!({"send_message": {"to": ["alice"], "body": "hi", "in_reply_to": second.messages[0].message.short()}});
    kinds(&engine, "bob", reply).await;
    let waiting = engine.clone();
    let receiving = tokio::spawn(async move {
        let receive = request("carol", json!({"receive_messages": {}}));
        waiting.receive(receive, Span::parse("30s").unwrap()).await
    });
    tokio::task::yield_now().await;
    kinds(&engine, "bob", json!({"send_message": {"to": ["carol"], "body": "wake up"}})).await;
    assert_eq!(receiving.await.unwrap().unwrap().messages[0].body, "wake up");
}

/// On a thread of its own: an engine that goes round in circles would never let go of this one.
#[test]
fn without_a_timer_an_accepted_jump_is_answered_and_the_engine_ends() {
    let (done, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let clock = TestClock::at("2026-11-21T09:00:00Z");
            let without_timer = Settings { timer: false, ..settings(&clock) };
            let engine = Engine::create(folder.path(), name("olga"), without_timer).await.unwrap();
            kinds(&engine, "olga", json!({"schedule_countdown": {"name": "gate", "time": "+1h"}})).await;
            clock.jump("2h");
            let accept = json!({"accept_clock": {"reason": "it is right"}});
            assert_eq!(kinds(&engine, "olga", accept).await, ["clock.accepted"]);
            assert_eq!(countdown_state(&engine, "gate", None).await, "counting");
            engine.close().await;
        });
        done.send(()).unwrap();
    });
    wait.recv_timeout(std::time::Duration::from_secs(60)).expect("it is answered");
}

#[tokio::test]
async fn a_jump_of_the_clock_waits_for_a_human() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at("2026-11-21T09:00:00Z");
    let engine = Engine::create(folder.path(), name("olga"), settings(&clock)).await.unwrap();
    kinds(&engine, "olga", json!({"schedule_countdown": {"name": "gate", "time": "+5m"}})).await;
    clock.jump("8760h");
    assert_eq!(code(&engine, "olga", json!({"tick": {}})).await, "clock_jumped");
    assert_eq!(countdown_state(&engine, "gate", None).await, "counting");
    assert_eq!(code(&engine, "robot", json!({"accept_clock": {"reason": "it is right"}})).await, "not_permitted");
    assert_eq!(code(&engine, "olga", json!({"tick": {}})).await, "clock_jumped");
    assert_eq!(kinds(&engine, "olga", json!({"accept_clock": {"reason": "it is right"}})).await, ["clock.accepted"]);
    kinds(&engine, "olga", json!({"tick": {}})).await;
    assert_eq!(countdown_state(&engine, "gate", None).await, "fired");
    assert_eq!(code(&engine, "olga", json!({"accept_clock": {"reason": "again"}})).await, "clock_fine");
}

#[tokio::test]
async fn proofs_verification_replay_and_export_agree() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at("2026-11-21T09:00:00Z");
    let engine = Engine::create(folder.path(), name("olga"), settings(&clock)).await.unwrap();
    for i in 0..700 {
        kinds(&engine, "alice", json!({"send_message": {"to": ["bob"], "body": format!("message {i}")}})).await;
    }
    let ask = |question| engine.ask(Ask { question, as_of: None });
    for position in [0, 1, 255, 256, 511, 700] {
        let (Reply::Proof(proof), head) = ask(Question::Prove(position)).await.unwrap() else { panic!() };
        proof.check().unwrap();
        assert_eq!(proof.root, head.root);
    }
    let (Reply::Extension(extension), _) = ask(Question::Extends(300)).await.unwrap() else { panic!() };
    extension.check().unwrap();
    let (Reply::Verified(verified), head) = ask(Question::Verify(Default::default())).await.unwrap() else { panic!() };
    assert_eq!(verified.checkpoint.head(), head);
    let (Reply::Replayed(replayed), _) = ask(Question::Replay).await.unwrap() else { panic!() };
    assert!(replayed.matches);
    let file = folder.path().join("export.ndjson");
    let checkpoint = engine.export(std::fs::File::create(&file).unwrap()).await.unwrap();
    assert_eq!(checkpoint.head(), head);
    let reader = || std::io::BufReader::new(std::fs::File::open(&file).unwrap());
    assert_eq!(convoke::verify_export(reader(), None, |_| {}).unwrap().checkpoint, checkpoint);
    let copy = folder.path().join("copy");
    assert_eq!(convoke::import(&copy, reader(), |_| {}).unwrap().checkpoint, checkpoint);
    let copied = Engine::open(&copy, settings(&clock)).await.unwrap();
    assert_eq!(copied.head(), head);
}

#[tokio::test]
async fn a_replay_of_many_keyed_commands_is_the_live_state_and_the_audit_is_content() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at("2026-11-21T09:00:00Z");
    let engine = Engine::create(folder.path(), name("olga"), settings(&clock)).await.unwrap();
    for i in 0..50 {
        let mut send = request("alice", json!({"send_message": {"to": ["bob"], "body": "x"}}));
        send.key = Some(Key::parse(&format!("key-{i}")).unwrap());
        engine.command(send).await.unwrap();
    }
    let replayed = |engine: Engine| async move {
        let (Reply::Replayed(replayed), _) = engine.ask(Ask { question: Question::Replay, as_of: None }).await.unwrap()
        else {
            panic!()
        };
        replayed
    };
    assert!(replayed(engine.clone()).await.matches);
    engine.close().await;
    let engine = loop {
        let quick = Settings { audit_after: std::time::Duration::from_millis(1), ..settings(&clock) };
        match Engine::open(folder.path(), quick).await {
            Ok(engine) => break engine,
            Err(fault) => assert_eq!(fault.code, "log_locked"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    assert!(replayed(engine.clone()).await.matches);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(engine.failed(), None);
}

#[tokio::test]
async fn what_a_command_makes_due_at_once_is_decided_before_the_next_one_of_its_batch() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at("2026-11-21T09:00:00Z");
    let engine = Engine::create(folder.path(), name("olga"), settings(&clock)).await.unwrap();
    let past = json!({"schedule_countdown": {"name": "now", "time": "2026-11-21T08:00:00Z", "attendees": ["alice"], "allow_past": true}});
    let scheduling = engine.submit(request("olga", past)).await.unwrap();
    let confirming = engine.submit(request("alice", json!({"confirm_countdown": {"countdown": "now"}}))).await.unwrap();
    scheduling.answer().await.unwrap();
    assert_eq!(confirming.answer().await.unwrap_err().code, "already_missed");
}

#[tokio::test]
async fn a_wait_follows_the_thing_it_was_for_and_ends_when_it_is_in_vain() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at("2026-11-21T09:00:00Z");
    let engine = Engine::create(folder.path(), name("olga"), settings(&clock)).await.unwrap();
    let schedule = json!({"schedule_countdown": {"name": "standup", "time": "+1h", "attendees": ["alice"]}});
    kinds(&engine, "olga", schedule.clone()).await;
    let wait = |state: &str| {
        let conditions = vec![Condition::Countdown { countdown: "standup".to_owned(), state: state.to_owned() }];
        let (engine, timeout_ms) = (engine.clone(), Span::parse("30s").unwrap());
        tokio::spawn(async move { engine.wait(WaitAsk { conditions, timeout_ms }).await })
    };
    let (fired, missed) = (wait("fired"), wait("missed"));
    tokio::task::yield_now().await;
    kinds(&engine, "alice", json!({"confirm_countdown": {"countdown": "standup"}})).await;
    kinds(&engine, "olga", schedule).await;
    assert_eq!(fired.await.unwrap().unwrap().0.met, 0);
    assert_eq!(missed.await.unwrap().unwrap_err().code, "wait_in_vain");
}
