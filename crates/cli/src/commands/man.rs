use std::{fs, path::PathBuf};

use clap::Args;
use clap_mangen::Man as Page;
use convoke::api::Fault;

use crate::{context::Context, stop::Stop};

/// Print the manual page, or write one page per command into a folder
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Write convoke.1, convoke-schedule.1 and so on into this folder
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let definition = crate::definition().disable_help_subcommand(true);
        let Some(folder) = &self.output else {
            return context.out.raw(page(definition)?.as_bytes());
        };
        fs::create_dir_all(folder)
            .map_err(|error| Fault::new("io", format!("{} cannot be made: {error}", folder.display())))?;
        clap_mangen::generate_to(definition, folder)
            .map_err(|error| Fault::new("io", format!("the pages cannot be written: {error}")).into())
    }
}

fn page(command: clap::Command) -> Result<String, Stop> {
    let mut bytes = Vec::new();
    Page::new(command)
        .render(&mut bytes)
        .map_err(|error| Fault::new("internal", format!("the manual cannot be written: {error}")))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
