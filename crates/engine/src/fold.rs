//! Folding a range of the log: read, decoded and folded on other threads, in order.

use std::{collections::VecDeque, sync::Arc};

use convoke_core::{event::Recorded, workspace::State};
use convoke_projections::Views;
use convoke_store::{Log, Stored};
use tokio::task::JoinHandle;

use crate::{api::Fault, fault::internal, offload::Offload};

/// Events decoded and folded in one piece of work. Small, for several of them are in memory.
const CHUNK_EVENTS: u64 = 1_024;
/// Pieces under way at once: one for each of two cores, and one that waits to be folded.
const CHUNKS_AHEAD: usize = 3;

/// Takes in one event after another.
pub(crate) trait Fold: Send + 'static {
    /// Takes in the next event.
    fn take(&mut self, recorded: &Recorded);
}

impl Fold for State {
    fn take(&mut self, recorded: &Recorded) {
        self.evolve(recorded);
    }
}

impl Fold for Views {
    fn take(&mut self, recorded: &Recorded) {
        self.apply(recorded);
    }
}

/// Folds the events `from..to`, in order.
///
/// # Errors
/// The first event that cannot be read or that this build does not know.
pub(crate) async fn fold<L: Log, F: Fold>(
    log: &Arc<L>,
    offload: Offload,
    from: u64,
    to: u64,
    into: F,
) -> Result<F, Fault> {
    let (mut chunks, mut folded) = (Chunks::new(log, offload, from, to), Box::new(into));
    while let Some(chunk) = chunks.next().await? {
        let chunk = Arc::new(chunk);
        folded = take_all(offload, folded, &chunk).await.map_err(internal)?;
        chunks.give_back(chunk);
    }
    Ok(*folded)
}

/// Folds the events `from..to` into both, at the same time.
///
/// # Errors
/// The first event that cannot be read or that this build does not know.
pub(crate) async fn fold_both<L: Log>(
    log: &Arc<L>,
    offload: Offload,
    from: u64,
    to: u64,
    state: State,
    views: Views,
) -> Result<(State, Views), Fault> {
    let mut chunks = Chunks::new(log, offload, from, to);
    let (mut state, mut views) = (Box::new(state), Box::new(views));
    while let Some(chunk) = chunks.next().await? {
        let chunk = Arc::new(chunk);
        let (deciding, showing) = (take_all(offload, state, &chunk), take_all(offload, views, &chunk));
        (state, views) = (deciding.await.map_err(internal)?, showing.await.map_err(internal)?);
        chunks.give_back(chunk);
    }
    Ok((*state, *views))
}

/// A thread of its own for each piece, and none that waits for another's.
fn take_all<F: Fold>(offload: Offload, mut fold: Box<F>, chunk: &Arc<Vec<Recorded>>) -> JoinHandle<Box<F>> {
    let chunk = Arc::clone(chunk);
    offload.begin(move || {
        chunk.iter().for_each(|recorded| fold.take(recorded));
        fold
    })
}

/// The events of a range, piece by piece, read and decoded ahead.
struct Chunks<L> {
    log: Arc<L>,
    offload: Offload,
    next: u64,
    to: u64,
    reading: Option<JoinHandle<Result<Vec<Stored>, Fault>>>,
    ahead: VecDeque<JoinHandle<Result<Vec<Recorded>, Fault>>>,
    /// Emptied by the thread that fills it again: memory is given back where it was taken, which is much faster.
    spare: Vec<Recorded>,
}

impl<L: Log> Chunks<L> {
    fn new(log: &Arc<L>, offload: Offload, from: u64, to: u64) -> Self {
        let reading = read_ahead(log, from, to);
        Self { log: Arc::clone(log), offload, next: from, to, reading, ahead: VecDeque::new(), spare: Vec::new() }
    }

    /// The next piece, in order; the pieces after it are being read and decoded.
    async fn next(&mut self) -> Result<Option<Vec<Recorded>>, Fault> {
        while self.ahead.len() < CHUNKS_AHEAD
            && let Some(reading) = self.reading.take()
        {
            let (stored, first, to) = (reading.await.map_err(internal)??, self.next, self.to);
            self.next = stored.last().map_or(to, |stored| stored.commit.end());
            self.reading = read_ahead(&self.log, self.next, to);
            let used = std::mem::take(&mut self.spare);
            self.ahead.push_back(self.offload.begin(move || decode_all(used, &stored, first, to)));
        }
        match self.ahead.pop_front() {
            Some(chunk) => chunk.await.map_err(internal)?.map(Some),
            None => Ok(None),
        }
    }

    /// Gives a piece back once it is folded.
    fn give_back(&mut self, chunk: Arc<Vec<Recorded>>) {
        self.spare = Arc::into_inner(chunk).unwrap_or_default();
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

/// Reads and decodes the events at these positions, which are in order, each once. A commit that holds several is read once.
pub(crate) async fn decode_at<L: Log>(log: &L, positions: &[u64]) -> Result<Vec<Recorded>, Fault> {
    let mut decoded = Vec::with_capacity(positions.len());
    let mut rest = positions;
    while let Some(first) = rest.first() {
        let stored = read(log, *first, first + 1).await?;
        let end = stored.last().map_or(first + 1, |stored| stored.commit.end());
        let (here, further) = rest.split_at(rest.partition_point(|position| *position < end).max(1));
        let events = stored.iter().flat_map(|stored| (stored.commit.first()..).zip(stored.commit.events()));
        for (_, event) in events.filter(|(position, _)| here.binary_search(position).is_ok()) {
            decoded.push(Recorded::of(event)?);
        }
        rest = further;
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
