//! Runs one check: a shell command with a time limit, its output captured and capped, and whatever it started ended with it.

mod stragglers;
mod watch;

use std::{
    collections::VecDeque,
    io::Read,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use stragglers::Mark;
use watch::Watch;

use crate::{command::forget_git, error::GitError};

/// How long the readers of a check's output may take after its end: a process that left its group may hold the pipe open.
const DRAIN: Duration = Duration::from_millis(500);

/// How often a running check is asked to stop.
const STOP_EVERY: Duration = Duration::from_millis(50);

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Whether it passed.
    pub verdict: Verdict,
    /// The end of what it printed, both streams as they came; invalid UTF-8 replaced.
    pub output: String,
    /// How many bytes before that were dropped.
    pub dropped: u64,
    /// How long it took.
    pub took: Duration,
}

/// Whether a check passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It ended with 0.
    Passed,
    /// It ended with this code.
    Failed(i32),
    /// A signal ended it.
    Killed(i32),
    /// It took longer than it may.
    TimedOut,
    /// Nobody waits for its answer any more.
    Stopped,
}

/// Runs `sh -c command` in a folder, until it ends, its time is over or it is told to stop. Everything it started is gone when this
/// returns: its process group, and what left that but kept its environment. If this process is killed, so is the group.
///
/// # Errors
/// [`GitError::Io`] if it cannot be started or waited for.
pub fn run(
    command: &str,
    folder: &Path,
    limit: Duration,
    output_bytes_max: usize,
    stop: &AtomicBool,
) -> Result<Ended, GitError> {
    let started = Instant::now();
    let (reader, writer) = std::io::pipe().map_err(|error| GitError::io("a check cannot be started", error))?;
    let also = writer.try_clone().map_err(|error| GitError::io("a check cannot be started", error))?;
    let mut shell = Command::new("sh");
    // What steers git in the caller's environment would lead a check's git to the caller's repository.
    forget_git(&mut shell);
    // Nor is there a repository for it above its own: that may be the user's.
    shell.env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(folder));
    // And who runs a change's code does not lend it a name.
    shell.env_remove("CONVOKE_ACTOR");
    let mark = Mark::new();
    let (name, value) = mark.variable();
    let mut child = shell
        .args(["-c", command])
        .env(name, value)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(also)
        .process_group(0)
        .spawn()
        .map_err(|error| GitError::io("a check cannot be started", error))?;
    // It holds our ends of the pipe: with them open, the output would never end.
    drop(shell);
    let group = Pid::from_child(&child);
    let watch = Watch::over(group).map_err(|error| {
        kill_process_group(group, Signal::KILL).ok();
        child.wait().ok();
        GitError::io("a check cannot be watched", error)
    })?;
    let (captured, at_end) = capture(reader, output_bytes_max);
    let (ended, waits) = mpsc::channel();
    // Looks for the end without collecting it: until it is collected, nobody else can have the group's number.
    thread::spawn(move || {
        let end = waitid(WaitId::Pid(group), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        ended.send(end.is_ok()).ok();
    });
    let interrupted = loop {
        let left = limit.saturating_sub(started.elapsed());
        match waits.recv_timeout(left.min(STOP_EVERY)) {
            Ok(_) | Err(mpsc::RecvTimeoutError::Disconnected) => break None,
            Err(mpsc::RecvTimeoutError::Timeout) if stop.load(Ordering::Relaxed) => break Some(Verdict::Stopped),
            Err(mpsc::RecvTimeoutError::Timeout) if left.is_zero() => break Some(Verdict::TimedOut),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
    };
    let took = started.elapsed();
    // Also after an orderly end: what it left running would disturb the next check.
    kill_process_group(group, Signal::KILL).ok();
    mark.end_all();
    let status = child.wait().map_err(|error| GitError::io("a check cannot be waited for", error))?;
    drop(watch);
    at_end.recv_timeout(DRAIN).ok();
    let (output, dropped) = captured.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(Ended { verdict: interrupted.unwrap_or_else(|| verdict(status)), output, dropped, took })
}

fn verdict(status: ExitStatus) -> Verdict {
    match (status.code(), status.signal()) {
        (Some(0), _) => Verdict::Passed,
        (Some(code), _) => Verdict::Failed(code),
        (None, signal) => Verdict::Killed(signal.unwrap_or_default()),
    }
}

/// The end of what a check printed so far.
#[derive(Default)]
struct Captured {
    kept: VecDeque<u8>,
    dropped: u64,
}

impl Captured {
    fn take(&mut self) -> (String, u64) {
        (String::from_utf8_lossy(self.kept.make_contiguous()).into_owned(), self.dropped)
    }
}

/// Reads in the background and keeps only the last bytes; says when the end is reached.
fn capture(mut from: std::io::PipeReader, bytes_max: usize) -> (Arc<Mutex<Captured>>, mpsc::Receiver<()>) {
    let captured = Arc::new(Mutex::new(Captured::default()));
    let (done, at_end) = mpsc::channel();
    let shared = Arc::clone(&captured);
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let mut captured = shared.lock().unwrap_or_else(PoisonError::into_inner);
            captured.kept.extend(&buffer[..count]);
            let over = captured.kept.len().saturating_sub(bytes_max);
            captured.kept.drain(..over);
            captured.dropped = captured.dropped.saturating_add(u64::try_from(over).unwrap_or(u64::MAX));
        }
        done.send(()).ok();
    });
    (captured, at_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_here(command: &str, limit_ms: u64) -> Ended {
        run(command, Path::new("/tmp"), Duration::from_millis(limit_ms), 1000, &AtomicBool::new(false)).unwrap()
    }

    #[test]
    fn a_check_passes_with_zero_and_fails_with_anything_else() {
        let begun = Instant::now();
        let passed = run_here("echo fine; echo more >&2", 10_000);
        assert!(begun.elapsed() < DRAIN, "nobody waits for an output that has ended");
        assert_eq!((passed.verdict, passed.output.as_str()), (Verdict::Passed, "fine\nmore\n"));
        assert_eq!(run_here("exit 3", 10_000).verdict, Verdict::Failed(3));
        assert_eq!(run_here("kill -9 $$", 10_000).verdict, Verdict::Killed(9));
    }

    #[test]
    fn a_check_that_hangs_is_ended_with_everything_it_started() {
        let mark = format!("convoke-check-{}", std::process::id());
        let hangs = run_here(&format!("sh -c 'sleep 1000; : {mark}' & sh -c 'sleep 1000; : {mark}'"), 300);
        assert_eq!(hangs.verdict, Verdict::TimedOut);
        let left = Command::new("pgrep").args(["-f", &mark]).output().unwrap();
        assert!(left.stdout.is_empty(), "{}", String::from_utf8_lossy(&left.stdout));
    }

    #[test]
    fn a_check_that_nobody_waits_for_any_more_is_ended() {
        let (stop, begun) = (AtomicBool::new(false), Instant::now());
        let ended = thread::scope(|scope| {
            let running = scope.spawn(|| run("sleep 1000", Path::new("/tmp"), Duration::from_secs(60), 1000, &stop));
            thread::sleep(Duration::from_millis(100));
            stop.store(true, Ordering::Relaxed);
            running.join().unwrap().unwrap()
        });
        assert_eq!(ended.verdict, Verdict::Stopped);
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn what_a_check_leaves_behind_is_ended_too() {
        let mark = format!("convoke-left-{}", std::process::id());
        assert_eq!(run_here(&format!("sh -c 'sleep 1000; : {mark}' & exit 0"), 10_000).verdict, Verdict::Passed);
        let left = Command::new("pgrep").args(["-f", &mark]).output().unwrap();
        assert!(left.stdout.is_empty(), "{}", String::from_utf8_lossy(&left.stdout));
    }

    #[test]
    fn a_folder_that_is_no_repository_any_more_does_not_lead_to_the_one_around_it() {
        let around = tempfile::tempdir().unwrap();
        let folder = around.path().join("lane");
        std::fs::create_dir(&folder).unwrap();
        let git = |command| {
            let (limit, stop) = (Duration::from_secs(10), AtomicBool::new(false));
            run(command, &folder, limit, 1000, &stop).unwrap().verdict
        };
        assert_eq!(git("git init -q .. && cd .. && git rev-parse --git-dir"), Verdict::Passed);
        assert_eq!(git("git rev-parse --git-dir"), Verdict::Failed(128));
    }

    #[test]
    fn what_left_the_group_is_ended_too() {
        let mark = format!("convoke-away-{}", std::process::id());
        let away = run_here(&format!("setsid sh -c 'echo away; sleep 1000; : {mark}' & sleep 0.5; exit 0"), 10_000);
        assert_eq!((away.verdict, away.output.as_str()), (Verdict::Passed, "away\n"));
        let left = Command::new("pgrep").args(["-f", &mark]).output().unwrap();
        assert!(left.stdout.is_empty(), "{}", String::from_utf8_lossy(&left.stdout));
    }

    #[test]
    fn a_flood_of_output_is_capped_to_its_end() {
        let flood = run_here("i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done", 20_000);
        assert_eq!(flood.verdict, Verdict::Passed);
        assert!(flood.output.len() <= 1000 && flood.output.ends_with("line 4999\n"));
        assert_eq!(flood.dropped + 1000, (0..5000).map(|i| format!("line {i}\n").len() as u64).sum::<u64>());
    }

    #[test]
    fn a_process_that_left_the_group_holds_nobody_up() {
        let begun = Instant::now();
        let left = run_here("echo said; setsid sleep 5 & exit 0", 10_000);
        assert_eq!((left.verdict, left.output.as_str()), (Verdict::Passed, "said\n"));
        assert!(begun.elapsed() < Duration::from_secs(4));
    }
}
