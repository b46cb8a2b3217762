//! Actors: who takes part, membership, and what only some of them may do.
//!
//! Open membership registers a name with its first mention; `supervisor`, `conductor`, `all` and `system` are reserved.

pub(crate) mod commands;
mod decide;
pub mod events;
#[cfg(test)]
mod scenarios;
mod similar;
mod state;

pub use decide::create;
pub use state::{Actors, Member};
