//! Waiting in one call, without polling: for mail, for a countdown, for a campaign, for an event.

use std::time::Duration;

use convoke_core::{
    command::{Command, Request},
    id::{CampaignId, CountdownId},
    log::Head,
    name::{ActorName, shorten},
    time::Span,
};
use convoke_projections::view::{CampaignState, CountdownState};
use convoke_store::Log;
use tokio::{sync::watch, time::Instant};

use crate::{
    api::{Answer, Condition, EventView, Fault, WaitAsk, Waited, kind_matches},
    engine::Engine,
    fault::stopping,
    render,
};

/// Events looked at in one step of a wait for an event.
const LOOK_EVENTS: u64 = 1_024;

/// A condition whose reference was resolved once, so that it means the same thing to the end.
enum Awaited {
    Countdown { id: CountdownId, state: String },
    Campaign { id: CampaignId, state: String },
    Mail { mailbox: ActorName },
    Event { kind: Option<String>, actor: Option<ActorName>, cursor: u64 },
}

/// How things stand with a condition.
enum Standing {
    Holds,
    Open,
    /// It may hold after this long, without any event.
    OpenUntil(Span),
    /// It cannot hold any more; this is how the thing ended.
    Lost(&'static str),
}

impl<L: Log> Engine<L> {
    /// Takes messages as [`Engine::command`] does, and waits until there are any.
    ///
    /// # Errors
    /// `wait_timeout` if none came, and as [`Engine::command`].
    pub async fn receive(&self, request: Request, timeout: Span) -> Result<Answer, Fault> {
        let Command::ReceiveMessages(receive) = &request.command else {
            return Err(Fault::new("bad_request", "only receive_messages can wait"));
        };
        let mailbox = receive.mailbox.clone().unwrap_or_else(|| request.actor.clone()).mailbox();
        let deadline = Instant::now() + Duration::from_millis(timeout.ms());
        let mut published = self.published.clone();
        let mut first = true;
        loop {
            published.mark_unchanged();
            // The writer is asked at first, for refusals and repetitions, and then only when there may be something.
            let mut ready_in = self.ready_in(&mailbox);
            if std::mem::take(&mut first) || ready_in.is_some_and(|span| span == Span::ZERO) {
                let answer = self.command(request.clone()).await?;
                if !answer.events.is_empty() {
                    return Ok(answer);
                }
                ready_in = self.ready_in(&mailbox);
            }
            if !self.next_change(&mut published, ready_in, deadline).await? {
                let what = format!("nothing arrived for {mailbox} within {timeout}");
                let hint = "Wait again: what arrived meanwhile is still in the mailbox.".to_owned();
                return Err(Fault { hint, ..Fault::new("wait_timeout", what) });
            }
        }
    }

    /// Waits until one of the conditions holds. References are resolved at the start.
    ///
    /// # Errors
    /// `wait_timeout` if none came to hold; a refusal if a condition names nothing, or once none can hold any more.
    pub async fn wait(&self, ask: WaitAsk) -> Result<(Waited, Head), Fault> {
        if ask.conditions.is_empty() {
            return Err(Fault::new("bad_request", "there is no condition to wait for"));
        }
        let deadline = Instant::now() + Duration::from_millis(ask.timeout_ms.ms());
        let mut published = self.published.clone();
        let began = published.borrow().size;
        let mut awaited = Vec::with_capacity(ask.conditions.len());
        for condition in ask.conditions {
            awaited.push(self.awaited(condition, began)?);
        }
        loop {
            let head = *published.borrow_and_update();
            let mut ready_in: Option<Span> = None;
            let mut lost = Vec::new();
            for (met, awaited) in awaited.iter_mut().enumerate() {
                if let Awaited::Event { kind, actor, cursor } = awaited {
                    if let Some(event) = self.next_event(cursor, head.size, kind.as_deref(), actor.as_ref()).await? {
                        let waited = Waited { met, cursor: event.position + 1, event: Some(event) };
                        return Ok((waited, head));
                    }
                    continue;
                }
                match self.standing(awaited) {
                    Standing::Holds => return Ok((Waited { met, cursor: head.size, event: None }, head)),
                    Standing::Open => {}
                    Standing::OpenUntil(span) => ready_in = ready_in.into_iter().chain([span]).min(),
                    Standing::Lost(state) => lost.push(state),
                }
            }
            if lost.len() == awaited.len() {
                let what = format!("what was waited for cannot happen any more: it is {}", lost.join(", "));
                return Err(Fault::new("wait_in_vain", what));
            }
            if !self.next_change(&mut published, ready_in, deadline).await? {
                let looked_at = awaited.iter().filter_map(|awaited| match awaited {
                    Awaited::Event { cursor, .. } => Some(*cursor),
                    _ => None,
                });
                let cursor = looked_at.min().unwrap_or(head.size);
                let what = format!("none of the conditions held within {}; cursor {cursor}", ask.timeout_ms);
                return Err(Fault { cursor: Some(cursor), ..Fault::new("wait_timeout", what) });
            }
        }
    }

    fn awaited(&self, condition: Condition, began: u64) -> Result<Awaited, Fault> {
        let shown = self.shared.shown();
        Ok(match condition {
            Condition::Countdown { countdown, state } => {
                known_state(&state, &["held", "counting", "on_hold", "fired", "missed", "scrubbed", "ended"])?;
                Awaited::Countdown { id: shown.views.find_countdown(&countdown)?, state }
            }
            Condition::Campaign { campaign, state } => {
                known_state(&state, &["planned", "running", "completed", "failed", "cancelled", "ended"])?;
                Awaited::Campaign { id: shown.views.find_campaign(&campaign)?, state }
            }
            Condition::Mail { mailbox } => Awaited::Mail { mailbox: mailbox.mailbox() },
            Condition::Event { kind, actor, from } => Awaited::Event { kind, actor, cursor: from.unwrap_or(began) },
        })
    }

    fn standing(&self, awaited: &Awaited) -> Standing {
        let (found, ended, wanted) = match awaited {
            Awaited::Mail { mailbox } => {
                return match self.ready_in(mailbox) {
                    Some(Span::ZERO) => Standing::Holds,
                    Some(span) => Standing::OpenUntil(span),
                    None => Standing::Open,
                };
            }
            Awaited::Event { .. } => return Standing::Open,
            Awaited::Countdown { id, state } => {
                let found = self.shared.shown().views.countdown_state(*id);
                (found.map(CountdownState::as_str), found.is_some_and(CountdownState::has_ended), state)
            }
            Awaited::Campaign { id, state } => {
                let found = self.shared.shown().views.campaign_state(*id);
                (found.map(CampaignState::as_str), found.is_some_and(CampaignState::has_ended), state)
            }
        };
        match found {
            Some(found) if found == wanted || ended && wanted == "ended" => Standing::Holds,
            Some(found) if ended => Standing::Lost(found),
            _ => Standing::Open,
        }
    }

    /// Sleeps until the log grows or a message becomes ready; false if the deadline came first.
    async fn next_change(
        &self,
        published: &mut watch::Receiver<Head>,
        ready_in: Option<Span>,
        deadline: Instant,
    ) -> Result<bool, Fault> {
        let ready = ready_in.map_or(Duration::MAX, |span| Duration::from_millis(span.ms().max(1)));
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        tokio::select! {
            // In this order: what came at the last moment came in time.
            biased;
            changed = published.changed() => match changed {
                Ok(()) => Ok(true),
                Err(_) => Err(self.failed().unwrap_or_else(stopping)),
            },
            () = tokio::time::sleep(left.min(ready)) => Ok(ready < left),
        }
    }

    /// How long until something can be taken from a mailbox, as things stand; `None` if nothing waits there.
    fn ready_in(&self, mailbox: &ActorName) -> Option<Span> {
        let now = self.shared.now();
        self.shared.shown().views.ready_at(mailbox, now).map(|at| at.since(now))
    }

    /// The first event that matches in `cursor..end`; the cursor moves past what was looked at.
    async fn next_event(
        &self,
        cursor: &mut u64,
        end: u64,
        kind: Option<&str>,
        actor: Option<&ActorName>,
    ) -> Result<Option<EventView>, Fault> {
        while *cursor < end {
            let to = (*cursor + LOOK_EVENTS).min(end);
            for event in render::events(&*self.shared.log, *cursor, to).await? {
                if kind.is_none_or(|kind| kind_matches(kind, &event.kind))
                    && actor.is_none_or(|actor| *actor == event.actor)
                {
                    return Ok(Some(event));
                }
            }
            *cursor = to;
        }
        Ok(None)
    }
}

fn known_state(state: &str, states: &[&str]) -> Result<(), Fault> {
    if states.contains(&state) {
        return Ok(());
    }
    let what = format!("{:?} is not a state to wait for; there are {}", shorten(state), states.join(", "));
    Err(Fault::new("bad_request", what))
}
