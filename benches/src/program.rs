//! The real program in a workspace of its own: `convoke`, its daemon and the socket.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Instant,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{Outcome, machine, workload::ORGANIZER, workspaces};

/// A project folder with a workspace.
pub(crate) struct Program {
    project: TempDir,
    program: PathBuf,
}

impl Program {
    /// An empty workspace. The program lies beside this one.
    pub(crate) fn new() -> Outcome<Self> {
        let program = std::env::current_exe()?.with_file_name("convoke");
        let new = Self { project: machine::scratch()?, program };
        new.run(&["init", "--as", ORGANIZER])?;
        Ok(new)
    }

    /// A workspace with this many events.
    pub(crate) fn with_events(events: u64, events_each: usize) -> Outcome<Self> {
        let new = Self::new()?;
        fs::remove_dir_all(new.folder().join("store"))?;
        fs::remove_dir_all(new.folder().join("snapshots"))?;
        workspaces::build(&new.folder(), events, events_each)?;
        workspaces::close_cleanly(&new.folder())?;
        Ok(new)
    }

    /// The project's folder.
    pub(crate) fn project(&self) -> &Path {
        self.project.path()
    }

    /// The program itself.
    pub(crate) fn path(&self) -> &Path {
        &self.program
    }

    /// The workspace's folder.
    pub(crate) fn folder(&self) -> PathBuf {
        self.project.path().join(".convoke")
    }

    /// Where the daemon listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder().join("daemon.sock")
    }

    /// Starts the daemon.
    pub(crate) fn start(&self) -> Outcome<()> {
        self.run(&["daemon", "start"]).map(drop)
    }

    /// The daemon's process.
    pub(crate) fn daemon(&self) -> Outcome<String> {
        Ok(fs::read_to_string(self.folder().join("daemon.pid"))?.trim().to_owned())
    }

    /// Runs the program, which has to succeed. Gives how long it took, in milliseconds.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome<f64> {
        let began = Instant::now();
        self.output(arguments)?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    }

    /// What the program answers, as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Outcome<Value> {
        Ok(serde_json::from_slice(&self.output(&[arguments, &["--json"]].concat())?)?)
    }

    fn output(&self, arguments: &[&str]) -> Outcome<Vec<u8>> {
        let Output { status, stdout, stderr } = Command::new(&self.program)
            .args(arguments)
            .current_dir(self.project.path())
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("{} cannot be run: {error}", self.program.display()))?;
        if !status.success() {
            return Err(format!("convoke {arguments:?}: {}", String::from_utf8_lossy(&stderr)).into());
        }
        Ok(stdout)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if fs::exists(self.socket()).unwrap_or_default() {
            let _ = self.run(&["daemon", "stop"]);
        }
    }
}

/// A server that is ended with this value.
pub(crate) struct Server(std::process::Child);

impl Server {
    /// Starts it; `None` if it is not installed.
    pub(crate) fn start(program: &str, arguments: &[&str], folder: &Path) -> Option<Self> {
        let quiet = Command::new(program).args(arguments).current_dir(folder).stdout(Stdio::null()).spawn();
        quiet.ok().map(Self)
    }

    /// This program, as a server that answers without doing anything.
    pub(crate) fn echo(socket: &Path) -> Outcome<Self> {
        let server = Self(Command::new(std::env::current_exe()?).arg("echo").arg(socket).spawn()?);
        let began = Instant::now();
        while std::os::unix::net::UnixStream::connect(socket).is_err() {
            if began.elapsed().as_secs() > 5 {
                return Err("the server that only answers does not listen".into());
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
