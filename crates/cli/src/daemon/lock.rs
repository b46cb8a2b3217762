//! The lock that decides whose log it is: `flock` on `.convoke/daemon.lock`.
//!
//! The lock belongs to the open file, not to the process: a descriptor that a child inherits keeps it locked until the last
//! holder is gone, however it went.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read as _, Seek as _, Write as _},
    os::{
        fd::AsFd as _,
        unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    },
};

use convoke::api::Fault;

use super::LOCK_FILE;
use crate::{disk, workspace::Workspace};

/// The right to open the log. It ends when this and every copy of its descriptor is closed.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// Takes the lock; `None` if another process has it.
    pub(crate) fn try_take(workspace: &Workspace) -> Result<Option<Self>, Fault> {
        let file = open(workspace).map_err(|error| fault(workspace, &error))?;
        Self::try_lock(file).map_err(|error| fault(workspace, &error))
    }

    /// Takes the lock for one command in this process, or says who has it.
    pub(crate) fn take(workspace: &Workspace) -> Result<Self, Fault> {
        let mut lock = Self::try_take(workspace)?.ok_or_else(|| held(workspace))?;
        lock.sign();
        Ok(lock)
    }

    /// The lock that the starter of this process handed over as standard input; `None` if there is none.
    pub(crate) fn from_stdin(workspace: &Workspace) -> Result<Option<Self>, Fault> {
        let inherited = || -> io::Result<Option<Self>> {
            let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
            match (file.metadata(), workspace.file(LOCK_FILE).metadata()) {
                (Ok(given), Ok(lock)) if (given.dev(), given.ino()) == (lock.dev(), lock.ino()) => Self::try_lock(file),
                _ => Ok(None),
            }
        };
        inherited().map_err(|error| fault(workspace, &error))
    }

    fn try_lock(file: File) -> io::Result<Option<Self>> {
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Writes this process's id into the file, for those who find it locked. A courtesy: failing to is no error.
    pub(crate) fn sign(&mut self) {
        let _ = self.0.set_len(0);
        let _ = self.0.rewind();
        let _ = writeln!(self.0, "{}", std::process::id());
    }

    /// The file, to be handed to the daemon.
    pub(crate) fn into_file(self) -> File {
        self.0
    }

    /// Whether the lock's file is still the one in the workspace: it is not once somebody deleted the folder.
    pub(crate) fn is_in_place(&self, workspace: &Workspace) -> bool {
        let (Ok(held), Ok(there)) = (self.0.metadata(), workspace.file(LOCK_FILE).metadata()) else {
            return false;
        };
        (held.dev(), held.ino()) == (there.dev(), there.ino())
    }

    /// The process that has signed the lock last.
    pub(crate) fn holder(workspace: &Workspace) -> Option<u32> {
        let mut text = String::new();
        File::open(workspace.file(LOCK_FILE)).ok()?.take(20).read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    }
}

fn open(workspace: &Workspace) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(workspace.file(LOCK_FILE))
}

/// The lock is held by somebody.
pub(crate) fn held(workspace: &Workspace) -> Fault {
    let holder = Lock::holder(workspace).map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
    Fault::new("log_locked", format!("{holder} has the log of {} open", workspace.root().display()))
}

fn fault(workspace: &Workspace, error: &io::Error) -> Fault {
    let file = workspace.file(LOCK_FILE);
    match (error.kind(), owner(&file)) {
        (ErrorKind::PermissionDenied, Some(uid)) => {
            let what =
                format!("{} belongs to the user with id {uid}, who runs this workspace's daemon", file.display());
            let fault = Fault::new("other_user", what);
            if owner(&workspace.folder()) != Some(rustix::process::geteuid().as_raw()) {
                return fault;
            }
            // Whoever may write anywhere acted here.
            let folder = workspace.folder();
            let folder = folder.display();
            let hint = format!(
                "The folder is yours, what that user wrote in it is not: let that user end the daemon (convoke daemon stop) and give you all below {folder} (chown -R)."
            );
            Fault { hint, ..fault }
        }
        _ => disk::fault(format!("{} cannot be locked", file.display()), error),
    }
}

fn owner(file: &std::path::Path) -> Option<u32> {
    file.symlink_metadata().ok().map(|found| found.uid())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(place: &tempfile::TempDir) -> Workspace {
        std::fs::create_dir(place.path().join(crate::workspace::FOLDER)).unwrap();
        Workspace::find(Some(place.path())).unwrap()
    }

    #[test]
    fn one_has_the_lock_and_the_other_learns_who() {
        let place = tempfile::tempdir().unwrap();
        let workspace = workspace(&place);
        let lock = Lock::take(&workspace).unwrap();
        let refused = Lock::take(&workspace).unwrap_err();
        assert_eq!(refused.code, "log_locked");
        assert!(refused.message.contains(&std::process::id().to_string()), "{refused}");
        drop(lock);
        assert!(Lock::try_take(&workspace).unwrap().is_some());
    }

    #[test]
    fn a_copy_of_the_descriptor_keeps_the_lock() {
        let place = tempfile::tempdir().unwrap();
        let workspace = workspace(&place);
        let lock = Lock::take(&workspace).unwrap();
        let copy = lock.0.try_clone().unwrap();
        drop(lock);
        assert!(Lock::try_take(&workspace).unwrap().is_none());
        drop(copy);
        assert!(Lock::try_take(&workspace).unwrap().is_some());
    }

    #[test]
    fn a_deleted_folder_is_noticed() {
        let place = tempfile::tempdir().unwrap();
        let workspace = workspace(&place);
        let lock = Lock::take(&workspace).unwrap();
        assert!(lock.is_in_place(&workspace));
        std::fs::remove_dir_all(workspace.folder()).unwrap();
        assert!(!lock.is_in_place(&workspace));
        std::fs::create_dir(workspace.folder()).unwrap();
        let second = Lock::take(&workspace).unwrap();
        assert!(!lock.is_in_place(&workspace) && second.is_in_place(&workspace));
    }
}
