//! The files of traces: in `<module>/<part>.ndjson` for people, and in `<module>/<part>/TraceData.tla` for the checkers.
//!
//! A part holds whole traces and so many lines that a checker reads it in seconds.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use super::Trace;

/// A part ends with the trace that makes it this long.
const PART_LINES: usize = 2_000;

/// Writes traces as they are cut.
#[derive(Debug)]
pub struct TraceFiles {
    folder: PathBuf,
    parts: BTreeMap<&'static str, Part>,
}

#[derive(Debug)]
struct Part {
    number: u32,
    lines: usize,
    /// Open while the part has room.
    files: Option<(BufWriter<File>, BufWriter<File>)>,
}

impl TraceFiles {
    /// Into this folder, which need not exist. What these modules left there before is removed, so that no part of another
    /// run is taken for one of this.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn begin(folder: &Path, modules: impl IntoIterator<Item = &'static str>) -> io::Result<Self> {
        for module in modules {
            match fs::remove_dir_all(folder.join(module)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => fs::create_dir_all(folder.join(module))?,
            }
        }
        Ok(Self { folder: folder.to_owned(), parts: BTreeMap::new() })
    }

    /// Writes a trace.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&mut self, module: &'static str, trace: &Trace) -> io::Result<()> {
        let part = self.parts.entry(module).or_insert(Part { number: 0, lines: 0, files: None });
        if part.files.is_none() {
            part.number += 1;
            part.lines = 0;
            part.files = Some(open(&self.folder.join(module), part.number)?);
        }
        let Some((people, checkers)) = &mut part.files else { return Ok(()) };
        for line in &trace.lines {
            serde_json::to_writer(&mut *people, &line.to_json(&trace.key))?;
            people.write_all(b"\n")?;
        }
        // One line a step: specs/check takes the file apart by lines.
        checkers.write_all(if part.lines == 0 { b"<<\n" } else { b",\n<<\n" })?;
        for (at, line) in trace.lines.iter().enumerate() {
            writeln!(checkers, "{}{}", line.to_tla(), if at + 1 < trace.lines.len() { "," } else { "" })?;
        }
        checkers.write_all(b">>")?;
        part.lines += trace.lines.len();
        if part.lines >= PART_LINES { close(part) } else { Ok(()) }
    }

    /// Ends every file.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.parts.values_mut().try_for_each(close)
    }
}

fn open(folder: &Path, number: u32) -> io::Result<(BufWriter<File>, BufWriter<File>)> {
    let own = folder.join(format!("{number:04}"));
    fs::create_dir_all(&own)?;
    let people = BufWriter::new(File::create(folder.join(format!("{number:04}.ndjson")))?);
    let mut checkers = BufWriter::new(File::create(own.join("TraceData.tla"))?);
    checkers.write_all(b"---- MODULE TraceData ----\nEXTENDS Integers\nTraces == <<\n")?;
    Ok((people, checkers))
}

fn close(part: &mut Part) -> io::Result<()> {
    let Some((mut people, mut checkers)) = part.files.take() else { return Ok(()) };
    people.flush()?;
    checkers.write_all(b"\n>>\n====\n")?;
    checkers.flush()
}
