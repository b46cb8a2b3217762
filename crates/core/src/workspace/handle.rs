//! One request, from asking to events: a retry is recognised, its circumstances are checked, then it is decided and folded.

use super::{
    cascade::{Planned, write},
    decide::{Decision, decide},
    state::State,
};
use crate::{
    clock::Jump,
    command::{Command, Request},
    event::{Event, Keyed, Recorded},
    id::{IdSource, MessageId},
    mailbox::events::MessageSent,
    refusal::Refusal,
    time::Timestamp,
};

/// What a decision needs besides state and request.
pub struct Context<'a> {
    /// Convoke's time.
    pub now: Timestamp,
    /// A jump of the clock that was not accepted yet.
    pub jump: Option<Jump>,
    /// Fresh ids.
    pub ids: &'a mut dyn IdSource,
    /// Messages in the log.
    pub past: &'a dyn Past,
}

/// A message that the log holds, as far as a decision needs it. What is in the log never changes, so looking it up is
/// no less pure than folding it; the deciding state need not keep a million texts.
pub trait Past {
    /// The message that a reference means.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] or [`Refusal::Ambiguous`].
    fn message(&self, reference: &str) -> Result<(MessageId, MessageSent), Refusal>;
}

/// A past without messages, for what refers to none: nothing that is due does.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPast;

impl Past for NoPast {
    fn message(&self, reference: &str) -> Result<(MessageId, MessageSent), Refusal> {
        Err(Refusal::NotFound { what: "message", reference: reference.to_owned() })
    }
}

/// What became of a request that was not refused.
#[derive(Debug, Clone, PartialEq)]
pub enum Handled {
    /// It wrote these events. None, if it changed nothing new.
    Wrote(Vec<Recorded>),
    /// It was answered before, with these events.
    Repeated {
        /// The position of the first.
        first: u64,
        /// How many.
        count: u32,
    },
}

/// Decides a request and folds what it writes.
///
/// # Errors
/// The [`Refusal`]; the state is then as it was.
pub fn handle(state: &mut State, request: &Request, context: &mut Context<'_>) -> Result<Handled, Refusal> {
    let Request { actor, key, expect_head, command } = request;
    if let Some(key) = key
        && let Some(remembered) = state.keys.get(actor, key)
    {
        return if remembered.fingerprint == command.fingerprint(&remembered.salt).0 {
            Ok(Handled::Repeated { first: remembered.first, count: remembered.count })
        } else {
            Err(Refusal::KeyReused { first: remembered.first })
        };
    }
    if let Some(expected) = *expect_head
        && expected != state.size
    {
        return Err(Refusal::HeadMoved { expected, actual: state.size });
    }
    if let (Some(Jump { wall, engine }), false) = (context.jump, matches!(command, Command::AcceptClock(_))) {
        return Err(Refusal::ClockJumped { wall, engine });
    }
    let mut events = match decide(state, actor, command, context)? {
        Decision::Write(events) => events,
        Decision::Already { first, count } => return Ok(Handled::Repeated { first, count }),
    };
    let registers_himself = |planned: &Planned| match &planned.event {
        Event::WorkspaceCreated(_) => true,
        Event::ActorRegistered(registered) => registered.name == *actor,
        _ => false,
    };
    if !events.is_empty() && !events.iter().any(registers_himself) {
        events.splice(0..0, state.actors.acting(actor)?.map(|registered| Planned::from(Event::from(registered))));
    }
    let keyed = key.as_ref().map(|key| {
        let salt = context.ids.salt();
        Keyed { key: key.clone(), fingerprint: command.fingerprint(&salt), salt }
    });
    Ok(Handled::Wrote(write(state, actor, keyed, events, context)))
}
