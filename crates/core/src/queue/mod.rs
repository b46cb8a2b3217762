//! The queue: changes on their way to a branch. Each lands once, in exactly the tree that was tested, or ends with its cause.
//!
//! Specified by `specs/queue/Queue.tla`. A worker claims changes under a lease; each claim has a higher fence, and only the
//! newest has effect. What git has to say (whether a change applies, what a check answered) comes in as commands; a landing
//! is announced before the branch is moved, so that whoever comes after a crash knows what to look for.

mod backoff;
mod changes;
pub(crate) mod commands;
pub mod decide;
pub mod events;
mod git_hash;
mod order;
mod path;
mod state;

pub use changes::{Changes, subject};
pub use git_hash::{GitHash, GitHashError};
pub use order::turn_at;
pub use path::{PathError, RepoPath, overlap};
pub use state::{Change, Phase};
