//! Where a worker has its worktrees: a folder in `.convoke/worktrees` under its name, and a lock that says that it lives.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    path::PathBuf,
};

use convoke::api::Fault;
use convoke_core::name::ActorName;
use convoke_git::remove_folder;

use crate::{disk, workspace::Workspace};

/// The folder of all workers.
const FOLDER: &str = "worktrees";

/// A worker's folder, while it has it.
#[derive(Debug)]
pub(crate) struct Place {
    folder: PathBuf,
    lock: PathBuf,
    _held: File,
}

impl Place {
    /// The folder of all workers.
    pub(crate) fn all(workspace: &Workspace) -> PathBuf {
        workspace.file(FOLDER)
    }

    /// Takes the folder of this worker.
    pub(crate) fn take(workspace: &Workspace, worker: &ActorName) -> Result<Self, Fault> {
        let all = Self::all(workspace);
        let cannot = |error| disk::fault("the folder for worktrees cannot be made", &error);
        fs::create_dir_all(&all).map_err(cannot)?;
        let lock = all.join(format!("{worker}.lock"));
        // Until the file that is locked is the one that the name leads to: another worker takes it away at its end.
        loop {
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(&lock).map_err(cannot)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let what = format!("a worker named {worker} works already in this workspace");
                    return Err(Fault::new("worker_runs", what));
                }
                Err(TryLockError::Error(error)) => return Err(cannot(error)),
            }
            if is_the_same(&file, &lock) {
                return Ok(Self { folder: all.join(worker.as_str()), lock, _held: file });
            }
        }
    }

    /// Whether somebody of this name left something here.
    pub(crate) fn is_littered(&self) -> bool {
        self.folder.exists()
    }

    /// A folder that nobody has had before: checks of a worker that was killed may still run, in the one that it had.
    pub(crate) fn fresh(&self) -> Result<PathBuf, Fault> {
        let cannot = |error| disk::fault("the folder for worktrees cannot be made anew", &error);
        remove_folder(&self.folder).and_then(|()| fs::create_dir_all(&self.folder)).map_err(cannot)?;
        Ok(self.folder.join(std::process::id().to_string()))
    }

    /// What workers that live no more have left behind.
    pub(crate) fn left_behind(workspace: &Workspace) -> Result<Vec<Self>, Fault> {
        let Ok(entries) = fs::read_dir(Self::all(workspace)) else { return Ok(Vec::new()) };
        let names = entries.flatten().filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            ActorName::parse(name.strip_suffix(".lock").unwrap_or(&name)).ok()
        });
        let names: std::collections::BTreeSet<ActorName> = names.collect();
        let mut left = Vec::new();
        for name in names {
            match Self::take(workspace, &name) {
                Ok(place) => left.push(place),
                Err(fault) if fault.code == "worker_runs" => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(left)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        remove_folder(&self.folder).ok();
        fs::remove_file(&self.lock).ok();
    }
}

fn is_the_same(file: &File, at: &std::path::Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), fs::metadata(at)) {
        (Ok(held), Ok(there)) => (held.dev(), held.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}
