//! The git repository that changes land in, as the settings name it, and what its errors mean for a user.

use std::path::Path;

use convoke::api::{Fault, Question, Reply};
use convoke_git::{GitError, Repository};
use convoke_store::blobs::BlobError;

use crate::{context::Context, disk, settings::QueueSettings, workspace::Workspace};

/// The repository of a workspace.
pub(crate) fn open(settings: &QueueSettings, workspace: &Workspace) -> Result<Repository, Fault> {
    Repository::find(&settings.repository(workspace)).map_err(|error| fault(&error))
}

/// Refuses what needs git but no repository, where there is no git.
pub(crate) fn git_is_there() -> Result<(), Fault> {
    match Repository::find(Path::new("/")) {
        Err(error @ GitError::NotInstalled) => Err(fault(&error)),
        _ => Ok(()),
    }
}

/// Under which name a workspace keeps commits in its repository, which may be that of other workspaces too.
pub(crate) fn keeper(context: &mut Context) -> Result<String, Fault> {
    match context.ask(Question::Checkpoint, None)? {
        (Reply::Checkpoint(checkpoint), _) => Ok(checkpoint.log_id.short()),
        _ => Err(Fault::new("bad_answer", "the answer is not a checkpoint")),
    }
}

/// The fault of an error of git.
pub(crate) fn fault(error: &GitError) -> Fault {
    let code = match error {
        GitError::NotInstalled => "no_git",
        GitError::NotARepository(_) => "no_repository",
        GitError::NoBranch(_) => "no_branch",
        GitError::DiskFull => "disk_full",
        GitError::Io { what, source } => return disk::fault(what, source),
        GitError::CheckedOut { .. } => "branch_checked_out",
        GitError::RefMoved(_) | GitError::Failed { .. } => "git_failed",
    };
    Fault::new(code, error.to_string())
}

/// The fault of an error of what lies beside the log.
pub(crate) fn blob_fault(error: &BlobError) -> Fault {
    let code = match error {
        BlobError::Missing(_) | BlobError::Damaged(_) => "content_damaged",
        BlobError::TooLong { .. } => "over_limit",
        BlobError::Io { what, source } => return disk::fault(format_args!("the content cannot be {what}"), source),
    };
    Fault::new(code, error.to_string())
}
