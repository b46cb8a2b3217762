use std::{io::BufReader, path::PathBuf};

use clap::Args;
use convoke::api::{Fault, Reply};

use super::{
    files::{open, shown},
    init::{prepare, take_lock},
    verify::Progress,
};
use crate::{context::Context, stop::Stop, workspace::Workspace};

/// Make a workspace of an export, with identical hashes
///
/// Every hash is checked on the way; an export that does not hold leaves nothing behind. The workspace is made in this folder, or where
/// --workspace says.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The export; - reads standard input
    file: PathBuf,
}

impl Import {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let workspace = Workspace::to_make(context.global.workspace.as_deref())?;
        let input = BufReader::with_capacity(256 * 1024, open(&self.file)?);
        let made = prepare(&workspace)?;
        let lock = take_lock(&workspace)?;
        let mut progress = Progress::new(context.out);
        let imported = convoke::import(&workspace.folder(), input, |done| progress.at(done));
        progress.end();
        drop(lock);
        let verified = match imported {
            Ok(verified) => verified,
            Err(fault) => {
                made.undo();
                return Err(Fault { message: format!("{}: {}", shown(&self.file), fault.message), ..fault }.into());
            }
        };
        let head = verified.checkpoint.head();
        context.out.show(&Reply::Verified(verified), Some(head))
    }
}
