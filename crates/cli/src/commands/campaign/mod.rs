mod add;
mod cancel;
mod create;
mod graph;
mod link;
mod list;
mod order;
mod start;
mod status;
mod unlink;

use clap::Subcommand;

use crate::{context::Context, stop::Stop};

/// Countdowns that wait for one another
#[derive(Debug, Subcommand)]
pub(crate) enum Campaign {
    Create(create::Create),
    Add(add::Add),
    Link(link::Link),
    Unlink(unlink::Unlink),
    Start(start::Start),
    Order(order::Order),
    Graph(graph::Graph),
    Status(status::Status),
    List(list::List),
    Cancel(cancel::Cancel),
}

impl Campaign {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        match self {
            Self::Create(command) => command.run(context),
            Self::Add(command) => command.run(context),
            Self::Link(command) => command.run(context),
            Self::Unlink(command) => command.run(context),
            Self::Start(command) => command.run(context),
            Self::Order(command) => command.run(context),
            Self::Graph(command) => command.run(context),
            Self::Status(command) => command.run(context),
            Self::List(command) => command.run(context),
            Self::Cancel(command) => command.run(context),
        }
    }
}
