//! Folding a range of the log: read, decoded and folded on other threads, in order.

use std::sync::{Arc, Mutex, PoisonError};

use convoke_core::{event::Recorded, workspace::State};
use convoke_projections::Views;
use convoke_store::{Log, Stored};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{api::Fault, fault::internal, offload::Offload};

/// Events decoded and folded in one piece of work. Small, for several of them are in memory.
const CHUNK_EVENTS: u64 = 512;
/// Pieces that wait between one step and the next, so that none waits for another's every piece. With those being worked on they
/// are six at most.
const CHUNKS_WAITING: usize = 1;

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
    let spare = Spare::default();
    let (put, take) = mpsc::channel(CHUNKS_WAITING);
    let (decoded, folded) =
        tokio::join!(decode_chunks(log, offload, from, to, &spare, [put]), fold_chunks(offload, into, take, &spare));
    decoded.and(folded)
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
    let spare = Spare::default();
    let (decide, deciding) = mpsc::channel(CHUNKS_WAITING);
    let (show, showing) = mpsc::channel(CHUNKS_WAITING);
    let (decoded, state, views) = tokio::join!(
        decode_chunks(log, offload, from, to, &spare, [decide, show]),
        fold_chunks(offload, state, deciding, &spare),
        fold_chunks(offload, views, showing, &spare),
    );
    decoded.and(Ok((state?, views?)))
}

/// A piece of the log, decoded.
type Chunk = Arc<Vec<Recorded>>;

/// Folds what comes, piece by piece, each on a thread that waits for no other.
async fn fold_chunks<F: Fold>(
    offload: Offload,
    into: F,
    mut chunks: mpsc::Receiver<Chunk>,
    spare: &Spare,
) -> Result<F, Fault> {
    let mut folded = Box::new(into);
    while let Some(chunk) = chunks.recv().await {
        let (folding, piece) = (folded, Arc::clone(&chunk));
        folded = offload.begin(move || take_all(folding, &piece)).await.map_err(internal)?;
        spare.give_back(chunk);
    }
    Ok(*folded)
}

fn take_all<F: Fold>(mut fold: Box<F>, chunk: &[Recorded]) -> Box<F> {
    chunk.iter().for_each(|recorded| fold.take(recorded));
    fold
}

/// Reads and decodes the events `from..to`, piece by piece, and puts each piece before all who fold. Ends early if one of them
/// has ended.
async fn decode_chunks<L: Log, const N: usize>(
    log: &Arc<L>,
    offload: Offload,
    from: u64,
    to: u64,
    spare: &Spare,
    folds: [mpsc::Sender<Chunk>; N],
) -> Result<(), Fault> {
    let (begin, mut begun) = mpsc::channel::<JoinHandle<Result<Vec<Recorded>, Fault>>>(CHUNKS_WAITING);
    let reading = async move {
        let mut next = from;
        while next < to {
            let (stored, used) = (read(&**log, next, to).await?, spare.take());
            let first = std::mem::replace(&mut next, stored.last().map_or(to, |stored| stored.commit.end()));
            if begin.send(offload.begin(move || decode_all(used, &stored, first, to))).await.is_err() {
                break;
            }
        }
        Ok(())
    };
    let decoding = async move {
        while let Some(decoded) = begun.recv().await {
            let chunk = Arc::new(decoded.await.map_err(internal)??);
            for fold in &folds {
                if fold.send(Arc::clone(&chunk)).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    };
    let (read, decoded) = tokio::join!(reading, decoding);
    decoded.and(read)
}

/// Pieces that were folded, emptied by the thread that fills them again: memory is given back where it was taken, which is much
/// faster.
#[derive(Default)]
struct Spare(Mutex<Vec<Vec<Recorded>>>);

impl Spare {
    fn take(&self) -> Vec<Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Of a piece that several fold, the last one to do so gives it back.
    fn give_back(&self, chunk: Chunk) {
        if let Some(folded) = Arc::into_inner(chunk) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(folded);
        }
    }
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
