//! The rules of Convoke: pure types, `decide` and `evolve`. No I/O, no clock, no randomness.

pub mod actors;
pub mod campaign;
pub mod clock;
pub mod codes;
pub mod command;
pub mod countdown;
pub mod directory;
pub mod effects;
pub mod event;
pub mod exact_json;
pub mod id;
pub mod keys;
#[cfg(feature = "laws")]
pub mod laws;
pub mod limits;
pub mod log;
pub mod mailbox;
pub mod name;
mod numbers;
mod packed;
pub mod priority;
pub mod queue;
pub mod refusal;
pub mod spec;
pub mod time;
pub mod workspace;
