use clap::Args;

use crate::{context::Context, daemon, stop::Stop};

/// Be the daemon, in the foreground
#[derive(Debug, Args)]
pub(crate) struct Run {}

impl Run {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        Ok(daemon::run(context.workspace()?)?)
    }
}
