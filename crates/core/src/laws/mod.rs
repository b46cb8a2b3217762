//! The laws of the whole workspace, and random work that puts them to the test: for this crate's own tests, for those
//! that run the same work through the engine, and for the simulation.
//!
//! [`steps`] draws what happens next, [`Laws`] checks a log as it grows, event by event, and [`World`] is the smallest
//! thing that makes one: decide and evolve, and nothing else.

mod asking;
mod invariants;
mod landings;
mod queueing;
mod source;
pub mod steps;
mod world;

pub use asking::Names;
pub use invariants::Laws;
pub use queueing::Queueing;
pub use source::{CountingIds, Sent};
pub use steps::{Step, step};
pub use world::World;
