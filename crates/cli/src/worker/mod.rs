//! What a worker of the queue needs of this program: its conversation with the log, its place, and how it is told to stop.

mod desk;
mod place;
mod signals;
mod told;

pub(crate) use desk::SessionDesk;
pub(crate) use place::Place;
pub(crate) use signals::until_told_to_stop;
pub(crate) use told::{Summed, Teller};

use convoke::api::Fault;
use convoke_git::GitError;

/// What an error of git means for a user.
pub(crate) fn git_fault(error: GitError) -> Fault {
    let code = match &error {
        GitError::NotInstalled => "no_git",
        GitError::NotARepository(_) => "no_repository",
        GitError::NoBranch(_) => "no_branch",
        GitError::CheckedOut { .. } => "branch_checked_out",
        GitError::DiskFull => "disk_full",
        GitError::RefMoved(_) | GitError::Failed { .. } | GitError::Io { .. } => "git_failed",
    };
    Fault::new(code, error.to_string())
}
