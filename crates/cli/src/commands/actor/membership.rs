use clap::{Args, ValueEnum};
use convoke_core::{
    actors::events,
    command::{Command, SetMembership},
};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Open or close membership (the workspace's organizer only)
///
/// While it is open, a new name is registered when it is first mentioned. While it is closed, only `actor add` registers.
#[derive(Debug, Args)]
pub(crate) struct Membership {
    /// From now on
    #[arg(value_enum)]
    membership: Setting,
    #[command(flatten)]
    mutation: Mutation,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Setting {
    Open,
    Closed,
}

impl Membership {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let membership = match self.membership {
            Setting::Open => events::Membership::Open,
            Setting::Closed => events::Membership::Closed,
        };
        context.act(context.actor()?, &self.mutation, Command::SetMembership(SetMembership { membership }))
    }
}
