//! The real store and the real engine against their specifications in `specs/log` and `specs/engine`.

mod engine;
mod gate;
mod log;
mod world;
mod writer;

use convoke_model::{Graph, Machine, explore};

/// Searches a machine whole and compares it with the graph of its spec.
fn assert_equal<M: Machine>(machine: &M, spec: &str) -> Graph {
    let spec = Graph::parse(spec).unwrap();
    let code = explore(machine, 10_000).unwrap();
    let difference = code.difference(&spec);
    assert!(difference.is_empty(), "{difference}");
    assert_eq!((code.states.len(), code.edges.len()), (spec.states.len(), spec.edges.len()));
    code
}

/// A file that nobody declares is a test that nobody runs.
#[test]
fn every_file_beside_this_one_is_one_of_its_modules() {
    let runner = include_str!("main.rs");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        assert!(module == "main" || runner.contains(&format!("mod {module};")), "{name} is not a module of main.rs");
    }
}
