use clap::Args;
use convoke::api::{Condition, Fault, WaitAsk, Waited};
use convoke_core::{
    name::{ActorName, Word},
    refusal::Refusal,
    time::Span,
};

use serde::Serialize;

use super::{log::known_kind, recv::TIMEOUT};
use crate::{
    args::Look,
    context::Context,
    render::{EventItem, Page, Show, clean},
    stop::Stop,
};

/// Wait until one of several conditions holds: one call, no polling
///
/// A condition is one of
///
///   countdown:ID[=STATE]   counting, fired, missed, scrubbed, or ended (the default)
///   campaign:ID[=STATE]    running, completed, failed, cancelled, or ended (the default)
///   mail[:ACTOR]           something can be taken from a mailbox (the default: of who acts)
///   event[:KIND]           something happens; KIND is like countdown.fired, or like countdown for all of them
///
/// It prints a cursor: --from CURSOR goes on exactly there, so that no event is missed between two waits. Exit code 7 says that the time
/// ran out.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Wait {
    /// What to wait for; one suffices
    #[arg(required = true, value_name = "CONDITION")]
    conditions: Vec<String>,
    /// How long at most
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = Span::parse)]
    timeout: Span,
    /// For event: not before this position of the log [default: the log's end now]
    #[arg(long, value_name = "CURSOR")]
    from: Option<u64>,
    /// For event: only what this actor did
    #[arg(long, value_name = "ACTOR")]
    by: Option<ActorName>,
}

const COUNTDOWN_STATES: [&str; 5] = ["counting", "fired", "missed", "scrubbed", "ended"];
const CAMPAIGN_STATES: [&str; 5] = ["running", "completed", "failed", "cancelled", "ended"];

impl Wait {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        context.needs_daemon("waiting")?;
        let conditions: Result<Vec<_>, Stop> =
            self.conditions.iter().map(|text| self.condition(text, context)).collect();
        let conditions = conditions?;
        // Who waits for mail of its own may not be registered yet.
        let named = self.conditions.iter().filter_map(|text| mailbox(text.strip_prefix("mail:")?).ok());
        for name in named.chain(self.by.clone()) {
            context.note_unknown(&name, Look::default());
        }
        let ask = WaitAsk { conditions, timeout_ms: self.timeout };
        let (Waited { met, cursor, event }, head) =
            context.session()?.wait(&ask).map_err(|fault| self.explained(fault))?;
        let condition = self.conditions.get(met).cloned().unwrap_or_default();
        context.out.show(&Met { met, condition, cursor, event: event.map(EventItem) }, Some(head))
    }

    /// A name may hold a `=`. Where nothing has such a name, what follows it was meant as a state.
    fn explained(&self, fault: Fault) -> Fault {
        let meant = |states: &[&str], text: &str| -> Option<String> {
            let (_, state) = text.rsplit_once('=')?;
            let fault = fault.message.contains(text.split_once(':')?.1);
            (fault && !states.contains(&state))
                .then(|| format!("{state:?} is no state; there are {}", states.join(", ")))
        };
        let found = self.conditions.iter().find_map(|text| match text.split_once(':') {
            Some(("countdown", _)) => meant(&COUNTDOWN_STATES, text),
            Some(("campaign", _)) => meant(&CAMPAIGN_STATES, text),
            _ => None,
        });
        match found {
            Some(what) if fault.code == "not_found" => {
                Fault { message: format!("{}, and {what}", fault.message), ..fault }
            }
            _ => fault,
        }
    }

    fn condition(&self, text: &str, context: &Context) -> Result<Condition, Stop> {
        let (what, of) = match text.split_once(':') {
            Some((what, of)) => (what, Some(of)),
            None => (text, None),
        };
        Ok(match (what, of) {
            ("countdown", Some(of)) => {
                let (countdown, state) = state(of, &COUNTDOWN_STATES);
                Condition::Countdown { countdown, state }
            }
            ("campaign", Some(of)) => {
                let (campaign, state) = state(of, &CAMPAIGN_STATES);
                Condition::Campaign { campaign, state }
            }
            ("mail", None) => Condition::Mail { mailbox: context.actor()? },
            ("mail", Some(of)) => Condition::Mail { mailbox: mailbox(of)? },
            ("event", kind) => {
                let kind = kind.map(Word::parse).transpose().map_err(Refusal::from)?;
                let kind = kind.as_ref().map(known_kind).transpose()?;
                Condition::Event { kind, actor: self.by.clone(), from: self.from }
            }
            _ => {
                let what = format!(
                    "{text:?} is not a condition; accepted: countdown:ID, countdown:ID=fired, campaign:ID=completed, \
                     mail, mail:ACTOR, event, event:countdown.fired"
                );
                return Err(Refusal::BadRequest(what).into());
            }
        })
    }
}

/// A mailbox that something can come into.
fn mailbox(name: &str) -> Result<ActorName, Refusal> {
    let name = ActorName::parse(name)?;
    if [ActorName::ALL, ActorName::SYSTEM].contains(&name.as_str()) {
        return Err(Refusal::BadRequest(format!("{name} has no mailbox: what is sent to all lies in everybody's own")));
    }
    Ok(name)
}

/// The condition that holds.
#[derive(Serialize)]
struct Met {
    met: usize,
    condition: String,
    cursor: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<EventItem>,
}

impl Show for Met {
    fn show(&self, page: &mut Page) {
        page.line(format!("{}: holds; cursor {}", clean(&self.condition), self.cursor));
        if let Some(event) = &self.event {
            event.show(page);
        }
    }
}

/// A reference with the state after its last `=`, if that is one; names may hold a `=` too.
fn state(text: &str, states: &[&str]) -> (String, String) {
    match text.rsplit_once('=') {
        Some((reference, state)) if states.contains(&state) => (reference.to_owned(), state.to_owned()),
        _ => (text.to_owned(), "ended".to_owned()),
    }
}

/// The default of `--timeout`, which is a text above.
const _: () = assert!(TIMEOUT.ms() == 10 * 60 * 1000);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_what_follows_the_last_equals_sign_if_it_is_one() {
        let of = |text| state(text, &["fired", "ended"]);
        assert_eq!(of("k7q2m9xa=fired"), ("k7q2m9xa".to_owned(), "fired".to_owned()));
        assert_eq!(of("a=b"), ("a=b".to_owned(), "ended".to_owned()));
        assert_eq!(of("a=b=ended"), ("a=b".to_owned(), "ended".to_owned()));
    }
}
