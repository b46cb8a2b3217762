//! The benchmarks behind every figure in the README. `benches/run` builds the program and runs them all.
//!
//! Everything that is compared is measured side by side in one run, in turns, so that a machine that is slow for a while
//! is slow for both. A ratio is the median of the ratios of the turns.

mod clients;
mod daemon;
mod embedded;
mod figures;
mod machine;
mod plain;
mod program;
mod queue;
mod reading;
mod workload;
mod workspaces;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

use figures::Figures;

/// The program's own, so that the engine is measured as it runs there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a benchmark gives up with.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// A group of benchmarks.
type Group = fn(&mut Figures) -> Outcome<()>;

/// Every group, in the order in which they run.
const GROUPS: &[(&str, Group)] =
    &[("embedded", embedded::run), ("reading", reading::run), ("daemon", daemon::run), ("queue", queue::run)];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [workspaces::APPEND_AND_DIE, folder, events] => workspaces::append_and_die(folder.as_ref(), events),
        // For profiles: a workspace that stays, and one kind of work on it.
        ["make", folder, events, events_each] => make(folder.as_ref(), events, events_each),
        ["scan", folder] => reading::scan(folder.as_ref()),
        ["open", folder] => reading::open(folder.as_ref()),
        ["engine"] => embedded::engine(),
        ["memory"] => daemon::memory_alone(),
        ["echo", socket] => clients::echo(socket.as_ref()),
        ["clients"] => daemon::clients(),
        ["stream"] => daemon::bulk(&mut Figures::default()),
        ref names => benchmarks(names),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn make(folder: &Path, events: &str, events_each: &str) -> Outcome<()> {
    workspaces::build(folder, events.parse()?, events_each.parse()?)?;
    workspaces::close_cleanly(folder)
}

/// Runs the groups of these names, or all.
fn benchmarks(names: &[&str]) -> Outcome<()> {
    if let Some(unknown) = names.iter().find(|name| GROUPS.iter().all(|(group, _)| group != *name)) {
        let known: Vec<&str> = GROUPS.iter().map(|(group, _)| *group).collect();
        return Err(format!("{unknown:?} is no group of benchmarks; there are {}", known.join(", ")).into());
    }
    let mut figures = Figures::default();
    for (name, group) in GROUPS.iter().filter(|(name, _)| names.is_empty() || names.contains(name)) {
        eprintln!("-- {name}");
        group(&mut figures)?;
    }
    print!("{}", figures.table());
    if names.is_empty() {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        figures.save(&root.join("results/latest.json"))?;
        if !figures.write_into(&root.join("../README.md"))? {
            eprintln!("README.md has no place for the figures; nothing was written into it");
        }
    }
    Ok(())
}
