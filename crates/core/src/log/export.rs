//! The export of a log: NDJSON that every reader can verify in place, section 5.4 of `docs/log-format.md`.
//!
//! Writing and reading go line by line and know no file. The reader verifies as it goes: what it gives out holds.

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{
    checkpoint::{Checkpoint, Head},
    commit::{Commit, EventRef},
    file::{self, FileError, FileKind, from_hex, put_hex},
    hash::{Hash, Salt},
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

/// Appends the lines of one commit: its events and the head after it.
///
/// # Errors
/// [`Broken`] if a payload is not text, which no verified one is.
pub fn put_commit(lines: &mut Vec<u8>, commit: &Commit, root: Hash) -> Result<(), Broken> {
    for (position, event) in (commit.first()..).zip(commit.events()) {
        lines.extend_from_slice(b"{\"position\":");
        lines.extend_from_slice(position.to_string().as_bytes());
        lines.extend_from_slice(b",\"header\":\"");
        put_hex(lines, event.header);
        lines.push(b'"');
        if let (Some(salt), Some(payload)) = (event.salt(), event.payload()) {
            let text = std::str::from_utf8(payload).map_err(|_| Broken { position, fault: Fault::PayloadText })?;
            lines.extend_from_slice(b",\"salt\":\"");
            put_hex(lines, &salt);
            lines.extend_from_slice(b"\",\"payload\":");
            serde_json::to_writer(&mut *lines, text).expect("a text has a JSON form");
        }
        lines.extend_from_slice(b"}\n");
    }
    let head = CommitLine { commit: Head { size: commit.end(), root } };
    lines.extend_from_slice(line(&head).as_bytes());
    Ok(())
}

/// The last line.
#[must_use]
pub fn last_line(checkpoint: &Checkpoint) -> String {
    line(&LastLine { checkpoint })
}

fn line<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("numbers, texts and structs of them have a JSON form") + "\n"
}

/// What one line after the first shows by itself. Nearly all of the work, and it can be done for many lines at once.
#[derive(Debug, Clone)]
pub struct CheckedLine(Result<Content, LineFault>);

#[derive(Debug, Clone)]
enum Content {
    Event { position: u64, header: Vec<u8>, salted_payload: Option<Vec<u8>>, event: Result<CheckedEvent, Fault> },
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
            let salted_payload = salted(salt, payload).map_err(form)?;
            let event = CheckedEvent::of(EventRef { header: &header, salted_payload: salted_payload.as_deref() });
            Ok(Content::Event { position, header, salted_payload, event })
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
fn salted(salt: Option<Hex>, payload: Option<Payload>) -> Result<Option<Vec<u8>>, &'static str> {
    match (salt, payload) {
        (None, None) => Ok(None),
        (Some(Hex(salt)), Some(Payload(mut salted))) => {
            let salt: Salt = salt.try_into().map_err(|_| "the salt is not 16 bytes")?;
            let length = salted.len().saturating_sub(Payload::BEFORE);
            let length = u32::try_from(length).ok().filter(|_| length <= limits::PAYLOAD_BYTES_MAX);
            let length = length.ok_or("the payload is longer than one can be")?.to_be_bytes();
            salted[..16].copy_from_slice(&salt);
            salted[16..Payload::BEFORE].copy_from_slice(&length);
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
            Ok(Content::Event { position, header, salted_payload, event }) => {
                let next = self.log.size();
                let event = if position == next { event } else { Err(Fault::Position(position)) };
                self.log.event(event)?;
                let event = EventRef { header: &header, salted_payload: salted_payload.as_deref() };
                event.put(&mut self.frames).map_err(|error| self.refuse(error.to_string()))?;
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
    payload: Option<Payload>,
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

/// A payload's text, after room for its salt and length.
struct Payload(Vec<u8>);

impl Payload {
    const BEFORE: usize = 16 + 4;
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Payload;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Payload, E> {
                let mut bytes = Vec::with_capacity(Payload::BEFORE + text.len());
                bytes.resize(Payload::BEFORE, 0);
                bytes.extend_from_slice(text.as_bytes());
                Ok(Payload(bytes))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
