//! The rules of Convoke: pure types, `decide` and `evolve`. No I/O, no clock, no randomness.

pub mod id;
pub mod limits;
pub mod log;
pub mod name;
pub mod time;
