//! Folding a range of the log: read and decoded on other threads, handed over in order.

use std::{collections::VecDeque, sync::Arc};

use convoke_core::event::Recorded;
use convoke_store::{Log, Stored};
use tokio::task::JoinHandle;

use crate::{api::Fault, fault::internal};

/// Events decoded in one piece of work.
const CHUNK_EVENTS: u64 = 4_096;
/// Pieces under way at once: one for each of two cores, and one that waits to be folded.
const CHUNKS_AHEAD: usize = 3;

/// Hands the events `from..to` to `each`, in order.
///
/// # Errors
/// The first event that cannot be read or that this build does not know.
pub(crate) async fn fold<L: Log>(
    log: &Arc<L>,
    from: u64,
    to: u64,
    mut each: impl FnMut(&Recorded),
) -> Result<(), Fault> {
    let mut ahead: VecDeque<JoinHandle<Result<Vec<Recorded>, Fault>>> = VecDeque::new();
    let mut next = from;
    loop {
        while next < to && ahead.len() < CHUNKS_AHEAD {
            // Only decoding goes to another thread: none there ever waits for one more.
            let (stored, first) = (read(&**log, next, to).await?, next);
            next = stored.last().map_or(to, |stored| stored.commit.end());
            ahead.push_back(tokio::task::spawn_blocking(move || decode_all(&stored, first, to)));
        }
        let Some(chunk) = ahead.pop_front() else { return Ok(()) };
        for recorded in chunk.await.map_err(internal)?? {
            each(&recorded);
        }
    }
}

/// Reads and decodes the events `from..to`.
pub(crate) async fn decode<L: Log>(log: &L, from: u64, to: u64) -> Result<Vec<Recorded>, Fault> {
    let mut decoded = Vec::new();
    let mut next = from;
    while next < to {
        let stored = read(log, next, to).await?;
        decoded.extend(decode_all(&stored, next, to)?);
        next = stored.last().map_or(to, |stored| stored.commit.end());
    }
    Ok(decoded)
}

/// The next commits, up to a chunk of events.
async fn read<L: Log>(log: &L, from: u64, to: u64) -> Result<Vec<Stored>, Fault> {
    let wanted = usize::try_from((to - from).min(CHUNK_EVENTS)).unwrap_or(usize::MAX);
    let stored = log.read(from, wanted).await?;
    if stored.is_empty() {
        return Err(internal(format!("the log ends before position {to}")));
    }
    Ok(stored)
}

fn decode_all(stored: &[Stored], from: u64, to: u64) -> Result<Vec<Recorded>, Fault> {
    let events = stored.iter().flat_map(|stored| (stored.commit.first()..).zip(stored.commit.events()));
    let wanted = events.filter(|(position, _)| (from..to).contains(position));
    wanted.map(|(_, event)| Recorded::of(event).map_err(Fault::from)).collect()
}
