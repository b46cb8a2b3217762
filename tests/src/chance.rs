//! Chance that a failing test can repeat: a seed from the environment, or a fixed one.

use rand::{SeedableRng, rngs::StdRng};

/// The generator number `stream` of this run. `CONVOKE_SEED` chooses another run.
#[must_use]
pub fn generator(stream: u64) -> StdRng {
    StdRng::seed_from_u64(seed().wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(stream))
}

/// The seed of this run.
#[must_use]
pub fn seed() -> u64 {
    number("CONVOKE_SEED", 2_026)
}

/// A number from the environment: how long, how often.
#[must_use]
pub fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
