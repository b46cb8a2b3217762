use clap::{Args, ValueEnum};
use convoke_core::name::ActorName;
use convoke_projections::{
    Query,
    query::{ChangeFilter, ChangesQuery},
};

use crate::{args::Look, context::Context, stop::Stop};

/// List changes: leased ones first, then queued ones in order of their turns, then those that wait for approval, then ended ones
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those in this state [default: all]
    #[arg(long, value_enum)]
    state: Option<State>,
    /// Only those for this branch
    #[arg(long, value_name = "BRANCH")]
    target: Option<String>,
    /// Only those of this agent
    #[arg(long, value_name = "NAME")]
    agent: Option<ActorName>,
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
    Leased,
    Queued,
    #[value(aliases = ["awaiting_approval", "to-approve"])]
    AwaitingApproval,
    Landed,
    Conflicted,
    Rejected,
    Dead,
    Cancelled,
    Superseded,
}

impl From<State> for ChangeFilter {
    fn from(state: State) -> Self {
        match state {
            State::Live => Self::Live,
            State::Ended => Self::Ended,
            State::Leased => Self::Leased,
            State::Queued => Self::Queued,
            State::AwaitingApproval => Self::AwaitingApproval,
            State::Landed => Self::Landed,
            State::Conflicted => Self::Conflicted,
            State::Rejected => Self::Rejected,
            State::Dead => Self::Dead,
            State::Cancelled => Self::Cancelled,
            State::Superseded => Self::Superseded,
        }
    }
}

impl List {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let query = ChangesQuery {
            state: self.state.map(Into::into),
            target: self.target,
            agent: self.agent,
            limit: Some(self.limit),
            after: self.after,
        };
        context.look(self.look, Query::Changes(query))
    }
}
