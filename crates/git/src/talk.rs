//! A git process that answers one question after another: starting one for each takes longer than most answers.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdout, Stdio},
};

use crate::{command::Git, error::GitError};

/// Git, waiting for the next question. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Talk {
    child: Child,
    answers: BufReader<ChildStdout>,
}

/// The process has ended instead of answering, with these words.
pub(crate) struct Ended(pub(crate) String);

impl Talk {
    pub(crate) fn start(git: &Git, args: &[&str]) -> Result<Self, GitError> {
        let mut child = git.spawn(args, Stdio::piped())?;
        let Some(stdout) = child.stdout.take() else {
            return Err(GitError::Failed { what: args.join(" "), said: "it has no output".to_owned() });
        };
        Ok(Self { child, answers: BufReader::new(stdout) })
    }

    /// Asks, and gives what comes before the line that ends the answer.
    pub(crate) fn ask(&mut self, question: &str, last: &[u8]) -> Result<Vec<u8>, Ended> {
        let written = self.child.stdin.as_mut().map(|stdin| {
            // A process that has ended says why on its error output.
            stdin.write_all(question.as_bytes()).and_then(|()| stdin.flush())
        });
        let mut answer = Vec::new();
        while written.as_ref().is_some_and(Result::is_ok) {
            match self.answers.read_until(b'\n', &mut answer) {
                Ok(1..) if answer.ends_with(last) => {
                    answer.truncate(answer.len() - last.len());
                    return Ok(answer);
                }
                Ok(1..) => {}
                Ok(0) | Err(_) => break,
            }
        }
        Err(Ended(self.last_words()))
    }

    fn last_words(&mut self) -> String {
        drop(self.child.stdin.take());
        let mut said = String::new();
        if let Some(stderr) = self.child.stderr.as_mut() {
            stderr.take(4_000).read_to_string(&mut said).ok();
        }
        let ended = self.child.wait();
        match (said.trim(), ended) {
            ("", Ok(status)) => format!("it ended without a word: {status}"),
            (said, _) => said.to_owned(),
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().ok();
    }
}
