//! Verification of a whole log (`docs/log-format.md`, section 6): every hash, every root, and the first position that does
//! not hold.
//!
//! It shows damage, and any edit that does not redo everything after it. A log rewritten as a whole, or rolled back, is
//! consistent in itself: that is found only against a checkpoint kept elsewhere.
//!
//! Events are decoded and hashed on all cores ([`examine`](crate::examine)); what depends on order is done here, in order.

use convoke_core::{
    id::LogId,
    log::{Checkpoint, Frontier, Hash, Head, HeaderError},
    time::Timestamp,
};

use crate::{
    error::ReadError,
    examine::{Crew, Examined, wait},
    export::{ExportError, ExportReader},
    log::{Log, Stored},
};

/// Events handed to a core at a time.
const CHUNK_EVENTS: usize = 2 * 1024;

/// What a verified log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The log's id; `None` if it has no event.
    pub log_id: Option<LogId>,
    /// Its head.
    pub head: Head,
    /// How many commits it consists of.
    pub commits: u64,
    /// How many of its events have had their payload erased.
    pub erased: u64,
    /// The time of its last event.
    pub last_time: Option<Timestamp>,
}

impl Report {
    /// The checkpoint of this log; `None` if it has no event.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        Some(Checkpoint {
            convoke_checkpoint: Checkpoint::VERSION,
            log_id: self.log_id?,
            size: self.head.size,
            root: self.head.root,
            time: self.last_time?,
        })
    }
}

/// What does not hold of an event or commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// The header does not decode.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The header names another log than the first event's.
    #[error("the event is of another log")]
    Log,
    /// The header names another position.
    #[error("the event says that its position is {stated}")]
    Position {
        /// What it says.
        stated: u64,
    },
    /// The time is before that of the event before.
    #[error("the event's time is before that of the event before it")]
    Time,
    /// Salt and payload are not those that the header was made for.
    #[error("the payload does not match its hash")]
    Payload,
    /// The commit does not start where the one before ends, or the log ends too early.
    #[error("an event is missing")]
    Missing,
    /// The root stored with the commit is not the root over the events up to its end.
    #[error("the root stored with the commit is not the root over the events")]
    Root,
}

/// Why a log does not verify.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The first event that does not hold; of a root that does not hold, the first event of its commit.
    #[error("position {position} does not hold: {flaw}")]
    Flawed {
        /// Its position.
        position: u64,
        /// What does not hold.
        flaw: Flaw,
    },
    /// The log's bytes cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The export cannot be read.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The checkpoint is of another log.
    #[error("the checkpoint is of the log {}, and this is another", checkpoint.log_id)]
    OtherLog {
        /// What was compared with.
        checkpoint: Box<Checkpoint>,
    },
    /// The log is smaller than the checkpoint says.
    #[error("the log holds {size} events, and the checkpoint {}: it was rolled back", checkpoint.size)]
    RolledBack {
        /// What there is.
        size: u64,
        /// What was compared with.
        checkpoint: Box<Checkpoint>,
    },
    /// The log's first events have another root than the checkpoint says.
    #[error("the log's first {} events are not those of the checkpoint: it was rewritten", checkpoint.size)]
    Rewritten {
        /// What was compared with.
        checkpoint: Box<Checkpoint>,
    },
}

/// Verifies a whole log up to its head, and that it extends the log of a checkpoint kept elsewhere, if one is given.
/// `progress` is called with the number of events that hold so far.
///
/// # Errors
/// [`VerifyError`] says what does not hold first.
pub async fn verify(
    log: &impl Log,
    against: Option<&Checkpoint>,
    mut progress: impl FnMut(u64),
) -> Result<Report, VerifyError> {
    let head = log.head();
    let mut crew = Crew::new();
    let mut so_far = SoFar::new(against);
    let mut next = 0;
    loop {
        let commits = if next < head.size { log.read(next, CHUNK_EVENTS).await? } else { Vec::new() };
        let ended = commits.is_empty();
        if let Some(last) = commits.last() {
            next = last.commit.end();
            crew.hand_over(commits);
        }
        while crew.is_full() || (ended && !crew.is_idle()) {
            if let Some(examined) = crew.next() {
                so_far.take(&examined.await)?;
                progress(so_far.size());
            }
        }
        if ended {
            // The log may have grown since.
            if so_far.size() < head.size {
                return Err(VerifyError::Flawed { position: so_far.size(), flaw: Flaw::Missing });
            }
            return so_far.finish();
        }
    }
}

/// Verifies an export as [`verify`] does a log, its checkpoint included. Blocks.
///
/// # Errors
/// [`VerifyError`] says what does not hold first.
pub fn verify_export(
    reader: ExportReader<impl std::io::BufRead>,
    against: Option<&Checkpoint>,
    progress: impl FnMut(u64),
) -> Result<Report, VerifyError> {
    verify_commits(reader, against, progress, |_| Ok(()))
}

/// Verifies commits as they come and passes on those that hold, in order.
pub(crate) fn verify_commits<E: From<VerifyError>>(
    commits: impl Iterator<Item = Result<Stored, ExportError>>,
    against: Option<&Checkpoint>,
    mut progress: impl FnMut(u64),
    mut pass_on: impl FnMut(Vec<Stored>) -> Result<(), E>,
) -> Result<Report, E> {
    let mut crew = Crew::new();
    let mut so_far = SoFar::new(against);
    let mut commits = commits.fuse();
    loop {
        let (chunk, failed) = chunk(&mut commits);
        let ended = chunk.is_empty() || failed.is_some();
        if !chunk.is_empty() {
            crew.hand_over(chunk);
        }
        while crew.is_full() || (ended && !crew.is_idle()) {
            if let Some(examined) = crew.next() {
                let examined = wait(examined);
                so_far.take(&examined)?;
                progress(so_far.size());
                pass_on(examined.commits)?;
            }
        }
        if let Some(error) = failed {
            // What came before holds, so this is the first thing that does not.
            return Err(VerifyError::from(error).into());
        }
        if ended {
            return Ok(so_far.finish()?);
        }
    }
}

fn chunk(commits: &mut impl Iterator<Item = Result<Stored, ExportError>>) -> (Vec<Stored>, Option<ExportError>) {
    let (mut chunk, mut events) = (Vec::new(), 0);
    while events < CHUNK_EVENTS {
        match commits.next() {
            Some(Ok(stored)) => {
                events += stored.commit.len();
                chunk.push(stored);
            }
            Some(Err(error)) => return (chunk, Some(error)),
            None => break,
        }
    }
    (chunk, None)
}

/// The log as far as it holds.
struct SoFar<'a> {
    against: Option<&'a Checkpoint>,
    frontier: Frontier,
    log_id: Option<LogId>,
    last_time: Option<Timestamp>,
    commits: u64,
    erased: u64,
}

impl<'a> SoFar<'a> {
    fn new(against: Option<&'a Checkpoint>) -> Self {
        Self { against, frontier: Frontier::default(), log_id: None, last_time: None, commits: 0, erased: 0 }
    }

    fn size(&self) -> u64 {
        self.frontier.size()
    }

    fn take(&mut self, examined: &Examined) -> Result<(), VerifyError> {
        if let Some(first) = &examined.first {
            if self.log_id.is_some_and(|log_id| log_id != first.log_id) {
                return Err(self.flawed(Flaw::Log));
            }
            if self.last_time.is_some_and(|last_time| first.time < last_time) {
                return Err(self.flawed(Flaw::Time));
            }
            self.log_id = Some(first.log_id);
        }
        let mut leaves = examined.leaves.iter();
        for stored in &examined.commits {
            let first = stored.commit.first();
            if first != self.size() {
                return Err(self.flawed(Flaw::Missing));
            }
            for _ in 0..stored.commit.len() {
                match leaves.next() {
                    Some(leaf) => self.push(*leaf)?,
                    None => break,
                }
            }
            if let Some((position, flaw)) = &examined.flaw
                && *position < stored.commit.end()
            {
                return Err(VerifyError::Flawed { position: *position, flaw: flaw.clone() });
            }
            if self.frontier.root() != stored.root {
                return Err(VerifyError::Flawed { position: first, flaw: Flaw::Root });
            }
            self.commits += 1;
        }
        self.erased += examined.erased;
        self.last_time = examined.last_time.or(self.last_time);
        Ok(())
    }

    fn push(&mut self, leaf: Hash) -> Result<(), VerifyError> {
        self.frontier.push(leaf);
        match self.against {
            Some(checkpoint) if checkpoint.size == self.size() && checkpoint.root != self.frontier.root() => {
                Err(self.differs(checkpoint))
            }
            _ => Ok(()),
        }
    }

    fn differs(&self, checkpoint: &Checkpoint) -> VerifyError {
        let checkpoint = Box::new(checkpoint.clone());
        if self.log_id == Some(checkpoint.log_id) {
            VerifyError::Rewritten { checkpoint }
        } else {
            VerifyError::OtherLog { checkpoint }
        }
    }

    fn flawed(&self, flaw: Flaw) -> VerifyError {
        VerifyError::Flawed { position: self.size(), flaw }
    }

    fn finish(self) -> Result<Report, VerifyError> {
        if let Some(checkpoint) = self.against {
            if self.log_id.is_some_and(|log_id| log_id != checkpoint.log_id) {
                return Err(VerifyError::OtherLog { checkpoint: Box::new(checkpoint.clone()) });
            }
            if self.size() < checkpoint.size {
                let checkpoint = Box::new(checkpoint.clone());
                return Err(VerifyError::RolledBack { size: self.size(), checkpoint });
            }
        }
        Ok(Report {
            log_id: self.log_id,
            head: Head { size: self.size(), root: self.frontier.root() },
            commits: self.commits,
            erased: self.erased,
            last_time: self.last_time,
        })
    }
}
