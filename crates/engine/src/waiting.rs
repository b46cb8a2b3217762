//! Waiting in one call, without polling: for mail, for a countdown, for a campaign, for an event.

use std::time::{Duration, Instant};

use convoke_core::{
    command::{Command, Request},
    log::Head,
    name::ActorName,
    time::{Span, Timestamp},
};
use convoke_projections::{Query, View, query::Reference};
use convoke_store::Log;

use crate::{
    api::{Answer, Condition, Fault, WaitAsk, Waited},
    engine::Engine,
};

/// Events looked at in one step of a wait for an event.
const LOOK_EVENTS: u64 = 1_024;

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
        loop {
            published.mark_unchanged();
            let answer = self.command(request.clone()).await?;
            if !answer.events.is_empty() {
                return Ok(answer);
            }
            let (ready_at, now) = self.ready(&mailbox).await?;
            let ready_in = ready_at.map(|at| at.since(now));
            if !self.next_change(&mut published, ready_in, deadline).await? {
                let what = format!("nothing arrived for {mailbox} within {timeout}");
                return Err(Fault::new("wait_timeout", what));
            }
        }
    }

    /// Waits until one of the conditions holds.
    ///
    /// # Errors
    /// `wait_timeout` if none came to hold; a refusal if a condition names nothing.
    pub async fn wait(&self, ask: WaitAsk) -> Result<(Waited, Head), Fault> {
        if ask.conditions.is_empty() {
            return Err(Fault::new("bad_request", "there is no condition to wait for"));
        }
        let deadline = Instant::now() + Duration::from_millis(ask.timeout_ms.ms());
        let mut published = self.published.clone();
        let began = published.borrow().size;
        let mut cursors: Vec<u64> = ask
            .conditions
            .iter()
            .map(|condition| match condition {
                Condition::Event { from: Some(from), .. } => *from,
                _ => began,
            })
            .collect();
        loop {
            let head = *published.borrow_and_update();
            let mut ready_in: Option<Span> = None;
            for (met, (condition, cursor)) in ask.conditions.iter().zip(&mut cursors).enumerate() {
                let holds = match condition {
                    Condition::Countdown { countdown, state } => self.countdown_is(countdown, state)?,
                    Condition::Campaign { campaign, state } => self.campaign_is(campaign, state)?,
                    Condition::Mail { mailbox } => {
                        let mailbox = mailbox.clone().mailbox();
                        let (at, now) = self.ready(&mailbox).await?;
                        ready_in = ready_in.into_iter().chain(at.map(|at| at.since(now))).min();
                        at.is_some_and(|at| at <= now)
                    }
                    Condition::Event { kind, actor, .. } => {
                        if let Some(event) = self.next_event(cursor, head.size, kind.as_deref(), actor.as_ref()).await?
                        {
                            let waited = Waited { met, cursor: event.position + 1, event: Some(event) };
                            return Ok((waited, head));
                        }
                        false
                    }
                };
                if holds {
                    return Ok((Waited { met, cursor: head.size, event: None }, head));
                }
            }
            if !self.next_change(&mut published, ready_in, deadline).await? {
                let what = format!("none of the conditions held within {}", ask.timeout_ms);
                return Err(Fault::new("wait_timeout", what));
            }
        }
    }

    /// Sleeps until the log grows or a message becomes ready; false if the deadline came first.
    async fn next_change(
        &self,
        published: &mut tokio::sync::watch::Receiver<Head>,
        ready_in: Option<Span>,
        deadline: Instant,
    ) -> Result<bool, Fault> {
        let ready = ready_in.map_or(Duration::MAX, |span| Duration::from_millis(span.ms().max(1)));
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        tokio::select! {
            changed = published.changed() => match changed {
                Ok(()) => Ok(true),
                Err(_) => Err(self.failed().unwrap_or_else(crate::fault::stopping)),
            },
            () = tokio::time::sleep(left.min(ready)) => Ok(ready < left),
        }
    }

    /// When something can be taken from a mailbox, as things stand, and the time now.
    async fn ready(&self, mailbox: &ActorName) -> Result<(Option<Timestamp>, Timestamp), Fault> {
        let mailbox = mailbox.clone();
        self.inspect(move |sequencer, now| (sequencer.state().mailboxes.next_ready_at(&mailbox, now), now)).await
    }

    fn countdown_is(&self, reference: &str, state: &str) -> Result<bool, Fault> {
        const STATES: [&str; 7] = ["held", "counting", "on_hold", "fired", "missed", "scrubbed", "ended"];
        known_state(state, &STATES)?;
        let query = Query::Countdown(Reference { reference: reference.to_owned() });
        let view = self.shared.views().answer(&query, Timestamp::default())?;
        let View::Countdown(view) = view else { return Ok(false) };
        Ok(view.line.state.as_str() == state || state == "ended" && view.line.state.has_ended())
    }

    fn campaign_is(&self, reference: &str, state: &str) -> Result<bool, Fault> {
        const STATES: [&str; 6] = ["planned", "running", "completed", "failed", "cancelled", "ended"];
        known_state(state, &STATES)?;
        let query = Query::Campaign(Reference { reference: reference.to_owned() });
        let view = self.shared.views().answer(&query, Timestamp::default())?;
        let View::Campaign(view) = view else { return Ok(false) };
        Ok(view.line.state.as_str() == state || state == "ended" && view.line.state.has_ended())
    }

    /// The first event that matches in `cursor..end`; the cursor moves past what was looked at.
    async fn next_event(
        &self,
        cursor: &mut u64,
        end: u64,
        kind: Option<&str>,
        actor: Option<&ActorName>,
    ) -> Result<Option<crate::api::EventView>, Fault> {
        while *cursor < end {
            let to = (*cursor + LOOK_EVENTS).min(end);
            for event in crate::render::events(&*self.shared.log, *cursor, to).await? {
                if kind.is_none_or(|kind| crate::api::kind_matches(kind, &event.kind))
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
    let what =
        format!("{:?} is not a state to wait for; there are {}", convoke_core::name::shorten(state), states.join(", "));
    Err(Fault::new("bad_request", what))
}
