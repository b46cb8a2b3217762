//! `daemon.log`: what happened to the daemon, not to the workspace; of bounded size.
//!
//! It is the daemon's standard error, so that what a library writes there is kept too. When it has grown too long it becomes
//! `daemon.log.old`, in place of the one before.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    sync::Mutex,
};

use crate::{output::wall_clock, workspace::Workspace};

/// The log's file.
pub(crate) const LOG_FILE: &str = "daemon.log";
const OLD_FILE: &str = "daemon.log.old";
const BYTES_MAX: u64 = 1024 * 1024;

/// Opens the log for appending, after putting a long one aside.
pub(crate) fn open(workspace: &Workspace) -> io::Result<File> {
    let path = workspace.file(LOG_FILE);
    if path.metadata().is_ok_and(|found| found.len() > BYTES_MAX) {
        std::fs::rename(&path, workspace.file(OLD_FILE))?;
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// Writes lines to standard error, which is the log, and keeps it short.
pub(crate) struct Journal {
    workspace: Workspace,
    written: Mutex<u64>,
}

impl Journal {
    /// Makes standard error the log.
    pub(crate) fn begin(workspace: &Workspace) -> io::Result<Self> {
        let journal = Self { workspace: workspace.clone(), written: Mutex::new(0) };
        journal.reopen()?;
        Ok(journal)
    }

    /// Writes a line with its time. What cannot be written is lost: the daemon does not stop for it.
    pub(crate) fn line(&self, text: &str) {
        let line = format!("{} {text}\n", wall_clock());
        let Ok(mut written) = self.written.lock() else { return };
        let _ = io::stderr().write_all(line.as_bytes());
        *written += line.len() as u64;
        if *written > BYTES_MAX {
            *written = 0;
            let _ = self.reopen();
        }
    }

    fn reopen(&self) -> io::Result<()> {
        rustix::stdio::dup2_stderr(open(&self.workspace)?)?;
        Ok(())
    }
}

/// The last lines of the log, oldest first; none if there is no log.
pub(crate) fn last_lines(workspace: &Workspace, count: usize) -> io::Result<Vec<String>> {
    let mut file = match File::open(workspace.file(LOG_FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(BYTES_MAX)))?;
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(count)..].iter().map(|line| (*line).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::FOLDER;

    #[test]
    fn a_long_log_is_put_aside_in_place_of_the_one_before() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join(FOLDER)).unwrap();
        let workspace = Workspace::find(Some(place.path())).unwrap();
        assert!(last_lines(&workspace, 5).unwrap().is_empty());
        for number in 0..3 {
            open(&workspace).unwrap().write_all(format!("{number}\n").repeat(600_000).as_bytes()).unwrap();
        }
        let mut file = open(&workspace).unwrap();
        file.write_all(b"one\ntwo\nthree\n").unwrap();
        assert_eq!(last_lines(&workspace, 2).unwrap(), ["two", "three"]);
        let bytes: u64 =
            std::fs::read_dir(workspace.folder()).unwrap().map(|f| f.unwrap().metadata().unwrap().len()).sum();
        assert!(bytes < 3 * BYTES_MAX, "{bytes}");
        assert!(std::fs::read_to_string(workspace.file(OLD_FILE)).unwrap().starts_with('2'));
    }
}
