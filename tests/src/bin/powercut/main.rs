//! Does an acknowledged event survive? Cuts the power, kills the writer and fills the disk under a store, many times.
//!
//! ```text
//! powercut [--cuts N] [--kills N] [--fills N] [--freezes N] [--seed N] [--folder FOLDER]
//! ```
//!
//! A writer process appends commits of every size up to the largest and reports each acknowledged head through a pipe.
//! For a **cut** it writes to an ext4 filesystem in a loop-mounted file, which is then shut down as by a power cut
//! (`EXT4_IOC_SHUTDOWN` without a last flush), unmounted and mounted again. A **kill** is a SIGKILL at a random moment. A
//! **fill** lets the disk run full, and then makes room. A **freeze** lets it not answer for more than a minute. After each, every acknowledged event must be there, with no part of a
//! commit beside, under the root that was acknowledged, and the whole log must verify.
//!
//! Cuts, fills and freezes need root and loop devices. Without them they are left out, with a sentence; if `CI` is `true` that is a
//! failure.

mod check;
mod disk;
mod writer;

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use check::Expected;
use disk::Disk;
use writer::Writing;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A log is started anew when it holds this many events, so that checking it stays quick.
const EVENTS_MAX: u64 = 150_000;

struct Options {
    cuts: u64,
    kills: u64,
    fills: u64,
    freezes: u64,
    seed: u64,
    folder: PathBuf,
}

fn main() -> ExitCode {
    convoke_store::quiet_engine_panics();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.split_first() {
        Some((first, rest)) if first == writer::SUBCOMMAND => writer::main(rest).map(|()| true),
        _ => parse(&args).and_then(|options| run(&options)),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("powercut: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(args: &[String]) -> Outcome<Options> {
    let mut options =
        Options { cuts: 10, kills: 100, fills: 2, freezes: 1, seed: seed_of_now(), folder: std::env::temp_dir() };
    let mut args = args.iter();
    while let Some(name) = args.next() {
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--cuts" => options.cuts = value.parse()?,
            "--kills" => options.kills = value.parse()?,
            "--fills" => options.fills = value.parse()?,
            "--freezes" => options.freezes = value.parse()?,
            "--seed" => options.seed = value.parse()?,
            "--folder" => options.folder = value.into(),
            _ => return Err(format!("{name} is not an option; see the top of tests/src/bin/powercut/main.rs").into()),
        }
    }
    Ok(options)
}

fn seed_of_now() -> u64 {
    std::time::UNIX_EPOCH.elapsed().map_or(1, |elapsed| elapsed.as_nanos() as u64)
}

/// What the cycles came to.
#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
    acknowledged: u64,
}

impl Tally {
    fn count(&mut self, what: &str, outcome: Outcome<Expected>) {
        match outcome {
            Ok(expected) => {
                self.passed += 1;
                self.acknowledged += expected.acknowledged_events;
                let Expected { acknowledged_events, acknowledged_commits, .. } = expected;
                eprintln!("{what}: ok, {acknowledged_commits} commits with {acknowledged_events} events acknowledged");
            }
            Err(error) => {
                self.failed += 1;
                eprintln!("{what}: FAILED: {error}");
            }
        }
    }
}

fn run(options: &Options) -> Outcome<bool> {
    eprintln!("seed {}", options.seed);
    let folder = options.folder.join(format!("convoke-powercut-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let mut tally = Tally::default();
    let mut random = Random(options.seed);
    let mut left_out = false;
    let with_disk = options.cuts + options.fills + options.freezes;
    if with_disk > 0 {
        if let Err(why) = disk::is_possible(&folder) {
            eprintln!("cuts, fills and freezes cannot be made here: {why}");
            left_out = true;
        } else {
            cuts(&folder, options.cuts, &mut random, &mut tally)?;
            for cycle in 1..=options.fills {
                tally.count(&format!("fill {cycle} of {}", options.fills), fill(&folder, &mut random));
            }
            for cycle in 1..=options.freezes {
                tally.count(&format!("freeze {cycle} of {}", options.freezes), freeze(&folder, &mut random));
            }
        }
    }
    kills(&folder, options.kills, &mut random, &mut tally)?;
    std::fs::remove_dir_all(&folder)?;
    let Tally { passed, failed, acknowledged } = tally;
    if left_out {
        println!("{with_disk} cycles were left out: they need root and loop devices");
    }
    println!("{acknowledged} acknowledged events were looked for");
    println!("{passed} passed, {failed} failed");
    let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    Ok(failed == 0 && !(left_out && in_ci))
}

fn cuts(folder: &Path, cycles: u64, random: &mut Random, tally: &mut Tally) -> Outcome<()> {
    if cycles == 0 {
        return Ok(());
    }
    let disk = Disk::new(folder, 3_000)?;
    let store = disk.mount_point().join("log");
    for cycle in 1..=cycles {
        let what = format!("cut {cycle} of {cycles}");
        let outcome = (|| {
            let mut writing = Writing::start(&store, random.next())?;
            writing.go_on_for(random.between(50, 1_500))?;
            disk.cut()?;
            let expected = writing.stop()?;
            disk.mount_again()?;
            check::store(&store, &expected)?;
            Ok(expected)
        })();
        let broken = outcome.is_err();
        tally.count(&what, outcome);
        if broken || check::is_large(&store, EVENTS_MAX) {
            std::fs::remove_dir_all(&store)?;
        }
    }
    Ok(())
}

fn kills(folder: &Path, cycles: u64, random: &mut Random, tally: &mut Tally) -> Outcome<()> {
    let store = folder.join("log");
    for cycle in 1..=cycles {
        let outcome = (|| {
            let mut writing = Writing::start(&store, random.next())?;
            writing.go_on_for(random.between(0, 120))?;
            let expected = writing.stop()?;
            check::store(&store, &expected)?;
            Ok(expected)
        })();
        let broken = outcome.is_err();
        tally.count(&format!("kill {cycle} of {cycles}"), outcome);
        if store.exists() && (broken || check::is_large(&store, EVENTS_MAX)) {
            std::fs::remove_dir_all(&store)?;
        }
    }
    Ok(())
}

/// Writes until the disk is full: the writer must say so and end by itself. What it acknowledged must be there, also for
/// those who look while the disk is still full, if they can look at all; and with room again the log goes on. At the end
/// the disk is made read-only, which is an error that says so.
fn fill(folder: &Path, random: &mut Random) -> Outcome<Expected> {
    let disk = Disk::new(folder, 160)?;
    let store = disk.mount_point().join("log");
    let ballast = disk.mount_point().join("ballast");
    std::fs::write(&ballast, vec![1; 80_000_000])?;
    let writing = Writing::start(&store, random.next())?;
    let deadline = Instant::now() + Duration::from_secs(90);
    let (expected, said) = writing.until_it_ends(deadline)?;
    if !said.contains("no space is left") {
        return Err(format!("the writer did not say that the disk is full, but: {said}").into());
    }
    match check::store(&store, &expected) {
        Ok(()) => {}
        Err(error) if error.to_string().contains("no space is left") => {}
        Err(error) => return Err(format!("on the full disk: {error}").into()),
    }
    std::fs::remove_file(&ballast)?;
    check::store(&store, &expected)?;
    let mut writing = Writing::start(&store, random.next())?;
    writing.until_acknowledged()?;
    let later = writing.stop()?;
    check::store(&store, &later)?;
    disk.make_read_only()?;
    match check::store(&store, &later) {
        Err(error) if error.to_string().contains("the filesystem is read-only") => Ok(expected),
        other => Err(format!("on a read-only disk: {other:?}").into()),
    }
}

/// A disk that does not answer: the writer must give up after a minute, and not wait for ever.
fn freeze(folder: &Path, random: &mut Random) -> Outcome<Expected> {
    let disk = Disk::new(folder, 1_000)?;
    let store = disk.mount_point().join("log");
    let mut writing = Writing::start(&store, random.next())?;
    writing.go_on_for(200)?;
    disk.freeze()?;
    std::thread::sleep(Duration::from_secs(70));
    disk.thaw()?;
    let (expected, said) = writing.until_it_ends(Instant::now() + Duration::from_secs(30))?;
    if !said.contains("has not answered for 60 seconds") {
        return Err(format!("the writer did not say that the disk does not answer, but: {said}").into());
    }
    check::store(&store, &expected)?;
    Ok(expected)
}

/// SplitMix64: the same cycles for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }
}
