use clap::Args;
use convoke::api::Question;

use crate::{args::Look, context::Context, stop::Stop};

/// Show one event whole
///
/// A countdown or campaign names the event that began it; `convoke history` lists the others.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// A position in the log, the id of an event, countdown, campaign or message, or the exact name of a countdown or campaign
    #[arg(value_name = "POSITION|ID|NAME")]
    event: String,
    #[command(flatten)]
    look: Look,
}

impl Show {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let (reply, head) = context.ask(Question::Show(self.event), self.look.as_of)?;
        context.out.show(&reply, Some(head))
    }
}
