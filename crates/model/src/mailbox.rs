//! A mailbox as `specs/mailbox/Mailbox.tla` sees it: what lies in it, and which step a group of events is for it.
//!
//! A lease is one of a holder, not of a mailbox: whatever its holder writes makes it last longer. That is the step `HolderActed`
//! of every mailbox from which something is held.

use std::collections::{BTreeMap, BTreeSet};

use convoke_core::{
    event::{Event, Recorded},
    id::MessageId,
    mailbox::{
        Delivery, DeliveryState, Mailboxes,
        events::{DeadReason, MessageSent},
    },
    name::ActorName,
    time::{Span, Timestamp},
    workspace::State,
};

use crate::{
    lens::Lens,
    slices::{Group, Names, Slice, Slicer, Times},
    value::{Step, Value},
};

/// What names and times look like to the spec, messages included.
pub trait Look: Lens {
    /// A message.
    fn message(&mut self, message: MessageId) -> String;
}

/// Who sent each of the messages that may lie in a mailbox. The log says it; the deciding state does not keep it.
pub type Senders = BTreeMap<MessageId, ActorName>;

/// The variables `msgs` and `order`: these messages, as far as they lie in this mailbox, and their order in the log.
pub fn observe(
    mailboxes: &Mailboxes,
    mailbox: &ActorName,
    senders: &Senders,
    look: &mut impl Look,
) -> [(&'static str, Value); 2] {
    let there = senders.iter().filter_map(|(message, from)| Some((mailboxes.get(*message, mailbox)?, from)));
    let mut there: Vec<(&Delivery, &ActorName)> = there.collect();
    there.sort_by_key(|(delivery, _)| delivery.position);
    let order: Vec<String> = there.iter().map(|(delivery, _)| look.message(delivery.message)).collect();
    let letters: Vec<Value> = there.iter().map(|(delivery, from)| letter(mailboxes, delivery, from, look)).collect();
    [("msgs", Value::record(order.iter().cloned().zip(letters))), ("order", Value::sequence(order))]
}

fn letter(mailboxes: &Mailboxes, delivery: &Delivery, from: &ActorName, look: &mut impl Look) -> Value {
    let none = || Value::from("none");
    let zero = look.span(Span::ZERO);
    let (mut holder, mut lease, mut until, mut reason, mut again) = (none(), zero.clone(), zero, none(), none());
    let status = match &delivery.state {
        DeliveryState::Ready => "ready",
        DeliveryState::Paused { until: end } => {
            until = look.at(*end);
            "paused"
        }
        DeliveryState::Taken { holder: who, lease: length } => {
            holder = name(who, look).into();
            lease = look.span(*length);
            if let Some(end) = mailboxes.until(delivery) {
                until = look.at(end);
            }
            "taken"
        }
        DeliveryState::Dead { reason: why, redriven } => {
            reason = reason_text(*why).into();
            if let Some(message) = redriven {
                again = look.message(*message).into();
            }
            "dead"
        }
    };
    Value::record([
        ("from", name(from, look).into()),
        ("priority", delivery.priority.as_str().into()),
        ("status", status.into()),
        ("deliveries", Value::count(delivery.deliveries)),
        ("nacks", Value::count(delivery.nacks)),
        ("holder", holder),
        ("lease", lease),
        ("until", until),
        ("reason", reason),
        ("again", again),
    ])
}

/// The step that a group of events is for this mailbox; `None` if it does not concern it. `before` is the state before, and
/// `senders` has the messages that lie in it then.
pub fn step(
    group: &[Recorded],
    before: &State,
    mailbox: &ActorName,
    senders: &Senders,
    look: &mut impl Look,
) -> Option<Step> {
    let actor = &group.first()?.actor;
    let by = ("by", Value::from(name(actor, look)));
    let message = |message, look: &mut dyn FnMut(MessageId) -> String| ("message", Value::from(look(message)));
    let mut named = |id| look.message(id);
    let mut sent = Vec::new();
    for recorded in group {
        let fence = |fence: u32| ("fence", Value::count(fence));
        let step = match &recorded.event {
            Event::MessageSent(letter) if recipients(letter, before).contains(mailbox) => {
                sent.push((MessageId::from(recorded.id), letter));
                continue;
            }
            Event::MessageRedriven(redriven) if redriven.mailbox == *mailbox => {
                let again = Value::from(named(redriven.again));
                Step::new("MessageRedriven", [by, message(redriven.message, &mut named), ("again", again)])
            }
            Event::MessageTaken(taken) if taken.mailbox == *mailbox => {
                let lease = look.span(taken.until.since(recorded.time));
                let (messages, ack) = handed_out(group, mailbox, look);
                Step::new("MessageTaken", [by, ("messages", messages), ("lease", lease), ("ack", ack.into())])
            }
            Event::MessageAcked(acked) if acked.mailbox == *mailbox => {
                Step::new("MessageAcked", [by, message(acked.message, &mut named), fence(acked.fence)])
            }
            Event::MessageNacked(nacked) if nacked.mailbox == *mailbox => {
                Step::new("MessageNacked", [by, message(nacked.message, &mut named), fence(nacked.fence)])
            }
            Event::MessageLeaseExtended(extended) if extended.mailbox == *mailbox => {
                let (message, fence) = (message(extended.message, &mut named), fence(extended.fence));
                let lease = ("lease", look.span(extended.until.since(recorded.time)));
                Step::new("MessageLeaseExtended", [by, message, fence, lease])
            }
            Event::MessageLeaseExpired(expired) if expired.mailbox == *mailbox => {
                Step::new("MessageLeaseExpired", [message(expired.message, &mut named)])
            }
            // It only ever follows a nack or an expiry. Were it the first, no action of the spec would be it.
            Event::MessageDeadLettered(dead) if dead.mailbox == *mailbox => {
                Step::new("MessageDeadLettered", [message(dead.message, &mut named)])
            }
            _ => continue,
        };
        return Some(step);
    }
    if !sent.is_empty() {
        let sent = sent.into_iter().map(|(id, letter)| {
            Value::record([
                ("message", look.message(id)),
                ("from", name(&letter.from, look)),
                ("priority", letter.priority.as_str().to_owned()),
            ])
        });
        return Some(Step::new("MessageSent", [by, ("sent", Value::sequence(sent.collect::<Vec<_>>()))]));
    }
    (is_sign_of_life(group) && holds(&before.mailboxes, mailbox, senders, actor))
        .then(|| Step::new("HolderActed", [by]))
}

/// What a group hands out, in its order, and whether it acknowledges it as well.
fn handed_out(group: &[Recorded], mailbox: &ActorName, look: &mut impl Look) -> (Value, bool) {
    let mut messages = Vec::new();
    let mut ack = false;
    for recorded in group {
        match &recorded.event {
            Event::MessageTaken(taken) if taken.mailbox == *mailbox => messages.push(look.message(taken.message)),
            Event::MessageAcked(acked) if acked.mailbox == *mailbox => ack = true,
            _ => {}
        }
    }
    (Value::sequence(messages), ack)
}

/// The mailboxes that a message goes to.
fn recipients(sent: &MessageSent, before: &State) -> Vec<ActorName> {
    if sent.to.iter().any(|to| to.as_str() == ActorName::ALL) {
        before.actors.everybody_but(&sent.from)
    } else {
        sent.to.clone()
    }
}

/// Whether a group shows that its actor is alive. The system is not alive, and whoever accepts the clock says nothing of the time
/// before.
fn is_sign_of_life(group: &[Recorded]) -> bool {
    let is_sign =
        |one: &Recorded| one.actor.as_str() != ActorName::SYSTEM && !matches!(one.event, Event::ClockAccepted(_));
    group.iter().any(is_sign)
}

fn holds(mailboxes: &Mailboxes, mailbox: &ActorName, senders: &Senders, actor: &ActorName) -> bool {
    let mut there = senders.keys().filter_map(|message| mailboxes.get(*message, mailbox));
    there.any(|delivery| delivery.holder() == Some(actor))
}

fn name(actor: &ActorName, look: &mut impl Look) -> String {
    if actor.as_str() == ActorName::SYSTEM { ActorName::SYSTEM.to_owned() } else { look.actor(actor) }
}

fn reason_text(reason: DeadReason) -> &'static str {
    match reason {
        DeadReason::Nacked => "nacked",
        DeadReason::LeaseExpired => "lease_expired",
    }
}

/// A slice for each mailbox, with every message in it.
///
/// A trace says after each step all that lies in its mailbox. It ends before more than `LIVE_MAX` messages do.
#[derive(Debug, Default)]
pub struct Slices {
    /// By who holds it what was taken: perhaps it is not held any more.
    held: BTreeMap<ActorName, BTreeSet<(ActorName, MessageId)>>,
    /// The mailboxes whose traces have ended.
    closed: BTreeSet<ActorName>,
}

/// So many messages lie in a mailbox whose trace goes on.
const LIVE_MAX: usize = 30;

/// What the state does not know of a mailbox's messages.
#[derive(Debug, Default)]
pub struct Memory {
    senders: Senders,
}

/// Names in the order of their appearance, times as in every trace.
struct InTrace<'a> {
    names: &'a mut Names,
    times: Times,
}

impl Lens for InTrace<'_> {
    fn actor(&mut self, actor: &ActorName) -> String {
        self.names.actor(actor)
    }

    fn at(&self, time: Timestamp) -> Value {
        self.times.at(time)
    }

    fn span(&self, span: Span) -> Value {
        Times::span(span)
    }
}

impl Look for InTrace<'_> {
    fn message(&mut self, message: MessageId) -> String {
        self.names.name("m", message)
    }
}

impl Slicer for Slices {
    type Memory = Memory;

    fn module(&self) -> &'static str {
        "mailbox"
    }

    fn concerned(&mut self, group: &Group<'_>, before: &State) -> Vec<String> {
        let mut mailboxes = BTreeSet::new();
        if let (true, Some(held)) = (is_sign_of_life(group.events), self.held.get_mut(&group.first().actor)) {
            let holder = &group.first().actor;
            held.retain(|(mailbox, message)| {
                before.mailboxes.get(*message, mailbox).is_some_and(|delivery| delivery.holder() == Some(holder))
            });
            mailboxes.extend(held.iter().map(|(mailbox, _)| mailbox.clone()));
        }
        for recorded in group.events {
            match &recorded.event {
                Event::MessageSent(sent) => mailboxes.extend(recipients(sent, before)),
                Event::MessageTaken(taken) => {
                    let (mailbox, holder) = (taken.mailbox.clone(), taken.holder.clone());
                    self.held.entry(holder).or_default().insert((mailbox.clone(), taken.message));
                    mailboxes.insert(mailbox);
                }
                Event::MessageAcked(acked) => drop(mailboxes.insert(acked.mailbox.clone())),
                Event::MessageNacked(nacked) => drop(mailboxes.insert(nacked.mailbox.clone())),
                Event::MessageLeaseExtended(extended) => drop(mailboxes.insert(extended.mailbox.clone())),
                Event::MessageLeaseExpired(expired) => drop(mailboxes.insert(expired.mailbox.clone())),
                Event::MessageDeadLettered(dead) => drop(mailboxes.insert(dead.mailbox.clone())),
                Event::MessageRedriven(redriven) => drop(mailboxes.insert(redriven.mailbox.clone())),
                _ => {}
            }
        }
        let full = mailboxes.iter().filter(|mailbox| before.mailboxes.live_in(mailbox) >= LIVE_MAX);
        self.closed.extend(full.cloned());
        mailboxes.iter().filter(|mailbox| !self.closed.contains(*mailbox)).map(ToString::to_string).collect()
    }

    fn step(&self, slice: &mut Slice<Memory>, group: &Group<'_>, before: &State) -> Option<Step> {
        let mailbox = ActorName::parse(&slice.key).ok()?;
        for recorded in group.events {
            if let Event::MessageSent(sent) = &recorded.event
                && recipients(sent, before).contains(&mailbox)
            {
                slice.memory.senders.insert(recorded.id.into(), sent.from.clone());
            }
        }
        let mut look = InTrace { names: &mut slice.names, times: slice.times };
        step(group.events, before, &mailbox, &slice.memory.senders, &mut look)
    }

    /// Besides the spec's variables how many messages the state counts in the mailbox, so that none is overlooked.
    fn observe(&self, slice: &mut Slice<Memory>, state: &State) -> Value {
        let Ok(mailbox) = ActorName::parse(&slice.key) else { return Value::from("no mailbox") };
        let organizer = state.actors.organizer().filter(|_| mailbox.as_str() == ActorName::SUPERVISOR);
        // Whoever may take from it is the first to be named.
        slice.names.actor(organizer.unwrap_or(&mailbox));
        let live = i32::try_from(state.mailboxes.live_in(&mailbox)).unwrap_or(i32::MAX);
        let mut look = InTrace { names: &mut slice.names, times: slice.times };
        slice.memory.senders.retain(|message, _| state.mailboxes.get(*message, &mailbox).is_some());
        let observed = observe(&state.mailboxes, &mailbox, &slice.memory.senders, &mut look);
        Value::record(observed.into_iter().chain([("live", live.into())]))
    }
}
