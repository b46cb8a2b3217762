use clap::Args;
use convoke::api::{Fault, Question, Reply};

use crate::{args::Look, context::Context, stop::Stop};

/// Fold the whole log from zero, and compare with the state that is served
///
/// Equal logs give equal state digests, on every machine.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    #[command(flatten)]
    look: Look,
}

impl Replay {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let (reply, head) = context.ask(Question::Replay, self.look.as_of)?;
        if let Reply::Replayed(replayed) = &reply
            && !replayed.matches
        {
            let what = format!("the log of {} events does not fold to the state that is served", replayed.head.size);
            return Err(Fault::new("snapshot_wrong", what).into());
        }
        context.out.show(&reply, Some(head))
    }
}
