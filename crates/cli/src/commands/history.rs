use clap::Args;
use convoke::api::{Fault, LogFilter, Question, Reply};
use convoke_core::{log::Head, name::ActorName};
use convoke_projections::{
    Query,
    query::{ActorQuery, LIMIT_MAX},
};

use crate::{args::Look, context::Context, stop::Stop};

/// Show every event about one thing, oldest first
#[derive(Debug, Args)]
pub(crate) struct History {
    /// A countdown, campaign or message; or an actor: then it is what the actor did
    #[arg(value_name = "ID")]
    reference: String,
    #[command(flatten)]
    look: Look,
}

impl History {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let asked = context.ask(Question::History(self.reference.clone()), self.look.as_of);
        let (reply, head) = match (asked, ActorName::parse(&self.reference)) {
            (Err(fault), Ok(actor)) if fault.code == "not_found" => self.of_actor(context, actor).map_err(|_| fault)?,
            (asked, _) => asked?,
        };
        context.out.show_as_at(&reply, Some(head), self.look.moment(&reply))
    }

    /// What an actor did, the newest of it.
    fn of_actor(&self, context: &mut Context, actor: ActorName) -> Result<(Reply, Head), Fault> {
        context.view(self.look, Query::Actor(ActorQuery { name: actor.clone() }))?;
        let filter = LogFilter { actor: Some(actor), limit: Some(LIMIT_MAX), ..LogFilter::default() };
        context.ask(Question::Log(filter), self.look.as_of)
    }
}
