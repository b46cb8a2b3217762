//! A log as one portable file: NDJSON, the stored bytes and the final checkpoint (`docs/log-format.md`, section 5.4).
//!
//! The reader is strict and streams: it holds one commit at a time, and whatever is not exactly an export is an error that
//! names the line. It checks the form; the hashes are checked by [`verify_export`](crate::verify_export).

use std::io::{self, BufRead, Read, Write};

use convoke_core::{
    id::LogId,
    limits::{COMMIT_BYTES_MAX, COMMIT_EVENTS_MAX, PAYLOAD_BYTES_MAX},
    log::{Checkpoint, Commit, EventRef, Head, Header},
    time::Timestamp,
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use crate::{
    error::ReadError,
    hex,
    log::{Log, Stored},
};

/// The version that this build writes and reads.
pub const EXPORT_VERSION: u64 = 1;
/// The longest line: a payload of which every byte is written as `\u00xx`, the header in hex, and the rest.
pub const EXPORT_LINE_BYTES_MAX: usize = 6 * PAYLOAD_BYTES_MAX + 2 * Header::BYTES_MAX + 256;
/// Events read at a time while exporting.
const CHUNK_EVENTS: usize = 4 * 1024;

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
    /// A stored event that cannot be written as the format wants it.
    #[error("the event at position {position} cannot be exported: {what}")]
    Event {
        /// Its position.
        position: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A line that does not belong there.
    #[error("line {line} of the export: {fault}")]
    Line {
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        fault: LineFault,
    },
}

/// What is wrong with a line of an export.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// Too long to be one.
    #[error("it is longer than {EXPORT_LINE_BYTES_MAX} bytes")]
    TooLong,
    /// Not JSON, not an object, a member that is unknown, missing, double, or of another type.
    #[error("it is not a line of an export ({0})")]
    Malformed(String),
    /// The file has another version.
    #[error("the export has version {0}; this build reads version {EXPORT_VERSION}")]
    Version(u64),
    /// A line of another kind must come here.
    #[error("{0} must come here")]
    Expected(&'static str),
    /// Hex digits that are none, or of the wrong number.
    #[error("{0} is not the lower-case hex that it must be")]
    Hex(&'static str),
    /// Salt without payload or the other way round.
    #[error("salt and payload go together")]
    HalfErased,
    /// Over a limit of the log.
    #[error("{what} is over the limit of {limit}")]
    OverLimit {
        /// What is.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// An event out of order.
    #[error("it has position {found} where {expected} must come")]
    Position {
        /// What must come.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// A commit that ends elsewhere.
    #[error("the commit says that it ends at {stated}; its events end at {actual}")]
    Size {
        /// What it says.
        stated: u64,
        /// Where its events end.
        actual: u64,
    },
    /// The checkpoint is not that of the events before it.
    #[error("the checkpoint is not that of the last commit")]
    Checkpoint,
    /// The file ends before its checkpoint.
    #[error("the export is cut short: its checkpoint is missing")]
    CutShort,
    /// The file goes on after its checkpoint.
    #[error("the export goes on after its checkpoint")]
    Trailing,
}

/// Writes an export, commit by commit.
#[derive(Debug)]
pub struct ExportWriter<W> {
    out: W,
    log_id: LogId,
    last: Option<Checkpoint>,
    line: Vec<u8>,
}

impl<W: Write> ExportWriter<W> {
    /// Begins an export. `out` should be buffered.
    ///
    /// # Errors
    /// [`ExportError::Io`].
    pub fn new(mut out: W, log_id: LogId) -> Result<Self, ExportError> {
        writeln!(out, "{{\"convoke_export\":{EXPORT_VERSION},\"log_id\":\"{log_id}\"}}").map_err(writing)?;
        Ok(Self { out, log_id, last: None, line: Vec::new() })
    }

    /// Writes the next commit.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn write(&mut self, stored: &Stored) -> Result<(), ExportError> {
        let line = &mut self.line;
        line.clear();
        let mut last_header = None;
        for (position, event) in (stored.commit.first()..).zip(stored.commit.events()) {
            line.extend_from_slice(b"{\"position\":");
            line.extend_from_slice(position.to_string().as_bytes());
            line.extend_from_slice(b",\"header\":\"");
            hex::push(line, event.header);
            line.push(b'"');
            if let (Some(salt), Some(payload)) = (event.salt(), event.payload()) {
                let text = std::str::from_utf8(payload)
                    .map_err(|_| ExportError::Event { position, what: "its payload is not text" })?;
                line.extend_from_slice(b",\"salt\":\"");
                hex::push(line, &salt);
                line.extend_from_slice(b"\",\"payload\":");
                serde_json::to_writer(&mut *line, text).map_err(|error| writing(error.into()))?;
            }
            line.extend_from_slice(b"}\n");
            last_header = Some((position, event.header));
        }
        let head = stored.head();
        writeln!(line, "{{\"commit\":{{\"size\":{},\"root\":\"{}\"}}}}", head.size, head.root).map_err(writing)?;
        if let Some((position, header)) = last_header {
            let header = Header::decode(header)
                .map_err(|_| ExportError::Event { position, what: "its header does not decode" })?;
            self.last = Some(Checkpoint {
                convoke_checkpoint: Checkpoint::VERSION,
                log_id: self.log_id,
                size: head.size,
                root: head.root,
                time: header.time,
            });
        }
        self.out.write_all(line).map_err(writing)
    }

    /// Ends the export with the checkpoint of its last commit, and gives back what it was written to, flushed.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn finish(mut self) -> Result<(W, Checkpoint), ExportError> {
        let checkpoint = self.last.ok_or(ExportError::Empty)?;
        let line = serde_json::to_string(&checkpoint).map_err(|error| writing(error.into()))?;
        writeln!(self.out, "{{\"checkpoint\":{line}}}").map_err(writing)?;
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

/// Reads an export, commit by commit: an iterator that ends after the checkpoint or the first error.
#[derive(Debug)]
pub struct ExportReader<R> {
    input: R,
    log_id: LogId,
    line: u64,
    text: Vec<u8>,
    /// The head after the last commit, and the time of its last event.
    last: Option<(Head, Option<Timestamp>)>,
    ended: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstLine {
    convoke_export: u64,
    log_id: String,
}

/// Any line after the first: the members that are there say which kind it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default, deserialize_with = "present")]
    position: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    header: Option<String>,
    #[serde(default, deserialize_with = "present")]
    salt: Option<String>,
    #[serde(default, deserialize_with = "present")]
    payload: Option<String>,
    #[serde(default, deserialize_with = "present")]
    commit: Option<Head>,
    #[serde(default, deserialize_with = "present")]
    checkpoint: Option<serde_json::Value>,
}

/// A member that is there has a value: `null` is not the same as absent.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl<R: BufRead> ExportReader<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn new(input: R) -> Result<Self, ExportError> {
        let log_id = LogId::from_bytes([0; 16]);
        let mut reader = Self { input, log_id, line: 0, text: Vec::new(), last: None, ended: false };
        reader.next_line()?;
        let first: FirstLine = reader.parse().map_err(|fault| reader.fault(fault))?;
        if first.convoke_export != EXPORT_VERSION {
            return Err(reader.fault(LineFault::Version(first.convoke_export)));
        }
        reader.log_id = first
            .log_id
            .parse()
            .ok()
            .filter(|log_id: &LogId| log_id.to_string() == first.log_id)
            .ok_or_else(|| reader.fault(LineFault::Malformed("the log id is not a UUID".to_owned())))?;
        Ok(reader)
    }

    /// The log that the export is of, as its first line says.
    pub fn log_id(&self) -> LogId {
        self.log_id
    }

    fn next_commit(&mut self) -> Result<Option<Stored>, ExportError> {
        let first = self.last.as_ref().map_or(0, |(head, _)| head.size);
        let mut frames = Vec::new();
        let mut count = 0;
        loop {
            self.next_line()?;
            let line: Line = self.parse().map_err(|fault| self.fault(fault))?;
            let step = match line {
                Line {
                    position: Some(position),
                    header: Some(header),
                    salt,
                    payload,
                    commit: None,
                    checkpoint: None,
                } => {
                    let text = EventText { position, header, salt, payload };
                    text.put(first + count, &mut frames).map(|()| None)
                }
                Line {
                    position: None,
                    header: None,
                    salt: None,
                    payload: None,
                    commit: Some(head),
                    checkpoint: None,
                } => close(first, count, std::mem::take(&mut frames), head).map(Some),
                Line {
                    position: None,
                    header: None,
                    salt: None,
                    payload: None,
                    commit: None,
                    checkpoint: Some(end),
                } => {
                    self.check_end(count, end).map_err(|fault| self.fault(fault))?;
                    return self.check_nothing_follows().map(|()| None);
                }
                _ => Err(LineFault::Expected("an event, a commit or the checkpoint")),
            };
            match step.map_err(|fault| self.fault(fault))? {
                Some(stored) => {
                    self.last = Some((stored.head(), last_time(&stored.commit)));
                    return Ok(Some(stored));
                }
                None => count += 1,
            }
        }
    }

    fn check_end(&self, loose_events: u64, end: serde_json::Value) -> Result<(), LineFault> {
        if loose_events != 0 {
            return Err(LineFault::Expected("the commit of the events before"));
        }
        let checkpoint: Checkpoint =
            serde_json::from_value(end.clone()).map_err(|error| LineFault::Malformed(error.to_string()))?;
        let Some((head, time)) = self.last else { return Err(LineFault::Expected("a commit")) };
        let holds = checkpoint.convoke_checkpoint == Checkpoint::VERSION
            && checkpoint.log_id == self.log_id
            && (Head { size: checkpoint.size, root: checkpoint.root }) == head
            && time == Some(checkpoint.time)
            // Ids and times have one spelling here.
            && serde_json::to_value(&checkpoint).is_ok_and(|canonical| canonical == end);
        if holds { Ok(()) } else { Err(LineFault::Checkpoint) }
    }

    fn check_nothing_follows(&mut self) -> Result<(), ExportError> {
        let rest = self.input.fill_buf().map_err(reading)?;
        if rest.is_empty() {
            return Ok(());
        }
        self.line += 1;
        Err(self.fault(LineFault::Trailing))
    }

    /// Reads the next line, without its end.
    fn next_line(&mut self) -> Result<(), ExportError> {
        self.line += 1;
        self.text.clear();
        let limit = EXPORT_LINE_BYTES_MAX as u64 + 1;
        self.input.by_ref().take(limit).read_until(b'\n', &mut self.text).map_err(reading)?;
        if self.text.pop_if(|last| *last == b'\n').is_some() {
            return Ok(());
        }
        let fault = if self.text.len() > EXPORT_LINE_BYTES_MAX { LineFault::TooLong } else { LineFault::CutShort };
        Err(self.fault(fault))
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, LineFault> {
        // serde_json gives the position within the line, which is of no use beside the line's number.
        serde_json::from_slice(&self.text).map_err(|error| {
            let text = error.to_string();
            let what = text.split(" at line ").next().unwrap_or_default();
            LineFault::Malformed(what.chars().take(200).collect())
        })
    }

    fn fault(&self, fault: LineFault) -> ExportError {
        ExportError::Line { line: self.line, fault }
    }
}

impl<R: BufRead> Iterator for ExportReader<R> {
    type Item = Result<Stored, ExportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let commit = self.next_commit().transpose();
        self.ended = !matches!(commit, Some(Ok(_)));
        commit
    }
}

/// An event as a line gives it.
struct EventText {
    position: u64,
    header: String,
    salt: Option<String>,
    payload: Option<String>,
}

impl EventText {
    /// Appends its frame to those of its commit.
    fn put(&self, expected: u64, frames: &mut Vec<u8>) -> Result<(), LineFault> {
        if self.position != expected {
            return Err(LineFault::Position { expected, found: self.position });
        }
        let header = hex::read(&self.header).ok_or(LineFault::Hex("the header"))?;
        within("the header", header.len(), Header::BYTES_MAX)?;
        let salted = match (&self.salt, &self.payload) {
            (None, None) => None,
            (Some(salt), Some(payload)) => {
                let mut salted = hex::read(salt).filter(|salt| salt.len() == 16).ok_or(LineFault::Hex("the salt"))?;
                within("the payload", payload.len(), PAYLOAD_BYTES_MAX)?;
                salted.extend_from_slice(&(payload.len() as u32).to_be_bytes());
                salted.extend_from_slice(payload.as_bytes());
                Some(salted)
            }
            _ => return Err(LineFault::HalfErased),
        };
        EventRef { header: &header, salted_payload: salted.as_deref() }
            .put(frames)
            .map_err(|_| LineFault::Hex("the header"))?;
        within("the commit", frames.len(), COMMIT_BYTES_MAX)
    }
}

fn close(first: u64, count: u64, frames: Vec<u8>, head: Head) -> Result<Stored, LineFault> {
    if count == 0 {
        return Err(LineFault::Expected("an event"));
    }
    within("the number of the commit's events", count as usize, COMMIT_EVENTS_MAX)?;
    let actual = first + count;
    if head.size != actual {
        return Err(LineFault::Size { stated: head.size, actual });
    }
    let commit = Commit::from_frames(first, frames).map_err(|error| LineFault::Malformed(error.to_string()))?;
    Ok(Stored { commit, root: head.root })
}

fn last_time(commit: &Commit) -> Option<Timestamp> {
    let last = commit.event(commit.end().checked_sub(1)?)?;
    last.decode_header().ok().map(|header| header.time)
}

fn within(what: &'static str, size: usize, limit: usize) -> Result<(), LineFault> {
    if size <= limit { Ok(()) } else { Err(LineFault::OverLimit { what, limit }) }
}

fn writing(error: io::Error) -> ExportError {
    ExportError::Io { done: "written", error }
}

fn reading(error: io::Error) -> ExportError {
    ExportError::Io { done: "read", error }
}
