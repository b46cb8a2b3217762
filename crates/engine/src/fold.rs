//! Folding a range of the log: read and decoded elsewhere, handed over in order.

use std::{collections::VecDeque, sync::Arc};

use convoke_core::event::Recorded;
use convoke_store::{Log, Stored};
use tokio::task::JoinHandle;

use crate::{api::Fault, fault::internal, offload::Offload};

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
    offload: Offload,
    from: u64,
    to: u64,
    mut each: impl FnMut(&Recorded),
) -> Result<(), Fault> {
    let mut reading = read_ahead(log, from, to);
    let mut ahead: VecDeque<JoinHandle<Result<Vec<Recorded>, Fault>>> = VecDeque::new();
    // Emptied by the thread that fills it again: memory is given back where it was taken, which is much faster.
    let mut spare = Vec::new();
    let mut next = from;
    loop {
        while let Some(read) = reading.take_if(|_| ahead.len() < CHUNKS_AHEAD) {
            let (stored, first, used) = (read.await.map_err(internal)??, next, std::mem::take(&mut spare));
            next = stored.last().map_or(to, |stored| stored.commit.end());
            reading = read_ahead(log, next, to);
            ahead.push_back(offload.begin(move || decode_all(used, &stored, first, to)));
        }
        // The next piece is being read while this one is folded.
        tokio::task::yield_now().await;
        let Some(chunk) = ahead.pop_front() else { return Ok(()) };
        spare = chunk.await.map_err(internal)??;
        spare.iter().for_each(&mut each);
    }
}

/// Begins to read the next piece, if there is one. A task and not a thread: of those that read, none waits for one more.
fn read_ahead<L: Log>(log: &Arc<L>, from: u64, to: u64) -> Option<JoinHandle<Result<Vec<Stored>, Fault>>> {
    let log = Arc::clone(log);
    (from < to).then(|| tokio::spawn(async move { read(&*log, from, to).await }))
}

/// Reads and decodes the events `from..to`.
pub(crate) async fn decode<L: Log>(log: &L, from: u64, to: u64) -> Result<Vec<Recorded>, Fault> {
    let mut decoded = Vec::new();
    let mut next = from;
    while next < to {
        let stored = read(log, next, to).await?;
        decoded.extend(decode_all(Vec::new(), &stored, next, to)?);
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

/// Those of the events that are wanted, in the place of what was `used` before.
fn decode_all(mut used: Vec<Recorded>, stored: &[Stored], from: u64, to: u64) -> Result<Vec<Recorded>, Fault> {
    used.clear();
    let events = stored.iter().flat_map(|stored| (stored.commit.first()..).zip(stored.commit.events()));
    for (_, event) in events.filter(|(position, _)| (from..to).contains(position)) {
        used.push(Recorded::of(event)?);
    }
    Ok(used)
}
