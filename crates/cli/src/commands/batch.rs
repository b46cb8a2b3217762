use std::{io::Write as _, path::PathBuf};

use clap::Args;
use convoke::{Brief, api::Fault};
use serde::Serialize;

use super::files::open;
use crate::{
    context::Context,
    envelope,
    output::wall_clock,
    render::{Page, Show},
    stop::Stop,
};

/// Give many commands in one stream
///
/// Each line is one request: {"as":"alice","key":"k1","command":{"send_message":{"to":["bob"],"body":"hello"}}}. Without "as" it is
/// --as or CONVOKE_ACTOR who acts. They are decided in order and share commits, so that thousands a second are durable. With --json each
/// has its answer as one line, in order; otherwise the refused ones are shown, and a summary.
///
/// A refused line does not stop the others; the exit code is that of the first one. A request with a key can be given again safely.
#[derive(Debug, Args)]
pub(crate) struct Batch {
    /// The requests [default: standard input]
    file: Option<PathBuf>,
}

/// Refused lines that are shown to people.
const SHOWN_MAX: usize = 10;

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
            "{lines} requests: {} done, {refused} refused; {events} events in {took_ms} ms",
            lines - refused
        ));
    }
}

impl Batch {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let input = open(self.file.as_deref().unwrap_or(std::path::Path::new("-")))?;
        let actor = context.named_actor()?;
        let out = context.out;
        let begun = wall_clock();
        let mut summary = Summary::default();
        let mut first_fault: Option<Fault> = None;
        let mut json_out = std::io::BufWriter::with_capacity(64 * 1024, std::io::stdout());
        context.session()?.bulk(actor.as_ref(), input, |line| -> Result<(), Stop> {
            summary.lines += 1;
            if out.is_json() {
                json_out
                    .write_all(line)
                    .and_then(|()| json_out.write_all(b"\n"))
                    .map_err(|error| crate::stop::output_error(&error))?;
            }
            match envelope::open::<Brief>(line) {
                Ok((brief, _)) => summary.events += u64::from(brief.events),
                Err(fault) => {
                    summary.refused += 1;
                    if !out.is_json() && summary.refused as usize <= SHOWN_MAX {
                        out.note(&format!("line {}: {}: {}", summary.lines, fault.code, fault.message));
                    }
                    first_fault.get_or_insert(fault);
                }
            }
            Ok(())
        })?;
        json_out.flush().map_err(|error| crate::stop::output_error(&error))?;
        summary.took_ms = wall_clock().since(begun).ms();
        if !out.is_json() {
            out.show(&summary, None)?;
        }
        match first_fault {
            None => Ok(()),
            Some(fault) if out.is_json() => Err(Stop::Reported(fault.exit())),
            Some(fault) => Err(fault.into()),
        }
    }
}
