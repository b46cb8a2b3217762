use std::path::PathBuf;

use clap::Args;
use convoke::api::{Fault, Question, Reply};

use super::files::{destination, write_document};
use crate::{args::Look, context::Context, stop::Stop};

/// Prove that an event is in the log
///
/// The proof is a JSON document that `convoke verify --proof FILE` checks anywhere, without the log.
#[derive(Debug, Args)]
pub(crate) struct Prove {
    /// The event's position
    position: u64,
    /// Where to write it; - is standard output [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    look: Look,
}

impl Prove {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let (reply, head) = context.ask(Question::Prove(self.position), self.look.as_of)?;
        let place = destination(self.output.as_deref());
        if context.out.is_json() && place.is_none() {
            return context.out.show(&reply, Some(head));
        }
        let Reply::Proof(proof) = &reply else {
            return Err(Fault::new("bad_answer", "the answer is not a proof").into());
        };
        let text = serde_json::to_string_pretty(proof).map_err(|error| Fault::new("internal", error.to_string()))?;
        write_document(context.out, place, &(text + "\n"))?;
        if place.is_some() { context.out.show(&reply, Some(head)) } else { Ok(()) }
    }
}
