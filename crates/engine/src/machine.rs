//! Time and chance, where they come in: the machine's clocks and its random numbers.

use std::time::{SystemTime, UNIX_EPOCH};

use convoke_core::{
    clock::Readings,
    id::{EventId, IdSource, has_plain_short_form, uuid_v7},
    log::Salt,
    time::Timestamp,
};
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Reads the two clocks that Convoke's time rests on.
pub trait Clock: Send + Sync + 'static {
    /// What they say now.
    fn readings(&self) -> Readings;
}

/// The clocks of this machine: the wall clock, and the one that counts since boot, sleep included.
#[derive(Debug, Clone, Copy, Default)]
pub struct MachineClock;

impl Clock for MachineClock {
    fn readings(&self) -> Readings {
        let wall_us = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
        let wall_us = i64::try_from(wall_us).unwrap_or(i64::MAX).min(Timestamp::MAX.us());
        let boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Readings {
            wall: Timestamp::from_us(wall_us).unwrap_or_default(),
            steady_us: boot.tv_sec.saturating_mul(1_000_000).saturating_add(boot.tv_nsec / 1000),
        }
    }
}

/// Random ids (UUIDv7) and salts, from a generator that the operating system seeds.
pub struct RandomIds {
    generator: StdRng,
    now: Timestamp,
}

impl RandomIds {
    /// A fresh generator.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn new() -> Result<Self, String> {
        let generator = StdRng::try_from_rng(&mut rand::rngs::SysRng).map_err(|error| error.to_string())?;
        Ok(Self { generator, now: Timestamp::default() })
    }

    /// The same ids for the same seed: for simulations only, since an id must never be given twice.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { generator: StdRng::seed_from_u64(seed), now: Timestamp::default() }
    }

    /// Sets the time that the next ids begin with.
    pub fn set_time(&mut self, now: Timestamp) {
        self.now = now;
    }
}

impl IdSource for RandomIds {
    fn fresh(&mut self) -> EventId {
        // One id in twenty has no digit where people look; it is drawn again, so that every id is shown with 8 characters.
        loop {
            let mut random = [0; 10];
            self.generator.fill_bytes(&mut random);
            let id = EventId::from_bytes(uuid_v7(self.now.ms(), random));
            if has_plain_short_form(id.tail()) {
                return id;
            }
        }
    }

    fn salt(&mut self) -> Salt {
        let mut salt = Salt::default();
        self.generator.fill_bytes(&mut salt);
        salt
    }
}
