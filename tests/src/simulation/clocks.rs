//! The two clocks of the simulated machine.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicI64, Ordering},
};

use convoke::Clock;
use convoke_core::{clock::Readings, time::Timestamp};
use tokio::time::Instant;

/// 21 Nov 2026, noon.
const BEGAN_US: i64 = 1_795_262_400_000_000;

/// Both clocks follow the runtime's time. Besides, the machine may sleep, and somebody may set the wall clock.
#[derive(Debug, Clone)]
pub(super) struct Clocks {
    /// Microseconds that passed before this process began, and while the machine slept.
    passed_us: Arc<AtomicI64>,
    wall_ahead_us: Arc<AtomicI64>,
    process_began: Arc<Mutex<Option<Instant>>>,
    /// How often they were read since time last went on, and when that was.
    read: Arc<Mutex<(u32, i64)>>,
}

/// Readings at one moment after which nobody believes that anything else will ever happen.
const READINGS_MAX: u32 = 100_000;

impl Clocks {
    pub(super) fn new() -> Self {
        Self {
            passed_us: Arc::default(),
            wall_ahead_us: Arc::default(),
            process_began: Arc::default(),
            read: Arc::default(),
        }
    }

    /// A process begins; on its runtime.
    pub(super) fn start(&self) {
        *self.process_began.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// The process has ended, at the time that was read last.
    pub(super) fn stop(&self) {
        *self.process_began.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Keeps the time of a process that is about to end; on its runtime.
    pub(super) fn keep(&self) {
        let steady_us = self.steady_us();
        self.passed_us.store(steady_us, Ordering::Relaxed);
        self.start();
    }

    /// Time passes without the process: the machine slept, or there is none.
    pub(super) fn pass_ms(&self, ms: i64) {
        self.passed_us.fetch_add(ms * 1_000, Ordering::Relaxed);
    }

    /// Somebody sets the wall clock.
    pub(super) fn set_wall(&self, by_ms: i64) {
        self.wall_ahead_us.fetch_add(by_ms * 1_000, Ordering::Relaxed);
    }

    fn steady_us(&self) -> i64 {
        let began = *self.process_began.lock().unwrap_or_else(PoisonError::into_inner);
        let running_us = began.map_or(0, |began| began.elapsed().as_micros());
        self.passed_us.load(Ordering::Relaxed) + i64::try_from(running_us).unwrap_or_default()
    }
}

impl Clock for Clocks {
    fn readings(&self) -> Readings {
        let steady_us = self.steady_us();
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let times = if read.1 == steady_us { read.0 + 1 } else { 0 };
        *read = (times, steady_us);
        drop(read);
        assert!(times < READINGS_MAX, "TimeGoesOn: somebody reads the clock again and again and does not wait");
        let wall_us = BEGAN_US + steady_us + self.wall_ahead_us.load(Ordering::Relaxed);
        Readings { wall: Timestamp::from_us(wall_us).unwrap_or_default(), steady_us }
    }
}
