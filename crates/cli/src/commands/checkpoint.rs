use std::path::PathBuf;

use clap::Args;
use convoke::api::{Fault, Question, Reply};

use super::files::{destination, write_document};
use crate::{args::Look, context::Context, stop::Stop};

/// Write down how large the log is and the root over it
///
/// Keep it elsewhere: `convoke verify --against FILE` finds out later whether the log still begins with what it held now.
#[derive(Debug, Args)]
pub(crate) struct Checkpoint {
    /// Where to write it; - is standard output [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    look: Look,
}

impl Checkpoint {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let (reply, head) = context.ask(Question::Checkpoint, self.look.as_of)?;
        let place = destination(self.output.as_deref());
        if context.out.is_json() && place.is_none() {
            return context.out.show(&reply, Some(head));
        }
        let Reply::Checkpoint(checkpoint) = &reply else {
            return Err(Fault::new("bad_answer", "the answer is not a checkpoint").into());
        };
        let text = serde_json::to_string(checkpoint).map_err(|error| Fault::new("internal", error.to_string()))?;
        write_document(context.out, place, &(text + "\n"))?;
        if place.is_some() { context.out.show(&reply, Some(head)) } else { Ok(()) }
    }
}
