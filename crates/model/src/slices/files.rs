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
const CHECKERS_FILE: &str = "TraceData.tla";

/// Writes traces as they are cut.
#[derive(Debug)]
pub struct TraceFiles {
    folder: PathBuf,
    modules: Vec<&'static str>,
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
    /// Into this folder, which need not exist. What these modules left there before is replaced at the end, so that no part of
    /// another run is taken for one of this; until then it stays as it is.
    ///
    /// # Errors
    /// The folder cannot be written, or a module's place in it holds something that is no trace.
    pub fn begin(folder: &Path, modules: impl IntoIterator<Item = &'static str>) -> io::Result<Self> {
        let modules: Vec<_> = modules.into_iter().collect();
        for module in &modules {
            only_traces(&folder.join(module))?;
            only_traces(&fresh(folder, module))?;
        }
        for module in &modules {
            remove(&fresh(folder, module))?;
            fs::create_dir_all(fresh(folder, module))?;
        }
        Ok(Self { folder: folder.to_owned(), modules, parts: BTreeMap::new() })
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
            part.files = Some(open(&fresh(&self.folder, module), part.number)?);
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

    /// Ends every file, and puts all in their places.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.parts.values_mut().try_for_each(close)?;
        for module in &self.modules {
            let (place, aside) = (self.folder.join(module), self.folder.join(format!(".{module}.old")));
            only_traces(&place)?;
            match fs::rename(&place, &aside) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            fs::rename(fresh(&self.folder, module), &place)?;
            remove(&aside)?;
        }
        Ok(())
    }
}

impl Drop for TraceFiles {
    /// What did not come to its end leaves nothing.
    fn drop(&mut self) {
        for module in &self.modules {
            let _ = remove(&fresh(&self.folder, module));
        }
    }
}

/// Where a module's traces are written before they replace what is in their place.
fn fresh(folder: &Path, module: &str) -> PathBuf {
    folder.join(format!(".{module}.new"))
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Refuses a place with something in it that would be lost.
fn only_traces(place: &Path) -> io::Result<()> {
    no_trace_in(place)?.map_or(Ok(()), |other| {
        let what = format!("{} is no trace, and would be lost", other.display());
        Err(io::Error::new(io::ErrorKind::AlreadyExists, what))
    })
}

/// Something in a module's place that this did not write.
fn no_trace_in(place: &Path) -> io::Result<Option<PathBuf>> {
    let entries = match fs::read_dir(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(Some(place.to_owned())),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        let (number, is_part) = match name.strip_suffix(".ndjson") {
            Some(number) => (number, path.is_file()),
            None => (&*name, path.is_dir()),
        };
        if !is_part || number.len() < 4 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Some(path));
        }
        if path.is_dir() {
            for inner in fs::read_dir(&path)? {
                let inner = inner?;
                if inner.file_name() != CHECKERS_FILE {
                    return Ok(Some(inner.path()));
                }
            }
        }
    }
    Ok(None)
}

fn open(folder: &Path, number: u32) -> io::Result<(BufWriter<File>, BufWriter<File>)> {
    let own = folder.join(format!("{number:04}"));
    fs::create_dir_all(&own)?;
    let people = BufWriter::new(File::create(folder.join(format!("{number:04}.ndjson")))?);
    let mut checkers = BufWriter::new(File::create(own.join(CHECKERS_FILE))?);
    checkers.write_all(b"---- MODULE TraceData ----\nEXTENDS Integers\nTraces == <<\n")?;
    Ok((people, checkers))
}

fn close(part: &mut Part) -> io::Result<()> {
    let Some((mut people, mut checkers)) = part.files.take() else { return Ok(()) };
    people.flush()?;
    checkers.write_all(b"\n>>\n====\n")?;
    checkers.flush()
}
