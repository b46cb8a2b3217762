//! What the tests with real processes share: a workspace to act in, a client of the daemon's socket, the log as an
//! export tells it, and the ledger that compares the log with everything that was acknowledged.

pub mod chance;
pub mod disturbance;
pub mod exports;
pub mod ledger;
pub mod load;
pub mod playing;
pub mod queue;
pub mod simulation;
pub mod socket;
mod witness;
pub mod workspace;
pub mod written;
