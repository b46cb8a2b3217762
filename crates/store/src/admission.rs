//! What a commit must be before any log takes it, and where its events say they belong.
//!
//! Only bytes at fixed offsets are looked at: a header begins with the log id (16 bytes) and the position (8).

use convoke_core::{
    id::LogId,
    limits::{COMMIT_BYTES_MAX, COMMIT_EVENTS_MAX, PAYLOAD_BYTES_MAX},
    log::{Commit, EventRef, Head, Header},
};

use crate::error::AppendError;

/// Refuses a commit that no log may take at this head, whatever the log holds.
pub(crate) fn check_bounds(expected: Head, commit: &Commit) -> Result<(), AppendError> {
    if commit.is_empty() {
        return Err(AppendError::Empty);
    }
    within("the number of its events", commit.len(), COMMIT_EVENTS_MAX)?;
    within("the number of its bytes", commit.frames().len(), COMMIT_BYTES_MAX)?;
    for event in commit.events() {
        within("the header of an event", event.header.len(), Header::BYTES_MAX)?;
        within("the payload of an event", event.payload().map_or(0, <[u8]>::len), PAYLOAD_BYTES_MAX)?;
    }
    if commit.first() != expected.size || !is_in_place(commit) {
        return Err(AppendError::Misplaced);
    }
    Ok(())
}

/// Refuses a commit whose events are of another log than the one at hand (any, while it has no event).
pub(crate) fn check_log(log_id: Option<LogId>, commit: &Commit) -> Result<(), AppendError> {
    if log_id.is_none_or(|log_id| log_id_of(commit) == Some(log_id)) { Ok(()) } else { Err(AppendError::Misplaced) }
}

/// Whether every event names its own position, and all name one log.
pub(crate) fn is_in_place(commit: &Commit) -> bool {
    let log_id = log_id_of(commit);
    let mut position = commit.first();
    commit.events().all(|event| {
        let fits = stated_position(&event) == Some(position) && stated_log(&event) == log_id;
        position += 1;
        fits
    })
}

/// The log that a commit's first event names.
pub(crate) fn log_id_of(commit: &Commit) -> Option<LogId> {
    stated_log(&commit.events().next()?)
}

fn stated_log(event: &EventRef<'_>) -> Option<LogId> {
    event.header.first_chunk().copied().map(LogId::from_bytes)
}

fn stated_position(event: &EventRef<'_>) -> Option<u64> {
    event.header.get(16..24)?.try_into().ok().map(u64::from_be_bytes)
}

fn within(what: &'static str, size: usize, size_max: usize) -> Result<(), AppendError> {
    if size <= size_max { Ok(()) } else { Err(AppendError::TooLarge { what, size, size_max }) }
}
