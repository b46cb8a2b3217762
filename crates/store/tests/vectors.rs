//! Records and stores made by somebody else: `tests/vectors/records-v1.json`, written in Python from
//! `docs/log-format.md`; and the exports of `tests/vectors/log-v1.json`, as the store reads them.

use convoke_core::log::{CheckedEvent, Verification, export::ExportError as Form};
use convoke_store::{
    ExportError, ExportReader, Report, Stored, VerifyError,
    record::{Joiner, Record, RecordError, split},
    slots::{key_of, number_of},
    verify_export,
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

/// The name of an error's variant.
fn class(error: &impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}

fn read_export(text: &str) -> Result<Report, VerifyError> {
    verify_export(ExportReader::new(text.as_bytes())?, None, |_| ())
}

#[test]
fn each_export_of_the_vectors_is_read_or_refused_for_the_reason_they_give() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../tests/vectors/log-v1.json")).expect("the vectors are JSON");
    let good = vectors["export"].as_str().expect("a text");
    let checkpoint = read_export(good).expect("it holds").checkpoint;
    let edited = |edit: &Value| {
        let text = |name: &str| edit[name].as_str().expect("a text").to_owned();
        assert_eq!(good.matches(&text("find")).count(), 1, "{}", edit["name"]);
        good.replacen(&text("find"), &text("put"), 1)
    };
    for edit in chapter(&vectors, "exports_accepted") {
        let read = read_export(&edited(edit));
        assert_eq!(read.expect("it holds").checkpoint, checkpoint, "{}", edit["name"]);
    }
    for edit in chapter(&vectors, "exports_refused") {
        let error = read_export(&edited(edit)).expect_err("it is not to be read");
        // Either the log in it does not hold at that position, or it is no export.
        let (reason, position) = match &error {
            VerifyError::Flawed(broken) => (class(&broken.fault), Value::from(broken.position)),
            VerifyError::Export(ExportError::Form(Form::File(error))) => (class(error), Value::Null),
            VerifyError::Export(ExportError::Form(error)) => (class(error), Value::Null),
            other => panic!("{}: {other:?}", edit["name"]),
        };
        assert_eq!((Value::from(reason), &position), (edit["reason"].clone(), &edit["position"]), "{}", edit["name"]);
    }
}
