use clap::{Args, ValueEnum};
use convoke_projections::{Query, query::CampaignsQuery, view::CampaignState};

use crate::{args::Look, context::Context, stop::Stop};

/// List campaigns: running, then planned, then ended ones
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those in this state [default: all]
    #[arg(long, value_enum)]
    state: Option<State>,
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
    Running,
    Planned,
    Completed,
    Failed,
    Cancelled,
}

impl From<State> for CampaignState {
    fn from(state: State) -> Self {
        match state {
            State::Running => Self::Running,
            State::Planned => Self::Planned,
            State::Completed => Self::Completed,
            State::Failed => Self::Failed,
            State::Cancelled => Self::Cancelled,
        }
    }
}

impl List {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let query = CampaignsQuery { state: self.state.map(Into::into), limit: Some(self.limit), after: self.after };
        context.look(self.look, Query::Campaigns(query))
    }
}
