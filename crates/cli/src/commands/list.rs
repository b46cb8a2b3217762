use clap::{Args, ValueEnum};
use convoke_core::name::ActorName;
use convoke_projections::{
    Query,
    query::{CountdownFilter, CountdownsQuery},
};

use crate::{args::Look, context::Context, stop::Stop};

/// List countdowns: live ones first, the soonest T-0 first
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those in this state [default: all]
    #[arg(long, value_enum)]
    state: Option<State>,
    /// Only those of this campaign
    #[arg(long, value_name = "ID")]
    campaign: Option<String>,
    /// Only those that this actor attends or organizes
    #[arg(long, value_name = "NAME")]
    actor: Option<ActorName>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    /// Only those after this one in the list: the last of the page before
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    #[command(flatten)]
    look: Look,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    Live,
    Ended,
    Held,
    Counting,
    #[value(alias = "on_hold")]
    OnHold,
    Fired,
    Missed,
    Scrubbed,
}

impl From<State> for CountdownFilter {
    fn from(state: State) -> Self {
        match state {
            State::Live => Self::Live,
            State::Ended => Self::Ended,
            State::Held => Self::Held,
            State::Counting => Self::Counting,
            State::OnHold => Self::OnHold,
            State::Fired => Self::Fired,
            State::Missed => Self::Missed,
            State::Scrubbed => Self::Scrubbed,
        }
    }
}

impl List {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let query = CountdownsQuery {
            state: self.state.map(Into::into),
            campaign: self.campaign,
            actor: self.actor.clone(),
            limit: Some(self.limit),
            after: self.after,
        };
        context.look(self.look, Query::Countdowns(query))?;
        if let Some(actor) = self.actor {
            context.note_unknown(&actor, self.look);
        }
        Ok(())
    }
}
