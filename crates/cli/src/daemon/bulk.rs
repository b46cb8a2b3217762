//! The bulk stream: requests as NDJSON in, answers as NDJSON out, in order, while requests still arrive.
//!
//! Many are in flight at once, so that they share commits.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    task::Poll,
};

use bytes::Bytes;
use convoke::{Engine, Pending, api::Fault};
use convoke_core::{
    command::{Command, Request},
    name::{ActorName, Key},
};
use serde::Deserialize;
use tokio::{select, sync::mpsc};

use super::routes::COMMAND_BYTES_MAX;
use crate::envelope;

/// How many requests of one stream are in flight.
const WINDOW: usize = 1024;
/// Answers are handed on when they have grown to this, or when the next is not there yet.
const PIECE_BYTES: usize = 16 * 1024;

/// A request that may leave out who acts, where the stream names somebody.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a request, such as {\"as\":\"dana\",\"command\":{\"tick\":{}}}")]
struct Line {
    #[serde(rename = "as", default)]
    actor: Option<ActorName>,
    #[serde(default)]
    key: Option<Key>,
    #[serde(default)]
    expect_head: Option<u64>,
    command: Command,
}

/// Where the bytes of requests come from.
pub(crate) trait Source: Send {
    /// The next piece; `None` at the end, or when the rest will not come.
    fn next(&mut self) -> impl Future<Output = Option<Bytes>> + Send;
}

enum InFlight {
    Submitted(Pending),
    Refused(Fault),
}

/// Carries out a stream of requests. Ends when the source ends and everything is answered, or when nobody reads the answers.
pub(crate) async fn bulk(
    engine: &Engine,
    default: Option<&ActorName>,
    mut source: impl Source,
    out: mpsc::Sender<Bytes>,
) {
    let mut lines = Lines::default();
    let mut in_flight = VecDeque::with_capacity(WINDOW);
    let mut ended = false;
    while !ended || !in_flight.is_empty() {
        if !ended && in_flight.len() < WINDOW {
            select! {
                biased;
                piece = source.next() => match piece {
                    Some(piece) => lines.add(&piece),
                    None => {
                        ended = true;
                        lines.end();
                    }
                },
                answers = answers(&mut in_flight), if !in_flight.is_empty() => {
                    if out.send(answers).await.is_err() {
                        return;
                    }
                }
            }
        } else {
            let answers = answers(&mut in_flight).await;
            if out.send(answers).await.is_err() {
                return;
            }
        }
        while in_flight.len() < 2 * WINDOW
            && let Some(line) = lines.next()
        {
            in_flight.push_back(match line.and_then(|line| read(line, default)) {
                Ok(request) => match engine.submit(request).await {
                    Ok(pending) => InFlight::Submitted(pending),
                    Err(fault) => InFlight::Refused(fault),
                },
                Err(fault) => InFlight::Refused(fault),
            });
        }
    }
}

fn read(line: &[u8], default: Option<&ActorName>) -> Result<Request, Fault> {
    by_name(line)?;
    let line: Line = serde_json::from_slice(line)
        .map_err(|error| Fault::new("bad_request", format!("the request's JSON: {}", in_its_line(&error))))?;
    let actor = line
        .actor
        .or_else(|| default.cloned())
        .ok_or_else(|| Fault::new("actor_required", "the request does not say who acts (its member \"as\")"))?;
    Ok(Request { actor, key: line.key, expect_head: line.expect_head, command: line.command })
}

/// What is wrong with one line's JSON. The line's number would always be 1; who gave the stream knows the right one.
fn in_its_line(error: &serde_json::Error) -> String {
    let (text, place) = (error.to_string(), format!(" at line {} column {}", error.line(), error.column()));
    match text.strip_suffix(&place) {
        Some(what) => format!("{} (column {})", in_words(what), error.column()),
        None => in_words(&text),
    }
}

/// Refuses members that are given by their place in an array instead of by name, which the parser would take: an array that fits
/// today means something else once a member is added.
pub(super) fn by_name(request: &[u8]) -> Result<(), Fault> {
    let array = |what: &str| {
        let what = format!("{what} is a JSON object with named members, as in {EXAMPLE}, and this is an array");
        Err(Fault::new("bad_request", what))
    };
    if request.trim_ascii_start().starts_with(b"[") {
        return array("a request");
    }
    // The first member of this name is the request's own: the others of a request hold no objects.
    let mut rest = request;
    while let Some(at) = memchr::memmem::find(rest, b"\"command\"") {
        rest = rest[at + 9..].trim_ascii_start();
        let Some(value) = rest.strip_prefix(b":") else { continue };
        let value = value.trim_ascii_start();
        let body = value.strip_prefix(b"{").and_then(|inside| {
            let name = inside.trim_ascii_start().strip_prefix(b"\"")?;
            name[memchr::memchr(b'"', name)? + 1..].trim_ascii_start().strip_prefix(b":")
        });
        let is_array = |value: &[u8]| value.trim_ascii_start().starts_with(b"[");
        return if is_array(value) || body.is_some_and(is_array) { array("a command") } else { Ok(()) };
    }
    Ok(())
}

const EXAMPLE: &str = "{\"as\":\"dana\",\"command\":{\"tick\":{}}}";

/// What the parser says, without the names that things have in this program.
pub(super) fn in_words(what: &str) -> String {
    match what.split_once(", expected ") {
        Some((found, expected)) if expected.starts_with("newtype variant") => {
            let found = found.strip_prefix("invalid type: unit variant").map_or(found, |_| "only its name is there");
            format!("{found}, expected a command with its members, as in {{\"tick\":{{}}}}")
        }
        Some((found, expected)) if expected.starts_with("struct ") || expected.starts_with("tuple struct ") => {
            format!("{found}, expected a JSON object with named members")
        }
        Some((found, expected)) if expected.starts_with("enum Command") => format!("{found}, expected a command"),
        _ => what.to_owned(),
    }
}

/// Waits for the first answer and takes those that are there besides. Not one is lost if the wait is given up.
async fn answers(in_flight: &mut VecDeque<InFlight>) -> Bytes {
    let mut bytes = Vec::with_capacity(PIECE_BYTES + 256);
    poll_fn(|cx| {
        while let Some(front) = in_flight.front_mut() {
            let answer = match front {
                InFlight::Refused(fault) => Err(fault.clone()),
                InFlight::Submitted(pending) => match pending.poll_brief(cx) {
                    Poll::Pending => break,
                    Poll::Ready(answer) => answer,
                },
            };
            in_flight.pop_front();
            match answer {
                Ok(brief) => envelope::put_success(&mut bytes, &brief, Some(brief.head)),
                Err(fault) => bytes.extend_from_slice(&envelope::failure(&fault)),
            }
            bytes.push(b'\n');
            if bytes.len() >= PIECE_BYTES {
                break;
            }
        }
        if bytes.is_empty() { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    bytes.into()
}

/// Cuts pieces into lines of bounded length.
#[derive(Default)]
struct Lines {
    buffer: Vec<u8>,
    /// How much of the buffer was given out.
    given: usize,
    /// How much of the rest is known to hold no line's end.
    searched: usize,
    /// The rest of a line that was too long is being passed over.
    passing: bool,
    ended: bool,
}

impl Lines {
    fn add(&mut self, piece: &[u8]) {
        if self.given > 0 {
            self.buffer.drain(..self.given);
            self.searched -= self.given;
            self.given = 0;
        }
        self.buffer.extend_from_slice(piece);
    }

    fn end(&mut self) {
        self.ended = true;
    }

    /// The next line that is there whole. Empty lines are passed over.
    fn next(&mut self) -> Option<Result<&[u8], Fault>> {
        loop {
            let rest = &self.buffer[self.searched..];
            let (line_end, next) = match memchr::memchr(b'\n', rest) {
                Some(at) => (self.searched + at, self.searched + at + 1),
                None if self.ended && self.given < self.buffer.len() => (self.buffer.len(), self.buffer.len()),
                None => {
                    self.searched = self.buffer.len();
                    if self.searched - self.given <= COMMAND_BYTES_MAX {
                        return None;
                    }
                    self.given = self.searched;
                    if std::mem::replace(&mut self.passing, true) {
                        return None;
                    }
                    return Some(Err(too_long()));
                }
            };
            let line = self.given..line_end;
            (self.given, self.searched) = (next, next);
            if std::mem::take(&mut self.passing) || self.buffer[line.clone()].trim_ascii_start().is_empty() {
                continue;
            }
            return Some(if line.len() > COMMAND_BYTES_MAX { Err(too_long()) } else { Ok(&self.buffer[line]) });
        }
    }
}

fn too_long() -> Fault {
    Fault::new("over_limit", format!("a request has more than {COMMAND_BYTES_MAX} bytes, which is the limit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<Result<String, String>> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        let mut take = |lines: &mut Lines| {
            while let Some(line) = lines.next() {
                found.push(line.map(|line| String::from_utf8(line.to_vec()).unwrap()).map_err(|fault| fault.code));
            }
        };
        for piece in pieces {
            lines.add(piece);
            take(&mut lines);
        }
        lines.end();
        take(&mut lines);
        found
    }

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        let text = b"one\n\ntwo\r\n  \nthree";
        let whole = lines(&[text]);
        assert_eq!(whole, [Ok("one".to_owned()), Ok("two\r".to_owned()), Ok("three".to_owned())]);
        for size in 1..text.len() {
            assert_eq!(lines(&text.chunks(size).collect::<Vec<_>>()), whole, "{size}");
        }
    }

    #[test]
    fn members_are_named_and_what_is_wrong_with_them_is_said_in_words() {
        let why = |line: &str| read(line.as_bytes(), None).unwrap_err().message;
        for line in [
            r#"["dana",null,null,{"tick":{}}]"#,
            r#" {"as":"dana","key":"command","command":[1]}"#,
            r#"{"as":"dana","command" : { "tick" : [] } }"#,
            r#"{"command":{"send_message":[["bob"],null]},"as":"dana"}"#,
        ] {
            assert!(why(line).ends_with("and this is an array"), "{line}: {}", why(line));
        }
        for line in [r#"{"as":"dana","command":"tick"}"#, r#"{"as":"dana","command":{"tick":3}}"#, "7", r#"{"as":[]}"#]
        {
            let why = why(line);
            assert!(
                ["struct", "variant", "enum", "Line", "Tick"].iter().all(|word| !why.contains(word)),
                "{line}: {why}"
            );
        }
        let line = br#"{"as":"dana","command":{"send_message":{"to":["bob"],"body":"\"command\":[]"}}}"#;
        assert!(read(line, None).is_ok());
    }

    #[test]
    fn a_line_that_is_too_long_is_refused_once_and_the_next_one_is_read() {
        let long = vec![b'x'; 3 * COMMAND_BYTES_MAX];
        let text = [b"one\n", &long[..], b"\ntwo\n"].concat();
        for size in [1000, COMMAND_BYTES_MAX - 1, text.len()] {
            let found = lines(&text.chunks(size).collect::<Vec<_>>());
            assert_eq!(found, [Ok("one".to_owned()), Err("over_limit".to_owned()), Ok("two".to_owned())], "{size}");
        }
        assert_eq!(lines(&[&long]), [Err("over_limit".to_owned())], "at the end");
    }
}
