//! From stored bytes to what a client sees.

use convoke_core::{
    event::{Event, Recorded},
    log::EventRef,
    mailbox::{Token, events::MessageTaken},
};
use convoke_store::Log;
use serde_json::value::RawValue;

use crate::{
    api::{Answer, EventView, Fault, Taken},
    engine::Shared,
    fault::internal,
    writer::Done,
};

/// One stored event, for showing. Its payload is checked against its hash first: nothing altered is served.
pub(crate) fn event(stored: EventRef<'_>) -> Result<EventView, Fault> {
    if stored.payload_matches() {
        return fresh_event(stored);
    }
    let header = stored.decode_header().map_err(|error| Fault::new("log_damaged", error.to_string()))?;
    Err(damaged(header.position, "the payload does not match its hash"))
}

/// One event of a commit that this process has just made.
fn fresh_event(event: EventRef<'_>) -> Result<EventView, Fault> {
    let header = event.decode_header().map_err(|error| Fault::new("log_damaged", error.to_string()))?;
    let damaged = |what| damaged(header.position, what);
    let text = match event.payload() {
        Some(payload) => std::str::from_utf8(payload).map_err(|_| damaged("the payload is not text"))?,
        None => "null",
    };
    let payload = RawValue::from_string(text.to_owned()).map_err(|_| damaged("the payload is not JSON"))?;
    Ok(EventView {
        position: header.position,
        id: header.event_id,
        time: header.time,
        actor: header.actor,
        kind: header.kind.as_str().to_owned(),
        schema: header.schema,
        correlation: header.correlation,
        causation: header.causation,
        payload,
    })
}

fn damaged(position: u64, what: &str) -> Fault {
    Fault::new("log_damaged", format!("the log is damaged at position {position}: {what}"))
}

/// The events `from..to`, for showing.
pub(crate) async fn events<L: Log>(log: &L, from: u64, to: u64) -> Result<Vec<EventView>, Fault> {
    let mut views = Vec::new();
    let mut next = from;
    while next < to {
        let stored = log.read(next, usize::try_from(to - next).unwrap_or(usize::MAX)).await?;
        if stored.is_empty() {
            return Err(internal(format!("the log ends before position {to}")));
        }
        for stored in &stored {
            while next < to
                && let Some(found) = stored.commit.event(next)
            {
                views.push(event(found)?);
                next += 1;
            }
        }
    }
    Ok(views)
}

/// The answer to a request: the same when it is asked for again, but that of what was taken it says how the claim stands now.
pub(crate) async fn answer<L: Log>(shared: &Shared<L>, done: &Done) -> Result<Answer, Fault> {
    let outcome = done.outcome;
    let (first, end) = (outcome.first, outcome.first + u64::from(outcome.count));
    let events = if outcome.repeated {
        events(&*shared.log, first, end).await?
    } else {
        (first..end).filter_map(|position| done.commit.event(position)).map(fresh_event).collect::<Result<_, _>>()?
    };
    let mut messages = Vec::new();
    for event in events.iter().filter(|event| event.kind == "message.taken") {
        messages.push(taken(shared, event, outcome.repeated).await?);
    }
    Ok(Answer { events, messages, repeated: outcome.repeated, head: done.head })
}

/// A message as it is handed to its taker.
async fn taken<L: Log>(shared: &Shared<L>, event: &EventView, repeated: bool) -> Result<Taken, Fault> {
    let MessageTaken { message, mailbox, fence, until, .. } =
        serde_json::from_str(event.payload.get()).map_err(internal)?;
    let found = shared.find(&message.to_string()).await?;
    let Some(Recorded { time: sent_at, event: Event::MessageSent(sent), .. }) = found.into_iter().next() else {
        return Err(internal(format!("message {message} is not in the log")));
    };
    let held = if repeated {
        let now = shared.now();
        shared.shown().views.claim_until(message, &mailbox, fence, now)
    } else {
        Some(until)
    };
    Ok(Taken {
        token: Token::new(message, fence),
        message,
        mailbox,
        from: sent.from,
        kind: sent.kind,
        priority: sent.priority,
        subject: sent.subject,
        body: sent.body,
        data: sent.data,
        in_reply_to: sent.in_reply_to,
        references: sent.references,
        sent_at,
        delivery: fence,
        until: held.unwrap_or(until),
        ended: held.is_none(),
    })
}
