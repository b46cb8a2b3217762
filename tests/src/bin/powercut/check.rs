//! What a store must hold after the writer is gone.

use std::path::Path;

use convoke_core::log::Head;
use convoke_store::{Log, SledLog, conformance, verify};

use crate::Outcome;

/// What the writer said.
#[derive(Debug)]
pub(crate) struct Expected {
    /// It has opened the log.
    pub(crate) is_open: bool,
    /// The last head that it found or that was acknowledged to it.
    pub(crate) acknowledged: Head,
    /// The size that the log has if the last commit it tried was written.
    pub(crate) tried_size: u64,
    pub(crate) acknowledged_commits: u64,
    pub(crate) acknowledged_events: u64,
}

impl Default for Expected {
    fn default() -> Self {
        let acknowledged = Head::EMPTY;
        Self { is_open: false, acknowledged, tried_size: 0, acknowledged_commits: 0, acknowledged_events: 0 }
    }
}

/// Checks the store in a folder against what the writer said.
pub(crate) fn store(folder: &Path, expected: &Expected) -> Outcome<()> {
    if !expected.is_open {
        return Ok(());
    }
    let Expected { acknowledged, tried_size, .. } = expected;
    let log = SledLog::open(folder)?;
    let head = log.head();
    if head.size < acknowledged.size {
        let lost = acknowledged.size - head.size;
        return Err(format!("{lost} acknowledged events of {} are gone", acknowledged.size).into());
    }
    if head.size != acknowledged.size && head.size != *tried_size {
        let (from, size) = (acknowledged.size, head.size);
        return Err(
            format!("a part of a commit is there: {size} events, the commit goes from {from} to {tried_size}").into()
        );
    }
    conformance::run(check_hashes(&log, acknowledged))?;
    let blobs = std::fs::read_dir(folder.join("sled/blobs"))?.count();
    if blobs > 0 {
        return Err(format!("there are {blobs} blob files, which are never synced").into());
    }
    Ok(())
}

async fn check_hashes(log: &SledLog, acknowledged: &Head) -> Outcome<()> {
    let root = log.range_root(0, acknowledged.size).await?;
    if root != acknowledged.root {
        return Err("the acknowledged events have another root".into());
    }
    let report = verify(log, None, |_| ()).await?;
    if report.head != log.head() {
        return Err("another head was verified".into());
    }
    Ok(())
}

/// Whether a log has grown enough to start another.
pub(crate) fn is_large(folder: &Path, events_max: u64) -> bool {
    SledLog::open(folder).map_or(true, |log| log.head().size > events_max)
}
