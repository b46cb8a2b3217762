//! Builds trees: what a tree becomes with a change, in an index of its own. No file of anybody is touched.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use convoke_core::queue::{GitHash, RepoPath};

use crate::{
    command::Git,
    error::GitError,
    merge::Merged,
    patch::{DIFF_TREE, Kind, Touched, text, touched_in},
    repository::Repository,
    talk::{Ended, Talk},
};

/// One file operation of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Write the file, which may be there or not.
    Write {
        /// Which.
        path: RepoPath,
        /// What it holds from now on.
        content: Vec<u8>,
    },
    /// Write a file that must not be there.
    Add {
        /// Which.
        path: RepoPath,
        /// What it holds from now on.
        content: Vec<u8>,
    },
    /// Take the file away. It must be there.
    Delete {
        /// Which.
        path: RepoPath,
    },
    /// Apply a unified diff, as git does: plainly, and three-way where that fails.
    Patch {
        /// The diff, with its file headers.
        diff: Vec<u8>,
    },
}

/// Builds trees of one repository.
#[derive(Debug)]
pub struct Builder {
    repository: Repository,
    folder: PathBuf,
    git: Git,
    /// The tree that the index holds.
    at: Option<GitHash>,
    /// Compares trees.
    compare: Option<Talk>,
}

/// What stands at a path of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    File { executable: bool },
    Symlink,
    Folder,
    Submodule,
}

impl Builder {
    /// A builder whose index lies in this folder, which is its own. What another left there is taken away.
    ///
    /// # Errors
    /// [`GitError`] if the folder cannot be made.
    pub fn open(repository: &Repository, folder: &Path) -> Result<Self, GitError> {
        let error = |error| GitError::io("the folder for building cannot be made", error);
        match fs::remove_dir_all(folder) {
            Err(failed) if failed.kind() != io::ErrorKind::NotFound => return Err(error(failed)),
            _ => fs::create_dir_all(folder).map_err(error)?,
        }
        let git = repository.git().with_index(folder.join("index"));
        Ok(Self { repository: repository.clone(), folder: folder.to_path_buf(), git, at: None, compare: None })
    }

    /// Carries operations of different paths out on a tree, and gives the tree that they make.
    ///
    /// # Errors
    /// [`GitError`] if git cannot be asked or the disk is full.
    pub fn apply(&mut self, onto: &GitHash, operations: &[Operation]) -> Result<Merged, GitError> {
        if self.at.take().as_ref() != Some(onto) {
            self.git.must(&["read-tree", onto.as_str()], b"")?;
        }
        let files: Vec<&Operation> =
            operations.iter().filter(|operation| !matches!(operation, Operation::Patch { .. })).collect();
        if !files.is_empty()
            && let Some(conflict) = self.files(onto, &files)?
        {
            return Ok(conflict);
        }
        let diffs: Vec<&[u8]> = operations
            .iter()
            .filter_map(|operation| if let Operation::Patch { diff } = operation { Some(&diff[..]) } else { None })
            .collect();
        if !diffs.is_empty()
            && let Some(conflict) = self.patch(&diffs.concat())?
        {
            return Ok(conflict);
        }
        let tree = hash("write-tree", &self.git.must(&["write-tree"], b"")?)?;
        self.at = Some(tree.clone());
        Ok(Merged::Tree(tree))
    }

    /// What differs between two trees.
    ///
    /// # Errors
    /// [`GitError`] if one of them is not there; a path that is not UTF-8 is an error that names it.
    pub fn touched(&mut self, from: &GitHash, to: &GitHash) -> Result<Vec<Touched>, GitError> {
        let mut compare = match self.compare.take() {
            Some(compare) => compare,
            None => Talk::start(&self.git, &[&DIFF_TREE[..], &["--stdin"]].concat())?,
        };
        // What is no pair of trees is said back, after the answer to what is one. No path in a tree holds that tree's own name.
        let end = format!("end {from} {to}\n");
        let said = compare
            .ask(&format!("{from} {to}\n{end}"), end.as_bytes())
            .map_err(|Ended(said)| GitError::Failed { what: "diff-tree".to_owned(), said })?;
        self.compare = Some(compare);
        let header = format!("{from} {to}\n");
        touched_in(&self.repository, said.strip_prefix(header.as_bytes()).unwrap_or(&said))
    }

    fn patch(&self, diff: &[u8]) -> Result<Option<Merged>, GitError> {
        let plain = self.git.ask(&["apply", "--cached", "--whitespace=nowarn", "-"], diff)?;
        if plain.ok {
            return Ok(None);
        }
        let merged = self.git.ask(&["apply", "--cached", "--3way", "--whitespace=nowarn", "-"], diff)?;
        if merged.ok {
            return Ok(None);
        }
        let unmerged = self.git.must(&["diff", "--cached", "--name-only", "-z", "--diff-filter=U"], b"")?;
        let mut paths: Vec<String> = unmerged.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
        if paths.is_empty() {
            paths = named_in(&plain.text);
        }
        Ok(Some(Merged::Conflict { paths, detail: plain.text }))
    }

    fn files(&self, onto: &GitHash, operations: &[&Operation]) -> Result<Option<Merged>, GitError> {
        let paths: Vec<&RepoPath> = operations.iter().filter_map(|operation| path_of(operation)).collect();
        let there = self.stands(onto, &paths)?;
        let stands = |path: &str| there.iter().find(|(at, _)| at == path).map(|(_, stands)| *stands);
        let contents: Vec<&[u8]> = operations
            .iter()
            .filter_map(|operation| match operation {
                Operation::Write { content, .. } | Operation::Add { content, .. } => Some(&content[..]),
                Operation::Delete { .. } | Operation::Patch { .. } => None,
            })
            .collect();
        let conflict =
            |path: &RepoPath, detail: String| Ok(Some(Merged::Conflict { paths: vec![path.to_string()], detail }));
        let deleted: Vec<&str> = operations
            .iter()
            .filter_map(|operation| if let Operation::Delete { path } = operation { Some(path.as_str()) } else { None })
            .collect();
        for operation in operations {
            let Some(path) = path_of(operation) else { continue };
            let (is_add, is_delete) =
                (matches!(operation, Operation::Add { .. }), matches!(operation, Operation::Delete { .. }));
            let above = path.as_str().match_indices('/').map(|(end, _)| &path.as_str()[..end]);
            for above in above {
                // A file may make room for a folder.
                if deleted.contains(&above) && !is_delete {
                    continue;
                }
                if !is_delete && paths.iter().any(|other| other.as_str() == above) {
                    return conflict(path, format!("the change makes {above} a file"));
                }
                match stands(above) {
                    None | Some(Stands::Folder) => {}
                    Some(Stands::Symlink) => return conflict(path, format!("{above} is a symlink")),
                    Some(Stands::File { .. }) => return conflict(path, format!("{above} is a file")),
                    Some(Stands::Submodule) => return conflict(path, format!("{above} is a submodule")),
                }
            }
            match stands(path.as_str()) {
                None if is_delete => return conflict(path, "it is not there".to_owned()),
                // So may a folder for a file, if nothing is left in it.
                Some(Stands::Folder) if !is_delete && self.is_emptied(onto, path, &deleted)? => {}
                Some(Stands::Folder) => return conflict(path, "it is a folder".to_owned()),
                Some(Stands::Submodule) => return conflict(path, "it is a submodule".to_owned()),
                Some(Stands::Symlink) if !is_delete => return conflict(path, "it is a symlink".to_owned()),
                Some(Stands::File { .. }) if is_add => return conflict(path, "it is there already".to_owned()),
                None | Some(Stands::File { .. } | Stands::Symlink) => {}
            }
        }
        let mut blobs = self.blobs(&contents)?.into_iter();
        let zero = "0".repeat(onto.as_str().len());
        let mut entries = Vec::new();
        for operation in operations {
            match operation {
                Operation::Write { path, .. } | Operation::Add { path, .. } => {
                    let executable = stands(path.as_str()) == Some(Stands::File { executable: true });
                    let mode = if executable { "100755" } else { "100644" };
                    let blob = blobs.next().ok_or_else(|| failed("hash-object", "it wrote too few objects"))?;
                    entries.push(format!("{mode} {blob}\t{path}\0"));
                }
                Operation::Delete { path } => entries.push(format!("0 {zero}\t{path}\0")),
                Operation::Patch { .. } => {}
            }
        }
        // What goes makes room for what comes.
        entries.sort_by_key(|entry| !entry.starts_with("0 "));
        self.git.must(&["update-index", "-z", "--index-info"], entries.concat().as_bytes())?;
        Ok(None)
    }

    /// Writes contents as objects.
    fn blobs(&self, contents: &[&[u8]]) -> Result<Vec<GitHash>, GitError> {
        let error = |error| GitError::io("a file of the change cannot be written", error);
        let mut names = String::new();
        for (number, content) in contents.iter().enumerate() {
            fs::write(self.folder.join(number.to_string()), content).map_err(error)?;
            // The folder's own name may hold a line's end; the name of the file does not.
            names += &format!("{number}\n");
        }
        if contents.is_empty() {
            return Ok(Vec::new());
        }
        let git = self.git.at(self.folder.clone());
        let said = git.must(&["hash-object", "-w", "--no-filters", "--stdin-paths"], names.as_bytes())?;
        for number in 0..contents.len() {
            fs::remove_file(self.folder.join(number.to_string())).map_err(error)?;
        }
        said.lines().map(|line| hash("hash-object", line)).collect()
    }

    /// Whether a change that deletes these files leaves none in a folder of the tree.
    fn is_emptied(&self, tree: &GitHash, folder: &RepoPath, deleted: &[&str]) -> Result<bool, GitError> {
        let below = format!("{folder}/");
        if !deleted.iter().any(|path| path.starts_with(&below)) {
            return Ok(false);
        }
        let said =
            self.git.ask(&["ls-tree", "-r", "-z", "--name-only", "--full-tree", tree.as_str(), "--", &below], b"")?;
        if !said.ok {
            return Err(failed("ls-tree", &said.text));
        }
        let mut files = said.out.split(|byte| *byte == 0).filter(|file| !file.is_empty());
        Ok(files.all(|file| deleted.iter().any(|path| path.as_bytes() == file)))
    }

    /// What stands at these paths and at those above them.
    fn stands(&self, tree: &GitHash, paths: &[&RepoPath]) -> Result<Vec<(String, Stands)>, GitError> {
        let mut args = vec!["ls-tree", "-z", "-t", "--full-tree", tree.as_str(), "--"];
        for path in paths {
            args.extend(path.as_str().match_indices('/').map(|(end, _)| &path.as_str()[..end]));
            args.push(path.as_str());
        }
        args[6..].sort_unstable();
        args.dedup();
        let said = self.git.ask(&args, b"")?;
        if !said.ok {
            return Err(failed("ls-tree", &said.text));
        }
        let entries = said.out.split(|byte| *byte == 0).filter(|entry| !entry.is_empty());
        entries
            .map(|entry| {
                // "mode type object TAB path"
                let entry = text(entry)?;
                let (what, path) = entry.split_once('\t').ok_or_else(|| failed("ls-tree", &entry))?;
                let stands = match what.split(' ').next() {
                    Some("040000") => Stands::Folder,
                    Some("120000") => Stands::Symlink,
                    Some("160000") => Stands::Submodule,
                    mode => Stands::File { executable: mode == Some("100755") },
                };
                Ok((path.to_owned(), stands))
            })
            .collect()
    }
}

fn path_of(operation: &Operation) -> Option<&RepoPath> {
    match operation {
        Operation::Write { path, .. } | Operation::Add { path, .. } | Operation::Delete { path } => Some(path),
        Operation::Patch { .. } => None,
    }
}

/// The files that `git apply` complains about: `error: patch failed: src/a.rs:3`, `error: src/a.rs: does not exist in index`.
fn named_in(said: &str) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for line in said.lines().filter_map(|line| line.strip_prefix("error: ")) {
        let path = match line.strip_prefix("patch failed: ") {
            Some(place) => place.rsplit_once(':').map(|(path, _)| path),
            None => line.split_once(": ").map(|(path, _)| path),
        };
        paths.extend(path.filter(|path| !paths.iter().any(|known| known == path)).map(str::to_owned));
    }
    paths
}

fn failed(what: &str, said: &str) -> GitError {
    GitError::Failed { what: what.to_owned(), said: said.to_owned() }
}

/// An object's name, as a command of git printed it.
pub(crate) fn hash(what: &str, said: &str) -> Result<GitHash, GitError> {
    GitHash::parse(said.trim()).map_err(|error| failed(what, &error.to_string()))
}

impl Touched {
    /// Why this may not land, whoever names it: a submodule, a symlink that leads out, a path that is not UTF-8.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        match &self.now {
            _ if !self.is_utf8 => Some(format!("the path {:?} is not UTF-8", self.path)),
            Some(Kind::Submodule) => Some(format!("{} is a submodule", self.path)),
            Some(Kind::Symlink(to)) if self.leads_out() => {
                Some(format!("{} is a symlink to {to:?}, which leads out of the repository", self.path))
            }
            _ => None,
        }
    }
}
