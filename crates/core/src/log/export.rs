//! The export of a log: NDJSON that every reader can verify in place, section 5.4 of `docs/log-format.md`.
//!
//! Writing and reading go line by line and know no file. The reader verifies as it goes: what it gives out holds.

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{
    checkpoint::{Checkpoint, Head},
    commit::{Commit, EventRef},
    file::{self, FileError, FileKind, from_hex, push_hex},
    hash::Hash,
    verification::{Broken, CheckedEvent, Fault, Verification},
};
use crate::{id::LogId, limits};

/// The version of the form that this build writes and reads.
pub const VERSION: u32 = 1;
/// The longest line that a reader needs to take: a payload of control characters, each escaped to six.
pub const LINE_BYTES_MAX: usize = 6 * limits::PAYLOAD_BYTES_MAX + 2048;

/// Why an export cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The first line is not that of an export this build reads.
    #[error(transparent)]
    File(#[from] FileError),
    /// A line that is not one of an export.
    #[error("line {line} of the export: {reason}")]
    Line {
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The log in it does not hold.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// It ends before its checkpoint.
    #[error("the export is cut short: it does not end with a whole checkpoint line")]
    Cut,
}

/// The first line.
#[must_use]
pub fn first_line(log_id: LogId) -> String {
    line(&FirstLine { convoke_export: VERSION, log_id })
}

/// The lines of one commit: its events and the head after it.
///
/// # Errors
/// [`Broken`] if a payload is not text, which no verified one is.
pub fn commit_lines(commit: &Commit, root: Hash) -> Result<String, Broken> {
    // Enough for what is mostly text and few escapes.
    let mut lines = String::with_capacity(2 * commit.frames().len());
    for (position, event) in (commit.first()..).zip(commit.events()) {
        lines.push_str("{\"position\":");
        lines.push_str(&position.to_string());
        lines.push_str(",\"header\":\"");
        push_hex(&mut lines, event.header);
        lines.push('"');
        if let (Some(salt), Some(payload)) = (event.salt(), event.payload()) {
            let text = std::str::from_utf8(payload).map_err(|_| Broken { position, fault: Fault::PayloadText })?;
            lines.push_str(",\"salt\":\"");
            push_hex(&mut lines, &salt);
            lines.push_str("\",\"payload\":");
            lines.push_str(&json(&text));
        }
        lines.push_str("}\n");
    }
    lines.push_str(&line(&CommitLine { commit: Head { size: commit.end(), root } }));
    Ok(lines)
}

/// The last line.
#[must_use]
pub fn last_line(checkpoint: &Checkpoint) -> String {
    line(&LastLine { checkpoint })
}

fn line<T: Serialize>(value: &T) -> String {
    json(value) + "\n"
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("numbers, texts and structs of them have a JSON form")
}

/// What one line after the first shows by itself. Nearly all of the work, and it can be done for many lines at once.
#[derive(Debug, Clone)]
pub struct CheckedLine(Result<Content, LineFault>);

#[derive(Debug, Clone)]
enum Content {
    Event { position: u64, frame: Vec<u8>, event: Result<CheckedEvent, Fault> },
    Commit(Head),
    Checkpoint(Checkpoint),
}

#[derive(Debug, Clone)]
enum LineFault {
    Cut,
    Form(String),
}

impl CheckedLine {
    /// Checks a line, given with the `\n` at its end.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(text_of(bytes).and_then(read))
    }
}

fn form(reason: impl Into<String>) -> LineFault {
    LineFault::Form(reason.into())
}

/// The line without its end.
fn text_of(bytes: &[u8]) -> Result<&str, LineFault> {
    if bytes.len() > LINE_BYTES_MAX + 1 {
        return Err(form("it is longer than a line of an export can be"));
    }
    let Some((b'\n', text)) = bytes.split_last() else { return Err(LineFault::Cut) };
    std::str::from_utf8(text).map_err(|_| form("it is not UTF-8"))
}

fn read(text: &str) -> Result<Content, LineFault> {
    match serde_json::from_str(text).map_err(|error| form(in_short(&error)))? {
        Line { position: Some(position), header: Some(Hex(header)), salt, payload, commit: None, checkpoint: None } => {
            let salted = salted(salt, payload).map_err(form)?;
            let event = EventRef { header: &header, salted_payload: salted.as_deref() };
            let checked = CheckedEvent::of(event);
            let mut frame = Vec::with_capacity(3 + header.len() + salted.as_ref().map_or(0, Vec::len));
            match event.put(&mut frame) {
                // A header that no frame can hold is none, and that is what the event's fault says.
                Err(error) if checked.is_ok() => Err(form(error.to_string())),
                _ => Ok(Content::Event { position, frame, event: checked }),
            }
        }
        Line { commit: Some(head), position: None, header: None, salt: None, payload: None, checkpoint: None } => {
            Ok(Content::Commit(head))
        }
        Line { checkpoint: Some(end), position: None, header: None, salt: None, payload: None, commit: None } => {
            Ok(Content::Checkpoint(end))
        }
        _ => Err(form("it is neither an event, nor a commit, nor the checkpoint")),
    }
}

/// Salt, length and payload of an event's line; `None` if they were erased.
fn salted(salt: Option<Hex>, payload: Option<String>) -> Result<Option<Vec<u8>>, &'static str> {
    match (salt, payload) {
        (None, None) => Ok(None),
        (Some(Hex(salt)), Some(payload)) => {
            if salt.len() != 16 {
                return Err("the salt is not 16 bytes");
            }
            let length = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= limits::PAYLOAD_BYTES_MAX);
            let length = length.ok_or("the payload is longer than one can be")?;
            let mut salted = Vec::with_capacity(20 + payload.len());
            salted.extend_from_slice(&salt);
            salted.extend_from_slice(&length.to_be_bytes());
            salted.extend_from_slice(payload.as_bytes());
            Ok(Some(salted))
        }
        _ => Err("salt and payload are there together or not at all"),
    }
}

/// What serde_json says, without its place in the line and without any text of the line's that would run on.
fn in_short(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    what.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A commit as an export holds it, verified up to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedCommit {
    /// The events, byte for byte as they were stored.
    pub commit: Commit,
    /// The head after them.
    pub head: Head,
}

/// Reads an export line by line and verifies it as it goes.
#[derive(Debug)]
pub struct ExportReader {
    line: u64,
    log: Verification,
    frames: Vec<u8>,
    checkpoint: Option<Checkpoint>,
}

impl ExportReader {
    /// Reads the first line, given with the `\n` at its end.
    ///
    /// # Errors
    /// [`ExportError`] if it is not the first line of an export.
    pub fn open(first: &[u8]) -> Result<Self, ExportError> {
        let first: FirstLine = match text_of(first) {
            Ok(text) => file::read(FileKind::Export, text)?,
            Err(LineFault::Cut) => return Err(ExportError::Cut),
            Err(LineFault::Form(reason)) => return Err(ExportError::Line { line: 1, reason }),
        };
        Ok(Self { line: 1, log: Verification::of_log(first.log_id), frames: Vec::new(), checkpoint: None })
    }

    /// Takes the next line, with the `\n` at its end; gives the commit that it ends, if it ends one.
    ///
    /// # Errors
    /// [`ExportError`] says what does not hold. The reader is of no use then.
    pub fn line(&mut self, bytes: &[u8]) -> Result<Option<ExportedCommit>, ExportError> {
        self.take(CheckedLine::of(bytes))
    }

    /// As [`ExportReader::line`], of a line that was checked by itself.
    ///
    /// # Errors
    /// [`ExportError`] says what does not hold. The reader is of no use then.
    pub fn take(&mut self, line: CheckedLine) -> Result<Option<ExportedCommit>, ExportError> {
        self.line += 1;
        if self.checkpoint.is_some() {
            return Err(self.refuse("something follows the checkpoint"));
        }
        match line.0 {
            Ok(Content::Event { position, frame, event }) => {
                let next = self.log.size();
                let event = if position == next { event } else { Err(Fault::Position(position)) };
                self.log.event(event)?;
                self.frames.extend_from_slice(&frame);
                let events = self.log.size() - self.log.head().size;
                if events > limits::COMMIT_EVENTS_MAX as u64 || self.frames.len() > limits::COMMIT_BYTES_MAX {
                    return Err(self.refuse("the commit is larger than one can be"));
                }
                Ok(None)
            }
            Ok(Content::Commit(stored)) => {
                let first = self.log.head().size;
                let head = self.log.commit(stored)?;
                let frames = std::mem::take(&mut self.frames);
                let commit = Commit::from_frames(first, frames).map_err(|error| self.refuse(error.to_string()))?;
                Ok(Some(ExportedCommit { commit, head }))
            }
            Ok(Content::Checkpoint(stored)) => {
                if self.log.checkpoint().as_ref() != Some(&stored) {
                    return Err(self.refuse("the checkpoint is not that of the commits before it"));
                }
                self.checkpoint = Some(stored);
                Ok(None)
            }
            Err(LineFault::Cut) => Err(ExportError::Cut),
            Err(LineFault::Form(reason)) => Err(self.refuse(reason)),
        }
    }

    /// The log as far as it was read.
    #[must_use]
    pub fn log(&self) -> &Verification {
        &self.log
    }

    /// Ends the export, and gives its checkpoint.
    ///
    /// # Errors
    /// [`ExportError::Cut`] if it has none yet.
    pub fn finish(self) -> Result<Checkpoint, ExportError> {
        self.checkpoint.ok_or(ExportError::Cut)
    }

    fn refuse(&self, reason: impl Into<String>) -> ExportError {
        ExportError::Line { line: self.line, reason: reason.into() }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstLine {
    #[serde(deserialize_with = "file::one")]
    convoke_export: u32,
    log_id: LogId,
}

#[derive(Serialize)]
struct CommitLine {
    commit: Head,
}

#[derive(Serialize)]
struct LastLine<'a> {
    checkpoint: &'a Checkpoint,
}

/// Any line after the first. Which of its members are there says which it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default, deserialize_with = "file::present")]
    position: Option<u64>,
    #[serde(default, deserialize_with = "file::present")]
    header: Option<Hex>,
    #[serde(default, deserialize_with = "file::present")]
    salt: Option<Hex>,
    #[serde(default, deserialize_with = "file::present")]
    payload: Option<String>,
    #[serde(default, deserialize_with = "file::present")]
    commit: Option<Head>,
    #[serde(default, deserialize_with = "file::present")]
    checkpoint: Option<Checkpoint>,
}

/// Bytes, written as lower-case hex.
struct Hex(Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;
        impl de::Visitor<'_> for Digits {
            type Value = Hex;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes in lower-case hex")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Hex, E> {
                from_hex(text).map(Hex).ok_or_else(|| E::custom("header and salt are bytes in lower-case hex"))
            }
        }
        deserializer.deserialize_str(Digits)
    }
}
