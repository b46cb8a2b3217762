use std::collections::BTreeSet;

use clap::Args;
use convoke::api::{Fault, LogFilter, Question, Reply, kind_matches};
use convoke_core::{
    event::KINDS,
    name::{ActorName, Word},
    refusal::Refusal,
    time::{Span, TimeError, Timestamp},
};

use crate::{args::Look, context::Context, output::wall_clock, render::EventItem, stop::Stop};

/// Show the log: the newest events, oldest first
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Go on as events happen
    #[arg(long, short, conflicts_with = "as_of")]
    follow: bool,
    /// Only this kind, or all that begin with it: countdown.fired, or countdown
    #[arg(long, value_name = "KIND")]
    kind: Option<Word>,
    /// Only what this actor did
    #[arg(long, value_name = "NAME")]
    actor: Option<ActorName>,
    /// Not before this time: RFC 3339, or a duration such as 2h before now
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
    /// Not before this position
    #[arg(long, value_name = "POSITION")]
    from: Option<u64>,
    /// At most so many, the newest
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    #[command(flatten)]
    look: Look,
}

fn since(text: &str) -> Result<Timestamp, TimeError> {
    match Span::parse(text) {
        Ok(span) => Ok(wall_clock().minus(span)),
        Err(_) => Timestamp::parse(text).map_err(|error| match error {
            TimeError::Time(text) => TimeError::Past(text),
            error => error,
        }),
    }
}

/// A kind that events have, or that kinds begin with: waiting for any other would be waiting for nothing.
pub(super) fn known_kind(kind: &Word) -> Result<String, Refusal> {
    let kind = kind.to_string();
    if KINDS.iter().any(|(known, _)| kind_matches(&kind, known)) {
        return Ok(kind);
    }
    let families: BTreeSet<_> = KINDS.iter().filter_map(|(known, _)| known.split('.').next()).collect();
    let families = families.into_iter().collect::<Vec<_>>().join(", ");
    let what = format!("no event is of the kind {kind:?}; kinds begin with {families}, as in countdown.fired");
    Err(Refusal::BadRequest(what))
}

impl Log {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let kind = self.kind.as_ref().map(known_kind).transpose()?;
        let filter =
            LogFilter { kind, actor: self.actor.clone(), since: self.since, from: self.from, limit: Some(self.limit) };
        if self.follow {
            context.needs_daemon("--follow")?;
        }
        let (reply, head) = context.ask(Question::Log(filter.clone()), self.look.as_of)?;
        if !self.follow {
            let now = self.look.moment(&reply);
            context.out.show_as_at(&reply, Some(head), now)?;
        }
        if let Some(actor) = &self.actor {
            context.note_unknown(actor, self.look);
        }
        if !self.follow {
            return Ok(());
        }
        let Reply::Log { events, .. } = reply else {
            return Err(Fault::new("bad_answer", "the answer is no list of events").into());
        };
        let out = context.out;
        for event in events {
            out.item(&EventItem(event))?;
        }
        context.session()?.follow(
            head.size,
            || out.is_read(),
            |event| {
                if filter.matches(&event) {
                    out.item(&EventItem(event))?;
                }
                Ok(())
            },
        )
    }
}
