//! A log as one portable file (`docs/log-format.md`, section 5.4), written to and read from a stream.
//!
//! What its lines are, and what holds of them, core's [`log::export`](convoke_core::log::export) knows. Reading streams: a
//! line is bounded while it is read, and of the events no more than a commit and what the cores have in work is held.

use std::io::{self, BufRead, Read, Write};

use convoke_core::{
    id::LogId,
    log::{
        Broken, Checkpoint, Fault,
        export::{self as lines, CheckedLine, LINE_BYTES_MAX},
    },
};

use crate::{
    error::ReadError,
    log::{Log, Stored},
};

/// Events read at a time while exporting.
const CHUNK_EVENTS: usize = 4 * 1024;
/// Lines handed to a core at a time, and the bytes after which it gets no more.
const CHUNK_LINES: usize = 2 * 1024;
const CHUNK_BYTES: usize = 4 * 1024 * 1024;

/// Why an export could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file failed.
    #[error("the export could not be {done}: {error}")]
    Io {
        /// `read` or `written`.
        done: &'static str,
        /// What the system says.
        error: io::Error,
    },
    /// The log failed.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// A log without events has no id, and nothing to export.
    #[error("the log has no events to export")]
    Empty,
    /// An event of the log, or of the export, that does not hold.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// What was read is not an export.
    #[error(transparent)]
    Form(lines::ExportError),
}

impl From<lines::ExportError> for ExportError {
    fn from(error: lines::ExportError) -> Self {
        match error {
            lines::ExportError::Broken(broken) => Self::Broken(broken),
            form => Self::Form(form),
        }
    }
}

/// Writes an export, commit by commit.
#[derive(Debug)]
pub struct ExportWriter<W> {
    out: W,
    log_id: LogId,
    last: Option<Checkpoint>,
    lines: Vec<u8>,
}

impl<W: Write> ExportWriter<W> {
    /// Begins an export. `out` should be buffered.
    ///
    /// # Errors
    /// [`ExportError::Io`].
    pub fn new(mut out: W, log_id: LogId) -> Result<Self, ExportError> {
        out.write_all(lines::first_line(log_id).as_bytes()).map_err(writing)?;
        Ok(Self { out, log_id, last: None, lines: Vec::new() })
    }

    /// Writes the next commit.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn write(&mut self, stored: &Stored) -> Result<(), ExportError> {
        self.lines.clear();
        lines::put_commit(&mut self.lines, &stored.commit, stored.root)?;
        let head = stored.head();
        if let Some((position, event)) = head.size.checked_sub(1).and_then(|at| Some((at, stored.commit.event(at)?))) {
            let header = event.decode_header().map_err(|error| Broken { position, fault: Fault::Header(error) })?;
            self.last = Some(Checkpoint {
                convoke_checkpoint: Checkpoint::VERSION,
                log_id: self.log_id,
                size: head.size,
                root: head.root,
                time: header.time,
            });
        }
        self.out.write_all(&self.lines).map_err(writing)
    }

    /// Ends the export with the checkpoint of its last commit, and gives back what it was written to, flushed.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn finish(mut self) -> Result<(W, Checkpoint), ExportError> {
        let checkpoint = self.last.ok_or(ExportError::Empty)?;
        self.out.write_all(lines::last_line(&checkpoint).as_bytes()).map_err(writing)?;
        self.out.flush().map_err(writing)?;
        Ok((self.out, checkpoint))
    }
}

/// Exports a whole log up to its head as it is now. `progress` is called with the number of events written so far.
///
/// # Errors
/// [`ExportError`].
pub async fn export<W: Write>(
    log: &impl Log,
    out: W,
    mut progress: impl FnMut(u64),
) -> Result<(W, Checkpoint), ExportError> {
    let size = log.head().size;
    let mut writer = ExportWriter::new(out, log.log_id().ok_or(ExportError::Empty)?)?;
    let mut next = 0;
    while next < size {
        for stored in log.read(next, CHUNK_EVENTS).await? {
            if stored.commit.first() < size {
                writer.write(&stored)?;
            }
            next = stored.commit.end();
        }
        progress(next.min(size));
    }
    writer.finish()
}

/// An export whose first line was read; [`read_export`](crate::read_export) reads the others.
#[derive(Debug)]
pub struct ExportReader<R> {
    pub(crate) lines: Lines<R>,
    pub(crate) reader: lines::ExportReader,
}

impl<R: BufRead> ExportReader<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// [`ExportError`] if it is not the first line of an export.
    pub fn new(input: R) -> Result<Self, ExportError> {
        let mut lines = Lines { input, ended: false, failed: None };
        let mut first = Vec::new();
        lines.next(&mut first).map_err(reading)?;
        Ok(Self { reader: lines::ExportReader::open(&first)?, lines })
    }
}

/// The lines of an export.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    input: R,
    ended: bool,
    /// Told after what was read before it.
    failed: Option<io::Error>,
}

/// Some lines, one after another, and where each ends.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Chunk {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[*start..*end])
    }
}

/// What each line of a chunk shows by itself.
pub(crate) fn check_lines(chunk: Chunk) -> Vec<CheckedLine> {
    chunk.lines().map(CheckedLine::of).collect()
}

impl<R: BufRead> Lines<R> {
    /// Reads the next line into `bytes`, after what is there, with the `\n` at its end. A line that has none, or is longer than a
    /// line of an export can be, is the last, and no more of it is read than shows that.
    fn next(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        const LIMIT: usize = LINE_BYTES_MAX + 2;
        let before = bytes.len();
        self.input.by_ref().take(LIMIT as u64).read_until(b'\n', bytes)?;
        let line = &bytes[before..];
        self.ended = line.len() == LIMIT || line.last() != Some(&b'\n');
        Ok(())
    }

    /// The next lines to hand to a core; `None` after the last.
    pub(crate) fn chunk(&mut self) -> Result<Option<Chunk>, ExportError> {
        if let Some(error) = self.failed.take() {
            return Err(reading(error));
        }
        let mut chunk = Chunk::default();
        while !self.ended && chunk.len() < CHUNK_LINES && chunk.bytes.len() < CHUNK_BYTES {
            let before = chunk.bytes.len();
            if let Err(error) = self.next(&mut chunk.bytes) {
                (self.ended, self.failed) = (true, Some(error));
                break;
            }
            if chunk.bytes.len() > before {
                chunk.ends.push(chunk.bytes.len());
            }
        }
        if chunk.len() > 0 {
            return Ok(Some(chunk));
        }
        self.failed.take().map_or(Ok(None), |error| Err(reading(error)))
    }
}

fn writing(error: io::Error) -> ExportError {
    ExportError::Io { done: "written", error }
}

fn reading(error: io::Error) -> ExportError {
    ExportError::Io { done: "read", error }
}
