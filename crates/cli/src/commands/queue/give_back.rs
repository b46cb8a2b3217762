use clap::Args;

use crate::{args::Mutation, context::Context, stop::Stop, worker::Held};

/// Give a claimed change back without blame, for a worker of your own
///
/// Somebody else may claim it at once. If its landing was begun, it is looked up first whether it happened; then that is recorded, and the
/// change has landed.
///
/// Example: convoke --as builder queue return k7q2m9xa --fence 1 --reason 'the builder restarts'
#[derive(Debug, Args)]
pub(crate) struct Return {
    /// The change
    #[arg(value_name = "ID")]
    change: String,
    /// The number of the claim, as `convoke queue lease` printed it
    #[arg(long, value_name = "N")]
    fence: u32,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    mutation: Mutation,
}

impl Return {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let (actor, out) = (context.actor()?, context.out);
        let answer = Held::open(context, actor, self.change, self.fence)?.give_back(self.reason, &self.mutation)?;
        let head = answer.head;
        out.show(&answer, Some(head))
    }
}
