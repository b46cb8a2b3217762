//! What the queue does in a git repository: it builds a change on the target's tip in a worktree of its own, runs its
//! checks, moves the target in one ref transaction that also verifies the claim's fence, and verifies what landed.
//!
//! It runs the `git` on the machine: what git accepts is what lands. The user's checkout, index and configuration are never
//! touched. It knows nothing of the log or the engine.

mod build;
pub mod check;
mod command;
mod error;
mod history;
mod landing;
mod merge;
pub mod patch;
mod repository;
mod talk;
mod worktree;

pub use build::{Builder, Operation};
pub use error::GitError;
pub use history::Past;
pub use landing::{Fence, Landing, Refs};
pub use merge::Merged;
pub use repository::Repository;
pub use worktree::{Worktree, remove_folder};
