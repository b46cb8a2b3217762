//! The store alone: appending against a plain file, opening, disk, verification, memory.
//!
//! ```text
//! store_log [append] [1000000x250] [1000000x1] …      (by default all three)
//! ```
//!
//! `append` compares durable appends with `write` and `fdatasync` of the same bytes to a plain file, turn by turn in one
//! run. `EVENTSxCOMMIT` makes a log of so many events in commits of so many, and measures opening it after a clean close
//! and after a kill, the folder's size, verification, and a process's memory. Everything is under `$TMPDIR`.

use std::{
    error::Error,
    fs::File,
    io::Write,
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use convoke_core::log::{Commit, Frontier, Head};
use convoke_store::{Log, SledLog, Stored, conformance::run, sample, verify};

type Outcome<T> = Result<T, Box<dyn Error>>;

const PAYLOAD_BYTES: usize = 300;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["hold", folder] => hold(folder),
        [] => all(&["append", "1000000x250", "1000000x1"]),
        parts => all(parts),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("store_log: {error}");
            ExitCode::FAILURE
        }
    }
}

fn all(parts: &[&str]) -> Outcome<()> {
    let folder = std::env::temp_dir().join(format!("convoke-store-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let outcome = parts.iter().try_for_each(|part| match part.split_once('x') {
        Some((events, each)) => grown(&folder, events.parse()?, each.parse()?),
        None if *part == "append" => append(&folder, &[(1, 200), (64, 100), (256, 100), (1024, 30)]),
        None if *part == "append256" => append(&folder, &[(256, 150)]),
        None => Err(format!("{part} is not a part of this benchmark").into()),
    });
    std::fs::remove_dir_all(&folder)?;
    outcome
}

fn append(folder: &Path, sizes: &[(usize, usize)]) -> Outcome<()> {
    const TURN: usize = 10;
    println!(
        "appends of {PAYLOAD_BYTES}-byte payloads, each batch durable; store and plain file take turns of {TURN} batches"
    );
    println!(
        "{:>6} {:>14} {:>14} {:>7} {:>10} {:>10}",
        "batch", "store ev/s", "plain ev/s", "ratio", "p50 ms", "p99 ms"
    );
    for &(batch, turns) in sizes {
        let place = folder.join("append");
        let log = SledLog::create(&place)?;
        let mut plain = File::create(folder.join("plain"))?;
        let (mut store_time, mut plain_time, mut latencies) = (Duration::ZERO, Duration::ZERO, Vec::new());
        for _ in 0..turns {
            let mut first = log.head().size;
            let commits: Vec<Commit> = (0..TURN)
                .map(|_| {
                    let commit = sample::commit(first, batch, PAYLOAD_BYTES);
                    first = commit.end();
                    commit
                })
                .collect();
            let start = Instant::now();
            for commit in &commits {
                plain.write_all(commit.frames())?;
                plain.sync_data()?;
            }
            plain_time += start.elapsed();
            run(async {
                let start = Instant::now();
                let mut head = log.head();
                for commit in commits {
                    let one = Instant::now();
                    head = log.append_if(head, commit).await?;
                    latencies.push(one.elapsed());
                }
                store_time += start.elapsed();
                Outcome::Ok(())
            })?;
        }
        drop(log);
        std::fs::remove_dir_all(&place)?;
        let events = (TURN * turns * batch) as f64;
        latencies.sort_unstable();
        let percentile = |of: usize| latencies[latencies.len() * of / 100].as_secs_f64() * 1e3;
        let (store, plain) = (events / store_time.as_secs_f64(), events / plain_time.as_secs_f64());
        println!(
            "{batch:>6} {store:>14.0} {plain:>14.0} {:>7.2} {:>10.2} {:>10.2}",
            store / plain,
            percentile(50),
            percentile(99)
        );
    }
    Ok(())
}

fn grown(folder: &Path, events: u64, each: usize) -> Outcome<()> {
    println!("\n{events} events in commits of {each}:");
    let place = folder.join("grown");
    let start = Instant::now();
    SledLog::load(&place, commits(events, each), None, |_| ())?;
    println!("  loaded and verified at        {:>9.0} events/s", events as f64 / start.elapsed().as_secs_f64());
    println!("  folder                        {:>9.2} x header and payload bytes", ratio(&place, events)?);
    for _ in 0..3 {
        timed_open(&place, "open after a clean close")?;
    }
    for _ in 0..2 {
        // What a killed process leaves: no index of what it wrote, here of the whole log.
        for entry in std::fs::read_dir(place.join("sled"))? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("snap.")) {
                std::fs::remove_file(path)?;
            }
        }
        timed_open(&place, "open after a kill")?;
    }
    let log = SledLog::open(&place)?;
    for _ in 0..2 {
        let start = Instant::now();
        let report = run(verify(&log, None, |_| ()))?;
        println!(
            "  verify                        {:>9.2} M events/s",
            report.head.size as f64 / 1e6 / start.elapsed().as_secs_f64()
        );
    }
    let (mut slowest, mut total) = (Duration::ZERO, Duration::ZERO);
    run(async {
        for step in 0..200_u64 {
            let position = step * 7_919 * 131 % events;
            let start = Instant::now();
            log.read(position, 1).await?;
            convoke_proof(&log, position, log.head()).await?;
            slowest = slowest.max(start.elapsed());
            total += start.elapsed();
        }
        Outcome::Ok(())
    })?;
    println!(
        "  read and prove one event      {:>9.2} ms mean, {:.2} ms at most",
        total.as_secs_f64() * 5.0,
        slowest.as_secs_f64() * 1e3
    );
    drop(log);
    let held = Command::new(std::env::current_exe()?).args(["hold".as_ref(), place.as_os_str()]).output()?;
    print!("{}", String::from_utf8_lossy(&held.stdout));
    let small_place = folder.join("small");
    SledLog::load(&small_place, commits(10_000, each), None, |_| ())?;
    let (large, small) = (SledLog::open(&place)?, SledLog::open(&small_place)?);
    let (mut at_large, mut at_small) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..30 {
        at_small += singles(&small, 20)?;
        at_large += singles(&large, 20)?;
    }
    let mean = |time: Duration| time.as_secs_f64() * 1e3 / 600.0;
    println!(
        "  one append                    {:>9.3} ms mean; {:.3} ms at 10,000 events",
        mean(at_large),
        mean(at_small)
    );
    drop((large, small));
    std::fs::remove_dir_all(&place)?;
    std::fs::remove_dir_all(&small_place)?;
    Ok(())
}

/// The commits of a log, with their roots.
fn commits(events: u64, each: usize) -> impl Iterator<Item = Stored> {
    let mut frontier = Frontier::default();
    std::iter::from_fn(move || {
        let commit = (frontier.size() < events).then(|| sample::commit(frontier.size(), each, PAYLOAD_BYTES))?;
        commit.events().for_each(|event| frontier.push(event.leaf()));
        Some(Stored { root: frontier.root(), commit })
    })
}

async fn convoke_proof(log: &SledLog, position: u64, head: Head) -> Outcome<()> {
    // The ranges that a proof of inclusion asks for.
    let (mut start, mut end) = (0, head.size);
    while end - start > 1 {
        let middle = start + (end - start).next_power_of_two() / 2;
        if position < middle {
            log.range_root(middle, end).await?;
            end = middle;
        } else {
            log.range_root(start, middle).await?;
            start = middle;
        }
    }
    Ok(())
}

fn singles(log: &SledLog, count: u32) -> Outcome<Duration> {
    let start = Instant::now();
    run(async {
        for _ in 0..count {
            let head = log.head();
            log.append_if(head, sample::commit(head.size, 1, PAYLOAD_BYTES)).await?;
        }
        Outcome::Ok(())
    })?;
    Ok(start.elapsed())
}

fn timed_open(place: &Path, what: &str) -> Outcome<()> {
    let start = Instant::now();
    let log = SledLog::open(place)?;
    let opened = start.elapsed();
    let closing = Instant::now();
    drop(log);
    println!(
        "  {what:<29} {:>9.1} ms (closing it {:.1} ms)",
        opened.as_secs_f64() * 1e3,
        closing.elapsed().as_secs_f64() * 1e3
    );
    Ok(())
}

/// The folder's size over the bytes of the events' headers and payloads.
fn ratio(place: &Path, events: u64) -> Outcome<f64> {
    let commit = sample::commit(events - 1, 1, PAYLOAD_BYTES);
    let event = commit.events().next().ok_or("no event")?;
    let bytes = (event.header.len() + PAYLOAD_BYTES) as u64 * events;
    Ok(size_of(place)? as f64 / bytes as f64)
}

fn size_of(path: &Path) -> Outcome<u64> {
    let metadata = path.symlink_metadata()?;
    if !metadata.is_dir() {
        return Ok(metadata.blocks() * 512);
    }
    std::fs::read_dir(path)?.map(|entry| size_of(&entry?.path())).sum()
}

fn hold(folder: &str) -> Outcome<()> {
    let log = SledLog::open(folder)?;
    let (opened, _) = memory()?;
    run(verify(&log, None, |_| ()))?;
    let (now, peak) = memory()?;
    println!("  memory                        {opened:>9.0} MB opened, {now:.0} MB after verify, {peak:.0} MB at most");
    Ok(())
}

/// Megabytes in memory now and at most.
fn memory() -> Outcome<(f64, f64)> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let field = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse::<f64>().ok())
            .ok_or("no such field in /proc/self/status")
    };
    Ok((field("VmRSS:")? / 1024.0, field("VmHWM:")? / 1024.0))
}
