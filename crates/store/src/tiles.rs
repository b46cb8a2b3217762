//! The file of tile roots: an index of the tree that can be made anew, never trusted.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

use convoke_core::log::Hash;

const ROOT_BYTES: usize = 32;

/// The open file.
#[derive(Debug)]
pub(crate) struct TilesFile {
    file: File,
    /// How many roots it holds.
    count: usize,
}

impl TilesFile {
    /// Opens the file, making it if need be, and reads at most `count_max` roots from it.
    pub(crate) fn open(path: &Path, count_max: u64) -> io::Result<(Self, Vec<Hash>)> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let stored = file.metadata()?.len() / ROOT_BYTES as u64;
        let count = usize::try_from(stored.min(count_max)).unwrap_or(0);
        let mut bytes = vec![0; count * ROOT_BYTES];
        file.read_exact_at(&mut bytes, 0)?;
        let roots = bytes.as_chunks::<ROOT_BYTES>().0.iter().map(|root| Hash(*root)).collect();
        Ok((Self { file, count }, roots))
    }

    /// Brings the file up to these roots, of which it holds the first ones already.
    pub(crate) fn extend(&mut self, roots: &[Hash]) -> io::Result<()> {
        let Some(new) = roots.get(self.count..).filter(|new| !new.is_empty()) else { return Ok(()) };
        let bytes: Vec<u8> = new.iter().flat_map(|root| root.0).collect();
        self.file.write_all_at(&bytes, (self.count * ROOT_BYTES) as u64)?;
        self.count = roots.len();
        Ok(())
    }

    /// Writes all roots anew.
    pub(crate) fn rewrite(&mut self, roots: &[Hash]) -> io::Result<()> {
        self.count = 0;
        self.extend(roots)?;
        self.file.set_len((roots.len() * ROOT_BYTES) as u64)
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_written_are_read_and_a_torn_one_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tiles");
        let roots: Vec<Hash> = (0..5).map(|i| Hash([i; 32])).collect();
        let (mut file, none) = TilesFile::open(&path, 10).unwrap();
        assert!(none.is_empty());
        file.extend(&roots[..2]).unwrap();
        file.extend(&roots).unwrap();
        assert_eq!(TilesFile::open(&path, 10).unwrap().1, roots);
        file.file.set_len(100).unwrap();
        assert_eq!(TilesFile::open(&path, 10).unwrap().1, roots[..3]);
        assert_eq!(TilesFile::open(&path, 1).unwrap().1, roots[..1]);
        file.rewrite(&roots[..4]).unwrap();
        assert_eq!(TilesFile::open(&path, 10).unwrap().1, roots[..4]);
    }
}
