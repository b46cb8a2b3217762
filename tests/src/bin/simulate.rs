//! The simulation of the engine, for as many seeds or as long as asked for.
//!
//! `simulate [--seed S] [--seeds N] [--seconds T]`: the seeds from S on (0 if not given), N of them (one if only S is given), or as
//! many as T seconds allow. A seed that fails is printed with the command that runs it again; then no further one begins.

use std::{
    panic,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use convoke_tests::simulation::{Summary, simulate};

/// What is asked for.
struct Asked {
    first: u64,
    seeds: u64,
    at_most: Duration,
}

fn main() -> ExitCode {
    let Some(asked) = asked(std::env::args().skip(1)) else {
        eprintln!("usage: simulate [--seed S] [--seeds N] [--seconds T]");
        return ExitCode::from(2);
    };
    let began = Instant::now();
    let (next, failed, sums) = (AtomicU64::new(0), AtomicBool::new(false), Mutex::new(Sums::default()));
    let work = || {
        while !failed.load(Ordering::Relaxed) && began.elapsed() < asked.at_most {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= asked.seeds {
                break;
            }
            let seed = asked.first.wrapping_add(index);
            match panic::catch_unwind(|| simulate(seed)) {
                Ok(summary) => sums.lock().unwrap_or_else(PoisonError::into_inner).add(&summary),
                Err(_) => {
                    failed.store(true, Ordering::Relaxed);
                    println!("FAIL seed {seed}: see above; again with");
                    println!("  cargo run --release -p convoke-tests --bin simulate -- --seed {seed}");
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    sums.into_inner().unwrap_or_else(PoisonError::into_inner).print(began.elapsed());
    if failed.into_inner() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn asked(mut words: impl Iterator<Item = String>) -> Option<Asked> {
    let (mut first, mut seeds, mut seconds) = (None, None, None);
    while let Some(word) = words.next() {
        let number: u64 = words.next()?.parse().ok()?;
        match word.as_str() {
            "--seed" => first = Some(number),
            "--seeds" => seeds = Some(number),
            "--seconds" => seconds = Some(number),
            _ => return None,
        }
    }
    let default = match (first, seconds) {
        (_, Some(_)) => u64::MAX,
        (Some(_), None) => 1,
        (None, None) => 1_000,
    };
    let at_most = seconds.map_or(Duration::MAX, Duration::from_secs);
    Some(Asked { first: first.unwrap_or(0), seeds: seeds.unwrap_or(default), at_most })
}

/// What all runs came to.
#[derive(Default)]
struct Sums {
    seeds: u64,
    events: u64,
    answers: u64,
    repeated: u64,
    processes: u64,
    crashes: u64,
    last: Option<Summary>,
}

impl Sums {
    fn add(&mut self, summary: &Summary) {
        self.seeds += 1;
        self.events += summary.head.size;
        self.answers += summary.answers;
        self.repeated += summary.repeated;
        self.processes += u64::from(summary.processes);
        self.crashes += u64::from(summary.crashes);
        self.last = Some(summary.clone());
    }

    fn print(&self, took: Duration) {
        let Self { seeds, events, answers, repeated, processes, crashes, last } = self;
        if let (1, Some(summary)) = (seeds, last) {
            println!("{summary:#?}");
        }
        println!(
            "{seeds} seeds in {:.1} s, {:.0} a minute",
            took.as_secs_f64(),
            *seeds as f64 / took.as_secs_f64() * 60.0
        );
        println!(
            "{events} events, {answers} answers, {repeated} requests repeated, {processes} processes, {crashes} crashes"
        );
    }
}
