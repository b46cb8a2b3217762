//! Reading a million events: replay, verification, opening, looking one up, and what they take on disk and in memory.

use std::{path::Path, time::Instant};

use convoke::{
    Engine, Settings,
    api::{Ask, Question, Reply, VerifyAsk},
};
use convoke_core::id::IdReference;
use serde_json::json;

use crate::{
    Outcome,
    figures::{Figures, Target, median},
    machine,
    workspaces::{self, Workspace, runtime},
};

const EVENTS: u64 = 1_000_000;

pub(crate) fn run(figures: &mut Figures) -> Outcome<()> {
    for (events_each, disk_most, open_most) in [(250, 2.5, 50.0), (1, 4.0, 200.0)] {
        let folder = machine::scratch()?;
        let workspace = workspaces::build(&folder.path().join("convoke"), EVENTS, events_each)?;
        let commits = if events_each == 1 { "commits of one".to_owned() } else { format!("commits of {events_each}") };
        disk(figures, &workspace, &commits, disk_most);
        if events_each > 1 {
            scanning(figures, &workspace)?;
        }
        workspaces::close_cleanly(&workspace.folder)?;
        opening(figures, &workspace.folder, &format!("Opening with 1 million events in {commits}"), open_most)?;
        if events_each > 1 {
            lookups(figures, &workspace.folder)?;
        }
        // The most that can be missing from the snapshot.
        workspaces::kill_after(&workspace.folder, 199_000)?;
        let what =
            format!("Opening with 1.2 million events in {commits}, 199,000 of them after the last snapshot, killed");
        opening_once(figures, &workspace.folder, &what, 2000.0)?;
    }
    Ok(())
}

fn disk(figures: &mut Figures, workspace: &Workspace, commits: &str, most: f64) {
    let on_disk = machine::bytes_below(&workspace.folder) as f64;
    let (ratio, content) = (on_disk / workspace.content_bytes as f64, workspace.content_bytes as f64 / 1e6);
    let from = format!("{:.0} MB for {content:.0} MB of headers and payloads", on_disk / 1e6);
    figures.add(&format!("Disk, {commits}"), ratio, "×", Target::AtMost(most), from);
    let name = format!("disk, {commits}");
    let raw = json!({ "on_disk": on_disk, "content": workspace.content_bytes, "commits": workspace.commits, "events": workspace.events });
    figures.keep(&name, raw);
}

/// Replay and verification of the whole log.
fn scanning(figures: &mut Figures, workspace: &Workspace) -> Outcome<()> {
    let (mut replays, mut verifications) = (Vec::new(), Vec::new());
    scan_into(&workspace.folder, &mut replays, &mut verifications)?;
    let least = Target::AtLeast(1e6);
    let from = || format!("the median of {}", replays.len());
    figures.add("Replay from zero", median(&replays), "events/s", least, from());
    figures.add("`verify`", median(&verifications), "events/s", least, from());
    figures.keep("scanning", json!({ "replay_events_per_s": replays, "verify_events_per_s": verifications }));
    Ok(())
}

/// Replays and verifies, for a profile.
pub(crate) fn scan(folder: &Path) -> Outcome<()> {
    let (mut replays, mut verifications) = (Vec::new(), Vec::new());
    scan_into(folder, &mut replays, &mut verifications)?;
    eprintln!("replay {:.0} events/s, verify {:.0} events/s", median(&replays), median(&verifications));
    Ok(())
}

fn scan_into(folder: &Path, replays: &mut Vec<f64>, verifications: &mut Vec<f64>) -> Outcome<()> {
    let runtime = runtime()?;
    let engine = runtime.block_on(Engine::open(folder, Settings::default()))?;
    let events_a_second = |question: Question, rates: &mut Vec<f64>| -> Outcome<()> {
        let began = Instant::now();
        let (reply, head) = runtime.block_on(engine.ask(Ask { question, as_of: None }))?;
        let took = began.elapsed();
        let (right, took_s) = match reply {
            Reply::Replayed(replayed) => (replayed.matches, replayed.took_ms as f64 / 1e3),
            Reply::Verified(verified) => (verified.checkpoint.size == head.size, took.as_secs_f64()),
            _ => (false, 0.0),
        };
        rates.push(head.size as f64 / took_s);
        if right { Ok(()) } else { Err("the log does not hold".into()) }
    };
    for _ in 0..5 {
        events_a_second(Question::Replay, replays)?;
        events_a_second(Question::Verify(VerifyAsk::default()), verifications)?;
    }
    runtime.block_on(engine.close());
    Ok(())
}

/// Opens and closes, for a profile.
pub(crate) fn open(folder: &Path) -> Outcome<()> {
    let times: Vec<f64> = (0..20).map(|_| open_ms(folder)).collect::<Outcome<_>>()?;
    eprintln!("open {:.1} ms", median(&times));
    Ok(())
}

fn opening(figures: &mut Figures, folder: &Path, what: &str, most_ms: f64) -> Outcome<()> {
    let mut times = Vec::new();
    for _ in 0..9 {
        times.push(open_ms(folder)?);
    }
    let from = format!("the median of {}, after a clean close", times.len());
    figures.add(what, median(&times), "ms", Target::AtMost(most_ms), from);
    figures.keep(what, times);
    Ok(())
}

/// The first opening mends what the kill left, so that each copy can be opened once.
fn opening_once(figures: &mut Figures, folder: &Path, what: &str, most_ms: f64) -> Outcome<()> {
    let mut times = Vec::new();
    for turn in 0..3 {
        let copy = folder.with_file_name(format!("copy-{turn}"));
        machine::copy(folder, &copy)?;
        times.push(open_ms(&copy)?);
        std::fs::remove_dir_all(&copy)?;
    }
    let from = format!("the median of {}", times.len());
    figures.add(what, median(&times), "ms", Target::AtMost(most_ms), from);
    figures.keep(what, times);
    Ok(())
}

fn open_ms(folder: &Path) -> Outcome<f64> {
    let runtime = runtime()?;
    let began = Instant::now();
    let engine = runtime.block_on(Engine::open(folder, Settings::default()))?;
    let took = began.elapsed().as_secs_f64() * 1e3;
    runtime.block_on(engine.close());
    Ok(took)
}

/// `show` and `prove` of events all over the log, and by their ids.
fn lookups(figures: &mut Figures, folder: &Path) -> Outcome<()> {
    let runtime = runtime()?;
    let engine = runtime.block_on(Engine::open(folder, Settings::default()))?;
    let size = engine.head().size;
    let ask = |question| runtime.block_on(engine.ask(Ask { question, as_of: None }));
    let (mut shows, mut by_id, mut proofs) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..200 {
        let position = turn * 7_919 % size;
        let began = Instant::now();
        let Reply::Event(event) = ask(Question::Show(position.to_string()))?.0 else { return Err("no event".into()) };
        shows.push(began.elapsed().as_secs_f64() * 1e3);
        let id = event.id.to_string();
        if IdReference::parse(&id).is_none() {
            return Err("an event's id is no id".into());
        }
        let began = Instant::now();
        ask(Question::Show(id))?;
        by_id.push(began.elapsed().as_secs_f64() * 1e3);
        let began = Instant::now();
        ask(Question::Prove(position))?;
        proofs.push(began.elapsed().as_secs_f64() * 1e3);
    }
    eprintln!(
        "    in process: show {:.3} ms, by id {:.3} ms, prove {:.3} ms; {:.0} MB resident",
        median(&shows),
        median(&by_id),
        median(&proofs),
        machine::resident_bytes("self") as f64 / 1e6
    );
    figures.keep("lookups in process, ms", json!({ "show": shows, "show_by_id": by_id, "prove": proofs }));
    runtime.block_on(engine.close());
    Ok(())
}
