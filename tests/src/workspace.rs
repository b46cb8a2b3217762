//! A workspace of its own in a folder of its own, and the program to act in it.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::exports;

/// The human who made the workspace.
pub const ORGANIZER: &str = "olga";

/// A workspace. Its daemon does not outlive it.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
    program: PathBuf,
    _place: Option<TempDir>,
}

/// How a run of the program ended.
#[derive(Debug)]
pub struct Ran {
    /// The command line, for messages.
    pub line: String,
    /// The exit code; −1 if a signal ended it.
    pub exit: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Workspace {
    /// Makes one in a temporary folder.
    #[must_use]
    pub fn new(program: &Path) -> Self {
        let place = tempfile::Builder::new().prefix("convoke-e2e-").tempdir().expect("a temporary folder");
        let mut made = Self::at(program, &place.path().join("w"));
        made._place = Some(place);
        made
    }

    /// Makes one in this folder, which stays.
    #[must_use]
    pub fn at(program: &Path, root: &Path) -> Self {
        fs::create_dir_all(root).expect("the folder can be made");
        let workspace = Self { root: root.to_owned(), program: program.to_owned(), _place: None };
        workspace.ok(ORGANIZER, &["init", "--organizer", ORGANIZER, "--no-agents-md"]);
        workspace
    }

    /// An empty folder with nothing in it yet.
    #[must_use]
    pub fn nothing_yet(program: &Path) -> Self {
        let place = tempfile::Builder::new().prefix("convoke-e2e-").tempdir().expect("a temporary folder");
        Self { root: place.path().to_owned(), program: program.to_owned(), _place: Some(place) }
    }

    /// The folder that holds `.convoke`.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file or folder below `.convoke`.
    #[must_use]
    pub fn inside(&self, name: &str) -> PathBuf {
        self.root.join(".convoke").join(name)
    }

    /// The program with this actor and these arguments, `--json` added.
    #[must_use]
    pub fn command(&self, actor: &str, args: &[&str]) -> Command {
        let mut command = self.plain_command(args);
        command.arg("--json").args(["--as", actor]);
        command
    }

    /// The program as people call it, without `--json` and `--as`.
    #[must_use]
    pub fn plain_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(&self.root).stdin(Stdio::null());
        command.env_remove("CONVOKE_ACTOR").env_remove("CONVOKE_WORKSPACE");
        command
    }

    /// Runs the program to its end.
    #[must_use]
    pub fn run(&self, actor: &str, args: &[&str]) -> Ran {
        Ran::of_command(args, &mut self.command(actor, args))
    }

    /// Runs the program as people call it.
    #[must_use]
    pub fn run_plain(&self, args: &[&str]) -> Ran {
        Ran::of_command(args, &mut self.plain_command(args))
    }

    /// Runs the program with something on its standard input.
    #[must_use]
    pub fn run_with_input(&self, actor: &str, args: &[&str], input: &[u8]) -> Ran {
        let mut command = self.command(actor, args);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        let mut stdin = child.stdin.take().expect("it was piped");
        let input = input.to_owned();
        let writing = thread::spawn(move || stdin.write_all(&input));
        let ran = Ran::of_child(args, child);
        // A program that refused before it read everything is no failure of the writing side.
        let _ = writing.join().expect("writing does not panic");
        ran
    }

    /// Runs the program, which must succeed; gives the `data` of its answer.
    ///
    /// # Panics
    /// If it fails.
    #[track_caller]
    pub fn ok(&self, actor: &str, args: &[&str]) -> Value {
        let ran = self.run(actor, args);
        assert_eq!(ran.exit, 0, "{ran}");
        ran.data()
    }

    /// The process of the daemon that runs here, if one does.
    #[must_use]
    pub fn daemon(&self) -> Option<u32> {
        let pid: u32 = fs::read_to_string(self.inside("daemon.pid")).ok()?.trim().parse().ok()?;
        // The file outlives a killed daemon, and the number may belong to somebody else by now.
        let command_line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let root = self.root.to_str().expect("test folders are UTF-8").as_bytes();
        command_line.windows(root.len()).any(|window| window == root).then_some(pid)
    }

    /// Kills the daemon, as the kernel does when memory runs out. Says whether there was one.
    pub fn kill_daemon(&self) -> bool {
        let pid = self.daemon().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        pid.is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok())
    }

    /// Kills the daemon and waits until it is gone.
    ///
    /// # Panics
    /// If it does not go within 10 s.
    pub fn kill_daemon_and_wait(&self) {
        let until = Instant::now() + Duration::from_secs(10);
        while self.kill_daemon() {
            assert!(Instant::now() < until, "the daemon survives SIGKILL");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Stops the daemon in an orderly way, if one runs.
    #[track_caller]
    pub fn stop_daemon(&self) {
        let ran = self.run(ORGANIZER, &["daemon", "stop"]);
        assert_eq!(ran.exit, 0, "{ran}");
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        self.kill_daemon();
        exports::leave(&self.program, &self.root);
    }
}

/// No run may take longer; one that does hangs.
const RUN_MAX: Duration = Duration::from_secs(120);

impl Ran {
    #[track_caller]
    fn of_command(args: &[&str], command: &mut Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
        Self::of_child(args, child)
    }

    #[track_caller]
    fn of_child(args: &[&str], child: Child) -> Self {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let (say, hear) = mpsc::channel();
        thread::spawn(move || say.send(child.wait_with_output()));
        let Ok(output) = hear.recv_timeout(RUN_MAX) else {
            let _ = pid.map(|pid| kill_process(pid, Signal::KILL));
            panic!("`convoke {}` hangs", args.join(" "));
        };
        Self::of(args, output.expect("the program ends"))
    }

    fn of(args: &[&str], output: Output) -> Self {
        Self {
            line: args.join(" "),
            exit: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("what is printed is UTF-8"),
            err: String::from_utf8(output.stderr).expect("what is printed is UTF-8"),
        }
    }

    /// The whole envelope.
    ///
    /// # Panics
    /// If the output is not one.
    #[track_caller]
    #[must_use]
    pub fn envelope(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {self}"))
    }

    /// What was answered.
    #[track_caller]
    #[must_use]
    pub fn data(&self) -> Value {
        self.envelope()["data"].take()
    }

    /// The code of the error that was reported; empty if none was.
    #[must_use]
    pub fn code(&self) -> String {
        let envelope: Value = serde_json::from_str(&self.out).unwrap_or_default();
        envelope["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Checks that a failure reached the user as a sentence: a code, a message, and no trace of a panic.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn is_a_sentence(&self) {
        let whole = format!("{}{}", self.out, self.err);
        for trace in ["panicked", "RUST_BACKTRACE", "stack backtrace", "src/"] {
            assert!(!whole.contains(trace), "{trace:?} reached the user: {self}");
        }
        assert!((0..=9).contains(&self.exit) || self.exit == 75, "{self}");
        if self.exit != 0 && self.exit != 8 {
            let error = &self.envelope()["error"];
            let text = |member: &str| error[member].as_str().unwrap_or_default().to_owned();
            assert!(!text("code").is_empty() && text("message").contains(' '), "no sentence: {self}");
            assert_ne!(text("code"), "internal", "{self}");
        }
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, exit, out, err } = self;
        write!(f, "`convoke {line}` ended with {exit}\n{out}{err}")
    }
}
