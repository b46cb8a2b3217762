mod accept;

use clap::Subcommand;

use crate::{context::Context, stop::Stop};

/// Convoke's time
#[derive(Debug, Subcommand)]
pub(crate) enum Clock {
    Accept(accept::Accept),
}

impl Clock {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        match self {
            Self::Accept(command) => command.run(context),
        }
    }
}
