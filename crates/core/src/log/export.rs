//! The export of a log: NDJSON that every reader can verify in place, section 5.4 of `docs/log-format.md`.
//!
//! Writing and reading go line by line and know no file. The reader verifies as it goes: what it gives out holds.

use serde::{Deserialize, Serialize};

use super::{
    checkpoint::{Checkpoint, Head},
    commit::{Commit, EventRef},
    file::{self, FileError, FileKind, from_hex, to_hex},
    hash::Hash,
    verification::{Broken, CheckedEvent, Fault, Verification},
};
use crate::{id::LogId, limits};

/// The version of the form that this build writes and reads.
pub const VERSION: u32 = 1;
/// The longest line that a reader needs to take: a payload of control characters, each escaped to six.
pub const LINE_BYTES_MAX: usize = 6 * limits::PAYLOAD_BYTES_MAX + 2048;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstLine {
    #[serde(deserialize_with = "file::one")]
    convoke_export: u32,
    log_id: LogId,
}

/// Any other line. Which of its members are there says which it is.
#[derive(Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "file::present")]
    position: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "file::present")]
    header: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "file::present")]
    salt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "file::present")]
    payload: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "file::present")]
    commit: Option<Head>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "file::present")]
    checkpoint: Option<Checkpoint>,
}

/// Why an export cannot be read, or a log not exported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The first line is not that of an export this build reads.
    #[error(transparent)]
    File(#[from] FileError),
    /// A line that is not one of an export.
    #[error("line {line}: {reason}")]
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
    let mut lines = String::new();
    for (position, event) in (commit.first()..).zip(commit.events()) {
        let payload = event
            .payload()
            .map(|payload| String::from_utf8(payload.to_vec()))
            .transpose()
            .map_err(|_| Broken { position, fault: Fault::PayloadText })?;
        lines += &line(&Line {
            position: Some(position),
            header: Some(to_hex(event.header)),
            salt: event.salt().map(|salt| to_hex(&salt)),
            payload,
            ..Line::default()
        });
    }
    Ok(lines + &line(&Line { commit: Some(Head { size: commit.end(), root }), ..Line::default() }))
}

/// The last line.
#[must_use]
pub fn last_line(checkpoint: Checkpoint) -> String {
    line(&Line { checkpoint: Some(checkpoint), ..Line::default() })
}

fn line<T: Serialize>(value: &T) -> String {
    let mut text = serde_json::to_string(value).expect("numbers, texts and structs of them have a JSON form");
    text.push('\n');
    text
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
#[derive(Debug, Default)]
pub struct ExportReader {
    line: u64,
    log: Option<Verification>,
    frames: Vec<u8>,
    checkpoint: Option<Checkpoint>,
}

impl ExportReader {
    /// At the start of an export.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next line, with the `\n` at its end; gives the commit that it ends, if it ends one.
    ///
    /// # Errors
    /// [`ExportError`] says what does not hold. The reader is of no use then.
    pub fn line(&mut self, bytes: &[u8]) -> Result<Option<ExportedCommit>, ExportError> {
        self.line += 1;
        let number = self.line;
        let refuse = |reason: &str| ExportError::Line { line: number, reason: reason.to_owned() };
        let (b'\n', text) = bytes.split_last().ok_or(ExportError::Cut)? else { return Err(ExportError::Cut) };
        if text.len() > LINE_BYTES_MAX {
            return Err(refuse("longer than a line of an export can be"));
        }
        let text = std::str::from_utf8(text).map_err(|_| refuse("not UTF-8"))?;
        let Some(log) = &mut self.log else {
            let first: FirstLine = file::read(FileKind::Export, text)?;
            self.log = Some(Verification::of_log(first.log_id));
            return Ok(None);
        };
        if self.checkpoint.is_some() {
            return Err(refuse("something follows the checkpoint"));
        }
        let line: Line = serde_json::from_str(text).map_err(|error| refuse(&error.to_string()))?;
        match line {
            Line { position: Some(position), header: Some(header), salt, payload, commit: None, checkpoint: None } => {
                if position != log.size() {
                    return Err(Broken { position: log.size(), fault: Fault::Position(position) }.into());
                }
                let header = from_hex(&header).ok_or_else(|| refuse("the header is not hex"))?;
                let salted = read_salted(salt, payload).map_err(refuse)?;
                let event = EventRef { header: &header, salted_payload: salted.as_deref() };
                log.event(CheckedEvent::of(event))?;
                event.put(&mut self.frames).map_err(|error| refuse(&error.to_string()))?;
                if log.size() - log.head().size > limits::COMMIT_EVENTS_MAX as u64
                    || self.frames.len() > limits::COMMIT_BYTES_MAX
                {
                    return Err(refuse("the commit is larger than one can be"));
                }
                Ok(None)
            }
            Line {
                commit: Some(stored),
                position: None,
                header: None,
                salt: None,
                payload: None,
                checkpoint: None,
            } => {
                let first = log.head().size;
                let head = log.commit(stored)?;
                let frames = std::mem::take(&mut self.frames);
                let commit = Commit::from_frames(first, frames).map_err(|_| refuse("not a commit"))?;
                Ok(Some(ExportedCommit { commit, head }))
            }
            Line {
                checkpoint: Some(stored),
                position: None,
                header: None,
                salt: None,
                payload: None,
                commit: None,
            } => {
                if log.checkpoint().as_ref() != Some(&stored) {
                    return Err(refuse("the checkpoint is not that of the commits before it"));
                }
                self.checkpoint = Some(stored);
                Ok(None)
            }
            _ => Err(refuse("neither an event, nor a commit, nor a checkpoint")),
        }
    }

    /// Ends the export, and gives its checkpoint.
    ///
    /// # Errors
    /// [`ExportError::Cut`] if it has none yet.
    pub fn finish(self) -> Result<Checkpoint, ExportError> {
        self.checkpoint.ok_or(ExportError::Cut)
    }
}

/// Salt, length and payload of an event's line; `None` if they were erased.
fn read_salted(salt: Option<String>, payload: Option<String>) -> Result<Option<Vec<u8>>, &'static str> {
    match (salt, payload) {
        (None, None) => Ok(None),
        (Some(salt), Some(payload)) => {
            let mut salted =
                from_hex(&salt).filter(|salt| salt.len() == 16).ok_or("the salt is not 16 bytes of hex")?;
            let length = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= limits::PAYLOAD_BYTES_MAX);
            salted.extend_from_slice(&length.ok_or("the payload is longer than one can be")?.to_be_bytes());
            salted.extend_from_slice(payload.as_bytes());
            Ok(Some(salted))
        }
        _ => Err("salt and payload are there together or not at all"),
    }
}
