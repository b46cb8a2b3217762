use clap::Args;
use convoke::api::{Answer, AsOf, Fault, LogFilter, Question, Reply};
use convoke_core::command::{self, Command};
use convoke_projections::query::LIMIT_MAX;
use serde::Serialize;

use crate::{
    args::Mutation,
    context::Context,
    render::{Page, Show},
    stop::Stop,
};

/// Decide what is due now, and nothing else
///
/// The daemon does this by itself. With --no-daemon, a script may do it. It shows what became due.
#[derive(Debug, Args)]
pub(crate) struct Tick {
    #[command(flatten)]
    mutation: Mutation,
}

impl Tick {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let (_, before) = context.ask(log(None, 1), None)?;
        let answer = context.command(context.actor()?, &self.mutation, Command::Tick(command::Tick {}))?;
        let mut due = Vec::new();
        if answer.head.size > before.size {
            let (reply, _) = context.ask(log(Some(before.size), LIMIT_MAX), Some(AsOf::Size(answer.head.size)))?;
            let Reply::Log { events, .. } = reply else {
                return Err(Fault::new("bad_answer", "the answer is no list of events").into());
            };
            // Whatever others did meanwhile is not shown.
            due = events.into_iter().filter(|event| event.actor.as_str() == "system").collect();
        }
        context
            .out
            .show(&Ticked { due: Answer { events: due, messages: Vec::new(), ..answer.clone() } }, Some(answer.head))
    }
}

fn log(from: Option<u64>, limit: u32) -> Question {
    Question::Log(LogFilter { from, limit: Some(limit), ..LogFilter::default() })
}

/// What became due, and is decided.
#[derive(Serialize)]
#[serde(transparent)]
struct Ticked {
    due: Answer,
}

impl Show for Ticked {
    fn show(&self, page: &mut Page) {
        if self.due.events.is_empty() {
            page.line("nothing is due");
        } else {
            self.due.show(page);
        }
    }
}
