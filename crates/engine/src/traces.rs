//! A folder that held a log which is gone: it is not one in which nobody made a workspace yet.

use std::{fs, path::Path};

use crate::{
    api::Fault,
    engine::{SNAPSHOTS, STORE},
};

/// Refuses a folder (`.convoke`) with traces of a log, but without the file that every store begins with.
pub(crate) fn no_lost_log(folder: &Path) -> Result<(), Fault> {
    let store = folder.join(STORE);
    if store.join("format").exists() {
        return Ok(());
    }
    let traces = [(&store, STORE), (&folder.join(SNAPSHOTS), SNAPSHOTS)];
    let Some((_, trace)) = traces.into_iter().find(|(folder, _)| holds_something(folder)) else {
        return Ok(());
    };
    let what = format!(
        "{} holds traces of a log in {trace}/, but {} is missing: there was a log, and it is not whole",
        folder.display(),
        store.join("format").display()
    );
    let hint = format!(
        "Bring {} back from a copy. Or move {} away, and make a workspace of an export: convoke import FILE.",
        store.display(),
        folder.display()
    );
    Err(Fault { hint, ..Fault::new("log_damaged", what) })
}

fn holds_something(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_log_is_told_from_one_that_was_never_made() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path();
        no_lost_log(folder).unwrap();
        fs::create_dir_all(folder.join(STORE)).unwrap();
        fs::create_dir_all(folder.join(SNAPSHOTS)).unwrap();
        no_lost_log(folder).unwrap();
        for trace in [folder.join(SNAPSHOTS).join("state"), folder.join(STORE).join("head")] {
            fs::write(&trace, "").unwrap();
            assert_eq!(no_lost_log(folder).unwrap_err().code, "log_damaged");
            fs::remove_file(&trace).unwrap();
        }
        fs::write(folder.join(STORE).join("head"), "").unwrap();
        fs::write(folder.join(STORE).join("format"), "").unwrap();
        no_lost_log(folder).unwrap();
    }
}
