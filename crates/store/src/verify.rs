//! Verification of a whole log (`docs/log-format.md`, section 6): every hash, every root, and the first position that does
//! not hold.
//!
//! It shows damage, and any edit that does not redo everything after it. A log rewritten as a whole, or rolled back, is
//! consistent in itself: that is found only against a checkpoint kept elsewhere.
//!
//! The rules are core's ([`CheckedEvent`], [`Verification`]). Here all cores work on what an event or a line of an export shows
//! by itself ([`crew`](crate::crew)), and what depends on order is done in order, and compared with a checkpoint.

use std::io::BufRead;

use convoke_core::{
    log::{Broken, CheckedEvent, Checkpoint, Fault, Head, Verification},
    time::Timestamp,
};

use crate::{
    crew::Crew,
    error::ReadError,
    export::{ExportError, ExportReader, check_lines},
    log::{Log, Stored},
};

/// Events handed to a core at a time.
const CHUNK_EVENTS: usize = 2 * 1024;

/// What a verified log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its head.
    pub head: Head,
    /// Its checkpoint; `None` if it has no event.
    pub checkpoint: Option<Checkpoint>,
    /// How many commits it consists of.
    pub commits: u64,
    /// How many of its events have had their payload erased.
    pub erased: u64,
}

/// Why a log does not verify.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The first event that does not hold; of a size or root that does not hold, the first event of its commit.
    #[error(transparent)]
    Flawed(#[from] Broken),
    /// The log's bytes cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The export cannot be read.
    #[error(transparent)]
    Export(ExportError),
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
    /// The checkpoint says of its last event another time than the log.
    #[error("the checkpoint says that its last event is of {}, and the log that it is of {time}: the checkpoint was altered", checkpoint.time)]
    OtherTime {
        /// The time of that event.
        time: Timestamp,
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

impl From<ExportError> for VerifyError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Broken(broken) => Self::Flawed(broken),
            error => Self::Export(error),
        }
    }
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
    let mut crew = Crew::new(check_events);
    let mut so_far = SoFar::new(against);
    let mut next = 0;
    loop {
        let commits = if next < head.size { log.read(next, CHUNK_EVENTS).await? } else { Vec::new() };
        let ended = commits.is_empty();
        if let Some(last) = commits.last() {
            next = last.commit.end();
            crew.hand_over(event_count(&commits), commits);
        }
        while crew.is_full() || (ended && !crew.is_idle()) {
            if let Some(checked) = crew.next() {
                so_far.take(checked.await, |_| Ok::<(), VerifyError>(()))?;
                progress(so_far.log.size());
            }
        }
        if ended {
            // The log may have grown since.
            let position = so_far.log.size();
            if position < head.size {
                let what = format!("the log ends here, and its head says that it holds {} events", head.size);
                return Err(ReadError::Damaged { position, what }.into());
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
    export: ExportReader<impl BufRead>,
    against: Option<&Checkpoint>,
    progress: impl FnMut(u64),
) -> Result<Report, VerifyError> {
    read_export(export, against, progress, |_| Ok(()))
}

/// Verifies an export and passes on its commits as they turn out to hold, in order. Blocks.
///
/// # Errors
/// [`VerifyError`] says what does not hold first; or what `pass_on` fails with.
pub fn read_export<E: From<VerifyError>>(
    export: ExportReader<impl BufRead>,
    against: Option<&Checkpoint>,
    mut progress: impl FnMut(u64),
    mut pass_on: impl FnMut(Stored) -> Result<(), E>,
) -> Result<Report, E> {
    let ExportReader { mut lines, mut reader } = export;
    let (against, mut commits) = (Against(against), 0);
    let next = || Ok(lines.chunk()?.map(|chunk| (chunk.len(), chunk)));
    Crew::new(check_lines).work_through(next, |checked| {
        for line in checked {
            let ended = reader.take(line).map_err(|error| VerifyError::from(ExportError::from(error)))?;
            against.compare(reader.log())?;
            if let Some(ended) = ended {
                commits += 1;
                pass_on(Stored { root: ended.head.root, commit: ended.commit })?;
            }
        }
        progress(reader.log().size());
        Ok::<(), E>(())
    })?;
    let report = against.report(reader.log(), commits);
    // Whatever it lacks is the answer before anything that it is compared with.
    reader.finish().map_err(|error| VerifyError::from(ExportError::from(error)))?;
    Ok(report?)
}

/// Verifies commits as they come and passes on those that hold, in order. Blocks.
pub(crate) fn verify_commits<E: From<VerifyError>>(
    mut commits: impl Iterator<Item = Stored>,
    against: Option<&Checkpoint>,
    mut progress: impl FnMut(u64),
    mut pass_on: impl FnMut(Stored) -> Result<(), E>,
) -> Result<Report, E> {
    let mut so_far = SoFar::new(against);
    let next = || {
        let (mut chunk, mut events) = (Vec::new(), 0);
        while events < CHUNK_EVENTS
            && let Some(stored) = commits.next()
        {
            events += stored.commit.len();
            chunk.push(stored);
        }
        Ok(if chunk.is_empty() { None } else { Some((events, chunk)) })
    };
    Crew::new(check_events).work_through(next, |checked| {
        so_far.take(checked, &mut pass_on)?;
        progress(so_far.log.size());
        Ok::<(), E>(())
    })?;
    Ok(so_far.finish()?)
}

/// Commits, and what each event of theirs shows by itself.
#[derive(Debug, Default)]
struct Checked {
    commits: Vec<Stored>,
    /// Up to the first that does not hold.
    events: Vec<Result<CheckedEvent, Fault>>,
}

fn check_events(commits: Vec<Stored>) -> Checked {
    let mut events = Vec::with_capacity(event_count(&commits));
    for event in commits.iter().flat_map(|stored| stored.commit.events()) {
        events.push(CheckedEvent::of(event));
        if events.last().is_some_and(Result::is_err) {
            break;
        }
    }
    Checked { commits, events }
}

fn event_count(commits: &[Stored]) -> usize {
    commits.iter().map(|stored| stored.commit.len()).sum()
}

/// The log as far as it holds.
struct SoFar<'a> {
    log: Verification,
    against: Against<'a>,
    commits: u64,
}

impl<'a> SoFar<'a> {
    fn new(against: Option<&'a Checkpoint>) -> Self {
        Self { log: Verification::new(), against: Against(against), commits: 0 }
    }

    fn take<E: From<VerifyError>>(
        &mut self,
        checked: Checked,
        mut pass_on: impl FnMut(Stored) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut events = checked.events.into_iter();
        for stored in checked.commits {
            for event in events.by_ref().take(stored.commit.len()) {
                self.log.event(event).map_err(VerifyError::from)?;
                self.against.compare(&self.log)?;
            }
            self.log.commit(stored.head()).map_err(VerifyError::from)?;
            self.commits += 1;
            pass_on(stored)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Report, VerifyError> {
        self.against.report(&self.log, self.commits)
    }
}

/// The checkpoint kept elsewhere, if there is one.
#[derive(Clone, Copy)]
struct Against<'a>(Option<&'a Checkpoint>);

impl Against<'_> {
    /// Compares the roots where the log has just become as large as the checkpoint, and the times of the last event.
    fn compare(self, log: &Verification) -> Result<(), VerifyError> {
        let Some(kept) = self.0.filter(|kept| kept.size == log.size()) else { return Ok(()) };
        let checkpoint = || Box::new(kept.clone());
        if log.log_id() != Some(kept.log_id) {
            Err(VerifyError::OtherLog { checkpoint: checkpoint() })
        } else if kept.root != log.root() {
            Err(VerifyError::Rewritten { checkpoint: checkpoint() })
        } else if kept.time != log.time() {
            Err(VerifyError::OtherTime { time: log.time(), checkpoint: checkpoint() })
        } else {
            Ok(())
        }
    }

    /// What the whole log holds, if it extends the checkpoint's.
    fn report(self, log: &Verification, commits: u64) -> Result<Report, VerifyError> {
        if let Some(kept) = self.0 {
            let checkpoint = Box::new(kept.clone());
            if log.log_id().is_some_and(|log_id| log_id != kept.log_id) {
                return Err(VerifyError::OtherLog { checkpoint });
            }
            if log.size() < kept.size {
                return Err(VerifyError::RolledBack { size: log.size(), checkpoint });
            }
        }
        Ok(Report { head: log.head(), checkpoint: log.checkpoint(), commits, erased: log.erased() })
    }
}
