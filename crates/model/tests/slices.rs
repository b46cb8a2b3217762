//! Cutting a log: one slicer over events made by hand.

use std::collections::BTreeMap;

use convoke_core::{
    actors::events::ActorRegistered,
    event::{Event, Recorded},
    id::EventId,
    name::ActorName,
    time::Timestamp,
    workspace::State,
};
use convoke_model::{
    Step, Value,
    slices::{Cutter, Group, Limits, Slice, Slicer, Summary, Trace, TraceFiles, row},
};

/// A slice for each actor who acts: how many events of his were folded.
struct ByActor;

impl Slicer for ByActor {
    type Memory = i32;

    fn module(&self) -> &'static str {
        "demo"
    }

    fn concerned(&mut self, group: &Group<'_>, _before: &State) -> Vec<String> {
        vec![group.first().actor.to_string()]
    }

    fn step(&self, slice: &mut Slice<i32>, group: &Group<'_>, before: &State) -> Option<Step> {
        assert_eq!(before.size, group.first().position, "the state before the group");
        slice.memory += i32::try_from(group.events.len()).unwrap();
        Some(Step::new("Acted", [("by", slice.names.actor(&group.first().actor))]))
    }

    fn observe(&self, slice: &mut Slice<i32>, _state: &State) -> Value {
        Value::record([("events", slice.memory)])
    }

    fn has_ended(&self, slice: &Slice<i32>, _state: &State) -> bool {
        slice.memory >= 3
    }
}

/// Events by these actors at these milliseconds; an event with `more` belongs to the group of the one before it.
fn events(events: &[(&str, i64, bool)]) -> Vec<Recorded> {
    let id = |number: usize| EventId::from_bytes((number as u128).to_be_bytes());
    let mut correlation = id(0);
    events
        .iter()
        .enumerate()
        .map(|(number, (actor, ms, more))| {
            if !more {
                correlation = id(number);
            }
            let actor = ActorName::parse(actor).unwrap();
            Recorded {
                position: number as u64,
                id: id(number),
                time: Timestamp::from_us(1_000_000_000 + ms * 1000).unwrap(),
                actor: actor.clone(),
                correlation,
                causation: None,
                idempotency: None,
                event: Event::from(registered(actor)),
            }
        })
        .collect()
}

fn registered(name: ActorName) -> ActorRegistered {
    serde_json::from_value(serde_json::json!({ "name": name, "kind": "agent" })).unwrap()
}

fn cut(log: &[Recorded], slices_max: usize, lines_max: usize) -> (BTreeMap<String, Trace>, Summary) {
    let mut traces = BTreeMap::new();
    let mut cutter = Cutter::new(vec![row(ByActor)], Limits { slices_max, lines_max }, |module, trace| {
        assert_eq!(module, "demo");
        assert!(traces.insert(trace.key.clone(), trace).is_none(), "a trace is handed out once");
    });
    log.chunk_by(|one, next| one.correlation == next.correlation).for_each(|commit| cutter.commit(commit));
    let summary = cutter.finish();
    (traces, summary)
}

fn text(trace: &Trace) -> Vec<String> {
    trace.lines.iter().map(|line| format!("{} {} -> {}", line.position, line.step, line.state)).collect()
}

#[test]
fn a_slice_has_the_steps_that_concern_it_and_the_time_that_passed_between_them() {
    let log = events(&[("ann", 0, false), ("bob", 0, false), ("bob", 0, true), ("ann", 1500, false)]);
    let (traces, summary) = cut(&log, 10, 10);
    assert_eq!(
        text(&traces["ann"]),
        [
            "0 Init <<>> -> [events |-> 0]",
            "0 Acted [by |-> \"a1\"] -> [events |-> 1]",
            "3 Advance [to |-> <<1, 500000>>] -> [events |-> 1]",
            "3 Acted [by |-> \"a1\"] -> [events |-> 2]",
        ]
    );
    assert_eq!(text(&traces["bob"])[1], "1 Acted [by |-> \"a1\"] -> [events |-> 2]", "a group is one step");
    assert_eq!((summary["demo"].traces, summary["demo"].steps), (2, 6));
}

#[test]
fn what_is_beyond_a_limit_is_counted_and_left_off() {
    let log = events(&[("ann", 0, false), ("bob", 0, false), ("ann", 0, false)]);
    let (traces, summary) = cut(&log, 1, 2);
    assert_eq!(traces.keys().collect::<Vec<_>>(), ["ann"]);
    assert_eq!((summary["demo"].slices_left_off, summary["demo"].left_off), (1, 1));
    assert_eq!(traces["ann"].lines.len(), 2);
}

#[test]
fn the_files_hold_every_trace_whole_and_nothing_of_an_earlier_run() {
    let folder = std::env::temp_dir().join(format!("convoke-model-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("demo/0007")).unwrap();
    let (traces, _) = cut(&events(&[("ann", 0, false), ("bob", 0, false)]), 10, 10);
    let mut files = TraceFiles::begin(&folder, ["demo"]).unwrap();
    traces.values().for_each(|trace| files.write("demo", trace).unwrap());
    files.finish().unwrap();
    let data = std::fs::read_to_string(folder.join("demo/0001/TraceData.tla")).unwrap();
    let people = std::fs::read_to_string(folder.join("demo/0001.ndjson")).unwrap();
    assert!(!folder.join("demo/0007").exists());
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(
        data,
        "---- MODULE TraceData ----\nEXTENDS Integers\nTraces == <<\n<<\n\
         [action |-> \"Init\", params |-> <<>>, state |-> [events |-> 0]],\n\
         [action |-> \"Acted\", params |-> [by |-> \"a1\"], state |-> [events |-> 1]]\n>>,\n<<\n\
         [action |-> \"Init\", params |-> <<>>, state |-> [events |-> 0]],\n\
         [action |-> \"Acted\", params |-> [by |-> \"a1\"], state |-> [events |-> 1]]\n>>\n>>\n====\n"
    );
    assert_eq!(people.lines().count(), 4);
    assert!(people.starts_with(r#"{"trace":"ann","position":0,"action":"Init","params":{},"state":{"events":0}}"#));
}

#[test]
fn what_is_no_trace_stays_and_so_do_earlier_traces_until_the_new_ones_are_whole() {
    let place = tempfile::tempdir().unwrap();
    let (traces, _) = cut(&events(&[("ann", 0, false)]), 10, 10);
    let write = |finish: bool| {
        let mut files = TraceFiles::begin(place.path(), ["demo"])?;
        traces.values().for_each(|trace| files.write("demo", trace).unwrap());
        if finish { files.finish() } else { Ok(()) }
    };
    let listed = || {
        let names = std::fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect::<std::collections::BTreeSet<_>>()
    };
    write(true).unwrap();
    let first = std::fs::read(place.path().join("demo/0001.ndjson")).unwrap();
    write(false).unwrap();
    assert_eq!(std::fs::read(place.path().join("demo/0001.ndjson")).unwrap(), first, "it was not finished");
    assert_eq!(listed(), ["demo".to_owned()].into());
    for other in ["demo/main.rs", "demo/0001/notes", "demo/1.ndjson"] {
        std::fs::write(place.path().join(other), "mine").unwrap();
        assert_eq!(write(true).unwrap_err().kind(), std::io::ErrorKind::AlreadyExists, "{other}");
        assert_eq!(std::fs::read(place.path().join(other)).unwrap(), b"mine");
        std::fs::remove_file(place.path().join(other)).unwrap();
    }
    write(true).unwrap();
    std::fs::remove_dir_all(place.path().join("demo")).unwrap();
    std::fs::write(place.path().join("demo"), "mine").unwrap();
    assert!(write(true).is_err());
    assert_eq!(std::fs::read(place.path().join("demo")).unwrap(), b"mine");
}
