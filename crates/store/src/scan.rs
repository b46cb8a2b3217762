//! Reading whole commits from the engine's records, in order, with every checksum and every gap checked.

use convoke_core::log::{Hash, Head};

use crate::{
    engine::{Engine, EngineError, Value},
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
    let (mut number, mut next) = match engine.recall(from) {
        Some((number, position)) if position == from => (number, position),
        _ => commit_start(engine, from, size)?,
    };
    let mut joiner = Joiner::default();
    let mut outcome = Ok(());
    let mut ended = false;
    engine
        .each_from(number, |value| {
            let step = Record::decode(&value).and_then(|record| {
                if record.first != next {
                    return Err(RecordError::Missing);
                }
                let end = record.end();
                Ok((end, joiner.take(&record)?))
            });
            match step {
                Ok((end, commit)) => {
                    (number, next) = (number + 1, end);
                    ended = commit.is_some_and(|commit| !each(commit) || next >= size);
                }
                Err(error) => {
                    outcome = Err(damaged(next, error.to_string()));
                    ended = true;
                }
            }
            !ended
        })
        .map_err(|error| read_error(next, error))?;
    outcome?;
    if !ended {
        // The engine ran out of records though the head says that there are more.
        return Err(damaged(next, RecordError::Missing.to_string()));
    }
    engine.remember(next, number);
    Ok(())
}

/// The root that is stored for the commit that ends at `end`; `None` if none ends there.
pub(crate) fn root_at(engine: &Engine, end: u64) -> Result<Option<Hash>, ReadError> {
    let Some(position) = end.checked_sub(1) else { return Ok(Some(Hash::ZERO)) };
    let (_, value) = locate(engine, position, end)?;
    let record = decode(&value, position)?;
    Ok(record.root.filter(|_| record.end() == end))
}

/// The end of the log as the engine holds it.
#[derive(Debug)]
pub(crate) struct Tail {
    /// The head after the last whole commit.
    pub(crate) head: Head,
    /// How many records lead up to it; those after them are of an append that was cut short.
    pub(crate) records: u64,
}

/// Finds the last whole commit. Only its own records are looked at, and those after it.
pub(crate) fn tail(engine: &Engine) -> Result<Tail, ReadError> {
    let mut found: Option<(Tail, u64)> = None;
    let mut number = engine.count();
    while let Some(before) = number.checked_sub(1) {
        let value = get(engine, before, 0)?;
        let record = decode(&value, 0)?;
        match (found.take(), record.root) {
            // This record closes the commit before, right where the one found begins.
            (Some((tail, start)), Some(_)) if record.end() == start => return Ok(tail),
            (Some((tail, start)), None) if record.end() == start => found = Some((tail, record.first)),
            // Nothing found yet, or something with a hole in front: this may be the end.
            (_, Some(root)) => {
                let head = Head { size: record.end(), root };
                found = Some((Tail { head, records: number }, record.first));
            }
            (_, None) => {}
        }
        number = before;
    }
    match found {
        Some((tail, 0)) => Ok(tail),
        _ => Ok(Tail { head: Head::EMPTY, records: 0 }),
    }
}

/// The first record of the commit that holds `position`, and the position of its first event.
fn commit_start(engine: &Engine, position: u64, size: u64) -> Result<(u64, u64), ReadError> {
    let (mut number, value) = locate(engine, position, size)?;
    let mut first = decode(&value, position)?.first;
    while let Some(before) = number.checked_sub(1) {
        let value = get(engine, before, position)?;
        let record = decode(&value, position)?;
        if record.root.is_some() {
            break;
        }
        (number, first) = (before, record.first);
    }
    Ok((number, first))
}

/// The record that holds a position below `size`: its number and bytes.
///
/// Records are numbered in the order of their positions, and mostly of one size: so their number is guessed from the
/// position, and every third time the middle is tried.
fn locate(engine: &Engine, position: u64, size: u64) -> Result<(u64, Value), ReadError> {
    // The record sought is one of these, and the first of them begins at `low_position`.
    let (mut low, mut low_position) = engine.recall(position).unwrap_or((0, 0));
    let (mut high, mut high_position) = (engine.count(), size);
    let mut tries = 0;
    while low < high {
        let (records, events) = (high - low, high_position.saturating_sub(low_position).max(1));
        let guess = match tries % 3 {
            // Right behind what was read last, if that was remembered.
            0 if tries == 0 && low > 0 => 0,
            2 => records / 2,
            _ => (u128::from(position - low_position) * u128::from(records) / u128::from(events)) as u64,
        };
        tries += 1;
        let number = low + guess.min(records - 1);
        let value = get(engine, number, position)?;
        let record = decode(&value, position)?;
        if position < record.first {
            (high, high_position) = (number, record.first);
        } else if position >= record.end() {
            (low, low_position) = (number + 1, record.end());
        } else {
            return Ok((number, value));
        }
    }
    Err(damaged(position, RecordError::Missing.to_string()))
}

fn get(engine: &Engine, number: u64, position: u64) -> Result<Value, ReadError> {
    let value = engine.get(number).map_err(|error| read_error(position, error))?;
    value.ok_or_else(|| damaged(position, RecordError::Missing.to_string()))
}

fn decode(value: &Value, position: u64) -> Result<Record<'_>, ReadError> {
    Record::decode(value).map_err(|error| damaged(position, error.to_string()))
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
