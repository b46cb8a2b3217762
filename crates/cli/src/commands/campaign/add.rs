use clap::Args;
use convoke_core::{
    command::{Command, JoinCampaign},
    refusal::Refusal,
    time::TimeSpec,
};

use super::super::schedule::Terms;
use crate::{args::Mutation, context::Context, stop::Stop};

/// Put a countdown into a campaign: a new one, or one that is counting already
///
/// With a TIME, a new countdown is scheduled in it: `convoke campaign add release tests +10m --quorum 1 --attendees ann --after build`.
/// Without one, an existing countdown is put into it, and held from then on.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The campaign
    campaign: String,
    /// A name for the new countdown, or which one exists
    #[arg(value_name = "NAME|ID")]
    name: String,
    /// When it is to happen: RFC 3339, or +10m after its release
    #[arg(value_parser = TimeSpec::parse)]
    time: Option<TimeSpec>,
    #[command(flatten)]
    terms: Terms,
    #[command(flatten)]
    mutation: Mutation,
}

impl Add {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let command = match self.time {
            Some(time) => self.terms.schedule(self.name, time, Some(self.campaign))?,
            None if self.terms.is_empty() => {
                Command::JoinCampaign(JoinCampaign { campaign: self.campaign, countdown: self.name })
            }
            None => {
                let what = "these options are for a new countdown, which needs a TIME; \
                            an existing one keeps what it has (and is ordered with `convoke campaign link`)";
                return Err(Refusal::BadRequest(what.to_owned()).into());
            }
        };
        context.act(context.actor()?, &self.mutation, command)
    }
}
