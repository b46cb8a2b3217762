//! A workspace with a queue, and a bare git repository that its changes land in.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::workspace::{ORGANIZER, Ran, Workspace};

/// A queue. Its branch `main` begins with one commit: files `f0` to `f39` of twelve lines each.
#[derive(Debug)]
pub struct Queue {
    /// The workspace.
    pub workspace: Workspace,
    repository: PathBuf,
    first: String,
}

/// How many files there are at first.
pub const FILES: usize = 40;
/// How many lines each of them has.
pub const LINES: usize = 12;

impl Queue {
    /// Makes one with these lines below `[queue]`.
    #[must_use]
    pub fn new(program: &Path, settings: &str) -> Self {
        let workspace = Workspace::new(program);
        let repository = workspace.root().join("r.git");
        let user = workspace.root().join("user");
        git(workspace.root(), &["init", "-q", "--bare", "-b", "main", "r.git"]);
        git(workspace.root(), &["clone", "-q", "r.git", "user"]);
        for file in 0..FILES {
            fs::write(user.join(format!("f{file}")), text(file, &[])).expect("a file can be written");
        }
        git(&user, &["add", "."]);
        git(&user, &["commit", "-q", "-m", "first"]);
        git(&user, &["push", "-q", "origin", "HEAD:refs/heads/main"]);
        let first = git(&repository, &["rev-parse", "main"]);
        let queue = Self { workspace, repository, first };
        queue.settings(settings);
        queue
    }

    /// Other lines below `[queue]`.
    pub fn settings(&self, settings: &str) {
        let text = format!("[queue]\nrepository = \"r.git\"\n{settings}\n");
        fs::write(self.workspace.root().join("convoke.toml"), text).expect("settings can be written");
    }

    /// The bare repository.
    #[must_use]
    pub fn repository(&self) -> &Path {
        &self.repository
    }

    /// A clone of it, in which the user works.
    #[must_use]
    pub fn user(&self) -> PathBuf {
        self.workspace.root().join("user")
    }

    /// Hands in a patch; gives the change's id.
    #[track_caller]
    pub fn submit(&self, agent: &str, task: &str, patch: &str) -> String {
        self.submit_with(agent, task, patch, &[])
    }

    /// The same with more options.
    #[track_caller]
    pub fn submit_with(&self, agent: &str, task: &str, patch: &str, more: &[&str]) -> String {
        let args = [&["queue", "submit", "--patch", "-", "--task", task], more].concat();
        let ran = self.workspace.run_with_input(agent, &args, patch.as_bytes());
        assert_eq!(ran.exit, 0, "{ran}");
        id_in(&ran.data())
    }

    /// Runs a worker to its end.
    #[must_use]
    pub fn work(&self, worker: &str, options: &[&str]) -> Ran {
        self.workspace.run(worker, &[&["queue", "worker"], options].concat())
    }

    /// Runs a worker until nothing is left, which must succeed; gives the outcomes it told.
    #[track_caller]
    pub fn work_all(&self, worker: &str, options: &[&str]) -> Vec<Value> {
        let ran = self.work(worker, &[&["--until-empty"], options].concat());
        assert_eq!(ran.exit, 0, "{ran}");
        outcomes(&ran.out)
    }

    /// Starts a worker, interrupted as the value of `CONVOKE_INTERRUPT` says, if given.
    #[must_use]
    pub fn start(&self, worker: &str, options: &[&str], interrupt: Option<&str>) -> Running {
        let mut command = self.workspace.command(worker, &[&["queue", "worker"], options].concat());
        if let Some(interrupt) = interrupt {
            command.env("CONVOKE_INTERRUPT", interrupt);
        }
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Running { child: Some(command.spawn().expect("the program runs")) }
    }

    /// Everything about a change.
    #[track_caller]
    #[must_use]
    pub fn show(&self, change: &str) -> Value {
        self.workspace.ok(ORGANIZER, &["queue", "show", change])["change"].clone()
    }

    /// Where a change stands.
    #[track_caller]
    #[must_use]
    pub fn state(&self, change: &str) -> String {
        self.show(change)["state"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until a change stands there.
    #[track_caller]
    pub fn wait_for(&self, change: &str, state: &str) {
        let until = Instant::now() + Duration::from_secs(60);
        while self.state(change) != state {
            assert!(Instant::now() < until, "it never is {state}: {}", self.show(change));
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Git in the bare repository.
    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        git(&self.repository, args)
    }

    /// A file as the branch has it.
    #[track_caller]
    #[must_use]
    pub fn file(&self, path: &str) -> String {
        self.git(&["show", &format!("main:{path}")])
    }

    /// The changes whose commits are on the branch, by their trailers, in order: one that landed twice stands twice.
    #[track_caller]
    #[must_use]
    pub fn landed(&self) -> Vec<String> {
        let range = format!("{}..main", self.first);
        let log = self.git(&["log", "--reverse", "--format=%(trailers:key=Convoke-Change,valueonly)", &range]);
        log.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// Checks that log and repository agree, that nothing landed twice, and that nothing was left behind.
    ///
    /// # Panics
    /// If not.
    #[track_caller]
    pub fn is_sound(&self) {
        let mut landed = self.landed();
        let count = landed.len();
        landed.sort();
        landed.dedup();
        assert_eq!(landed.len(), count, "a change landed twice");
        let list = self.workspace.ok(ORGANIZER, &["queue", "list", "--state", "landed", "--limit", "1000"]);
        let listed = list["changes"]["changes"].as_array().or(list["changes"].as_array()).map_or(0, Vec::len);
        assert_eq!(listed, count, "what the log says that landed is on the branch, and nothing else: {list}");
        let _ = self.workspace.ok(ORGANIZER, &["verify", "--git"]);
        assert_eq!(self.git(&["worktree", "list"]).lines().count(), 1, "no worktree is left");
        assert_eq!(self.git(&["fsck", "--no-dangling", "--connectivity-only"]), "");
        let user = git(&self.user(), &["status", "--porcelain"]);
        assert_eq!(user, "", "the user's files are as they were");
    }
}

/// A worker that runs.
#[derive(Debug)]
pub struct Running {
    child: Option<Child>,
}

impl Running {
    fn pid(&self) -> Pid {
        let id = self.child.as_ref().map_or(0, Child::id);
        i32::try_from(id).ok().and_then(Pid::from_raw).expect("it runs")
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it can be signalled");
    }

    /// Waits until SIGSTOP has stopped it.
    ///
    /// # Panics
    /// If it is not stopped within a minute.
    pub fn wait_until_stopped(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        let stat = format!("/proc/{}/stat", self.pid().as_raw_nonzero());
        loop {
            let text = fs::read_to_string(&stat).unwrap_or_default();
            if text.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T')) {
                return;
            }
            assert!(Instant::now() < until, "it does not stop");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it hangs.
    pub fn end(mut self) -> (Option<i32>, String, String) {
        let pid = self.pid();
        let child = self.child.take().expect("it runs");
        let (say, hear) = std::sync::mpsc::channel();
        thread::spawn(move || say.send(child.wait_with_output()));
        let Ok(output) = hear.recv_timeout(Duration::from_secs(120)) else {
            kill_process(pid, Signal::KILL).ok();
            panic!("a worker hangs");
        };
        let output = output.expect("it can be waited for");
        let text = |bytes| String::from_utf8(bytes).expect("what is printed is UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// What a worker told, line by line; the last line may be an error.
#[must_use]
pub fn outcomes(out: &str) -> Vec<Value> {
    out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// How many outcomes there are of a kind.
#[must_use]
pub fn count(outcomes: &[Value], kind: &str) -> usize {
    outcomes.iter().filter(|outcome| outcome["outcome"] == kind).count()
}

/// Runs git, which must succeed.
///
/// # Panics
/// If it does not.
#[track_caller]
pub fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=user", "-c", "user.email=user@here"])
        .args(args)
        .current_dir(folder)
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// What a file holds, with these lines changed.
#[must_use]
pub fn text(file: usize, changed: &[(usize, &str)]) -> String {
    let line = |line: usize| match changed.iter().find(|(at, _)| *at == line) {
        Some((_, text)) => format!("{text}\n"),
        None => format!("{file} {line}\n"),
    };
    (0..LINES).map(line).collect()
}

/// A patch of one line of a file, with one line around it.
#[must_use]
pub fn patch(file: usize, line: usize, new: &str) -> String {
    replace(&format!("f{file}"), line, &format!("{file} {line}"), new, |at| format!("{file} {at}"))
}

fn replace(path: &str, line: usize, old: &str, new: &str, around: impl Fn(usize) -> String) -> String {
    let (first, last) = (line.saturating_sub(1), (line + 1).min(LINES - 1));
    let count = last - first + 1;
    let mut patch = format!("--- a/{path}\n+++ b/{path}\n@@ -{start},{count} +{start},{count} @@\n", start = first + 1);
    for at in first..=last {
        if at == line {
            patch += &format!("-{old}\n+{new}\n");
        } else {
            patch += &format!(" {}\n", around(at));
        }
    }
    patch
}

/// A patch that adds a file of one line.
#[must_use]
pub fn new_file(path: &str, line: &str) -> String {
    format!("--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+{line}\n")
}

/// The id of the change that was handed in.
#[track_caller]
#[must_use]
pub fn id_in(data: &Value) -> String {
    let events = data["events"].as_array().cloned().unwrap_or_default();
    let submitted = events.iter().find(|event| event["kind"] == "change.submitted");
    let id = submitted.and_then(|event| event["id"].as_str()).or_else(|| data["change"]["id"].as_str());
    id.unwrap_or_else(|| panic!("no change is named in {data}")).to_owned()
}
