use clap::Args;
use convoke::api::Answer;
use convoke_core::command::{self, Command};
use serde::Serialize;

use crate::{
    args::Mutation,
    context::Context,
    render::{Page, Show},
    stop::Stop,
};

/// Decide what is due now, and nothing else
///
/// The daemon does this by itself. With --no-daemon, a script may do it. What became due is shown by `convoke log`.
#[derive(Debug, Args)]
pub(crate) struct Tick {
    #[command(flatten)]
    mutation: Mutation,
}

impl Tick {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let answer = context.command(context.actor()?, &self.mutation, Command::Tick(command::Tick {}))?;
        context.out.show(&Ticked(&answer), Some(answer.head))
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Ticked<'a>(&'a Answer);

impl Show for Ticked<'_> {
    fn show(&self, page: &mut Page) {
        page.line(format!("what was due is decided; the log holds {} events", self.0.head.size));
    }
}
