//! A workspace whose queue lands on a bare repository beside it.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use convoke_core::{
    command::{Command as Asked, Request, SubmitChange},
    name::{ActorName, Key},
    queue::events::{Check, Content},
};
use convoke_store::blobs::Blobs;
use convoke_worker::request::of_diff;

use crate::{Outcome, machine, program::Program};

/// Where changes land.
pub(crate) const TARGET: &str = "main";

/// A workspace and its repository.
pub(crate) struct Bench {
    pub(crate) program: Program,
    pub(crate) repository: PathBuf,
    submitted: u64,
}

/// A change to be handed in.
pub(crate) struct Draft {
    pub(crate) agent: String,
    pub(crate) diff: String,
    pub(crate) check: Option<String>,
}

impl Bench {
    /// A workspace whose repository's first commit holds these files.
    pub(crate) fn new(files: impl IntoIterator<Item = (String, String)>) -> Outcome<Self> {
        let program = Program::new()?;
        let repository = program.project().join("repository.git");
        make_repository(&repository, files)?;
        let settings = program.project().join("convoke.toml");
        let queue = format!("\n[queue]\nrepository = \"repository.git\"\ntarget = \"{TARGET}\"\nany_check = true\n");
        fs::OpenOptions::new().append(true).open(settings)?.write_all(queue.as_bytes())?;
        program.start()?;
        Ok(Self { program, repository, submitted: 0 })
    }

    /// Hands changes in, in this order, through one stream.
    pub(crate) fn submit(&mut self, drafts: impl IntoIterator<Item = Draft>) -> Outcome<()> {
        let blobs = Blobs::of(&self.program.folder());
        let file = self.program.project().join("requests.ndjson");
        let mut lines = String::new();
        for draft in drafts {
            self.submitted += 1;
            let (paths, content) = of_diff(&draft.diff).map_err(|faults| faults.join("; "))?;
            let command = SubmitChange {
                task: format!("task-{}", self.submitted),
                target: TARGET.to_owned(),
                priority: Default::default(),
                content: Content::Operations(blobs.put(&content)?),
                paths: paths.iter().map(ToString::to_string).collect(),
                checks: draft.check.into_iter().map(|command| Check { command, limit_ms: None }).collect(),
                approval: None,
                metadata: None,
                supersedes: None,
            };
            let request = Request {
                actor: ActorName::parse(&draft.agent)?,
                key: Some(Key::parse(&format!("submit-{}", self.submitted))?),
                expect_head: None,
                command: Asked::SubmitChange(command),
            };
            lines += &(serde_json::to_string(&request)? + "\n");
        }
        fs::write(&file, lines)?;
        self.program.run(&["batch", "requests.ndjson"]).map(drop)
    }

    /// Runs a worker until nothing is left, and gives how long it took.
    pub(crate) fn work(&self, lanes: usize, batch: usize) -> Outcome<Duration> {
        let began = Instant::now();
        let status = self.worker(lanes, batch)?.wait()?;
        let took = began.elapsed();
        if status.success() { Ok(took) } else { Err(format!("the worker ended with {status}").into()) }
    }

    /// Starts a worker that ends when nothing is left.
    pub(crate) fn worker(&self, lanes: usize, batch: usize) -> Outcome<Child> {
        let (lanes, batch) = (lanes.to_string(), batch.to_string());
        let arguments = ["queue", "worker", "--until-empty", "--lanes", &lanes, "--batch", &batch, "--as", "worker"];
        let mut worker = Command::new(self.program.path());
        worker.args(arguments).current_dir(self.program.project()).stdin(Stdio::null());
        Ok(worker.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
    }

    /// How many changes ended in each way.
    pub(crate) fn outcomes(&self) -> Outcome<serde_json::Map<String, serde_json::Value>> {
        let metrics = self.program.json(&["queue", "metrics"])?;
        Ok(metrics["data"]["queue_metrics"]["counts"].as_object().cloned().unwrap_or_default())
    }

    /// How many ended like that.
    pub(crate) fn ended(&self, outcome: &str) -> Outcome<u64> {
        Ok(self.outcomes()?.get(outcome).and_then(serde_json::Value::as_u64).unwrap_or_default())
    }
}

/// A bare repository with one commit on the target.
pub(crate) fn make_repository(folder: &Path, files: impl IntoIterator<Item = (String, String)>) -> Outcome<()> {
    git(None, &["init", "--quiet", "--bare", "--initial-branch", TARGET, &folder.to_string_lossy()])?;
    let mut import =
        Command::new("git").arg("-C").arg(folder).args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn()?;
    let mut input = import.stdin.take().ok_or("git has no standard input")?;
    write!(input, "commit refs/heads/{TARGET}\ncommitter Bench <bench@example.com> 1700000000 +0000\ndata 5\nfirst\n")?;
    for (path, content) in files {
        writeln!(input, "M 100644 inline {path}\ndata {}\n{content}", content.len())?;
    }
    drop(input);
    if import.wait()?.success() { Ok(()) } else { Err("git fast-import failed".into()) }
}

/// Runs git, which has to succeed, and gives what it prints.
pub(crate) fn git(folder: Option<&Path>, arguments: &[&str]) -> Outcome<String> {
    let mut git = Command::new("git");
    if let Some(folder) = folder {
        git.arg("-C").arg(folder);
    }
    let output = git.args(arguments).output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    } else {
        Err(format!("git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

/// A file of so many lines, each of them its number.
pub(crate) fn numbered(lines: usize) -> String {
    (0..lines).map(|line| format!("line {line}\n")).collect()
}

/// Follows the memory of a worker until it ends, and of the daemon: bytes of both, look after look.
pub(crate) fn watch_memory(child: &mut Child, daemon: &str) -> Outcome<(Vec<u64>, Vec<u64>)> {
    let mut looks = (Vec::new(), Vec::new());
    let worker = child.id().to_string();
    loop {
        if let Some(status) = child.try_wait()? {
            return if status.success() { Ok(looks) } else { Err(format!("the worker ended with {status}").into()) };
        }
        looks.0.push(machine::resident_bytes(&worker));
        looks.1.push(machine::resident_bytes(daemon));
        std::thread::sleep(Duration::from_millis(200));
    }
}
