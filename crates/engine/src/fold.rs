//! Folding a range of the log: read and decoded on other threads, handed over in order.

use std::{collections::VecDeque, sync::Arc};

use convoke_core::event::Recorded;
use convoke_store::Log;
use tokio::{runtime::Handle, task::JoinHandle};

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
    // Emptied by the thread that fills it again: memory is given back where it was taken, which is much faster.
    let mut spare = Vec::new();
    loop {
        while next < to && ahead.len() < CHUNKS_AHEAD {
            let end = (next + CHUNK_EVENTS).min(to);
            let (log, handle, spare) = (Arc::clone(log), Handle::current(), std::mem::take(&mut spare));
            ahead.push_back(tokio::task::spawn_blocking(move || handle.block_on(decode_into(spare, &*log, next, end))));
            next = end;
        }
        let Some(chunk) = ahead.pop_front() else { return Ok(()) };
        spare = chunk.await.map_err(internal)??;
        spare.iter().for_each(&mut each);
    }
}

/// Reads and decodes the events `from..to`.
pub(crate) async fn decode<L: Log>(log: &L, from: u64, to: u64) -> Result<Vec<Recorded>, Fault> {
    decode_into(Vec::new(), log, from, to).await
}

async fn decode_into<L: Log>(
    mut decoded: Vec<Recorded>,
    log: &L,
    from: u64,
    to: u64,
) -> Result<Vec<Recorded>, Fault> {
    decoded.clear();
    decoded.reserve(usize::try_from(to.saturating_sub(from)).unwrap_or_default());
    let mut next = from;
    while next < to {
        let wanted = usize::try_from(to - next).unwrap_or(usize::MAX);
        let stored = log.read(next, wanted).await?;
        if stored.is_empty() {
            return Err(internal(format!("the log ends before position {to}")));
        }
        for stored in &stored {
            for (position, event) in (stored.commit.first()..).zip(stored.commit.events()) {
                if position >= next && position < to {
                    decoded.push(Recorded::of(event)?);
                }
            }
            next = next.max(stored.commit.end());
        }
    }
    Ok(decoded)
}
