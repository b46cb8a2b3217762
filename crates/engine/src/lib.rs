//! Convoke as a library: one writer on one log, time, subscriptions, and the questions that can be asked.

pub mod api;
mod audit;
mod engine;
mod fault;
mod fold;
mod follow;
mod machine;
mod questions;
mod render;
mod sequencer;
mod snapshots;
mod transfer;
mod verify;
mod waiting;
mod writer;

pub use convoke_core as core;
pub use convoke_projections as projections;
pub use engine::{Brief, Engine, Pending, Settings};
pub use follow::Follow;
pub use machine::{Clock, MachineClock, RandomIds};
pub use transfer::import;
pub use verify::{Progress, verify_closed, verify_export};
pub use sequencer::{Batch, Decided, Outcome, Sequencer, TimedIds};
