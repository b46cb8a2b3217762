use std::{
    collections::VecDeque,
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use clap::Args;
use convoke::{Brief, api::Fault};
use serde::Serialize;

use super::files::{open, shown};
use crate::{
    context::Context,
    envelope,
    output::wall_clock,
    render::{Page, Show, many},
    stop::Stop,
};

/// Give many commands in one stream
///
/// Each line is one request: {"as":"alice","key":"k1","command":{"send_message":{"to":["bob"],"body":"hello"}}}. Without "as" it is
/// --as or CONVOKE_ACTOR who acts. They are decided in order and share commits, so that thousands a second are durable. With --json each
/// has its answer as one line, in order, with the number of its own line; otherwise the first ten refused ones are shown, and a summary.
///
/// A refused line does not stop the others; the exit code is that of the first one. A request with a key can be given again safely.
#[derive(Debug, Args)]
pub(crate) struct Batch {
    /// The requests [default: standard input]
    file: Option<PathBuf>,
}

/// Refused lines that are shown to people.
const SHOWN_MAX: u64 = 10;

#[derive(Debug, Default, Serialize)]
struct Summary {
    lines: u64,
    refused: u64,
    events: u64,
    took_ms: u64,
}

impl Show for Summary {
    fn show(&self, page: &mut Page) {
        let Self { lines, refused, events, took_ms } = self;
        page.line(format!(
            "{}: {} done, {refused} refused; {} in {took_ms} ms",
            many(*lines, "request"),
            lines - refused,
            many(*events, "event")
        ));
    }
}

impl Batch {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let file = self.file.as_deref().unwrap_or(Path::new("-"));
        let watched = Arc::<Mutex<Watched>>::default();
        let input = Watching { input: open(file)?, watched: Arc::clone(&watched) };
        let actor = context.named_actor()?;
        let out = context.out;
        let begun = wall_clock();
        let mut summary = Summary::default();
        let mut first_fault: Option<Fault> = None;
        let mut json_out = std::io::BufWriter::with_capacity(64 * 1024, std::io::stdout());
        context.session()?.bulk(actor.as_ref(), input, |line| -> Result<(), Stop> {
            summary.lines += 1;
            let number = seen(&watched).requests.pop_front().unwrap_or(summary.lines);
            if out.is_json() {
                json_out
                    .write_all(&with_line(line, number))
                    .and_then(|()| json_out.write_all(b"\n"))
                    .map_err(|error| crate::stop::output_error(&error))?;
            }
            match envelope::open::<Brief>(line) {
                Ok((brief, _)) => summary.events += u64::from(brief.events),
                Err(fault) => {
                    summary.refused += 1;
                    if !out.is_json() && summary.refused <= SHOWN_MAX {
                        out.note(&format!("line {number}: {}: {}", fault.code, fault.message));
                    }
                    first_fault.get_or_insert(fault);
                }
            }
            Ok(())
        })?;
        json_out.flush().map_err(|error| crate::stop::output_error(&error))?;
        summary.took_ms = wall_clock().since(begun).ms();
        if !out.is_json() {
            let more = summary.refused.saturating_sub(SHOWN_MAX);
            if more > 0 {
                out.note(&format!("… {more} more refused: --json shows them all"));
            }
            out.show(&summary, None)?;
        }
        if let Some(why) = seen(&watched).broke.take() {
            let what = format!(
                "{} cannot be read: {why}; {} answered before that",
                shown(file),
                many(summary.lines, "request")
            );
            return Err(Fault::new("io", what).into());
        }
        match first_fault {
            None => Ok(()),
            Some(fault) if out.is_json() => Err(Stop::Reported(fault.exit())),
            Some(fault) => Err(fault.into()),
        }
    }
}

/// An answer that says which line it is for, as its second member.
fn with_line(answer: &[u8], number: u64) -> Vec<u8> {
    const START: &[u8] = b"{\"v\":1,";
    match answer.strip_prefix(START) {
        Some(rest) => [START, format!("\"line\":{number},").as_bytes(), rest].concat(),
        None => answer.to_owned(),
    }
}

/// What was seen of the input while it was read.
#[derive(Default)]
struct Watched {
    /// The lines on which requests stand that are not answered yet: blank lines hold none.
    requests: VecDeque<u64>,
    /// The line that is being read, from 0, and whether something stands on it.
    line: u64,
    filled: bool,
    /// Why the rest did not come.
    broke: Option<String>,
}

impl Watched {
    fn read(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\n' {
                self.line += 1;
                self.filled = false;
            } else if !self.filled && !byte.is_ascii_whitespace() {
                self.filled = true;
                self.requests.push_back(self.line + 1);
            }
        }
    }
}

fn seen(watched: &Mutex<Watched>) -> MutexGuard<'_, Watched> {
    watched.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An input that remembers where requests stand in it, and that it broke off: to who carries them out, both ends are alike.
struct Watching<R> {
    input: R,
    watched: Arc<Mutex<Watched>>,
}

impl<R: Read> Read for Watching<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer);
        match &read {
            Ok(length) => seen(&self.watched).read(&buffer[..*length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => seen(&self.watched).broke = Some(error.to_string()),
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_its_line_and_stays_an_answer() {
        let answer = br#"{"v":1,"ok":true,"data":{"first":3,"events":1}}"#;
        let numbered: serde_json::Value = serde_json::from_slice(&with_line(answer, 17)).unwrap();
        let mut plain: serde_json::Value = serde_json::from_slice(answer).unwrap();
        plain["line"] = 17.into();
        assert_eq!(numbered, plain);
        assert_eq!(with_line(b"something else", 17), b"something else");
    }

    #[test]
    fn requests_are_named_by_the_lines_of_the_file_however_it_is_cut() {
        let text = b"one\n\n  \ntwo\r\nthree\n\nfour";
        for size in 1..text.len() {
            let mut watched = Watched::default();
            text.chunks(size).for_each(|piece| watched.read(piece));
            assert_eq!(watched.requests, [1, 4, 5, 7], "{size}");
        }
    }
}
