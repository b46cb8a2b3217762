use clap::Args;

use crate::{
    context::Context,
    render::{Page, Show},
    stop::Stop,
    worker::{Candidate, Held},
};

/// Build the commit that a claimed change makes on its branch as it is, for a worker of your own
///
/// It prints the commit's hash; no branch has it yet. Test it in a worktree: git worktree add --detach DIR HASH. Where the branch
/// moves meanwhile, build anew.
///
/// What does not apply, or does what it may not, ends the change, as with convoke queue worker: it goes back to its author, with the
/// conflict (exit code 4).
///
/// Example: commit=$(convoke --as builder queue build k7q2m9xa --fence 1)
#[derive(Debug, Args)]
pub(crate) struct Build {
    /// The change
    #[arg(value_name = "ID")]
    change: String,
    /// The number of the claim, as `convoke queue lease` printed it
    #[arg(long, value_name = "N")]
    fence: u32,
}

impl Build {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let (actor, out) = (context.actor()?, context.out);
        let candidate = Held::open(context, actor, self.change, self.fence)?.build()?;
        out.show(&candidate, None)
    }
}

impl Show for Candidate {
    fn show(&self, page: &mut Page) {
        page.line(self.commit.as_str());
    }
}
