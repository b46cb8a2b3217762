//! What a seed decides before anything runs: the work, the clients, and how each process ends.

use std::{fs, path::Path, time::Duration};

use convoke_core::laws::{Step, step};
use convoke_store::simulated::{Fate, Point, Trouble};
use proptest::{
    collection::vec,
    strategy::{Strategy as _, ValueTree as _},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use rand::{Rng as _, RngExt as _, SeedableRng, rngs::StdRng};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It was killed, or died in an append.
    Crashed,
    /// It closed, or its log failed and it let go of it.
    Closed,
    /// Everybody has done all that there was to do.
    Finished,
}

/// What a process ends by, unless its log fails before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// All is done.
    Done,
    /// It is killed after this time and so many more turns of its tasks.
    Killed { after: Duration, turns: u32 },
    /// It is told to close after this time.
    Closed { after: Duration },
}

/// One process.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) until: Until,
    pub(super) ids: u64,
    pub(super) fates: Fates,
    pub(super) audit_after: Duration,
}

/// What becomes of the appends of one process.
#[derive(Debug)]
pub(super) struct Fates {
    chance: StdRng,
    slow: bool,
    /// After so many appends, this.
    trouble: Option<(u32, Trouble)>,
}

impl Fates {
    pub(super) fn next(&mut self) -> Fate {
        let trouble = match &mut self.trouble {
            Some((0, trouble)) => Some(*trouble),
            Some((appends, _)) => {
                *appends -= 1;
                None
            }
            None => None,
        };
        let slow = self.slow && self.chance.random_bool(0.5);
        let mut pause =
            |ms: u64| if slow { Duration::from_millis(self.chance.random_range(0..ms)) } else { Duration::ZERO };
        Fate { write: pause(4), sync: pause(30), trouble }
    }
}

pub(super) struct Plan {
    pub(super) chance: StdRng,
    pub(super) steps: Vec<Step>,
    pub(super) clients: usize,
    pub(super) snapshots: bool,
    disturbed_lives: u32,
    slow: bool,
    /// Files of snapshots of an earlier time, to be put back.
    kept: Vec<(String, Vec<u8>)>,
}

impl Plan {
    pub(super) fn new(seed: u64) -> Self {
        let mut chance = StdRng::seed_from_u64(seed);
        let mut draw = [0; 32];
        chance.fill_bytes(&mut draw);
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &draw);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let steps = chance.random_range(20..300);
        let steps = vec(step(), steps).new_tree(&mut runner).expect("steps").current();
        Self {
            steps,
            clients: chance.random_range(1..=6),
            snapshots: chance.random_bool(0.3),
            disturbed_lives: chance.random_range(0..10),
            slow: chance.random_bool(0.7),
            chance,
            kept: Vec::new(),
        }
    }

    pub(super) fn next_life(&mut self) -> Life {
        let Self { chance, .. } = self;
        let disturbed = self.disturbed_lives > 0;
        self.disturbed_lives = self.disturbed_lives.saturating_sub(1);
        let longest_ms = if chance.random_bool(0.5) { 200 } else { 20_000 };
        let after = Duration::from_millis(chance.random_range(0..longest_ms));
        let until = match chance.random_range(0..4) {
            0 if disturbed => Until::Killed { after, turns: chance.random_range(0..40) },
            1 if disturbed => Until::Closed { after },
            _ => Until::Done,
        };
        let point = Point::ALL[chance.random_range(0..Point::ALL.len())];
        let trouble = if chance.random_bool(0.5) { Trouble::Fails(point) } else { Trouble::Dies(point) };
        let trouble = (disturbed && until == Until::Done).then(|| (chance.random_range(0..12), trouble));
        let fates = Fates { chance: StdRng::seed_from_u64(chance.random()), slow: self.slow, trouble };
        let audit_after = Duration::from_millis(chance.random_range(1..3_000));
        Life { until, ids: chance.random(), fates, audit_after }
    }

    /// How much of a record that was not synced outlives a power cut.
    pub(super) fn survives(&mut self, bytes: usize) -> usize {
        match self.chance.random_range(0..3) {
            0 => 0,
            1 => bytes,
            _ => self.chance.random_range(0..=bytes),
        }
    }

    /// Between two processes a snapshot may be damaged, cut short, or be one of an earlier time. None of it may matter.
    pub(super) fn disturb_snapshots(&mut self, folder: Option<&Path>) {
        let Some(folder) = folder.map(|folder| folder.join("snapshots")) else { return };
        for name in ["state", "views"] {
            let path = folder.join(name);
            let Ok(mut bytes) = fs::read(&path) else { continue };
            match self.chance.random_range(0..8) {
                0 if !bytes.is_empty() => {
                    let place = self.chance.random_range(0..bytes.len());
                    bytes[place] ^= 1 << self.chance.random_range(0..8);
                    fs::write(&path, bytes).expect("a damaged snapshot");
                }
                1 => {
                    bytes.truncate(self.chance.random_range(0..=bytes.len()));
                    fs::write(&path, bytes).expect("a torn snapshot");
                }
                2 => self.kept.push((name.to_owned(), bytes)),
                3 => {
                    if let Some((kept, bytes)) = self.kept.pop() {
                        fs::write(folder.join(kept), bytes).expect("an old snapshot");
                    }
                }
                _ => {}
            }
        }
    }
}
