//! The laws of the whole workspace on random commands through the engine: thousands on the log in memory, fewer on sled.

use convoke_core::laws::step;
use convoke_store::{MemoryLog, SledLog};
use convoke_tests::playing::play;
use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};

proptest! {
    #![proptest_config(Config { cases: 12, max_shrink_iters: 2_000, ..Config::default() })]

    #[test]
    fn every_law_holds_on_the_log_in_memory(steps in vec(step(), 1..600)) {
        let log = MemoryLog::new();
        play(&steps, || log.clone());
    }
}

proptest! {
    #![proptest_config(Config { cases: 3, max_shrink_iters: 50, ..Config::default() })]

    #[test]
    fn every_law_holds_on_sled(steps in vec(step(), 20..120)) {
        let folder = tempfile::tempdir().unwrap();
        play(&steps, || SledLog::open_or_create(folder.path().join("log")).unwrap());
    }
}

/// One long run, always the same.
#[test]
fn every_law_holds_on_thousands_of_commands() {
    let steps = vec(step(), 4_000).new_tree(&mut TestRunner::deterministic()).unwrap().current();
    let log = MemoryLog::new();
    let events = play(&steps, || log.clone());
    assert!(events > 2_000, "a run in which little happens proves little: {events} events");
}
