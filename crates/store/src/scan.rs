//! Reading whole commits from the engine's records, in order, with every checksum and every gap checked.

use convoke_core::log::{Hash, Head};

use crate::{
    engine::{Engine, EngineError, Key},
    error::ReadError,
    log::Stored,
    record::{Joiner, Record, RecordError},
};

/// The commits from the one that holds position `from`, until they hold `events_max` events or `size` is reached.
pub(crate) fn commits(engine: &Engine, from: u64, events_max: usize, size: u64) -> Result<Vec<Stored>, ReadError> {
    let mut commits = Vec::new();
    let mut events = 0;
    each_commit(engine, from, size, |commit| {
        events += commit.commit.len();
        commits.push(commit);
        events < events_max
    })?;
    Ok(commits)
}

/// Calls `each` with the commits from the one that holds position `from` up to `size`, until it says stop.
pub(crate) fn each_commit(
    engine: &Engine,
    from: u64,
    size: u64,
    mut each: impl FnMut(Stored) -> bool,
) -> Result<(), ReadError> {
    if from >= size {
        return Ok(());
    }
    let mut next = commit_start(engine, from)?;
    let mut joiner = Joiner::default();
    let mut damage = None;
    engine
        .each_from(next, |(key, value)| {
            let step = Record::decode(&key, &value).and_then(|record| {
                if record.first != next {
                    return Err(RecordError::Missing);
                }
                let end = record.end();
                Ok((end, joiner.take(&record)?))
            });
            match step {
                Ok((end, commit)) => {
                    next = end;
                    match commit {
                        Some(commit) => each(commit) && next < size,
                        None => true,
                    }
                }
                Err(error) => {
                    damage = Some(damaged(next, error.to_string()));
                    false
                }
            }
        })
        .map_err(|error| read_error(next, error))?;
    match damage {
        Some(damage) => Err(damage),
        // The engine ran out of records though the head says that there are more.
        None if joiner.is_midway() => Err(damaged(next, "a record is missing".to_owned())),
        None => Ok(()),
    }
}

/// The root that is stored for the commit that ends at `end`; `None` if none ends there.
pub(crate) fn root_at(engine: &Engine, end: u64) -> Result<Option<Hash>, ReadError> {
    let Some(before) = end.checked_sub(1) else { return Ok(Some(Hash::ZERO)) };
    let entry = engine.at_or_before(before).map_err(|error| read_error(before, error))?;
    let Some((key, value)) = entry else { return Ok(None) };
    let record = Record::decode(&key, &value).map_err(|error| damaged(before, error.to_string()))?;
    Ok(record.root.filter(|_| record.end() == end))
}

/// The end of the log as the engine holds it.
#[derive(Debug)]
pub(crate) struct Tail {
    /// The head after the last whole commit.
    pub(crate) head: Head,
    /// The keys of the records after it: an append that was cut short.
    pub(crate) unfinished: Vec<Key>,
}

/// Finds the last whole commit.
pub(crate) fn tail(engine: &Engine) -> Result<Tail, ReadError> {
    let mut unfinished = Vec::new();
    let mut entry = engine.last().map_err(|error| read_error(0, error))?;
    // The records of a commit that may still turn out whole, from its last one downwards, and where they begin.
    let mut candidate: Option<(Head, u64)> = None;
    let mut held = Vec::new();
    loop {
        let Some((key, value)) = entry else { break };
        let position = key.as_ref().try_into().map_or(0, u64::from_be_bytes);
        let record = Record::decode(&key, &value).map_err(|error| damaged(position, error.to_string()))?;
        match candidate {
            // The record before the candidate closes another commit, right where the candidate begins.
            Some((head, start)) if record.root.is_some() && record.end() == start => {
                return Ok(Tail { head, unfinished });
            }
            Some((head, start)) if record.root.is_none() && record.end() == start => {
                candidate = Some((head, record.first));
                held.push(key);
            }
            _ => {
                // There is no candidate yet, or one with a hole in it.
                unfinished.append(&mut held);
                candidate = record.root.map(|root| (Head { size: record.end(), root }, record.first));
                held.push(key);
                if candidate.is_none() {
                    unfinished.append(&mut held);
                }
            }
        }
        let Some(before) = record.first.checked_sub(1) else { break };
        entry = engine.at_or_before(before).map_err(|error| read_error(before, error))?;
    }
    match candidate {
        Some((head, 0)) => Ok(Tail { head, unfinished }),
        _ => {
            unfinished.append(&mut held);
            Ok(Tail { head: Head::EMPTY, unfinished })
        }
    }
}

/// The position of the first event of the commit that holds `position`.
fn commit_start(engine: &Engine, position: u64) -> Result<u64, ReadError> {
    let mut at = position;
    let mut start = None;
    loop {
        let entry = engine.at_or_before(at).map_err(|error| read_error(at, error))?;
        let Some((key, value)) = entry else { return Err(damaged(at, "a record is missing".to_owned())) };
        let record = Record::decode(&key, &value).map_err(|error| damaged(at, error.to_string()))?;
        if record.end() <= at {
            return Err(damaged(record.end(), "a record is missing".to_owned()));
        }
        match start {
            // The record before belongs to another commit.
            Some(start) if record.root.is_some() => return Ok(start),
            _ => start = Some(record.first),
        }
        match record.first.checked_sub(1) {
            Some(before) => at = before,
            None => return Ok(record.first),
        }
    }
}

pub(crate) fn read_error(position: u64, error: EngineError) -> ReadError {
    match error {
        EngineError::Damaged(what) => damaged(position, what),
        other => ReadError::Io(other.into_text()),
    }
}

fn damaged(position: u64, what: String) -> ReadError {
    ReadError::Damaged { position, what }
}
