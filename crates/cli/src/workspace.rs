//! Where a workspace is: the folder that holds `.convoke/`, found from any folder below it, as git finds its own.

use std::{
    env,
    path::{Path, PathBuf},
};

use convoke::api::Fault;

/// The folder inside a workspace that holds the log and the daemon's files.
pub(crate) const FOLDER: &str = ".convoke";
/// The settings' file, beside it.
pub(crate) const SETTINGS: &str = "convoke.toml";
/// Names the workspace where `--workspace` does not.
pub(crate) const VARIABLE: &str = "CONVOKE_WORKSPACE";

/// One workspace on this machine.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The named one, or the one that `CONVOKE_WORKSPACE` names, or the nearest one upwards from here.
    pub(crate) fn find(named: Option<&Path>) -> Result<Self, Fault> {
        if let Some(root) = place(named) {
            return Self::at(&root)?.ok_or_else(|| {
                in_the_way(&root).unwrap_or_else(|| {
                    Fault::new("no_workspace", format!("there is no Convoke workspace in {}", root.display()))
                })
            });
        }
        let here = current_folder()?;
        for folder in here.ancestors() {
            if let Some(workspace) = Self::at(folder)? {
                return Ok(workspace);
            }
            if folder.join(SETTINGS).is_file() {
                let what = format!(
                    "{} has a {SETTINGS}, but no {FOLDER}: nobody made the workspace on this machine yet",
                    folder.display()
                );
                return Err(Fault::new("no_workspace", what));
            }
        }
        Err(here.ancestors().find_map(in_the_way).unwrap_or_else(|| {
            Fault::new("no_workspace", format!("there is no Convoke workspace in {} or above it", here.display()))
        }))
    }

    /// Where a new workspace is to be made: the named folder, or this one.
    pub(crate) fn to_make(named: Option<&Path>) -> Result<Self, Fault> {
        let folder = place(named).map_or_else(current_folder, Ok)?;
        let root = folder.canonicalize().map_err(|error| cannot_read(&folder, &error))?;
        Ok(Self { root })
    }

    fn at(folder: &Path) -> Result<Option<Self>, Fault> {
        match folder.join(FOLDER).metadata() {
            Ok(found) if found.is_dir() => {
                let root = folder.canonicalize().map_err(|error| cannot_read(folder, &error))?;
                Ok(Some(Self { root }))
            }
            Ok(_) => Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(cannot_read(folder, &error)),
            Err(_) => Ok(None),
        }
    }

    /// The workspace that this one lies in, if it does.
    pub(crate) fn outer(&self) -> Option<Self> {
        self.root.ancestors().skip(1).find_map(|folder| Self::at(folder).ok().flatten())
    }

    /// The folder that the workspace is about.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder with the log and the daemon's files.
    pub(crate) fn folder(&self) -> PathBuf {
        self.root.join(FOLDER)
    }

    /// A file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.root.join(FOLDER).join(name)
    }

    /// The settings' file.
    pub(crate) fn settings(&self) -> PathBuf {
        self.root.join(SETTINGS)
    }
}

/// Why no workspace can be made in a folder: something else has its name.
pub(crate) fn in_the_way(root: &Path) -> Option<Fault> {
    let place = root.join(FOLDER);
    let found = place.symlink_metadata().ok()?;
    if place.is_dir() {
        return None;
    }
    let what = if found.is_symlink() { "a link that leads to no folder" } else { "no folder" };
    let message = format!("{} is {what}, and a workspace keeps its log in a folder of this name", place.display());
    let hint = format!("Move it away; then `convoke init` in {} makes a workspace.", root.display());
    Some(Fault { hint, ..Fault::new("no_workspace", message) })
}

fn place(named: Option<&Path>) -> Option<PathBuf> {
    named.map(Path::to_owned).or_else(|| env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from))
}

fn current_folder() -> Result<PathBuf, Fault> {
    env::current_dir().map_err(|error| Fault::new("io", format!("the current folder cannot be read: {error}")))
}

fn cannot_read(folder: &Path, error: &std::io::Error) -> Fault {
    let code = if error.kind() == std::io::ErrorKind::PermissionDenied { "other_user" } else { "io" };
    Fault::new(code, format!("{} cannot be read: {error}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_is_where_its_folder_is_and_nowhere_else() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(Workspace::find(Some(place.path())).unwrap_err().code, "no_workspace");
        std::fs::write(place.path().join(FOLDER), "a file is no workspace").unwrap();
        let fault = Workspace::find(Some(place.path())).unwrap_err();
        assert_eq!(fault.code, "no_workspace");
        assert!(fault.message.contains(".convoke is no folder") && fault.hint.starts_with("Move it away"), "{fault:?}");
        std::fs::remove_file(place.path().join(FOLDER)).unwrap();
        std::fs::create_dir(place.path().join(FOLDER)).unwrap();
        let workspace = Workspace::find(Some(place.path())).unwrap();
        assert_eq!(workspace.folder(), place.path().canonicalize().unwrap().join(FOLDER));
    }
}
