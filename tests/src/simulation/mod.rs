//! The engine in a world that one number decides: clients, clocks, crashes and a disk that fails.
//!
//! What runs is the engine itself (writer, sequencer, fold, snapshots, audit), on a runtime of one thread whose time
//! stands still until everybody waits, with ids from the seed and a log on a simulated disk. So a seed is a run: a failure
//! is found again by its number, step for step. What must hold is checked by a witness that reads the disk and believes
//! nobody.
//!
//! A process ends by dying at a point of an append, by being killed between any two steps of any task, by a failed
//! append, or by closing; then, perhaps, the power is cut. The clients outlive it and repeat what they were not answered.
//!
//! What it finds was tried by planting faults: `docs/simulation.md` lists them.

mod clients;
mod clocks;
mod plan;
mod process;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clients::Clients;
use clocks::Clocks;
use convoke_core::log::Head;
use convoke_store::simulated::Disk;
use plan::{Ending, Plan};
use rand::{RngExt as _, SeedableRng, rngs::StdRng};
use tempfile::TempDir;

use crate::witness::Witness;

/// What a run came to. Equal for equal seeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The head at the end.
    pub head: Head,
    /// Hash of everything that any client was told, in order.
    pub told: blake3::Hash,
    /// Requests that were answered, refusals included.
    pub answers: u64,
    /// Requests that were repeated because nobody knew their outcome.
    pub repeated: u64,
    /// How many processes there were.
    pub processes: u32,
    /// How many ended without closing.
    pub crashes: u32,
}

/// Runs the simulation of a seed.
///
/// # Panics
/// If anything does not hold that must.
#[must_use]
pub fn simulate(seed: u64) -> Summary {
    let mut plan = Plan::new(seed);
    let disk = Disk::new();
    let world = World {
        clocks: Clocks::new(),
        snapshots: plan.snapshots.then(|| tempfile::tempdir().expect("a folder for snapshots")).map(Arc::new),
        shared: Arc::new(Mutex::new(Shared {
            witness: Witness::new(disk.clone()),
            clients: Clients::new(&plan),
            chance: StdRng::seed_from_u64(plan.chance.random()),
        })),
        disk,
    };
    let (mut processes, mut crashes) = (0, 0);
    loop {
        let life = plan.next_life();
        processes += 1;
        assert!(processes < 200, "every request is answered in the end");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime");
        let ending = runtime.block_on(process::live(&world, life));
        // Every task ends where it stands.
        drop(runtime);
        world.clocks.stop();
        if ending == Ending::Finished {
            break;
        }
        if ending == Ending::Crashed {
            crashes += 1;
            if plan.chance.random_bool(0.5) {
                world.disk.cut_power(|record| plan.survives(record.len()));
            }
        }
        plan.disturb_snapshots(world.snapshots.as_deref().map(TempDir::path));
        world.clocks.pass_ms(plan.chance.random_range(0..5_000));
    }
    let mut shared = world.shared();
    shared.witness.catch_up();
    let Shared { witness, clients, .. } = &*shared;
    let (told, answers) = witness.told();
    Summary { head: world.disk.durable(), told, answers, repeated: clients.repeated(), processes, crashes }
}

/// What outlives a process.
#[derive(Clone)]
struct World {
    disk: Disk,
    clocks: Clocks,
    snapshots: Option<Arc<TempDir>>,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    witness: Witness,
    clients: Clients,
    /// Chance of everything that happens while a process runs, drawn in the order in which it happens.
    chance: StdRng,
}

impl World {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
