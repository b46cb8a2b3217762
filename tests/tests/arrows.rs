//! The arrows between the crates, as ARCHITECTURE.md draws them, compared with what cargo says.
//!
//! `cli → engine → { projections, store } → core`, `cli → worker → git → core`, and `cli → model → core`; nothing points back, and nobody skips into the program.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

/// What each crate may use. Development dependencies count too, except where a line says so.
const ARROWS: [(&str, &[&str]); 8] = [
    ("convoke-core", &[]),
    ("convoke-model", &["convoke-core"]),
    ("convoke-store", &["convoke-core"]),
    ("convoke-projections", &["convoke-core"]),
    ("convoke", &["convoke-core", "convoke-projections", "convoke-store"]),
    // Git's side of the queue: the engine knows neither.
    ("convoke-git", &["convoke-core"]),
    ("convoke-worker", &["convoke-core", "convoke-git"]),
    // Of the store only what lies beside the log: the program can do nothing with the log that the engine's API cannot.
    (
        "convoke-cli",
        &[
            "convoke",
            "convoke-core",
            "convoke-git",
            "convoke-model",
            "convoke-projections",
            "convoke-store",
            "convoke-worker",
        ],
    ),
];
/// Outside of the arrows: they may use everything, and nothing uses them.
const EVERYTHING: [&str; 2] = ["convoke-tests", "convoke-bench"];
/// Core knows no storage, no time, no chance; the views know no storage and no waiting.
const NEVER: [(&str, &[&str]); 2] = [
    ("convoke-core", &["tokio", "rand", "sled", "rustix", "tempfile"]),
    ("convoke-projections", &["tokio", "rand", "sled", "rustix", "tempfile"]),
];

/// Every crate of the workspace with the names of all that it uses; its own tests' needs only for our own crates.
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path", manifest])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().unwrap();
    let ours: BTreeSet<String> = packages.iter().map(|package| text(&package["name"])).collect();
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let counted = dependencies.filter(|one| one["kind"] != "dev" || ours.contains(&text(&one["name"])));
            (text(&package["name"]), counted.map(|one| text(&one["name"])).collect())
        })
        .collect()
}

#[test]
fn the_crates_use_one_another_only_along_the_arrows() {
    let uses = uses();
    let mut drawn: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    drawn.extend(EVERYTHING);
    assert_eq!(drawn, uses.keys().map(String::as_str).collect(), "every crate is drawn");
    for (name, allowed) in ARROWS {
        let ours: Vec<&str> = uses[name].iter().map(String::as_str).filter(|used| drawn.contains(used)).collect();
        for used in ours {
            // A crate's own tests may use it with more features.
            if used == name {
                continue;
            }
            assert!(allowed.contains(&used), "{name} → {used} is not an arrow of ARCHITECTURE.md");
        }
    }
}

#[test]
fn core_and_the_views_know_no_storage_no_time_and_no_chance() {
    let uses = uses();
    for (name, never) in NEVER {
        for used in never {
            assert!(!uses[name].contains(*used), "{name} uses {used}");
        }
    }
}

#[test]
fn the_picture_is_the_one_in_architecture_md() {
    let page = include_str!("../../ARCHITECTURE.md");
    assert!(page.contains("cli → engine → { projections, store } → core"));
}

/// The store's log is the engine's; the program uses the store for the contents beside the log.
#[test]
fn the_program_opens_no_log() {
    fn visit(folder: &std::path::Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for used in text.match_indices("convoke_store::").map(|(at, name)| &text[at + name.len()..]) {
                assert!(used.starts_with("blobs::"), "{} uses more of the store than its blobs", path.display());
            }
        }
    }
    visit(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/cli/src")));
}
