mod logs;
mod run;
mod start;
mod status;
mod stop;

use clap::Subcommand;

use crate::{context::Context, stop::Stop as Ended};

/// The process that owns the log and the timers
///
/// Commands start it when they need it, and it ends by itself after a while without work. These commands are for looking after it.
#[derive(Debug, Subcommand)]
pub(crate) enum Daemon {
    Start(start::Start),
    Stop(stop::Stop),
    Status(status::Status),
    Logs(logs::Logs),
    #[command(hide = true)]
    Run(run::Run),
}

impl Daemon {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Ended> {
        match self {
            Self::Start(command) => command.run(context),
            Self::Stop(command) => command.run(context),
            Self::Status(command) => command.run(context),
            Self::Logs(command) => command.run(context),
            Self::Run(command) => command.run(context),
        }
    }
}
