//! The whole queue against a serial reference: real workers, the real rules and a real repository, with random changes, failures,
//! crashes between any two commands, pauses past the lease, and others who move the branch.
//!
//! Whatever happens: every change ends; the branch is what its landed changes make one after another, each once, in an order that
//! the rules allow; what collided had a reason to; and nobody is blamed but the guilty.
//!
//! `PROPTEST_CASES` says how many worlds (12 if not given).

mod world;

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use convoke_core::{
    event::Event,
    queue::{Phase, events::FailureClass},
};
use proptest::prelude::*;
use world::{FILES, Incident, LINES, Request, World, run_worker};

fn request() -> impl Strategy<Value = Request> {
    (0..FILES, 0..LINES, 0_u32..5, any::<bool>()).prop_map(|(file, line, luck, as_commit)| Request {
        file,
        line,
        is_guilty: luck == 0,
        as_commit,
    })
}

fn incident() -> impl Strategy<Value = (u32, Incident)> {
    let kinds = prop_oneof![
        2 => Just(Incident::CrashBefore),
        2 => Just(Incident::CrashAfter),
        2 => Just(Incident::Pause),
        1 => Just(Incident::MoveBranch),
        2 => Just(Incident::PauseAnnounced),
        3 => (1_u32..6).prop_map(Incident::OutrankedAnnounced),
        1 => Just(Incident::MoveBranchAnnounced),
    ];
    (0_u32..25, kinds)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(12),
        max_shrink_iters: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_branch_is_what_some_serial_order_makes_that_the_rules_allow(
        requests in prop::collection::vec(request(), 1..10),
        incidents in prop::collection::vec(incident(), 0..4),
        lanes in 1_usize..4,
        batch in 1_usize..5,
        late in 0_usize..3,
    ) {
        let world = Rc::new(RefCell::new(World::new()));
        let (first, last) = requests.split_at(requests.len() - late.min(requests.len()));
        first.iter().for_each(|request| world.borrow_mut().submit(request));
        for incident in &incidents {
            run_worker(&world, (lanes, batch), Some(*incident));
            world.borrow_mut().pass_leases();
        }
        last.iter().for_each(|request| world.borrow_mut().submit(request));
        run_worker(&world, (lanes, batch), None);
        check(&world.borrow(), &requests);
    }
}

/// Compares what came of it with the reference.
fn check(world: &World, requests: &[Request]) {
    let changes = world.changes();
    assert_eq!(changes.len(), requests.len());
    let index_of: BTreeMap<String, usize> =
        changes.iter().enumerate().map(|(index, change)| (change.id.to_string(), index)).collect();
    let landed: Vec<usize> = world.landed().iter().map(|change| index_of[change]).collect();
    let place = |index: usize| landed.iter().position(|other| *other == index);

    // The serial reference: each landed change, in the order of the branch, finds its line as it was.
    let mut files: Vec<Vec<String>> = (0..FILES).map(world::lines).collect();
    for index in &landed {
        let Request { file, line, .. } = requests[*index];
        assert_eq!(files[file][line], world::line(file, line), "{index} lands on what it knew");
        files[file][line] = world::new_line(*index, &requests[*index]);
    }
    for (file, lines) in files.iter().enumerate() {
        assert_eq!(world.file(file), lines.join("\n"), "file {file}");
    }

    for (index, (change, request)) in changes.iter().zip(requests).enumerate() {
        let near = |other: &usize| {
            let (one, other) = (request, &requests[*other]);
            one.file == other.file && one.line.abs_diff(other.line) <= 1
        };
        match change.phase {
            Phase::Landed { .. } => {
                assert_eq!(landed.iter().filter(|other| **other == index).count(), 1, "{index} landed once");
                assert!(!request.is_guilty, "{index} is guilty");
            }
            Phase::Conflicted { .. } => {
                assert!(landed.iter().any(near), "{index} collides with nothing: {requests:?}, {landed:?}");
            }
            Phase::Dead { .. } => assert!(request.is_guilty, "{index} is innocent"),
            ref other => panic!("{index} has not ended: {other:?}"),
        }
        if !matches!(change.phase, Phase::Landed { .. }) {
            assert_eq!(place(index), None, "{index} is on the branch, and the log does not say so");
        }
        // What touches the same file lands in order, unless the earlier one had to pause after a failure.
        for (later, other) in requests.iter().enumerate().skip(index + 1) {
            if other.file == request.file
                && let (Some(one), Some(two)) = (place(index), place(later))
                && change.failures == 0
            {
                assert!(one < two, "{later} overtook {index}");
            }
        }
    }

    // Every receipt: the tree that was tested is the tree that landed, and it is still part of the branch.
    for recorded in world.log() {
        if let Event::ChangeFailed(event) = &recorded.event {
            assert_eq!(event.class, FailureClass::Check, "nothing is wrong with the machine: {event:?}");
        }
        if let Event::ChangeLanded(event) = &recorded.event {
            let receipt = &event.receipt;
            assert_eq!(receipt.tree, receipt.tested_tree);
            assert_eq!(world.tree_of(&receipt.commit), receipt.tree);
            assert!(world.is_on_branch(&receipt.commit));
        }
    }
    assert!(world.foreign_commits_are_kept(), "what others put on the branch is still there");
}
