//! What comes about because of the time alone: T-0s, the ends of holds and of leases.

use super::{
    cascade::{plan, write},
    handle::{Context, NoPast},
    state::State,
};
use crate::{
    countdown,
    event::{Event, Recorded},
    id::{ChangeId, CountdownId, EventId, IdSource, MessageId},
    limits,
    name::ActorName,
    time::Timestamp,
};

/// Decides what is due at or before now, in order of (due time, id), each with all that it causes, until nothing is or
/// the commit is full. Gives the events; call again while there are any. If there are none, nothing is due any more.
///
/// Ids of one millisecond are in no meaningful order: it is the same in every replay, and says nothing else.
pub fn handle_due(state: &mut State, now: Timestamp, ids: &mut dyn IdSource) -> Vec<Recorded> {
    let mut written = Vec::new();
    let mut context = Context { now, jump: None, ids, past: &NoPast };
    let mut items = 0;
    while items < limits::DUE_PER_COMMIT_MAX && written.len() < limits::DUE_EVENTS_FULL {
        let Some(due) = Due::first(state, now) else { break };
        let events = due.decide(state, now);
        if events.is_empty() {
            due.drop_from(state);
            continue;
        }
        items += 1;
        written.extend(write(state, &ActorName::system(), None, plan(events), &mut context));
    }
    written
}

/// What comes about because of the time alone. Of several that are due at the same time the one with the lower id is first,
/// and of those with the same id (a message in several mailboxes) they are in the order of this type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// T-0 of a countdown, or the limit of its hold.
    Countdown(CountdownId),
    /// The end of the lease on a message in a mailbox.
    Lease(MessageId, ActorName),
    /// The end of the lease on a change.
    Claim(ChangeId),
}

impl Due {
    fn id(&self) -> EventId {
        match self {
            Self::Countdown(id) => (*id).into(),
            Self::Lease(message, _) => (*message).into(),
            Self::Claim(change) => (*change).into(),
        }
    }

    /// The first that is due by now.
    fn first(state: &State, now: Timestamp) -> Option<Self> {
        let countdown = state.countdowns.due(now).next().map(|(at, id)| (at, Self::Countdown(id)));
        let lease = state.mailboxes.due(now).next().map(|(at, message, mailbox)| (at, Self::Lease(message, mailbox)));
        let claim = state.changes.next_due().filter(|(at, _)| *at <= now).map(|(at, id)| (at, Self::Claim(id)));
        let first =
            countdown.into_iter().chain(lease).chain(claim).min_by_key(|(at, due)| (*at, due.id(), due.clone()));
        first.map(|(_, due)| due)
    }

    fn decide(&self, state: &State, now: Timestamp) -> Vec<Event> {
        match self {
            Self::Countdown(id) => {
                let countdown = state.countdowns.get(*id);
                countdown.map(|countdown| countdown::decide::due(countdown, now)).unwrap_or_default()
            }
            Self::Lease(message, mailbox) => state.mailboxes.expire(*message, mailbox),
            Self::Claim(change) => state.changes.expire(*change),
        }
    }

    /// Drops it from the index, so that it is not due for ever if nothing follows from it. The indexes agree with the
    /// things unless they were made from a state that no log has.
    fn drop_from(&self, state: &mut State) {
        match self {
            Self::Countdown(id) => state.countdowns.drop_due(*id),
            Self::Lease(message, mailbox) => state.mailboxes.drop_due(*message, mailbox),
            Self::Claim(change) => state.changes.drop_due(*change),
        }
    }
}
