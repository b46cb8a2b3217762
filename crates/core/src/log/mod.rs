//! The log's format, as pure functions: headers, hashes, commits, the Merkle tree, proofs and checkpoints.
//!
//! `docs/log-format.md` is its specification and `tests/vectors/` pins it: if an answer here moves, every log ever
//! written stops verifying.

mod checkpoint;
mod commit;
pub mod export;
mod file;
mod hash;
mod header;
mod merkle;
mod proof;
mod verification;

pub use checkpoint::{Checkpoint, Head};
pub use commit::{Commit, CommitBuilder, EventRef, FrameError};
pub use file::{FileError, FileKind};
pub use hash::{Hash, HashError, Salt, blob_hash, fingerprint, leaf_hash, node_hash, payload_hash};
pub use header::{Header, HeaderError, Idempotency, Kind};
pub use merkle::{Frontier, TILE_LEAVES, range_root, tile_roots_root};
pub use proof::{ConsistencyProof, InclusionProof, ProofError, consistency_path, inclusion_path};
pub use verification::{Broken, CheckedEvent, FIRST_KIND, Fault, Verification};
