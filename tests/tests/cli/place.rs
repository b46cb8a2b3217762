//! A folder for one test, in which the program is called `convoke`.

use std::{
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// A throw-away folder; its daemon is stopped at the end, however the test ends.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_convoke-under-test");

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("convoke-test-").tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bin")).unwrap();
        std::fs::create_dir(folder.path().join("project")).unwrap();
        symlink(PROGRAM, folder.path().join("bin/convoke")).unwrap();
        Self { folder }
    }

    /// One with a workspace, organized by dana.
    pub(crate) fn with_workspace() -> Self {
        let place = Self::new();
        place.ok("dana", &["init"]);
        place
    }

    /// The folder that commands run in.
    pub(crate) fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// The whole throw-away folder.
    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    fn prepared(&self, mut command: Command) -> Command {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut paths = vec![self.folder.path().join("bin")];
        paths.extend(std::env::split_paths(&path));
        command
            .current_dir(self.project())
            .env("PATH", std::env::join_paths(paths).unwrap())
            .env("USER", "dana")
            .env("HOME", self.folder.path())
            .env("NO_COLOR", "1")
            .env("COLUMNS", "100")
            .env("TZ", "UTC")
            .env_remove("CONVOKE_ACTOR")
            .env_remove("CONVOKE_WORKSPACE")
            .stdin(Stdio::null());
        command
    }

    /// The program, to be run as an actor.
    pub(crate) fn command(&self, actor: &str, arguments: &[&str]) -> Command {
        let mut command = self.prepared(Command::new(PROGRAM));
        command.args(arguments).env("CONVOKE_ACTOR", actor);
        command
    }

    /// A line for the shell.
    pub(crate) fn shell(&self, line: &str) -> Output {
        let mut command = self.prepared(Command::new("sh"));
        command.args(["-c", line]).output().unwrap()
    }

    /// Runs the program, which has to succeed; what it printed.
    #[track_caller]
    pub(crate) fn ok(&self, actor: &str, arguments: &[&str]) -> String {
        let output = self.command(actor, arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The same with `--json`: the envelope's data.
    #[track_caller]
    pub(crate) fn data(&self, actor: &str, arguments: &[&str]) -> serde_json::Value {
        let envelope: serde_json::Value =
            serde_json::from_str(&self.ok(actor, &[arguments, &["--json"]].concat())).unwrap();
        assert_eq!(envelope["v"], 1);
        assert_eq!(envelope["ok"], true);
        envelope["data"].clone()
    }

    /// Runs the program with `--json`, which has to fail with this exit code; the error.
    #[track_caller]
    pub(crate) fn refused(&self, actor: &str, arguments: &[&str], exit: i32) -> serde_json::Value {
        let output = self.command(actor, &[arguments, &["--json"]].concat()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {text}");
        let envelope: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(envelope["ok"], false);
        envelope["error"].clone()
    }

    /// How many events the log holds.
    pub(crate) fn size(&self) -> u64 {
        let text = self.ok("dana", &["checkpoint"]);
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["size"].as_u64().unwrap()
    }

    /// The daemon's process, if it runs.
    pub(crate) fn daemon(&self) -> Option<u32> {
        self.data("dana", &["daemon", "status"])["daemon"]["pid"].as_u64().map(|pid| u32::try_from(pid).unwrap())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.project().join(".convoke").is_dir() {
            let _ = self.command("dana", &["daemon", "stop"]).output();
            convoke_tests::exports::leave(Path::new(PROGRAM), &self.project());
        }
    }
}
