use std::{
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
    thread,
};

use clap::Args;
use convoke::api::Fault;
use convoke_core::{log::Head, refusal::Refusal};
use convoke_model::slices::{Cutter, Limits, Row, Summary, Trace as Cut, TraceFiles, rows};
use serde::Serialize;

use super::files::{StandardOutput, cannot_write, nobody_reads, open};
use crate::{
    context::Context,
    render::{Page, Show, many},
    stop::Stop,
};

/// Cut the log into traces that the specifications can check
///
/// A trace is what became of one countdown, campaign, mailbox, … as its specification in specs/ sees it: one line a step, with the
/// state after it; ids and names are renamed in the order of their appearance. Lines of NDJSON, or with --out files that
/// `specs/check --traces DIR` reads.
#[derive(Debug, Args)]
pub(crate) struct Trace {
    /// Only this specification; may be repeated [default: all]
    #[arg(long = "module", value_name = "NAME")]
    modules: Vec<String>,
    /// The folder to write to; earlier traces of these specifications in it are replaced, once all are cut [default: NDJSON on
    /// standard output]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Cut an export instead of the workspace's log; - reads standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// At most so many traces of each specification: the first that begin
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
    /// At most so many steps of each trace: its beginning
    #[arg(long, value_name = "N", default_value_t = 500)]
    steps: usize,
}

impl Trace {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        self.rows()?;
        let (summary, head) = match &self.from {
            Some(file) => self.cut(open(file)?)?,
            None => self.cut_log(context)?,
        };
        match &self.out {
            Some(folder) => {
                let written = Written { folder: folder.display().to_string(), modules: summary };
                context.out.show(&written, Some(head))
            }
            None => Ok(()),
        }
    }

    /// The rows of the modules that were asked for.
    fn rows(&self) -> Result<Vec<Box<dyn Row>>, Fault> {
        let mut rows = rows();
        let known: Vec<_> = rows.iter().map(|row| row.module()).collect();
        if let Some(unknown) = self.modules.iter().find(|module| !known.contains(&module.as_str())) {
            let what = format!("there is no specification {unknown:?} with traces; there are {}", known.join(", "));
            return Err(Refusal::BadRequest(what).into());
        }
        rows.retain(|row| self.modules.is_empty() || self.modules.iter().any(|module| module == row.module()));
        Ok(rows)
    }

    /// Cuts the workspace's log, whoever has it open: it is exported into a pipe, at whose other end it is cut.
    fn cut_log(&self, context: &mut Context) -> Result<(Summary, Head), Stop> {
        let session = context.session()?;
        let (reader, writer) = io::pipe().map_err(|error| Fault::new("io", format!("no pipe: {error}")))?;
        thread::scope(|scope| {
            let cutting = scope.spawn(|| self.cut(reader));
            let exported = session.export(BufWriter::with_capacity(64 * 1024, writer));
            let cut = cutting.join().unwrap_or_else(|_| Err(Fault::new("internal", "the cutting ended").into()));
            // If the cutting failed, the export broke off because of it.
            match (cut, exported) {
                (Err(Stop::Fault(fault)), Err(export)) if fault.code == "bad_document" => Err(export.into()),
                (Ok(_), Err(export)) => Err(export.into()),
                (cut, _) => cut,
            }
        })
    }

    fn cut(&self, export: impl Read) -> Result<(Summary, Head), Stop> {
        let rows = self.rows()?;
        let mut sink = Sink::new(self.out.as_deref(), &rows)?;
        let mut failed = None;
        let limits = Limits { slices_max: self.limit, lines_max: self.steps };
        let mut cutter = Cutter::new(rows, limits, |module, trace| {
            if failed.is_none() {
                failed = sink.take(module, &trace).err();
            }
        });
        let input = BufReader::with_capacity(256 * 1024, export);
        let verified = convoke::read_events(
            input,
            |_| {},
            |events| {
                cutter.commit(events);
                Ok(())
            },
        )?;
        let summary = cutter.finish();
        failed.map_or(Ok(()), Err)?;
        sink.finish()?;
        Ok((summary, verified.checkpoint.head()))
    }
}

/// Where traces go.
enum Sink<'a> {
    Files(&'a Path, TraceFiles),
    Lines(BufWriter<StandardOutput>),
}

impl<'a> Sink<'a> {
    fn new(folder: Option<&'a Path>, rows: &[Box<dyn Row>]) -> Result<Self, Stop> {
        let Some(folder) = folder else { return Ok(Self::Lines(BufWriter::new(StandardOutput))) };
        let files = TraceFiles::begin(folder, rows.iter().map(|row| row.module()));
        Ok(Self::Files(folder, files.map_err(|error| not_put(folder, &error))?))
    }

    fn take(&mut self, module: &'static str, trace: &Cut) -> Result<(), Stop> {
        match self {
            Self::Files(folder, files) => files.write(module, trace).map_err(|error| cannot_write(folder, &error)),
            Self::Lines(out) => {
                let name = format!("{module} {}", trace.key);
                trace
                    .lines
                    .iter()
                    .try_for_each(|line| write_line(out, &line.to_json(&name)))
                    .map_err(|error| lost(&error))
            }
        }
    }

    fn finish(self) -> Result<(), Stop> {
        match self {
            Self::Files(folder, files) => files.finish().map_err(|error| not_put(folder, &error)),
            Self::Lines(mut out) => out.flush().map_err(|error| lost(&error)),
        }
    }
}

fn not_put(folder: &Path, error: &io::Error) -> Stop {
    if error.kind() != io::ErrorKind::AlreadyExists {
        return cannot_write(folder, error);
    }
    let hint = "Give a folder of their own to --out.".to_owned();
    Fault { hint, ..Fault::new("bad_request", format!("traces cannot be written there: {error}")) }.into()
}

fn write_line(out: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

fn lost(error: &io::Error) -> Stop {
    nobody_reads(Fault::new("io", format!("standard output cannot be written: {error}")))
}

#[derive(Serialize)]
struct Written {
    folder: String,
    modules: Summary,
}

impl Show for Written {
    fn show(&self, page: &mut Page) {
        page.line(format!("traces written to {}", self.folder));
        for (module, counts) in &self.modules {
            let mut line = format!("{module}: {}, {}", many(counts.traces, "trace"), many(counts.steps, "step"));
            if counts.slices_left_off > 0 {
                line += "; more than --limit were there";
            }
            if counts.left_off > 0 {
                line += &format!("; {} beyond --steps were left off", many(counts.left_off, "step"));
            }
            page.line(line);
        }
    }
}
