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
pub mod id;
pub mod keys;
pub mod limits;
pub mod log;
pub mod mailbox;
pub mod name;
mod packed;
pub mod priority;
pub mod queue;
pub mod refusal;
pub mod time;
pub mod workspace;
