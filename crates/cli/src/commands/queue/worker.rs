use clap::Args;
use convoke::api::Fault;
use convoke_core::{limits, name::Name, refusal::Refusal};
use convoke_worker::{Must, Options, Summary, Trouble, Until, Worker as Works, train::Limits};

use crate::{
    context::Context,
    repository,
    settings::Settings,
    stop::Stop,
    worker::{Place, SessionDesk, Summed, Teller, until_told_to_stop},
};

/// Land changes: claim them, build and check them, and move the branch
///
/// Each change is built on the branch's tip in a private worktree; nobody's checkout is touched. What overlaps keeps its order;
/// lanes test one on top of the other at the same time, and several changes may be tested together. What landed was tested in
/// exactly the tree that landed.
///
/// It works until it is stopped with SIGINT or SIGTERM, and then gives back what it has. Progress goes to standard error; with --json
/// each outcome is a line on standard output.
///
/// Exit code 6 says of --once that a claim was outdated, 8 that there was nothing to claim.
#[derive(Debug, Args)]
pub(crate) struct Worker {
    /// How many trees are tested at the same time [default: lanes in convoke.toml, or 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    lanes: Option<u8>,
    /// How many changes are tested together at most [default: batch in convoke.toml, or 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    batch: Option<u8>,
    /// The branch [default: target in convoke.toml, or main]
    #[arg(long, value_name = "BRANCH")]
    target: Option<String>,
    /// Claim once, and end when that is decided
    #[arg(long, conflicts_with = "until_empty")]
    once: bool,
    /// End when nothing is queued or leased any more
    #[arg(long)]
    until_empty: bool,
}

impl Worker {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let actor = context.actor()?;
        let workspace = context.workspace()?.clone();
        let settings = Settings::load(&workspace)?.queue;
        let target = self.target.as_ref().unwrap_or(&settings.target);
        let target = Name::parse(target.strip_prefix("refs/heads/").unwrap_or(target)).map_err(Refusal::BadName)?;
        let repository = repository::open(&settings, &workspace)?;
        let place = Place::take(&workspace, &actor)?;
        let lease = settings.lease();
        let must = |command: &String| Must { command: command.clone(), limit: settings.check_limit };
        let options = Options {
            target: target.clone(),
            limits: Limits {
                lanes: self.lanes.map_or(settings.lanes, usize::from),
                batch: self.batch.map_or(settings.batch, usize::from).min(limits::CLAIM_MAX),
            },
            lease,
            checks: settings.checks.iter().map(must).collect(),
            check_limit: settings.check_limit,
            attempts: settings.attempts,
            folder: place.fresh()?,
            until: match (self.once, self.until_empty) {
                (true, _) => Until::Once,
                (_, true) => Until::Empty,
                _ => Until::Stopped,
            },
            may_run: Box::new(move |command| settings.allows_check(command)),
        };
        let stop = until_told_to_stop()?;
        let out = context.out;
        let mut teller = Teller::new(out);
        let mut desk = SessionDesk::new(context, actor, target, lease)?;
        let mut tell = |news: &convoke_worker::News| teller.tell(news);
        let worker =
            Works::new(&repository, options, &mut desk, &stop, &mut tell).map_err(|error| repository::fault(&error))?;
        let (summary, outcome) = worker.run();
        teller.end()?;
        drop(place);
        if !out.is_json() {
            out.show(&Summed::from(&summary), None)?;
        }
        outcome.map_err(trouble)?;
        self.verdict(summary)
    }

    fn verdict(&self, summary: Summary) -> Result<(), Stop> {
        if let (true, Some(no)) = (self.once, summary.fenced) {
            return Err(Fault::new("stale_fence", no.message).into());
        }
        if self.once && summary.claimed == 0 {
            let hint =
                "Wait for one: convoke queue worker without --once does, and convoke wait event:change.".to_owned();
            return Err(Fault { hint, ..Fault::new("nothing_there", "no change is ready to be claimed") }.into());
        }
        Ok(())
    }
}

fn trouble(trouble: Trouble) -> Fault {
    match trouble {
        Trouble::Git(error) => repository::fault(&error),
        Trouble::Log(no) => Fault { code: no.code, message: no.message, hint: no.hint, retryable: false, cursor: None },
    }
}
