//! A soak: mixed load on a real daemon that is killed and stopped at random, for as many seconds as asked for.
//!
//! `soak --seconds 60 [--folder DIR]`. Called in any other way it is the `convoke` program itself, so that the daemons
//! that it starts are of the same build.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use convoke_core::limits::KEYS_KEPT_MAX;
use convoke_tests::{
    chance,
    disturbance::{Disturbance, disturb},
    ledger::Ledger,
    load::{self, SENDERS},
    workspace::{ORGANIZER, Workspace},
    written::Written,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (seconds, folder) = match words.as_slice() {
        ["--seconds", seconds] => (seconds.parse(), None),
        ["--seconds", seconds, "--folder", folder] => (seconds.parse(), Some(PathBuf::from(folder))),
        _ => return convoke_cli::run(),
    };
    let Ok(seconds) = seconds else {
        eprintln!("usage: soak --seconds N [--folder DIR]");
        return ExitCode::from(2);
    };
    match std::env::current_exe() {
        Ok(program) => soak(&program, folder.as_deref(), seconds),
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What was checked.
#[derive(Default)]
struct Tally {
    passed: u32,
    failed: u32,
}

impl Tally {
    /// Runs a check, which panics if it does not hold.
    fn check<T>(&mut self, claim: &str, check: impl FnOnce() -> T) -> Option<T> {
        let held = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).ok();
        let word = if held.is_some() { "ok  " } else { "FAIL" };
        println!("{word} {claim}");
        match held {
            Some(_) => self.passed += 1,
            None => self.failed += 1,
        }
        held
    }
}

fn soak(program: &Path, folder: Option<&Path>, seconds: u64) -> ExitCode {
    let workspace = folder.map_or_else(|| Workspace::new(program), |folder| Workspace::at(program, folder));
    println!(
        "{seconds} s of mixed load by {} senders in {}, seed {}",
        SENDERS.len(),
        workspace.root().display(),
        chance::seed()
    );
    let mut tally = Tally::default();
    let ledger = Ledger::default();
    let growth = Growth::default();
    tally.check("every sender was answered throughout, by one daemon after another", || {
        act(&workspace, &ledger, &growth, seconds);
    });
    check(&workspace, &ledger, &mut tally);
    let bytes = folder_bytes(&workspace.inside("store"));
    println!(
        "the store grew to {:.1} MB, at most {:.1} MB on the way",
        mb(bytes),
        mb(growth.most.load(Ordering::Relaxed))
    );
    println!("{} passed, {} failed", tally.passed, tally.failed);
    if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The load, and the disturbances: calm, kills and stops in turn, a second or so each.
fn act(workspace: &Workspace, ledger: &Ledger, growth: &Growth, seconds: u64) {
    let (ended, began) = (AtomicBool::new(false), Instant::now());
    thread::scope(|scope| {
        let ended = &ended;
        let senders: Vec<_> = SENDERS
            .into_iter()
            .enumerate()
            .map(|(index, name)| {
                scope.spawn(move || match index {
                    5 => load::by_processes(workspace, ledger, name, ended),
                    _ => {
                        let mut chance = chance::generator(20 + index as u64);
                        load::over_the_socket(workspace, ledger, name, &mut chance, ended)
                    }
                })
            })
            .collect();
        let mut chance = chance::generator(6);
        let (mut kills, mut stops, mut said) = (0, 0, Duration::ZERO);
        while began.elapsed() < Duration::from_secs(seconds) && ledger.len() < KEYS_KEPT_MAX {
            thread::sleep(Duration::from_millis(500));
            kills += for_a_moment(workspace, Disturbance::Kill, ledger, &mut chance);
            stops += for_a_moment(workspace, Disturbance::Stop, ledger, &mut chance);
            growth.measure(workspace);
            if began.elapsed() - said > Duration::from_secs(30) {
                said = began.elapsed();
                println!("{:>5} s: {} acknowledged, {kills} kills, {stops} stops", said.as_secs(), ledger.len());
            }
            if senders.iter().any(thread::ScopedJoinHandle::is_finished) {
                break;
            }
        }
        ended.store(true, Ordering::Relaxed);
        println!("{} commands acknowledged; {kills} kills, {stops} stops", ledger.len());
        for sender in senders {
            assert!(sender.join().expect("a sender went on to the end") > 0, "every sender was heard");
        }
        assert!(kills + stops > 0, "nothing was disturbed");
    });
}

fn for_a_moment(workspace: &Workspace, what: Disturbance, ledger: &Ledger, chance: &mut rand::rngs::StdRng) -> u64 {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let disturbing = scope.spawn(|| disturb(workspace, what, 10..200, chance, ledger, &over));
        thread::sleep(Duration::from_secs(1));
        over.store(true, Ordering::Relaxed);
        disturbing.join().expect("the daemon stops when told to")
    })
}

fn check(workspace: &Workspace, ledger: &Ledger, tally: &mut Tally) {
    let written = tally.check("the log exports and reads back", || Written::in_workspace(workspace));
    if let Some(written) = &written {
        println!("     {} events in {} commits", written.events.len(), written.commits.len());
        tally.check("each acknowledged command is in the log once, in order, under a head that the log had", || {
            ledger.check(written);
        });
        tally.check("no command's events are torn apart", || load::check_commits_are_whole(written));
    }
    tally.check("a replay from zero is what the daemon serves", || {
        assert_eq!(workspace.ok(ORGANIZER, &["replay"])["replayed"]["matches"], true);
    });
    tally.check("the daemon verifies its log", || {
        let verified = workspace.ok(ORGANIZER, &["verify"]);
        let size = written.as_ref().map_or(0, |written| written.events.len());
        assert_eq!(verified["verified"]["checkpoint"]["size"], size);
    });
    tally.check("the closed log verifies, and the export in place", || {
        workspace.stop_daemon();
        let closed = workspace.ok(ORGANIZER, &["verify", "--no-daemon"]);
        let export = workspace.inside("written.ndjson");
        let export = export.to_str().expect("a folder of UTF-8");
        let in_place = workspace.ok(ORGANIZER, &["verify", "--from", export]);
        assert_eq!(closed["verified"]["checkpoint"], in_place["verified"]["checkpoint"]);
    });
    tally.check("nobody panicked", || {
        let said = fs::read_to_string(workspace.inside("daemon.log")).expect("the daemon's journal is there");
        assert!(!said.contains("panicked"), "{said}");
    });
}

/// How large the store's folder was at most.
#[derive(Default)]
struct Growth {
    most: AtomicU64,
}

impl Growth {
    fn measure(&self, workspace: &Workspace) {
        self.most.fetch_max(folder_bytes(&workspace.inside("store")), Ordering::Relaxed);
    }
}

/// Files may come and go while they are counted.
fn folder_bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => folder_bytes(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.flatten().map(bytes).sum()
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
