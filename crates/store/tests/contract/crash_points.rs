//! A log between crashes: random appends, failures, kills and power cuts at every point of an append, against a list.
//!
//! The model says what may be done; what a crash left is in doubt until the log is opened again, and from then on decided.

use std::sync::OnceLock;

use convoke_core::log::{Commit, Frontier, Head};
use convoke_store::{
    AppendError, Log, Stored,
    conformance::{Backend, run},
    faulty::{Fault, Faults, FaultyLog},
    record, sample,
    simulated::Disk,
};
use proptest::{prelude::*, test_runner::Config};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use crate::backends::{Simulated, Sled};

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    Open,
    Close,
    Append {
        events: usize,
        payload_bytes: usize,
    },
    /// An append that expects a head of the past.
    AppendLate {
        size: u64,
    },
    /// The disk reports an error, before or after it has written.
    Fails {
        fault: Fault,
        events: usize,
    },
    /// A part of a commit is written when the process dies.
    Tear {
        events: usize,
    },
    /// All of a commit is written and not synced when the process dies.
    LeaveUnsynced {
        events: usize,
    },
    /// Of each record that is not synced, this share (of 4) survives.
    CutPower {
        quarters: Vec<u8>,
    },
    Read {
        from: u64,
    },
}

/// Which steps make sense: a log is open or closed, and what was left behind it, is there once.
#[derive(Debug, Clone, Default)]
struct Shape {
    open: bool,
    left: bool,
}

impl ReferenceStateMachine for Shape {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Step> {
        let events = || prop_oneof![5 => 1..4_usize, 1 => 200..700_usize];
        if state.open {
            let fault = prop_oneof![Just(Fault::BeforeWrite), Just(Fault::LostAcknowledgement)];
            return prop_oneof![
                6 => (events(), 2..400_usize)
                    .prop_map(|(events, payload_bytes)| Step::Append { events, payload_bytes }),
                1 => any::<u64>().prop_map(|size| Step::AppendLate { size }),
                2 => (fault, events()).prop_map(|(fault, events)| Step::Fails { fault, events }),
                2 => any::<u64>().prop_map(|from| Step::Read { from }),
                3 => Just(Step::Close),
            ]
            .boxed();
        }
        prop_oneof![
            4 => Just(Step::Open),
            2 => events().prop_map(|events| Step::Tear { events }),
            2 => events().prop_map(|events| Step::LeaveUnsynced { events }),
            2 => proptest::collection::vec(0..=4_u8, 1..4).prop_map(|quarters| Step::CutPower { quarters }),
        ]
        .boxed()
    }

    fn preconditions(state: &Self, step: &Step) -> bool {
        match step {
            Step::Open | Step::CutPower { .. } => !state.open,
            Step::Tear { .. } | Step::LeaveUnsynced { .. } => !state.open && !state.left,
            _ => state.open,
        }
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        match step {
            Step::Open => state = Self { open: true, left: false },
            Step::Close | Step::Fails { .. } => state.open = false,
            Step::Tear { .. } | Step::LeaveUnsynced { .. } => state.left = true,
            _ => {}
        }
        state
    }
}

/// A backend with what a crash can do to it besides.
trait Place: Backend {
    fn new() -> Self;
    fn leave_unsynced(&self, commit: &Commit, head: Head);
    /// `false` if the power cannot be cut here.
    fn cut_power(&self, survives: impl FnMut(&[u8]) -> usize) -> bool;
}

impl Place for Simulated {
    fn new() -> Self {
        Self(Disk::new())
    }

    fn leave_unsynced(&self, commit: &Commit, head: Head) {
        self.0.leave(record::split(commit, &head.root));
    }

    fn cut_power(&self, survives: impl FnMut(&[u8]) -> usize) -> bool {
        self.0.cut_power(survives);
        true
    }
}

impl Place for Sled {
    fn new() -> Self {
        Self::new()
    }

    fn leave_unsynced(&self, commit: &Commit, head: Head) {
        self.leave(record::split(commit, &head.root));
    }

    // `powercut` cuts the power of a real file system.
    fn cut_power(&self, _: impl FnMut(&[u8]) -> usize) -> bool {
        false
    }
}

/// A log and the list of what it must hold.
struct Crashing<P: Place> {
    place: P,
    log: OnceLock<FaultyLog<P::Log>>,
    faults: Faults,
    commits: Vec<Commit>,
    frontier: Frontier,
    /// A commit that a crash left whole and unsynced; after a power cut nobody knows.
    left: Option<(Commit, bool)>,
}

impl<P: Place> Crashing<P> {
    fn head(&self) -> Head {
        Head { size: self.frontier.size(), root: self.frontier.root() }
    }

    fn log(&self) -> &FaultyLog<P::Log> {
        self.log.get().expect("an open log")
    }

    fn note(&mut self, commit: Commit) {
        commit.events().for_each(|event| self.frontier.push(event.leaf()));
        self.commits.push(commit);
    }

    fn next(&self, events: usize, payload_bytes: usize) -> Commit {
        sample::commit(self.frontier.size(), events, payload_bytes)
    }

    fn open(&mut self) {
        let log = self.place.open();
        if let Some((commit, certain)) = self.left.take() {
            let is_there = log.head().size > self.frontier.size();
            assert!(is_there || !certain, "what a killed process wrote is there");
            if is_there {
                self.note(commit);
            }
        }
        assert_eq!(log.head(), self.head(), "AcknowledgedIsDurable, CommitIsAllOrNothing");
        assert!(self.log.set(FaultyLog::new(log, self.faults.clone())).is_ok());
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Open => self.open(),
            Step::Close => drop(self.log.take()),
            Step::Append { events, payload_bytes } => {
                let (head, commit) = (self.head(), self.next(events, payload_bytes));
                let appended = run(self.log().append_if(head, commit.clone())).expect("an append at the head");
                self.note(commit);
                assert_eq!(appended, self.head(), "RootNamesExactlyTheEvents");
            }
            Step::AppendLate { size } => {
                let late = Head { size: size % (self.frontier.size() + 1), root: self.frontier.root() };
                if late != self.head() {
                    let commit = sample::commit(late.size, 1, 10);
                    let refused = run(self.log().append_if(late, commit)).expect_err("a conflict");
                    assert!(matches!(refused, AppendError::Conflict { actual } if actual == self.head()));
                }
            }
            Step::Fails { fault, events } => {
                let (head, commit) = (self.head(), self.next(events, 50));
                self.faults.plan(0, fault);
                let failed = run(self.log().append_if(head, commit.clone()));
                assert!(matches!(failed, Err(AppendError::OutcomeUnknown(_))), "{failed:?}");
                let again = run(self.log().append_if(head, commit.clone()));
                assert!(matches!(again, Err(AppendError::Poisoned)), "{again:?}");
                assert_eq!(self.log().head(), head, "nobody sees what was not acknowledged");
                if fault == Fault::LostAcknowledgement {
                    self.note(commit);
                }
                drop(self.log.take());
            }
            Step::Tear { events } => {
                self.place.tear(&self.next(events, 300));
            }
            Step::LeaveUnsynced { events } => {
                let commit = self.next(events, 300);
                let mut after = self.frontier.clone();
                commit.events().for_each(|event| after.push(event.leaf()));
                self.place.leave_unsynced(&commit, Head { size: after.size(), root: after.root() });
                self.left = Some((commit, true));
            }
            Step::CutPower { quarters } => {
                let mut shares = quarters.into_iter().cycle();
                if self.place.cut_power(|record| record.len() * usize::from(shares.next().unwrap_or(0)) / 4)
                    && let Some((_, certain)) = &mut self.left
                {
                    *certain = false;
                }
            }
            Step::Read { from } => {
                let from = from % (self.frontier.size() + 1);
                let found = run(self.log().read(from, usize::MAX)).expect("a read");
                let wanted = self.commits.iter().filter(|commit| commit.end() > from);
                assert!(found.iter().map(|stored| &stored.commit).eq(wanted), "PrefixNeverChanges: from {from}");
            }
        }
    }
}

impl<P: Place> StateMachineTest for Crashing<P> {
    type SystemUnderTest = Self;
    type Reference = Shape;

    fn init_test(_: &Shape) -> Self {
        let (place, log, faults, commits) = (P::new(), OnceLock::new(), Faults::default(), Vec::new());
        // From here on there is a log, if an empty one.
        drop(place.open());
        Self { place, log, faults, commits, frontier: Frontier::default(), left: None }
    }

    fn apply(mut state: Self, _: &Shape, step: Step) -> Self {
        state.take(step);
        state
    }

    fn check_invariants(state: &Self, shape: &Shape) {
        assert_eq!(state.log.get().is_some(), shape.open);
        if let Some(log) = state.log.get() {
            assert_eq!(log.head(), state.head(), "AcknowledgedIsDurable");
        }
    }

    /// At the end everything is there once more.
    fn teardown(mut state: Self, _: Shape) {
        drop(state.log.take());
        state.open();
        let found = run(state.log().read(0, usize::MAX)).expect("a read of everything");
        assert!(found.iter().map(|stored| &stored.commit).eq(&state.commits), "PrefixNeverChanges");
        assert_eq!(found.last().map_or(Head::EMPTY, Stored::head), state.head(), "RootNamesExactlyTheEvents");
        drop(state.log.take());
        state.place.inspect();
    }
}

prop_state_machine! {
    #![proptest_config(Config { cases: 200, max_shrink_iters: 2_000, ..Config::default() })]

    #[test]
    fn nothing_acknowledged_is_lost_on_a_simulated_disk(sequential 1..60 => Crashing<Simulated>);
}

prop_state_machine! {
    #![proptest_config(Config { cases: 8, max_shrink_iters: 100, ..Config::default() })]

    #[test]
    fn nothing_acknowledged_is_lost_by_sled(sequential 1..30 => Crashing<Sled>);
}
