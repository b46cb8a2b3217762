//! Runs git, the same way whatever the user's environment and configuration say.

use std::{
    ffi::{OsStr, OsString},
    io::{self, Write},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use crate::error::GitError;

/// How much of what git says is passed on.
const SAID_BYTES_MAX: usize = 4_000;

/// Git in one repository, or in one worktree of it.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    git_dir: Option<PathBuf>,
    work_tree: Option<PathBuf>,
}

/// What git answered, when it is no accident that it says no.
pub(crate) struct Said {
    /// Whether it ended well.
    pub(crate) ok: bool,
    /// Standard output.
    pub(crate) out: Vec<u8>,
    /// Both outputs, shortened, for people.
    pub(crate) text: String,
}

impl Git {
    pub(crate) fn bare(git_dir: PathBuf) -> Self {
        Self { git_dir: Some(git_dir), work_tree: None }
    }

    /// Git outside of any repository, for what needs none.
    pub(crate) fn anywhere() -> Self {
        Self { git_dir: None, work_tree: None }
    }

    pub(crate) fn in_worktree(git_dir: PathBuf, work_tree: PathBuf) -> Self {
        Self { git_dir: Some(git_dir), work_tree: Some(work_tree) }
    }

    /// Runs git and takes every end but "no git here" and a full disk as an answer.
    pub(crate) fn ask<A: AsRef<OsStr>>(&self, args: &[A], input: &[u8]) -> Result<Said, GitError> {
        let output = self.run(args, input)?;
        let text = said(&output);
        let is_full = text.contains("No space left on device") || text.contains("Disk quota exceeded");
        if !output.status.success() && is_full {
            return Err(GitError::DiskFull);
        }
        Ok(Said { ok: output.status.success(), out: output.stdout, text })
    }

    /// Runs git, which must end well, and gives its output without the last line's end.
    pub(crate) fn must<A: AsRef<OsStr>>(&self, args: &[A], input: &[u8]) -> Result<String, GitError> {
        let said = self.ask(args, input)?;
        if !said.ok {
            let what = args.iter().find(|arg| !arg.as_ref().as_encoded_bytes().starts_with(b"-"));
            let what = what.map_or_else(String::new, |arg| arg.as_ref().to_string_lossy().into_owned());
            return Err(GitError::Failed { what, said: said.text });
        }
        let text = String::from_utf8_lossy(&said.out);
        Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
    }

    /// The repository that a folder is in: its folder of objects and refs, the same for all its worktrees.
    pub(crate) fn discover(folder: &Path) -> Result<Option<PathBuf>, GitError> {
        Self::rev_parse(folder, "--git-common-dir")
    }

    /// A worktree's own part of its repository, if the folder is the top of one.
    pub(crate) fn discover_own(folder: &Path) -> Result<Option<PathBuf>, GitError> {
        if !folder.join(".git").is_file() {
            return Ok(None);
        }
        Self::rev_parse(folder, "--git-dir")
    }

    fn rev_parse(folder: &Path, what: &str) -> Result<Option<PathBuf>, GitError> {
        let mut command = Command::new("git");
        isolate(&mut command);
        let args = ["rev-parse", "--path-format=absolute", what];
        let output = command.current_dir(folder).args(args).stdin(Stdio::null()).output().map_err(|error| {
            let no_folder = !folder.is_dir();
            match error.kind() {
                io::ErrorKind::NotFound if no_folder => GitError::NotARepository(folder.to_path_buf()),
                io::ErrorKind::NotFound => GitError::NotInstalled,
                _ => GitError::io("git cannot be started", error),
            }
        })?;
        let path = OsStr::from_bytes(output.stdout.strip_suffix(b"\n").unwrap_or(&output.stdout));
        Ok(output.status.success().then(|| PathBuf::from(path)))
    }

    fn run<A: AsRef<OsStr>>(&self, args: &[A], input: &[u8]) -> Result<Output, GitError> {
        let mut command = Command::new("git");
        isolate(&mut command);
        match &self.git_dir {
            Some(git_dir) => command.env("GIT_DIR", git_dir),
            None => command.current_dir("/"),
        };
        if let Some(work_tree) = &self.work_tree {
            command.env("GIT_WORK_TREE", work_tree).current_dir(work_tree);
        }
        // The user's hooks are for the user's commits; a signature or a garbage collection would come in between.
        for setting in [
            "core.hooksPath=/dev/null",
            "commit.gpgSign=false",
            "gc.auto=0",
            "maintenance.auto=false",
            "core.fsmonitor=false",
        ] {
            command.arg("-c").arg(setting);
        }
        let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
        let mut child =
            command.args(args).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|error| {
                match error.kind() {
                    io::ErrorKind::NotFound => GitError::NotInstalled,
                    _ => GitError::io("git cannot be started", error),
                }
            })?;
        let stdin = child.stdin.take();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // Git may end before it has read all; what it says then is the answer.
                stdin.map(|mut stdin| stdin.write_all(input)).transpose().ok();
            });
            child.wait_with_output().map_err(|error| GitError::io("git cannot be waited for", error))
        })
    }
}

/// Nothing of the caller's environment steers git, and git asks nobody anything.
fn isolate(command: &mut Command) {
    let inherited: Vec<OsString> =
        std::env::vars_os().map(|(name, _)| name).filter(|name| name.as_encoded_bytes().starts_with(b"GIT_")).collect();
    for name in &inherited {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0");
}

fn said(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if text.is_empty() {
        text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    }
    if text.len() > SAID_BYTES_MAX {
        let end = (0..=SAID_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}
