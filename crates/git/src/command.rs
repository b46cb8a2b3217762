//! Runs git, the same way whatever the user's environment and configuration say.

use std::{
    ffi::{OsStr, OsString},
    io::{self, Write},
    os::unix::{
        ffi::OsStrExt,
        process::{CommandExt, ExitStatusExt as _},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use crate::error::GitError;

/// What a pipe takes without a reader.
const PIPE_BYTES: usize = 4 * 1024;
/// How much of what git says is passed on.
const SAID_BYTES_MAX: usize = 4_000;

/// Git in one repository, or in one worktree of it.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    git_dir: Option<PathBuf>,
    work_tree: Option<PathBuf>,
    index: Option<PathBuf>,
    /// Where it runs, if not in one of those.
    at: Option<PathBuf>,
}

/// What git answered, when it is no accident that it says no.
pub(crate) struct Said {
    /// Whether it ended well.
    pub(crate) ok: bool,
    /// What it ended with.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: Vec<u8>,
    /// Both outputs, shortened, for people.
    pub(crate) text: String,
}

impl Git {
    pub(crate) fn bare(git_dir: PathBuf) -> Self {
        Self { git_dir: Some(git_dir), work_tree: None, index: None, at: None }
    }

    /// Git outside of any repository, for what needs none.
    pub(crate) fn anywhere() -> Self {
        Self { git_dir: None, work_tree: None, index: None, at: None }
    }

    pub(crate) fn in_worktree(git_dir: PathBuf, work_tree: PathBuf, index: PathBuf) -> Self {
        Self { git_dir: Some(git_dir), work_tree: Some(work_tree), index: Some(index), at: None }
    }

    /// The same repository with an index of its own and no worktree.
    pub(crate) fn with_index(&self, index: PathBuf) -> Self {
        Self { git_dir: self.git_dir.clone(), work_tree: None, index: Some(index), at: None }
    }

    /// The same, run in a folder.
    pub(crate) fn at(&self, folder: PathBuf) -> Self {
        Self { at: Some(folder), ..self.clone() }
    }

    /// Runs git and takes every end as an answer, but "no git here", a full disk, and one that a signal made: that git says nothing.
    pub(crate) fn ask<A: AsRef<OsStr>>(&self, args: &[A], input: &[u8]) -> Result<Said, GitError> {
        let output = self.run(args, input)?;
        let text = said(&output);
        let is_full = text.contains("No space left on device") || text.contains("Disk quota exceeded");
        if !output.status.success() && is_full {
            return Err(GitError::DiskFull);
        }
        let Some(code) = output.status.code() else {
            let signal = output.status.signal().unwrap_or_default();
            return Err(GitError::Failed { what: subcommand(args), said: format!("signal {signal} ended it") });
        };
        Ok(Said { ok: output.status.success(), code, out: output.stdout, text })
    }

    /// Runs git, which must end well, and gives its output without the last line's end.
    pub(crate) fn must<A: AsRef<OsStr>>(&self, args: &[A], input: &[u8]) -> Result<String, GitError> {
        let said = self.ask(args, input)?;
        if !said.ok {
            return Err(GitError::Failed { what: subcommand(args), said: said.text });
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
        let text = said(&output);
        if !output.status.success() && text.contains("dubious ownership") {
            return Err(GitError::Failed { what: "rev-parse".to_owned(), said: text });
        }
        let path = OsStr::from_bytes(output.stdout.strip_suffix(b"\n").unwrap_or(&output.stdout));
        Ok(output.status.success().then(|| PathBuf::from(path)))
    }

    fn run<A: AsRef<OsStr>>(&self, args: &[A], input: &[u8]) -> Result<Output, GitError> {
        let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
        let mut child = self.spawn(args, stdin)?;
        let stdin = child.stdin.take();
        std::thread::scope(|scope| {
            if let Some(mut stdin) = stdin {
                if input.len() <= PIPE_BYTES {
                    // Git may end before it has read all; what it says then is the answer.
                    stdin.write_all(input).ok();
                } else {
                    scope.spawn(move || stdin.write_all(input).ok());
                }
            }
            child.wait_with_output().map_err(|error| GitError::io("git cannot be waited for", error))
        })
    }

    /// Starts git, with both outputs piped.
    pub(crate) fn spawn<A: AsRef<OsStr>>(&self, args: &[A], stdin: Stdio) -> Result<Child, GitError> {
        let mut command = Command::new("git");
        isolate(&mut command);
        match &self.git_dir {
            Some(git_dir) => command.env("GIT_DIR", git_dir).current_dir(git_dir),
            None => command.current_dir("/"),
        };
        if let Some(work_tree) = &self.work_tree {
            command.env("GIT_WORK_TREE", work_tree).current_dir(work_tree);
        }
        if let Some(index) = &self.index {
            command.env("GIT_INDEX_FILE", index);
        }
        if let Some(folder) = &self.at {
            command.current_dir(folder);
        }
        // The user's hooks are for the user's commits; a signature or a garbage collection would come in between. What the log
        // says of a landing is durable, so the objects and refs that it names are too.
        for setting in [
            "core.fsync=objects,reference",
            "core.fsyncMethod=fsync",
            "core.hooksPath=/dev/null",
            "commit.gpgSign=false",
            // Somebody else's git may be at the same ref for a moment.
            "core.filesRefLockTimeout=1000",
            "core.packedRefsTimeout=1000",
            "gc.auto=0",
            "maintenance.auto=false",
            "core.fsmonitor=false",
            // A check's worktree holds all of its tree, and every file of it that was changed is seen.
            "core.sparseCheckout=false",
            "core.checkStat=default",
            "core.trustctime=true",
            "submodule.recurse=false",
            // A patch applies or it does not, whatever somebody prefers elsewhere.
            "apply.ignoreWhitespace=no",
            "apply.whitespace=nowarn",
            "merge.directoryRenames=conflict",
            "core.quotePath=false",
            "log.showSignature=false",
            "trailer.separators=:",
            "i18n.commitEncoding=UTF-8",
            "i18n.logOutputEncoding=UTF-8",
        ] {
            command.arg("-c").arg(setting);
        }
        // A group of its own: Ctrl-C is for the program, which then ends in order, and not for a git that it waits for.
        command.args(args).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound if self.folder().is_some_and(|folder| !folder.is_dir()) => {
                GitError::NotARepository(self.folder().unwrap_or(Path::new("/")).to_path_buf())
            }
            io::ErrorKind::NotFound => GitError::NotInstalled,
            _ => GitError::io("git cannot be started", error),
        })
    }

    fn folder(&self) -> Option<&Path> {
        self.work_tree.as_deref().or(self.git_dir.as_deref())
    }
}

/// What git was asked to do: the first argument that is no option, nor the setting after a `-c`.
fn subcommand<A: AsRef<OsStr>>(args: &[A]) -> String {
    let mut args = args.iter().map(AsRef::as_ref);
    while let Some(arg) = args.next() {
        if arg == "-c" {
            args.next();
        } else if !arg.as_encoded_bytes().starts_with(b"-") {
            return arg.to_string_lossy().into_owned();
        }
    }
    String::new()
}

/// Nothing of the caller's environment steers git, git asks nobody anything, and an object is what its name says.
fn isolate(command: &mut Command) {
    forget_git(command);
    command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0");
    command.env("GIT_NO_REPLACE_OBJECTS", "1");
}

/// Takes what steers git out of the caller's environment.
pub(crate) fn forget_git(command: &mut Command) {
    let inherited: Vec<OsString> =
        std::env::vars_os().map(|(name, _)| name).filter(|name| name.as_encoded_bytes().starts_with(b"GIT_")).collect();
    for name in &inherited {
        command.env_remove(name);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_git_that_a_signal_ended_has_said_nothing() {
        let killed = Git::anywhere().ask(&["-c", "alias.die=!kill -9 $PPID", "die"], b"");
        assert!(matches!(&killed, Err(GitError::Failed { what, .. }) if what == "die"), "{:?}", killed.err());
    }
}
