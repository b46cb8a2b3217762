use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::files::{NewFile, StandardOutput, nobody_reads};
use crate::{
    context::Context,
    render::{Page, Show},
    stop::Stop,
};

/// Write the whole log as one portable file
///
/// It is NDJSON with the stored bytes, every hash and a checkpoint. `convoke verify --from FILE` checks it in place, and `convoke import
/// FILE` makes a workspace of it with identical hashes.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Where to write it [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Export {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let Some(place) = &self.output else {
            return context.session()?.export(StandardOutput).map_err(nobody_reads);
        };
        let (file, writer) = NewFile::begin(place)?;
        context.session()?.export(writer)?;
        file.finish()?;
        context.out.show(&Written { file: place.display().to_string() }, None)
    }
}

#[derive(Serialize)]
struct Written {
    file: String,
}

impl Show for Written {
    fn show(&self, page: &mut Page) {
        page.line(format!("written to {}", self.file));
    }
}
