//! The engine and its store inside a program, beside a plain file: batches of 256 messages, each batch durable.

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use convoke::{Engine, Settings};
use convoke_core::{
    command::{Command, CreateWorkspace, Request},
    log::Commit,
    name::ActorName,
};
use convoke_store::{Log, SledLog};
use serde_json::json;

use crate::{
    Outcome,
    figures::{Figures, Target, median},
    machine,
    plain::PlainFile,
    workload::{ORGANIZER, Sends, agent, send},
    workspaces::{self, runtime},
};

const BATCH: usize = 256;
const BATCHES_A_TURN: usize = 300;
const EVENTS_A_TURN: usize = BATCH * BATCHES_A_TURN;
const TURNS: usize = 9;

pub(crate) fn run(figures: &mut Figures) -> Outcome<()> {
    throughput(figures)?;
    growth(figures)
}

/// Events a second of the plain file, the store and the engine, in turns.
fn throughput(figures: &mut Figures) -> Outcome<()> {
    let folder = machine::scratch()?;
    let mut sends = Sends::new()?;
    let mut file = PlainFile::create(&folder.path().join("plain"))?;
    let runtime = runtime()?;
    let store = SledLog::create(folder.path().join("store"))?;
    runtime.block_on(store.append_if(store.head(), sends.beginning()?))?;
    let engine = runtime.block_on(new_engine(&folder.path().join("convoke")))?;
    let (mut plain_rates, mut store_rates, mut engine_rates) = (Vec::new(), Vec::new(), Vec::new());
    let (mut realised, mut bytes) = (Vec::new(), 0);
    let mut processor = String::new();
    for turn in 0..TURNS {
        let commits: Vec<Commit> = (0..BATCHES_A_TURN).map(|_| sends.batch(BATCH)).collect::<Outcome<_>>()?;
        bytes = commits.iter().map(|commit| commit.frames().len()).sum();
        plain_rates.push(rate(|| commits.iter().try_for_each(|commit| file.append(commit.frames())))?);
        store_rates.push(rate(|| {
            runtime.block_on(async {
                for commit in commits {
                    store.append_if(store.head(), commit).await?;
                }
                Ok(())
            })
        })?);
        let requests = requests(turn)?;
        let mut heads = BTreeSet::new();
        let before = machine::processor_s("self");
        engine_rates.push(rate(|| runtime.block_on(submit_all(&engine, requests, &mut heads)))?);
        processor = machine::processor_us("self", &before, EVENTS_A_TURN as u64);
        realised.push(EVENTS_A_TURN as f64 / heads.len() as f64);
    }
    runtime.block_on(engine.close());
    let ratios =
        |rates: &[f64]| -> Vec<f64> { rates.iter().zip(&plain_rates).map(|(rate, plain)| rate / plain).collect() };
    let from = |rates: &[f64]| {
        format!("{:.0} k events/s beside {:.0} k of the file", median(rates) / 1e3, median(&plain_rates) / 1e3)
    };
    let what = |who: &str| format!("{who}, embedded, batches of {BATCH}, beside a plain file with `fdatasync`");
    let (store_ratio, engine_ratio) = (median(&ratios(&store_rates)), median(&ratios(&engine_rates)));
    figures.add(&what("The store alone"), store_ratio, "×", Target::AtLeast(0.4), from(&store_rates));
    let engine_from = format!("{}; an event takes {processor}", from(&engine_rates));
    figures.add(&what("The engine"), engine_ratio, "×", Target::AtLeast(0.3), engine_from);
    figures.keep(
        "embedded",
        json!({
            "plain_events_per_s": plain_rates,
            "store_events_per_s": store_rates,
            "engine_events_per_s": engine_rates,
            "engine_realised_batch": realised,
            "bytes_a_turn": bytes,
        }),
    );
    Ok(())
}

/// Only the engine, for a profile.
pub(crate) fn engine() -> Outcome<()> {
    let folder = machine::scratch()?;
    let runtime = runtime()?;
    let engine = runtime.block_on(new_engine(&folder.path().join("convoke")))?;
    for turn in 0..TURNS {
        let requests = requests(turn)?;
        let before = machine::processor_s("self");
        let events_a_second = rate(|| runtime.block_on(submit_all(&engine, requests, &mut BTreeSet::new())))?;
        let processor = machine::processor_us("self", &before, EVENTS_A_TURN as u64);
        eprintln!("{:.0} k events/s, {processor} an event", events_a_second / 1e3);
    }
    runtime.block_on(engine.close());
    Ok(())
}

/// The messages of one turn.
fn requests(turn: usize) -> Outcome<Vec<Request>> {
    let one = |number: usize| send(number as u64, agent(number)?, agent(3 * number)?);
    (turn * EVENTS_A_TURN..(turn + 1) * EVENTS_A_TURN).map(one).collect()
}

fn rate(work: impl FnOnce() -> Outcome<()>) -> Outcome<f64> {
    let began = Instant::now();
    work()?;
    Ok(EVENTS_A_TURN as f64 / began.elapsed().as_secs_f64())
}

/// Hands in batch after batch, the next one while the one before is written, and waits for every answer.
async fn submit_all(engine: &Engine, requests: Vec<Request>, heads: &mut BTreeSet<u64>) -> Outcome<()> {
    let mut before = Vec::new();
    let mut requests = requests.into_iter();
    loop {
        let mut batch = Vec::with_capacity(BATCH);
        for request in requests.by_ref().take(BATCH) {
            batch.push(engine.submit(request).await?);
        }
        let last = batch.is_empty();
        for pending in std::mem::replace(&mut before, batch) {
            heads.insert(pending.brief().await?.head.size);
        }
        if last {
            return Ok(());
        }
    }
}

async fn new_engine(folder: &Path) -> Outcome<Engine> {
    let organizer = ActorName::parse(ORGANIZER)?;
    let engine = Engine::create(folder, organizer.clone(), Settings::default()).await?;
    let again = Command::CreateWorkspace(CreateWorkspace { organizer: organizer.clone() });
    let refused = engine.command(Request { actor: organizer, key: None, expect_head: None, command: again }).await;
    if refused.is_ok() {
        return Err("a workspace was made twice".into());
    }
    Ok(engine)
}

/// What one append costs at ten thousand events and at a million.
fn growth(figures: &mut Figures) -> Outcome<()> {
    const SMALL: u64 = 12_000;
    let folder = machine::scratch()?;
    let small = workspaces::build(&folder.path().join("small"), SMALL, 250)?;
    let large = workspaces::build(&folder.path().join("large"), 1_000_000, 250)?;
    let runtime = runtime()?;
    let open = |folder: &Path| runtime.block_on(Engine::open(folder, Settings::default()));
    let (small, large) = (open(&small.folder)?, open(&large.folder)?);
    let mut number = 1 << 41;
    let mut ratios = Vec::new();
    let (mut small_us, mut large_us) = (Vec::new(), Vec::new());
    for _ in 0..15 {
        let mut turn = |engine: &Engine| -> Outcome<f64> {
            let mut took = Duration::ZERO;
            for _ in 0..60 {
                number += 1;
                let request = send(number, agent(number as usize)?, agent(3 * number as usize)?)?;
                let began = Instant::now();
                runtime.block_on(async { engine.submit(request).await?.brief().await })?;
                took += began.elapsed();
            }
            Ok(took.as_secs_f64() * 1e6 / 60.0)
        };
        let (one, other) = (turn(&small)?, turn(&large)?);
        small_us.push(one);
        large_us.push(other);
        ratios.push(other / one);
    }
    let from = format!("{:.0} µs an append, and {:.0} µs", median(&large_us), median(&small_us));
    let what = "An append at 1 million events, beside one at 10 thousand";
    figures.add(what, median(&ratios), "×", Target::AtMost(1.2), from);
    figures.keep("growth", json!({ "us_at_10_thousand": small_us, "us_at_1_million": large_us }));
    Ok(())
}
