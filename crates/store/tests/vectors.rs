//! Records and stores made by somebody else: `tests/vectors/records-v1.json`, written in Python from
//! `docs/log-format.md`.

use convoke_core::log::{CheckedEvent, Verification};
use convoke_store::{
    Stored,
    record::{Joiner, Record, RecordError, split},
    slots::{key_of, number_of},
};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../tests/vectors/records-v1.json")).expect("the vectors are JSON")
}

fn chapter<'a>(vectors: &'a Value, name: &str) -> &'a Vec<Value> {
    vectors[name].as_array().expect("a chapter is a list")
}

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("hex is text");
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hex")).collect()
}

/// The commits of these records, in order.
fn join<'a>(records: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Stored>, RecordError> {
    let mut joiner = Joiner::default();
    let mut commits = Vec::new();
    for value in records {
        commits.extend(joiner.take(&Record::decode(value)?)?);
    }
    if joiner.is_midway() { Err(RecordError::Missing) } else { Ok(commits) }
}

/// The records of a whole store, whose keys have to be those of the numbers from 0 on.
fn join_store(entries: &[(Vec<u8>, Vec<u8>)]) -> Result<Vec<Stored>, RecordError> {
    let numbered = entries.iter().filter_map(|(key, value)| Some((number_of(key)?, value.as_slice())));
    let (numbers, records): (Vec<u64>, Vec<&[u8]>) = numbered.unzip();
    if numbers.iter().copied().ne(0..numbers.len() as u64) {
        return Err(RecordError::Missing);
    }
    join(records)
}

fn verify(commits: &[Stored]) -> Result<(), String> {
    let mut log = Verification::new();
    for stored in commits {
        for event in stored.commit.events() {
            log.event(CheckedEvent::of(event)).map_err(|broken| broken.to_string())?;
        }
        log.commit(stored.head()).map_err(|broken| broken.to_string())?;
    }
    Ok(())
}

#[test]
fn stores_written_in_python_are_read_and_written_again_byte_for_byte() {
    for store in chapter(&vectors(), "stores") {
        let name = &store["name"];
        let records: Vec<_> = store["records"]
            .as_array()
            .expect("records")
            .iter()
            .map(|pair| (unhex(&pair[0]), unhex(&pair[1])))
            .collect();
        let read = join_store(&records)
            .map_err(|error| error.to_string())
            .and_then(|commits| verify(&commits).map(|()| commits));
        assert_eq!(read.is_ok(), store["holds"] == true, "{name}: {read:?}");
        if let Ok(commits) = read
            && commits.len() == records.len()
        {
            let again = commits.iter().flat_map(|stored| split(&stored.commit, &stored.root));
            let again: Vec<_> = (0..).map(|number| key_of(number).to_vec()).zip(again).collect();
            assert_eq!(again, records, "{name}");
        }
    }
}

#[test]
fn records_that_the_format_forbids_are_refused() {
    let vectors = vectors();
    let good =
        chapter(&vectors, "records").iter().find(|one| one["name"] == "a commit of three events").expect("it is there");
    assert!(join([unhex(&good["record"]).as_slice()]).is_ok());
    for one in chapter(&vectors, "records_refused") {
        assert!(join([unhex(&one["record"]).as_slice()]).is_err(), "{}", one["name"]);
    }
}
