//! From what was decided to what is written: each event is recorded and folded, then what it causes, and what that causes.

use std::collections::VecDeque;

use super::{handle::Context, state::State};
use crate::{
    effects::effects,
    event::{Event, Keyed, Recorded},
    id::EventId,
    name::ActorName,
};

/// An event to be written, with its id where another event of the same decision names it.
pub(super) struct Planned {
    pub(super) id: Option<EventId>,
    pub(super) event: Event,
}

impl From<Event> for Planned {
    fn from(event: Event) -> Self {
        Self { id: None, event }
    }
}

pub(super) fn plan(events: Vec<Event>) -> Vec<Planned> {
    events.into_iter().map(Planned::from).collect()
}

/// Folds these events, then what they cause, and what that causes: a whole cascade.
pub(super) fn write(
    state: &mut State,
    actor: &ActorName,
    mut idempotency: Option<Keyed>,
    planned: Vec<Planned>,
    context: &mut Context<'_>,
) -> Vec<Recorded> {
    let mut written: Vec<Recorded> = Vec::with_capacity(planned.len());
    let mut waiting: VecDeque<(Option<EventId>, Planned)> = planned.into_iter().map(|event| (None, event)).collect();
    let mut settled = 0;
    loop {
        while let Some((causation, Planned { id, event })) = waiting.pop_front() {
            let id = id.unwrap_or_else(|| context.ids.fresh());
            let recorded = Recorded {
                position: state.size,
                id,
                time: context.now,
                actor: actor.clone(),
                correlation: written.first().map_or(id, |first| first.id),
                causation,
                idempotency: idempotency.take(),
                event,
            };
            state.evolve(&recorded);
            written.push(recorded);
        }
        let Some(cause) = written.get(settled) else { return written };
        settled += 1;
        waiting.extend(effects(state, cause).into_iter().map(|event| (Some(cause.id), event.into())));
    }
}
