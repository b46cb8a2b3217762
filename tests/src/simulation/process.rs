//! One process: it opens the log, serves the clients, and ends in one way or another.

use std::time::Duration;

use convoke::{Engine, Offload, RandomIds, Settings, api::Fault};
use convoke_core::{
    command::{Command, CreateWorkspace, Request},
    log::Head,
};
use convoke_store::simulated::SimulatedLog;
use tokio::task::{JoinError, JoinSet};

use super::{
    World,
    clients::{self, key, organizer},
    plan::{Ending, Life, Until},
};

/// Longer than all the clients of a run together ever pause.
const TOO_LONG: Duration = Duration::from_secs(24 * 60 * 60);

/// Lives one process from its start to its end, on a runtime that ends with it.
pub(super) async fn live(world: &World, life: Life) -> Ending {
    world.clocks.start();
    let until = life.until;
    let ending = tokio::select! {
        biased;
        () = world.disk.dying() => Ending::Crashed,
        () = killed(until) => Ending::Crashed,
        ending = serve(world, life) => ending,
        () = tokio::time::sleep(TOO_LONG) => panic!("EveryRequestIsAnswered: somebody waits for ever"),
    };
    world.clocks.keep();
    ending
}

/// A kill comes after a time, between any two turns of the tasks.
async fn killed(until: Until) {
    let Until::Killed { after, turns } = until else { return std::future::pending().await };
    tokio::time::sleep(after).await;
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}

async fn serve(world: &World, life: Life) -> Ending {
    let Life { until, ids, mut fates, audit_after } = life;
    let log = SimulatedLog::open(&world.disk, move || fates.next()).expect("AcknowledgedIsDurable");
    world.shared().witness.opened();
    let settings = Settings {
        clock: Box::new(world.clocks.clone()),
        ids: Some(RandomIds::seeded(ids)),
        offload: Offload::InTurn,
        snapshots: world.snapshots.is_some(),
        timer: true,
        audit_after,
    };
    let folder = world.snapshots.as_ref().map(|folder| folder.path().to_owned());
    let engine = Engine::start(log, folder, settings).await.expect("an engine starts on a sound log");
    let nothing_to_do = world.shared().clients.are_done();
    if engine.head() == Head::EMPTY && create(&engine).await.is_err() {
        return Ending::Closed;
    }
    clients::replay(&engine, world).await;
    let mut tasks = JoinSet::new();
    tasks.spawn(clients::follow(engine.clone(), world.clone()));
    let mut acting = JoinSet::new();
    for client in 0..world.shared().clients.count() {
        acting.spawn(clients::act(client, engine.clone(), world.clone()));
    }
    let close = async {
        match until {
            Until::Closed { after } => tokio::time::sleep(after).await,
            _ => std::future::pending().await,
        }
    };
    tokio::pin!(close);
    let mut closed = false;
    loop {
        tokio::select! {
            biased;
            () = &mut close, if !closed => {
                closed = true;
                engine.clone().close().await;
            }
            ended = acting.join_next() => match ended {
                Some(ended) => unwind(ended),
                None => break,
            }
        }
    }
    if let Some(fault) = engine.failed() {
        assert_eq!(fault.code, "outcome_unknown", "{fault:?}");
    } else if !closed {
        clients::replay(&engine, world).await;
        clients::look(&engine, world).await;
        engine.close().await;
    }
    while let Some(ended) = tasks.join_next().await {
        unwind(ended);
    }
    if nothing_to_do { Ending::Finished } else { Ending::Closed }
}

async fn create(engine: &Engine<SimulatedLog>) -> Result<(), Fault> {
    let command = Command::CreateWorkspace(CreateWorkspace { organizer: organizer() });
    let request = Request { actor: organizer(), key: Some(key("create")), expect_head: Some(0), command };
    engine.command(request).await.map(drop)
}

/// A task's panic is this process's.
fn unwind(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        std::panic::resume_unwind(error.into_panic());
    }
}
