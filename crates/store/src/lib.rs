//! The log of Convoke: an append-only sequence of commits, durable before it is acknowledged.
//!
//! [`Log`] says what every backend owes; [`SledLog`] keeps one on disk, [`MemoryLog`] in memory. To a store an event is
//! bytes with a header: it knows nothing of what they mean.

mod error;
mod log;

pub use error::{AppendError, OpenError, ReadError};
pub use log::{Log, Stored};
