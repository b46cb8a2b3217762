//! The peer of the store: a plain file, with one `write` and one `fdatasync` a batch.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
};

use crate::Outcome;

/// A file that is appended to.
pub(crate) struct PlainFile(File);

impl PlainFile {
    /// A new one.
    pub(crate) fn create(path: &Path) -> Outcome<Self> {
        Ok(Self(OpenOptions::new().create(true).append(true).open(path)?))
    }

    /// Appends and makes durable.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Outcome<()> {
        self.0.write_all(bytes)?;
        self.0.sync_data()?;
        Ok(())
    }
}
