//! What an opening may destroy, kept until the opened log has been found whole; put back if it is not.
//!
//! A copy of the ranges of sled's file that are at risk, and of its index, in the folder `undo` of the store, durable before
//! sled touches anything. Whoever finds it there later was preceded by an opening that did not end, and puts it back first.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use crate::{
    folder::{Folder, sync_folder},
    scratch::Scratch,
    sled_files::{self, Look},
};

const RANGE_PREFIX: &str = "db.";
const LENGTH: &str = "db-bytes";

/// The copy.
#[derive(Debug)]
pub(crate) struct Undo {
    /// Where it lies.
    path: PathBuf,
    /// The folder that it is of.
    engine: PathBuf,
}

impl Undo {
    /// Copies what is at risk.
    pub(crate) fn save(folder: &Folder, look: &Look) -> io::Result<Self> {
        let engine = folder.engine();
        let scratch = Scratch::create(folder.path())?;
        let file = File::open(engine.join("db"))?;
        for Range { start, end } in &look.at_risk {
            let mut bytes = vec![0; (end - start) as usize];
            file.read_exact_at(&mut bytes, *start)?;
            write(&scratch.path().join(format!("{RANGE_PREFIX}{start}")), &bytes)?;
        }
        write(&scratch.path().join(LENGTH), look.file_bytes.to_string().as_bytes())?;
        for index in sled_files::index_files(&engine)? {
            copy_into(&index, scratch.path())?;
        }
        sync_folder(scratch.path())?;
        let undo = Self { path: place(folder), engine };
        scratch.persist(&undo.path)?;
        sync_folder(folder.path())?;
        Ok(undo)
    }

    /// What an opening that did not end has left.
    pub(crate) fn left_in(folder: &Folder) -> Option<Self> {
        let path = place(folder);
        path.exists().then(|| Self { path, engine: folder.engine() })
    }

    /// Puts everything back. The database must be closed.
    pub(crate) fn restore(self) -> io::Result<()> {
        let data = OpenOptions::new().write(true).open(self.engine.join("db"))?;
        data.set_len(self.number(LENGTH)?)?;
        for index in sled_files::index_files(&self.engine)? {
            fs::remove_file(index)?;
        }
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            match name.to_string_lossy().strip_prefix(RANGE_PREFIX).map(str::parse::<u64>) {
                Some(Ok(at)) => data.write_all_at(&fs::read(entry.path())?, at)?,
                _ if name == LENGTH => {}
                _ => copy_into(&entry.path(), &self.engine)?,
            }
        }
        data.sync_all()?;
        sync_folder(&self.engine)?;
        self.discard()
    }

    /// Removes the copy. What is written to the log afterwards is not undone any more.
    pub(crate) fn discard(self) -> io::Result<()> {
        let parent = self.path.parent().unwrap_or(Path::new("."));
        // At once, and only then piece by piece: half a copy must not be put back.
        let gone = Scratch::create(parent)?;
        fs::rename(&self.path, gone.path())?;
        sync_folder(parent)
    }

    fn number(&self, name: &str) -> io::Result<u64> {
        let mut text = String::new();
        File::open(self.path.join(name))?.take(20).read_to_string(&mut text)?;
        text.parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the folder `undo` is damaged"))
    }
}

fn place(folder: &Folder) -> PathBuf {
    folder.path().join("undo")
}

fn copy_into(file: &Path, folder: &Path) -> io::Result<()> {
    match file.file_name() {
        Some(name) => write(&folder.join(name), &fs::read(file)?),
        None => Ok(()),
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
