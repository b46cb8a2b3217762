//! End to end: the real program, real daemons, real files.

mod bad_stores;
mod clock;
mod crash;
mod places;
mod queue;
mod queue_crashes;
mod queue_disturbed;
mod queue_hostile;
mod queue_scripts;
mod snapshots;
mod streams;
mod thousand;
mod twenty;
mod unwritable;

use std::path::Path;

use convoke_tests::workspace::Workspace;

/// The program.
fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_convoke-under-test"))
}

fn workspace() -> Workspace {
    Workspace::new(program())
}

/// A file that nobody declares is a test that nobody runs.
#[test]
fn every_file_beside_this_one_is_one_of_its_modules() {
    let runner = include_str!("main.rs");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(name == "main" || runner.contains(&format!("\nmod {name};\n")), "{name}.rs is not a module");
    }
}
