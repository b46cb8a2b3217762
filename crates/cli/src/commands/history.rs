use clap::Args;
use convoke::api::Question;

use crate::{args::Look, context::Context, stop::Stop};

/// Show every event about one thing, oldest first
#[derive(Debug, Args)]
pub(crate) struct History {
    /// A countdown, campaign, message or actor
    #[arg(value_name = "ID")]
    reference: String,
    #[command(flatten)]
    look: Look,
}

impl History {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let (reply, head) = context.ask(Question::History(self.reference), self.look.as_of)?;
        context.out.show(&reply, Some(head))
    }
}
