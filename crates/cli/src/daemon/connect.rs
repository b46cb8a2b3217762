//! A connection to the daemon, starting it where none runs.
//!
//! Of several clients that find no daemon, the one that gets the lock starts it; the others wait for its socket.

use std::{
    io::{self, BufRead as _, BufReader, ErrorKind},
    os::unix::{net::UnixStream, process::ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use convoke::api::Fault;

use super::{
    Lock, SOCKET_FILE, journal,
    lock::held,
    run::{READY, StartFault},
    socket,
};
use crate::{disk, workspace::Workspace};

/// How long others wait for the socket of a daemon that somebody else starts.
const SOCKET_WAIT: Duration = Duration::from_secs(15);
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
        // It runs, but takes no connection at the moment.
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
            match start(workspace, lock) {
                // Killed before it was ready: no reason why the next one should be.
                Err(Start::Killed(fault)) if !patience.pause() => return Err(fault),
                Err(Start::Failed(fault)) => return Err(fault),
                Ok(()) | Err(Start::Killed(_)) => {}
            }
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

/// Why a daemon did not become ready.
enum Start {
    /// A signal ended it.
    Killed(Fault),
    /// It said why, or cannot be started at all.
    Failed(Fault),
}

/// Starts the daemon and waits until it listens, or says why it does not.
fn start(workspace: &Workspace, lock: Lock) -> Result<(), Start> {
    let unreachable = |what: String| Fault::new("daemon_unreachable", what);
    let failed = |error: io::Error| Start::Failed(unreachable(format!("the daemon cannot be started: {error}")));
    let no_log = |error| Start::Failed(disk::fault("daemon.log cannot be opened", &error));
    let log = journal::open(workspace).map_err(no_log)?;
    let mut child = without_inherited(&this_program().map_err(failed)?)
        .args(["daemon", "run", "--workspace"])
        .arg(workspace.root())
        .current_dir(workspace.folder())
        .stdin(Stdio::from(lock.into_file()))
        .stdout(Stdio::piped())
        .stderr(log)
        // What is free is given back at once: after its audit the daemon would keep 100 MB that it does not use.
        .env("MIMALLOC_PURGE_DELAY", "0")
        .spawn()
        .map_err(failed)?;
    match first_line(&mut child) {
        Some(line) if line.trim() == READY => Ok(()),
        Some(line) if line.is_empty() => {
            let fault =
                unreachable("the daemon ended before it was ready; `convoke daemon logs` may say why".to_owned());
            let killed = child.wait().is_ok_and(|status| status.signal().is_some());
            Err(if killed { Start::Killed(fault) } else { Start::Failed(fault) })
        }
        Some(line) => {
            // It has the lock until it is gone, and whoever acts next would find the log locked.
            let _ = child.wait();
            Err(Start::Failed(match serde_json::from_str(&line) {
                Ok(StartFault { start_fault }) => start_fault,
                Err(_) => unreachable(format!("the daemon did not become ready but said {:?}", line.trim())),
            }))
        }
        None => {
            let (pid, limit_s) = (child.id(), START_WAIT.as_secs());
            Err(Start::Failed(unreachable(format!(
                "the daemon (process {pid}) is still opening the log after {limit_s} s"
            ))))
        }
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
    hear.recv_timeout(START_WAIT).ok()
}

/// The program, to be run without the descriptors that this process itself inherited (a script's `exec 5>file`): the daemon
/// would keep them open for its whole life, and whoever waits for their end would wait as long.
///
/// Only a shell can close them without unsafe code, and it knows those of one digit, which are what scripts use.
fn without_inherited(program: &Path) -> Command {
    let stays_open = |descriptor: &u32| {
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}")).unwrap_or_default();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
        flags.is_some_and(|flags| flags & rustix::fs::OFlags::CLOEXEC.bits() == 0)
    };
    let closing: String = (3..10).filter(stays_open).map(|descriptor| format!(" {descriptor}>&-")).collect();
    if closing.is_empty() {
        return Command::new(program);
    }
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(format!("exec \"$0\" \"$@\"{closing}")).arg(program);
    command
}

/// This program's file, also where it was replaced while it ran.
fn this_program() -> io::Result<PathBuf> {
    let path = std::env::current_exe()?;
    match path.to_str().and_then(|text| text.strip_suffix(" (deleted)")) {
        Some(replaced) => Ok(PathBuf::from(replaced)),
        None => Ok(path),
    }
}

/// Waits until this process no longer has the log; `false` if it still has after so long. Another may have it by then.
pub(crate) fn wait_for_end(workspace: &Workspace, pid: u32, at_most: Duration) -> Result<bool, Fault> {
    let until = Instant::now() + at_most;
    while Lock::holder(workspace) == Some(pid) && Lock::try_take(workspace)?.is_none() {
        if Instant::now() >= until {
            return Ok(false);
        }
        thread::sleep(PAUSE);
    }
    Ok(true)
}
