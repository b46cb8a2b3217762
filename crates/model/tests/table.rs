//! The table of events and actions, held against the event kinds and against the modules in `specs/`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use convoke_core::{
    event::KINDS,
    spec::{SPECS, Spec},
};

fn specs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs")
}

/// `specs/countdown/Countdown.tla`.
fn source(spec: &Spec) -> String {
    let mut title = spec.module.to_owned();
    title[..1].make_ascii_uppercase();
    let path = specs().join(spec.module).join(format!("{title}.tla"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The operators that are defined at the beginning of a line, `Name ==` or `Name(a, b) ==`.
fn defined(source: &str) -> BTreeSet<&str> {
    let heads = source.lines().filter_map(|line| line.split_once("==").map(|(head, _)| head.trim_end()));
    let name = |head: &'_ str| head.split_once('(').map_or(head.len(), |(name, _)| name.len());
    heads.filter(|head| head.starts_with(|c: char| c.is_ascii_alphabetic())).map(|head| &head[..name(head)]).collect()
}

/// The actions that `Next` lists, one disjunct a line: `\/ \E by \in Actors: Confirmed(by)`.
fn next(source: &str) -> BTreeSet<&str> {
    let body = source.split("\nNext ==").nth(1).unwrap_or_else(|| panic!("there is no Next"));
    let lines = body.lines().skip(1).take_while(|line| line.starts_with(' ') || line.is_empty());
    lines.filter_map(|line| line.trim().strip_prefix("\\/")).map(action).collect()
}

/// The name after the quantifiers: after the last colon that is in no brackets.
fn action(disjunct: &str) -> &str {
    let (mut depth, mut from) = (0, 0);
    for (at, character) in disjunct.char_indices() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ':' if depth == 0 => from = at + 1,
            _ => {}
        }
    }
    let name = disjunct[from..].trim();
    &name[..name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len())]
}

#[test]
fn every_event_kind_is_part_of_some_action() {
    let covered: BTreeSet<&str> =
        SPECS.iter().flat_map(|spec| spec.actions).flat_map(|action| action.kinds).copied().collect();
    let kinds: BTreeSet<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
    let missing: Vec<_> = kinds.difference(&covered).collect();
    assert!(missing.is_empty(), "no action stands for these kinds: {missing:?}");
    let unknown: Vec<_> = covered.difference(&kinds).collect();
    assert!(unknown.is_empty(), "the table names kinds that do not exist: {unknown:?}");
}

#[test]
fn every_action_of_the_table_is_defined_in_its_module() {
    for spec in SPECS {
        let source = source(spec);
        let defined = defined(&source);
        let missing: Vec<_> =
            spec.actions.iter().map(|action| action.name).filter(|name| !defined.contains(name)).collect();
        assert!(missing.is_empty(), "specs/{} does not define {missing:?}", spec.module);
    }
}

#[test]
fn every_action_that_a_module_can_take_is_in_the_table() {
    for spec in SPECS {
        let source = source(spec);
        let table: BTreeSet<&str> = spec.actions.iter().map(|action| action.name).collect();
        assert_eq!(next(&source), table, "Next of specs/{} and the table's actions", spec.module);
    }
}

#[test]
fn every_folder_of_the_specs_is_in_the_table() {
    let folders: BTreeSet<String> = fs::read_dir(specs())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("Graph.cfg").exists())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let table: BTreeSet<String> = SPECS.iter().map(|spec| spec.module.to_owned()).collect();
    assert_eq!(folders, table);
}
