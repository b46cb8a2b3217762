//! A client of the daemon's socket that is not the program's own: HTTP/1.1 by hand, so that what the program's client
//! hides (its retries) is seen.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    ledger::Acknowledged,
    workspace::{ORGANIZER, Workspace},
};

/// A connection, made when first needed and anew when lost.
#[derive(Debug)]
pub struct Client<'w> {
    workspace: &'w Workspace,
    stream: Option<BufReader<UnixStream>>,
}

/// How long a client looks for a daemon that answers.
const PATIENCE: Duration = Duration::from_secs(30);
const ANSWER_WAIT: Duration = Duration::from_secs(20);

impl<'w> Client<'w> {
    /// A client of this workspace's daemon.
    #[must_use]
    pub fn new(workspace: &'w Workspace) -> Self {
        Self { workspace, stream: None }
    }

    /// One request and its answer, or none if the daemon ended meanwhile.
    ///
    /// # Errors
    /// The connection was not made, or was lost.
    pub fn exchange(&mut self, method: &str, path: &str, body: &str) -> io::Result<Value> {
        let answer = self.try_exchange(method, path, body);
        if answer.is_err() {
            self.stream = None;
        }
        answer
    }

    /// A command under a key, given again under the same key until it is answered. Gives the envelope.
    ///
    /// # Panics
    /// If nobody answers for half a minute.
    pub fn command(&mut self, actor: &str, key: &str, command: &Value) -> Value {
        let body = json!({"as": actor, "key": key, "command": command}).to_string();
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = self.exchange("POST", "/v1/command", &body);
            match answer {
                Ok(envelope) if !is_passing(&envelope) => return envelope,
                _ => assert!(Instant::now() < until, "nobody answers: {answer:?}"),
            }
            self.stream = None;
            // It starts a daemon, or waits for the one that somebody else starts; the next round shows whether.
            let _ = self.workspace.run(ORGANIZER, &["daemon", "start"]);
        }
    }

    /// A command that must succeed, as the ledger notes it.
    #[track_caller]
    pub fn acknowledged(&mut self, actor: &str, key: &str, command: &Value) -> Acknowledged {
        Acknowledged::of(actor, key, &self.command(actor, key, command))
    }

    fn try_exchange(&mut self, method: &str, path: &str, body: &str) -> io::Result<Value> {
        if self.stream.is_none() {
            let stream = UnixStream::connect(self.workspace.inside("daemon.sock"))?;
            stream.set_read_timeout(Some(ANSWER_WAIT))?;
            self.stream = Some(BufReader::new(stream));
        }
        let Some(stream) = &mut self.stream else { return Err(io::ErrorKind::NotConnected.into()) };
        let head = format!("{method} {path} HTTP/1.1\r\nhost: convoke\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.get_mut().write_all(format!("{head}{body}").as_bytes())?;
        let mut length = None;
        let mut line = String::new();
        loop {
            line.clear();
            if stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok();
            }
        }
        let mut body = vec![0; length.ok_or_else(|| io::Error::other("an answer without a length"))?];
        stream.read_exact(&mut body)?;
        serde_json::from_slice(&body).map_err(io::Error::other)
    }
}

/// The daemon is ending, or does not know whether it wrote: the next one does.
fn is_passing(envelope: &Value) -> bool {
    let code = envelope["error"]["code"].as_str().unwrap_or_default();
    matches!(code, "daemon_stopping" | "daemon_busy" | "outcome_unknown")
}
