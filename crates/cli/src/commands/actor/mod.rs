mod add;
mod list;
mod membership;
mod show;

use clap::Subcommand;

use crate::{context::Context, stop::Stop};

/// Who takes part: people and agents
#[derive(Debug, Subcommand)]
pub(crate) enum Actor {
    Add(add::Add),
    List(list::List),
    Show(show::Show),
    Membership(membership::Membership),
}

impl Actor {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        match self {
            Self::Add(command) => command.run(context),
            Self::List(command) => command.run(context),
            Self::Show(command) => command.run(context),
            Self::Membership(command) => command.run(context),
        }
    }
}
