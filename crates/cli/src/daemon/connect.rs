//! A connection to the daemon, starting it where none runs.
//!
//! Of several clients that find no daemon, the one that gets the lock starts it; the others wait for its socket.

use std::{
    io::{self, BufRead as _, BufReader, ErrorKind},
    os::unix::{net::UnixStream, process::ExitStatusExt as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use convoke::api::Fault;

use super::{
    LOCK_FILE, Lock, SOCKET_FILE, journal,
    lock::held,
    run::{READY, StartFault},
    socket,
};
use crate::workspace::Workspace;

/// How long others wait for the socket of a daemon that somebody else starts.
const SOCKET_WAIT: Duration = Duration::from_secs(5);
/// How long the one who starts it waits for it to open the log.
const START_WAIT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(5);

/// Until when a client tries. One for a whole request, retries included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    until: Instant,
}

impl Patience {
    /// As long as clients wait for a socket.
    pub(crate) fn new() -> Self {
        Self { until: Instant::now() + SOCKET_WAIT }
    }

    /// Pauses a moment; `false` if the time is over.
    pub(crate) fn pause(&self) -> bool {
        thread::sleep(PAUSE);
        Instant::now() < self.until
    }
}

/// Connects to the daemon, if one runs and listens.
pub(crate) fn connect_if_running(workspace: &Workspace) -> Result<Option<UnixStream>, Fault> {
    match socket::connect(&workspace.folder()) {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => Ok(None),
        // The queue of connections is full: it runs, but cannot take another one yet.
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(Fault::new(
            "other_user",
            format!(
                "{} belongs to another user, who runs this workspace's daemon",
                workspace.file(SOCKET_FILE).display()
            ),
        )),
        Err(error) => Err(Fault::new(
            "daemon_unreachable",
            format!("{} cannot be connected to: {error}", workspace.file(SOCKET_FILE).display()),
        )),
    }
}

/// Connects to the daemon; starts it if nobody else has the log open.
pub(crate) fn connect(workspace: &Workspace, patience: Patience) -> Result<UnixStream, Fault> {
    loop {
        if let Some(stream) = connect_if_running(workspace)? {
            return Ok(stream);
        }
        if !workspace.folder().is_dir() {
            return Err(Fault::new("no_workspace", format!("{} is gone", workspace.folder().display())));
        }
        if let Some(lock) = Lock::try_take(workspace)? {
            start(workspace, lock)?;
        } else if !patience.pause() {
            return Err(unreachable(workspace));
        }
    }
}

fn unreachable(workspace: &Workspace) -> Fault {
    if workspace.file(SOCKET_FILE).exists() {
        let holder = Lock::holder(workspace).map_or_else(String::new, |pid| format!(" (process {pid})"));
        let what = format!("the daemon{holder} took no connection within {} s", SOCKET_WAIT.as_secs());
        return Fault::new("daemon_unreachable", what);
    }
    held(workspace)
}

/// Starts the daemon and waits until it listens, or says why it does not.
fn start(workspace: &Workspace, lock: Lock) -> Result<(), Fault> {
    let failed = |error: io::Error| Fault::new("daemon_unreachable", format!("the daemon cannot be started: {error}"));
    let log = journal::open(workspace).map_err(failed)?;
    let mut child = Command::new(this_program().map_err(failed)?)
        .args(["daemon", "run", "--workspace"])
        .arg(workspace.root())
        .current_dir(workspace.folder())
        .stdin(Stdio::from(lock.into_file()))
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .map_err(failed)?;
    match first_line(&mut child) {
        Some(line) if line.trim() == READY => Ok(()),
        Some(line) => Err(serde_json::from_str::<StartFault>(&line).map_or_else(
            |_| {
                Fault::new(
                    "daemon_unreachable",
                    "the daemon ended before it was ready; `convoke daemon logs` may say why",
                )
            },
            |StartFault { start_fault }| start_fault,
        )),
        None => Err(Fault::new(
            "daemon_unreachable",
            format!("the daemon (process {}) is still opening the log after {} s", child.id(), START_WAIT.as_secs()),
        )),
    }
}

/// What the daemon says when it is ready or gives up; empty if it ended without a word, `None` if it is silent for too long.
fn first_line(child: &mut Child) -> Option<String> {
    let Some(output) = child.stdout.take() else { return Some(String::new()) };
    let (say, hear) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        let _ = BufReader::new(output).read_line(&mut line);
        let _ = say.send(line);
    });
    let line = hear.recv_timeout(START_WAIT).ok()?;
    if line.is_empty()
        && let Ok(status) = child.wait()
        && status.signal().is_some()
    {
        return Some(format!("{status}"));
    }
    Some(line)
}

/// This program's file, also where it was replaced while it ran.
fn this_program() -> io::Result<PathBuf> {
    let path = std::env::current_exe()?;
    match path.to_str().and_then(|text| text.strip_suffix(" (deleted)")) {
        Some(replaced) => Ok(PathBuf::from(replaced)),
        None => Ok(path),
    }
}

/// Waits until the daemon has let go of the log; `false` if it has not in time.
pub(crate) fn wait_for_end(workspace: &Workspace, at_most: Duration) -> Result<bool, Fault> {
    let until = Instant::now() + at_most;
    loop {
        if !workspace.file(LOCK_FILE).exists() || Lock::try_take(workspace)?.is_some() {
            return Ok(true);
        }
        if Instant::now() >= until {
            return Ok(false);
        }
        thread::sleep(PAUSE);
    }
}
