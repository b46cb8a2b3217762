//! The log of Convoke: an append-only sequence of commits, durable before it is acknowledged.
//!
//! [`Log`] says what every backend owes; [`SledLog`] keeps one on disk, [`MemoryLog`] in memory. To a store an event is
//! bytes with a header: it knows nothing of what they mean.

mod admission;
pub mod blobs;
#[cfg(feature = "conformance")]
pub mod conformance;
mod crew;
mod engine;
mod error;
mod export;
pub mod faulty;
mod folder;
mod load;
mod log;
mod memory_log;
mod opening;
mod panics;
pub mod record;
mod recorded_head;
#[cfg(any(test, feature = "conformance"))]
pub mod sample;
mod scan;
mod scratch;
mod shared;
#[cfg(feature = "conformance")]
pub mod simulated;
mod sled_files;
mod sled_log;
pub mod slots;
mod tiles;
mod tree;
mod undo;
mod verify;
mod writer;

pub use error::{AppendError, OpenError, ReadError};
pub use export::{ExportError, ExportReader, ExportWriter, export};
pub use load::LoadError;
pub use log::{Log, Stored};
pub use memory_log::MemoryLog;
pub use panics::quiet_engine_panics;
pub use sled_log::SledLog;
pub use verify::{Report, VerifyError, read_export, verify, verify_export};
