use std::path::PathBuf;

use clap::Args;
use convoke_core::log::Checkpoint;
use serde::Serialize;

use super::files::{NewFile, StandardOutput, destination, nobody_reads};
use crate::{
    context::Context,
    render::{Page, Show, many},
    stop::Stop,
};

/// Write the whole log as one portable file
///
/// It is NDJSON with the stored bytes, every hash and a checkpoint. `convoke verify --from FILE` checks it in place, and `convoke import
/// FILE` makes a workspace of it with identical hashes.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Where to write it; - is standard output [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Export {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let Some(place) = destination(self.output.as_deref()) else {
            context.session()?.export(StandardOutput).map_err(nobody_reads)?;
            return Ok(());
        };
        let (file, writer) = NewFile::begin(place)?;
        let checkpoint = context.session()?.export(writer)?;
        file.finish()?;
        let head = checkpoint.head();
        context.out.show(&Written { file: place.display().to_string(), checkpoint }, Some(head))
    }
}

#[derive(Serialize)]
struct Written {
    file: String,
    checkpoint: Checkpoint,
}

impl Show for Written {
    fn show(&self, page: &mut Page) {
        page.line(format!("{} written to {}", many(self.checkpoint.size, "event"), self.file));
    }
}
