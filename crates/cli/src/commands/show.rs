use clap::Args;
use convoke::api::Question;

use crate::{args::Look, context::Context, stop::Stop};

/// Show one event whole: by its position, or by its id
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// A position in the log, or the id of an event, countdown, campaign or message
    #[arg(value_name = "POSITION|ID")]
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
