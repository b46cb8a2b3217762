//! Workspaces of a million events, made quickly: decided as the engine would, and loaded as an import is.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use convoke::{Engine, Settings};
use convoke_core::log::{Frontier, Hash};
use convoke_store::{SledLog, Stored};

use crate::{
    Outcome,
    workload::{Team, agent, send},
};

/// The hidden command that appends to a workspace and ends without closing it.
pub(crate) const APPEND_AND_DIE: &str = "append-and-die";

/// A workspace's folder (`.convoke`), and what its events hold.
pub(crate) struct Workspace {
    pub(crate) folder: PathBuf,
    pub(crate) events: u64,
    pub(crate) commits: u64,
    /// Bytes of all headers and payloads.
    pub(crate) content_bytes: u64,
}

/// Makes a workspace of this many events, in commits of `events_each`.
pub(crate) fn build(folder: &Path, events: u64, events_each: usize) -> Outcome<Workspace> {
    let began = Instant::now();
    let mut commits = Commits::new(events, events_each)?;
    let report = SledLog::load(folder.join("store"), &mut commits, None, |_| {})?;
    if let Some(error) = commits.error {
        return Err(error);
    }
    eprintln!(
        "    a workspace of {} events in {} commits, made in {:.1} s",
        report.head.size,
        report.commits,
        began.elapsed().as_secs_f64()
    );
    Ok(Workspace {
        folder: folder.to_owned(),
        events: report.head.size,
        commits: report.commits,
        content_bytes: commits.content_bytes,
    })
}

/// The commits of a team's work.
struct Commits {
    team: Team,
    events: u64,
    events_each: usize,
    frontier: Frontier,
    content_bytes: u64,
    error: Option<Box<dyn std::error::Error>>,
}

impl Commits {
    fn new(events: u64, events_each: usize) -> Outcome<Self> {
        let (team, frontier) = (Team::new()?, Frontier::default());
        Ok(Self { team, events, events_each, frontier, content_bytes: 0, error: None })
    }
}

impl Iterator for Commits {
    type Item = Stored;

    fn next(&mut self) -> Option<Self::Item> {
        if self.team.size() >= self.events {
            return None;
        }
        let batch = match self.team.batch(self.events_each) {
            Ok(batch) => batch,
            Err(error) => {
                self.error = Some(error);
                return None;
            }
        };
        for event in batch.commit.events() {
            self.frontier.push(event.leaf());
            self.content_bytes += (event.header.len() + event.payload().map_or(0, <[u8]>::len)) as u64;
        }
        let root: Hash = self.frontier.root();
        Some(Stored { commit: batch.commit, root })
    }
}

/// A runtime as the daemon has one.
pub(crate) fn runtime() -> Outcome<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// Opens and closes, so that there is a snapshot of the head.
pub(crate) fn close_cleanly(folder: &Path) -> Outcome<()> {
    runtime()?.block_on(async {
        Engine::open(folder, Settings::default()).await?.close().await;
        Ok(())
    })
}

/// Appends this many events in another process that is then killed.
pub(crate) fn kill_after(folder: &Path, events: u64) -> Outcome<()> {
    let me = std::env::current_exe()?;
    let status = Command::new(me).arg(APPEND_AND_DIE).arg(folder).arg(events.to_string()).status()?;
    if status.success() || !fs::exists(folder.join("died"))? {
        return Err("the process that was to be killed ended otherwise".into());
    }
    fs::remove_file(folder.join("died"))?;
    Ok(())
}

/// What [`kill_after`] starts: appends, and kills itself with everything acknowledged and nothing closed.
pub(crate) fn append_and_die(folder: &Path, events: &str) -> Outcome<()> {
    let events: u64 = events.parse()?;
    runtime()?.block_on(async {
        let engine = Engine::open(folder, Settings::default()).await?;
        let mut number = 1 << 40;
        let end = engine.head().size + events;
        while engine.head().size < end {
            let mut waiting = Vec::new();
            for _ in 0..250.min(end - engine.head().size) {
                number += 1;
                let to = agent(2 * number as usize)?;
                waiting.push(engine.submit(send(number, agent(number as usize + 1)?, to)?).await?);
            }
            for pending in waiting {
                pending.brief().await?;
            }
        }
        fs::write(folder.join("died"), "")?;
        let me = rustix::process::getpid();
        rustix::process::kill_process(me, rustix::process::Signal::KILL)?;
        Ok(())
    })
}
