//! A folder that files are dropped into: which of them are whole, and where they go then.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use convoke::api::Fault;
use convoke_core::log::blob_hash;
use serde::de::IgnoredAny;

use super::super::submit::REQUEST_BYTES_MAX;
use crate::disk;

/// Where files go that were taken in, and those that were refused.
const TAKEN: &str = "taken";
const REJECTED: &str = "rejected";
/// How long a file that is no JSON has to stay the same before it is taken for broken, and not for one that is being written.
const PATIENCE: Duration = Duration::from_secs(10);

/// A folder, with what was seen in it at the look before.
pub(super) struct Folder {
    place: PathBuf,
    seen: BTreeMap<String, Seen>,
    looks: u64,
}

/// What a file looked like: its size, and when it was written last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    bytes: u64,
    written: SystemTime,
}

/// A file with what it holds.
pub(super) struct Dropped {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// What a file is.
pub(super) enum Look {
    /// It can be taken in.
    Whole(Dropped),
    /// It never will be; with the reason.
    Broken(Dropped, String),
    /// Somebody may be writing it.
    Growing,
}

impl Folder {
    /// Opens a folder, which has to be there, and makes the two that files are moved to.
    pub(super) fn open(place: &Path) -> Result<Self, Fault> {
        if !place.is_dir() {
            let hint = "Make the folder first.".to_owned();
            let what = format!("there is no folder {}", place.display());
            return Err(Fault { hint, ..Fault::new("not_found", what) });
        }
        for name in [TAKEN, REJECTED] {
            let folder = place.join(name);
            fs::create_dir_all(&folder).map_err(|error| cannot("made", &folder, &error))?;
        }
        Ok(Self { place: place.to_owned(), seen: BTreeMap::new(), looks: 0 })
    }

    /// Looks at the folder, and gives the names of the files that stayed the same since the look before, in their order.
    pub(super) fn look(&mut self) -> Result<Vec<String>, Fault> {
        let entries = fs::read_dir(&self.place).map_err(|error| cannot("read", &self.place, &error))?;
        let mut now = BTreeMap::new();
        for entry in entries {
            let entry = entry.map_err(|error| cannot("read", &self.place, &error))?;
            // A name that is not UTF-8 does not end in .json either, as far as anybody can write it down.
            let Ok(name) = entry.file_name().into_string() else { continue };
            // It may be gone by now: somebody else takes files from here too.
            let Ok(found) = entry.metadata() else { continue };
            if found.is_file() && name.ends_with(".json") && !name.starts_with('.') {
                let written = found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                now.insert(name, Seen { bytes: found.len(), written });
            }
        }
        let steady = now.iter().filter(|(name, seen)| self.seen.get(*name) == Some(seen));
        let steady = steady.map(|(name, _)| name.clone()).collect();
        self.seen = now;
        self.looks += 1;
        Ok(steady)
    }

    /// How often it was looked at.
    pub(super) fn looks(&self) -> u64 {
        self.looks
    }

    /// The files that were there at the last look and still are.
    pub(super) fn left(&self) -> impl Iterator<Item = &String> {
        self.seen.keys().filter(|name| self.place.join(name).exists())
    }

    /// Reads a file that stayed the same.
    pub(super) fn read(&self, name: &str) -> Result<Look, Fault> {
        let Some(seen) = self.seen.get(name) else { return Ok(Look::Growing) };
        let dropped = |bytes| Dropped { name: name.to_owned(), bytes };
        if seen.bytes > REQUEST_BYTES_MAX {
            let why = format!("it has {} bytes; the limit is {REQUEST_BYTES_MAX}", seen.bytes);
            return Ok(Look::Broken(dropped(Vec::new()), why));
        }
        let path = self.place.join(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Look::Growing),
            // One file that nobody may read does not hold up the others.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Ok(Look::Broken(dropped(Vec::new()), format!("it cannot be read: {error}")));
            }
            Err(error) => return Err(cannot("read", &path, &error)),
        };
        Ok(match serde_json::from_slice::<IgnoredAny>(&bytes) {
            Ok(_) => Look::Whole(dropped(bytes)),
            Err(error) => {
                let has_waited = seen.written.elapsed().is_ok_and(|age| age >= PATIENCE);
                let why = format!("it is not JSON: {error}");
                if has_waited { Look::Broken(dropped(bytes), why) } else { Look::Growing }
            }
        })
    }

    /// Moves a file to those that were taken in.
    pub(super) fn taken(&self, file: &Dropped) -> Result<(), Fault> {
        self.move_to(TAKEN, file).map(drop)
    }

    /// Moves a file to those that were refused, with the reason beside it.
    pub(super) fn rejected(&self, file: &Dropped, why: &str) -> Result<(), Fault> {
        let place = self.move_to(REJECTED, file)?;
        let mut beside = place.into_os_string();
        beside.push(".why");
        fs::write(&beside, format!("{why}\n")).map_err(|error| cannot("written", Path::new(&beside), &error))
    }

    /// Another file of the same name that lies there stays: this one's hash is put before its ending.
    fn move_to(&self, folder: &str, file: &Dropped) -> Result<PathBuf, Fault> {
        let from = self.place.join(&file.name);
        let mut to = self.place.join(folder).join(&file.name);
        if to.exists() {
            let stem = file.name.strip_suffix(".json").unwrap_or(&file.name);
            to.set_file_name(format!("{stem}.{}.json", &blob_hash(&file.bytes).to_string()[..8]));
        }
        match fs::rename(&from, &to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(cannot("moved", &from, &error)),
            _ => Ok(to),
        }
    }
}

fn cannot(what: &str, place: &Path, error: &io::Error) -> Fault {
    disk::fault(format_args!("{} cannot be {what}", place.display()), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(folder: &mut Folder) -> Vec<String> {
        let steady = folder.look().unwrap();
        let word = |name: String| match folder.read(&name).unwrap() {
            Look::Whole(file) => format!("whole {}", file.name),
            Look::Broken(file, _) => format!("broken {}", file.name),
            Look::Growing => "growing".to_owned(),
        };
        steady.into_iter().map(word).collect()
    }

    #[test]
    fn a_file_is_whole_when_it_stayed_the_same_and_is_json_to_its_end() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("a.json");
        let mut folder = Folder::open(place.path()).unwrap();
        fs::write(&file, r#"{"a":"#).unwrap();
        assert!(words(&mut folder).is_empty(), "seen for the first time");
        assert_eq!(words(&mut folder), ["growing"], "the same, but half a document");
        fs::write(&file, r#"{"a":1}"#).unwrap();
        assert!(words(&mut folder).is_empty(), "it has changed");
        assert_eq!(words(&mut folder), ["whole a.json"]);
    }

    #[test]
    fn what_stays_half_a_document_for_long_is_broken() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("a.json");
        fs::write(&file, "{").unwrap();
        let long_ago = SystemTime::now() - PATIENCE - Duration::from_secs(1);
        fs::File::options().write(true).open(&file).unwrap().set_modified(long_ago).unwrap();
        let mut folder = Folder::open(place.path()).unwrap();
        assert!(words(&mut folder).is_empty());
        assert_eq!(words(&mut folder), ["broken a.json"]);
    }

    #[test]
    fn other_files_are_left_alone() {
        let place = tempfile::tempdir().unwrap();
        let mut folder = Folder::open(place.path()).unwrap();
        for name in [".a.json", "a.json.tmp", "readme.md"] {
            fs::write(place.path().join(name), "{}").unwrap();
        }
        fs::create_dir(place.path().join("b.json")).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", place.path().join("c.json")).unwrap();
        assert!(words(&mut folder).is_empty() && words(&mut folder).is_empty());
    }

    #[test]
    fn two_files_of_one_name_are_both_kept() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        for bytes in [b"1", b"2"] {
            fs::write(place.path().join("a.json"), bytes).unwrap();
            folder.rejected(&Dropped { name: "a.json".to_owned(), bytes: bytes.to_vec() }, "because").unwrap();
        }
        let mut found: Vec<_> = fs::read_dir(place.path().join(REJECTED))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        found.sort();
        assert_eq!(found.len(), 4, "{found:?}");
        assert_eq!(fs::read_to_string(place.path().join("rejected/a.json.why")).unwrap(), "because\n");
    }
}
