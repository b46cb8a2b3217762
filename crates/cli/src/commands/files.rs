//! What commands read from and write to files: documents, standard input, and results that must be whole or not there.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use convoke::api::Fault;

use convoke_core::{exact_json::Exact, log::FileError, refusal::Refusal};
use serde_json::Value;

use crate::{
    output::Output,
    stop::{Stop, output_error},
};

/// The most that a document other than an export may have.
const DOCUMENT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// JSON given on the command line.
pub(super) fn json(argument: &str, text: &str) -> Result<Value, Stop> {
    match serde_json::from_str(text) {
        Ok(Exact(value)) => Ok(value),
        Err(error) if error.is_data() => Err(Refusal::BadRequest(format!("{argument}: {error}")).into()),
        Err(error) => Err(Refusal::BadRequest(format!("{argument} is not JSON: {error}")).into()),
    }
}

/// Standard input as text of at most so many bytes.
pub(super) fn standard_input(what: &'static str, bytes_max: usize) -> Result<String, Stop> {
    let mut bytes = Vec::new();
    io::stdin()
        .take(bytes_max as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Fault::new("io", format!("standard input cannot be read: {error}")))?;
    if bytes.len() > bytes_max {
        let what = format!("{what} on standard input has more than {bytes_max} bytes, which is the limit");
        return Err(Fault::new("over_limit", what).into());
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Refusal::BadRequest(format!("standard input is not UTF-8: byte {at} does not belong there")).into()
    })
}

/// A document's text; `-` is standard input. With `--json` a document was printed in an envelope: it is taken out of it.
pub(super) fn document(path: &Path) -> Result<String, Stop> {
    let mut bytes = Vec::new();
    open(path)?
        .take(DOCUMENT_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Fault::new("io", format!("{} cannot be read: {error}", shown(path))))?;
    if bytes.len() as u64 > DOCUMENT_BYTES_MAX {
        let what = format!("{} has more than {DOCUMENT_BYTES_MAX} bytes", shown(path));
        return Err(Fault::new("bad_document", what).into());
    }
    let text =
        String::from_utf8(bytes).map_err(|_| Fault::new("bad_document", format!("{} is not UTF-8", shown(path))))?;
    Ok(unwrapped(&text).unwrap_or(text))
}

fn unwrapped(text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        data: std::collections::BTreeMap<String, &'a serde_json::value::RawValue>,
    }
    let envelope: Envelope<'_> = serde_json::from_str(text).ok()?;
    // The data is the reply, named after the question: `{"proof":{…}}`.
    envelope.data.into_values().next().map(|value| value.get().to_owned())
}

/// What is wrong with a document.
pub(super) fn bad_document(path: &Path, error: &FileError) -> Stop {
    let code = match error {
        FileError::Other { expected, found, .. } if expected == found => "newer_format",
        _ => "bad_document",
    };
    Fault::new(code, format!("{}: {error}", shown(path))).into()
}

/// A file's name for messages.
pub(super) fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

/// A file to read; `-` is standard input.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read + Send>, Stop> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    match File::open(path) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => {
            let what = format!("the file {} cannot be opened: {error}", path.display());
            Err(match error.kind() {
                io::ErrorKind::NotFound => {
                    let hint = "Check the file's name and the folder that you are in.".to_owned();
                    Fault { hint, ..Fault::new("not_found", what) }.into()
                }
                _ => Fault::new("io", what).into(),
            })
        }
    }
}

/// A file that is being written beside its place, and put there when it is whole. Dropped before, it leaves nothing.
///
/// Only a regular file is put anywhere, and only where there is none or another one. A device or a pipe is written into; it
/// stays what it is. A symbolic link is followed.
pub(super) struct NewFile {
    place: PathBuf,
    /// None if it is written in place.
    beside: Option<PathBuf>,
}

/// Links that are followed before they are taken for a circle.
const LINKS_MAX: usize = 40;

/// Where a link leads in the end, also if nothing is there.
fn followed(place: &Path) -> PathBuf {
    let mut place = place.to_owned();
    for _ in 0..LINKS_MAX {
        match fs::read_link(&place) {
            Ok(target) => place = place.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => break,
        }
    }
    place
}

/// Where output was asked for; `-` is standard output, as if nothing was said.
pub(super) fn destination(named: Option<&Path>) -> Option<&Path> {
    named.filter(|place| *place != Path::new("-"))
}

impl NewFile {
    /// Begins a file.
    pub(super) fn begin(place: &Path) -> Result<(Self, BufWriter<File>), Stop> {
        if place.metadata().is_ok_and(|found| !found.is_file()) {
            let file = File::options().write(true).open(place).map_err(|error| cannot_write(place, &error))?;
            let writer = BufWriter::with_capacity(256 * 1024, file);
            return Ok((Self { place: place.to_owned(), beside: None }, writer));
        }
        let place = &followed(place);
        let mut name = place.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let beside = place.with_file_name(name);
        let file = File::create(&beside).map_err(|error| cannot_write(place, &error))?;
        Ok((Self { place: place.to_owned(), beside: Some(beside) }, BufWriter::with_capacity(256 * 1024, file)))
    }

    /// Puts it in its place.
    pub(super) fn finish(mut self) -> Result<(), Stop> {
        if let Some(beside) = &self.beside {
            let synced = File::open(beside).and_then(|file| file.sync_all());
            synced.and_then(|()| fs::rename(beside, &self.place)).map_err(|error| cannot_write(&self.place, &error))?;
            self.beside = None;
        }
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            let _ = fs::remove_file(beside);
        }
    }
}

/// Writes a document to a file, whole or not at all; or to standard output.
pub(super) fn write_document(out: Output, place: Option<&Path>, text: &str) -> Result<(), Stop> {
    let Some(place) = destination(place) else {
        return out.raw(text.as_bytes());
    };
    let (file, mut writer) = NewFile::begin(place)?;
    writer.write_all(text.as_bytes()).and_then(|()| writer.flush()).map_err(|error| cannot_write(place, &error))?;
    drop(writer);
    file.finish()
}

/// A file that is not written whole.
pub(super) fn cannot_write(place: &Path, error: &io::Error) -> Stop {
    let code = if error.kind() == io::ErrorKind::StorageFull { "disk_full" } else { "io" };
    Fault::new(code, format!("{} cannot be written: {error}", place.display())).into()
}

/// Standard output for a long stream, as something that can be given away.
pub(super) struct StandardOutput;

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stdout().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

/// Whether a stream to standard output ended because nobody reads it.
pub(super) fn nobody_reads(fault: Fault) -> Stop {
    if fault.code == "io" && fault.message.contains("Broken pipe") {
        return output_error(&io::Error::from(io::ErrorKind::BrokenPipe));
    }
    fault.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("export");
        let (file, mut writer) = NewFile::begin(&place).unwrap();
        writer.write_all(b"half").unwrap();
        drop((writer, file));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        write_document(Output::plain(false), Some(&place), "whole").unwrap();
        assert_eq!(fs::read_to_string(&place).unwrap(), "whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_is_followed_also_to_where_nothing_is_yet() {
        let folder = tempfile::tempdir().unwrap();
        let (link, place) = (folder.path().join("link"), folder.path().join("export"));
        std::os::unix::fs::symlink("export", &link).unwrap();
        for text in ["first", "second"] {
            write_document(Output::plain(false), Some(&link), text).unwrap();
            assert!(link.is_symlink());
            assert_eq!(fs::read_to_string(&place).unwrap(), text);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_pipe_is_written_into_and_stays_a_pipe() {
        use std::os::unix::fs::FileTypeExt as _;
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reading = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read_to_string(pipe).unwrap()
        });
        write_document(Output::plain(false), Some(&pipe), "through").unwrap();
        assert_eq!(reading.join().unwrap(), "through");
        assert!(pipe.metadata().unwrap().file_type().is_fifo());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_document_in_an_envelope_is_taken_out_of_it() {
        let text = r#"{"v":1,"ok":true,"data":{"proof":{"convoke_proof":1}},"head":{"size":1,"root":""}}"#;
        assert_eq!(unwrapped(text).unwrap(), r#"{"convoke_proof":1}"#);
        assert_eq!(unwrapped(r#"{"convoke_proof":1}"#), None);
    }
}
