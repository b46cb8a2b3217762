//! The writer process, and the other end of its pipe.
//!
//! Its lines: `open SIZE ROOT` once, then for each commit `try SIZE` before it (the size that the log would have) and
//! `ok SIZE ROOT` after its acknowledgement.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use convoke_core::{
    limits::{COMMIT_BYTES_MAX, COMMIT_EVENTS_MAX, PAYLOAD_BYTES_MAX},
    log::{Hash, Head},
};
use convoke_store::{AppendError, Log, SledLog, conformance, sample};

use crate::{Outcome, Random, check::Expected};

/// The first argument that makes this program the writer.
pub(crate) const SUBCOMMAND: &str = "write";

/// Appends for ever, or until an append fails.
pub(crate) fn main(args: &[String]) -> Outcome<()> {
    let [folder, seed] = args else { return Err("write FOLDER SEED".into()) };
    let mut random = Random(seed.parse()?);
    let log = SledLog::open_or_create(folder)?;
    let mut out = std::io::stdout();
    let outcome = conformance::run(async {
        let mut head = log.head();
        let mut say = |line: String| out.write_all(line.as_bytes()).and_then(|()| out.flush());
        if say(format!("open {} {}\n", head.size, head.root)).is_err() {
            return Ok(());
        }
        loop {
            let (events, payload_bytes) = size(&mut random);
            let commit = sample::commit(head.size, events, payload_bytes);
            if say(format!("try {}\n", commit.end())).is_err() {
                return Ok(());
            }
            match log.append_if(head, commit).await {
                Ok(new) => head = new,
                Err(error) => {
                    let again = log.append_if(head, sample::commit(head.size, 1, 2)).await;
                    return Err(match again {
                        Err(AppendError::Poisoned) => error.to_string(),
                        other => format!("{error}; but then the log went on: {other:?}"),
                    });
                }
            }
            if say(format!("ok {} {}\n", head.size, head.root)).is_err() {
                return Ok(());
            }
        }
    });
    drop(log);
    Ok(outcome?)
}

/// How many events a commit has, and how large their payloads are: mostly small, and of every size up to the largest.
fn size(random: &mut Random) -> (usize, usize) {
    let bytes_max = COMMIT_BYTES_MAX - 64 * 1024;
    let mut up_to = |max: usize| random.between(1, max as u64) as usize;
    match up_to(20) {
        1 => (COMMIT_EVENTS_MAX, up_to(bytes_max / COMMIT_EVENTS_MAX - 160)),
        2 => (bytes_max / (PAYLOAD_BYTES_MAX + 300), PAYLOAD_BYTES_MAX),
        3 => (up_to(150), PAYLOAD_BYTES_MAX),
        4..=6 => (up_to(2_000), up_to(3_000)),
        7..=10 => (up_to(300), up_to(600)),
        11 => (1, up_to(PAYLOAD_BYTES_MAX)),
        _ => (up_to(8), up_to(400)),
    }
}

/// A running writer.
pub(crate) struct Writing {
    child: Child,
    lines: Receiver<String>,
    expected: Expected,
}

impl Writing {
    pub(crate) fn start(folder: &Path, seed: u64) -> Outcome<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(SUBCOMMAND)
            .arg(folder)
            .arg(seed.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().ok_or("the writer has no output")?;
        Ok(Self { child, lines: follow(out), expected: Expected::default() })
    }

    /// Follows the writer until it has opened the log, and then for this long.
    pub(crate) fn go_on_for(&mut self, ms: u64) -> Outcome<()> {
        let opening = Instant::now() + Duration::from_secs(60);
        while !self.expected.is_open {
            self.take_line(opening)?;
        }
        let end = Instant::now() + Duration::from_millis(ms);
        while Instant::now() < end {
            match self.take_line(end) {
                Ok(()) => {}
                Err(error) if Instant::now() < end => return Err(error),
                Err(_) => break,
            }
        }
        Ok(())
    }

    /// Follows the writer until a commit is acknowledged.
    pub(crate) fn until_acknowledged(&mut self) -> Outcome<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.expected.acknowledged_commits == 0 {
            self.take_line(deadline)?;
        }
        Ok(())
    }

    /// Kills the writer, and takes what it had said by then.
    pub(crate) fn stop(mut self) -> Outcome<Expected> {
        self.child.kill()?;
        self.child.wait()?;
        while let Ok(line) = self.lines.recv() {
            self.expected.hear(&line)?;
        }
        self.check_stderr()?;
        Ok(std::mem::take(&mut self.expected))
    }

    /// Waits until the writer ends by itself. Gives also what it said last, on its error output.
    pub(crate) fn until_it_ends(mut self, deadline: Instant) -> Outcome<(Expected, String)> {
        while Instant::now() < deadline {
            match self.lines.recv_timeout(Duration::from_millis(200)) {
                Ok(line) => self.expected.hear(&line)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.child.wait()?;
                    let said = self.check_stderr()?;
                    return Ok((std::mem::take(&mut self.expected), said));
                }
            }
        }
        self.child.kill()?;
        Err("the writer hangs".into())
    }

    fn take_line(&mut self, deadline: Instant) -> Outcome<()> {
        let wait = deadline.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(wait) {
            Ok(line) => self.expected.hear(&line),
            Err(RecvTimeoutError::Timeout) => Err("the writer says nothing".into()),
            Err(RecvTimeoutError::Disconnected) => {
                self.child.wait()?;
                Err(format!("the writer ended by itself: {}", self.check_stderr()?).into())
            }
        }
    }

    /// A user sees sentences, whatever happens: no panic's message, no backtrace.
    fn check_stderr(&mut self) -> Outcome<String> {
        let mut said = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut said)?;
        }
        if said.contains("panicked") || said.contains("backtrace") {
            return Err(format!("the writer showed a panic: {said}").into());
        }
        Ok(said)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn follow(out: ChildStdout) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        let mut out = BufReader::new(out);
        let mut line = String::new();
        // A line without its end was not yet said.
        while out.read_line(&mut line).is_ok_and(|bytes| bytes > 0) && line.ends_with('\n') {
            if sender.send(std::mem::take(&mut line)).is_err() {
                break;
            }
        }
    });
    lines
}

impl Expected {
    fn hear(&mut self, line: &str) -> Outcome<()> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["open", size, root] => {
                self.is_open = true;
                self.acknowledged = Head { size: size.parse()?, root: Hash::parse(root)? };
                self.tried_size = self.acknowledged.size;
            }
            ["try", size] => self.tried_size = size.parse()?,
            ["ok", size, root] => {
                let size = size.parse()?;
                self.acknowledged_events += size - self.acknowledged.size;
                self.acknowledged_commits += 1;
                self.acknowledged = Head { size, root: Hash::parse(root)? };
            }
            _ => return Err(format!("the writer said {line:?}").into()),
        }
        Ok(())
    }
}
