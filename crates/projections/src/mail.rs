//! Mailboxes: what lies where, who has taken it, what was given up.
//!
//! Texts are not kept, only where they are in the log; of a message that everybody acknowledged nothing is kept but a count.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use convoke_core::{
    event::{Event, Recorded},
    id::MessageId,
    mailbox::{
        Token,
        events::{DeadReason, MessageSent},
    },
    name::{ActorName, Word},
    priority::Priority,
    time::{Span, Timestamp},
};
use serde::{Deserialize, Serialize};

use crate::{
    actors::Actors,
    micros,
    view::{DeliveryLine, DeliveryState, LeaseLine, MailCounts},
};

/// All messages that somebody has not acknowledged, and the mailboxes that they lie in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mail {
    letters: BTreeMap<MessageId, Letter>,
    mailboxes: BTreeMap<ActorName, Mailbox>,
}

/// What all deliveries of a message have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Letter {
    position: u64,
    from: ActorName,
    kind: Word,
    priority: Priority,
    #[serde(with = "micros")]
    sent_at: Timestamp,
    /// In how many mailboxes it still lies.
    open: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mailbox {
    acked: u64,
    /// In the order in which they are taken: priority, then position.
    deliveries: BTreeMap<Turn, Delivery>,
    /// Those of them that are not simply ready: few where many lie, so that counting them need not look at all.
    unready: BTreeSet<Turn>,
}

/// Whose turn it is in a mailbox: by priority, then by position.
type Turn = (Priority, u64);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Delivery {
    message: MessageId,
    count: u32,
    state: State,
    /// Why it was last handed back.
    nack_reason: Option<Box<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    Ready,
    Paused {
        #[serde(with = "micros")]
        until: Timestamp,
    },
    Taken {
        holder: ActorName,
        fence: u32,
        #[serde(with = "micros")]
        until: Timestamp,
        lease: Span,
    },
    Dead {
        reason: DeadReason,
        #[serde(with = "micros")]
        at: Timestamp,
        redriven: Option<MessageId>,
    },
}

impl Mail {
    /// Takes an event in; `actors` as they are before it, so that `all` means those who were registered by then.
    pub(crate) fn apply(&mut self, recorded: &Recorded, actors: &Actors) {
        match &recorded.event {
            Event::MessageSent(sent) => self.deliver(recorded, sent, actors),
            Event::MessageTaken(taken) => {
                self.change(taken.message, &taken.mailbox, |delivery| {
                    delivery.count = delivery.count.saturating_add(1);
                    let lease = taken.until.since(recorded.time);
                    delivery.state =
                        State::Taken { holder: taken.holder.clone(), fence: taken.fence, until: taken.until, lease };
                });
            }
            Event::MessageAcked(acked) => self.remove(acked.message, &acked.mailbox),
            Event::MessageNacked(nacked) => {
                self.change(nacked.message, &nacked.mailbox, |delivery| {
                    delivery.state = State::Paused { until: nacked.again_at };
                    delivery.nack_reason = nacked.reason.as_deref().map(Into::into);
                });
            }
            Event::MessageLeaseExtended(extended) => {
                self.change(extended.message, &extended.mailbox, |delivery| {
                    if let State::Taken { until, lease, .. } = &mut delivery.state {
                        *until = extended.until;
                        // It is as long from now on, also when it is the holder's next event that extends it.
                        *lease = extended.until.since(recorded.time).max(*lease);
                    }
                });
            }
            Event::MessageLeaseExpired(expired) => {
                self.change(expired.message, &expired.mailbox, |delivery| delivery.state = State::Ready);
            }
            Event::MessageDeadLettered(dead) => {
                self.change(dead.message, &dead.mailbox, |delivery| {
                    delivery.state = State::Dead { reason: dead.reason, at: recorded.time, redriven: None };
                });
            }
            Event::MessageRedriven(redriven) => {
                self.change(redriven.message, &redriven.mailbox, |delivery| {
                    if let State::Dead { redriven: again, .. } = &mut delivery.state {
                        *again = Some(redriven.again);
                    }
                });
            }
            _ => {}
        }
    }

    fn deliver(&mut self, recorded: &Recorded, sent: &MessageSent, actors: &Actors) {
        let message = MessageId::from(recorded.id);
        if self.letters.contains_key(&message) {
            return;
        }
        let mut open = 0;
        let mut put = |name: ActorName| {
            let delivery = Delivery { message, count: 0, state: State::Ready, nack_reason: None };
            let turn = (sent.priority, recorded.position);
            let mailbox = self.mailboxes.entry(name).or_default();
            mailbox.unready.remove(&turn);
            if mailbox.deliveries.insert(turn, delivery).is_none() {
                open += 1;
            }
        };
        match sent.to.as_slice() {
            [name] if name.as_str() == ActorName::ALL => {
                actors.everybody_but(&sent.from, recorded.position).cloned().for_each(&mut put);
            }
            names => names.iter().map(|name| name.clone().mailbox()).for_each(&mut put),
        }
        if open > 0 {
            let letter = Letter {
                position: recorded.position,
                from: sent.from.clone(),
                kind: sent.kind.clone(),
                priority: sent.priority,
                sent_at: recorded.time,
                open,
            };
            self.letters.insert(message, letter);
        }
    }

    /// Changes a delivery, if it is there.
    fn change(&mut self, message: MessageId, mailbox: &ActorName, change: impl FnOnce(&mut Delivery)) {
        let Some(letter) = self.letters.get(&message) else { return };
        let Some(mailbox) = self.mailboxes.get_mut(mailbox) else { return };
        let turn = (letter.priority, letter.position);
        if let Some(delivery) = mailbox.deliveries.get_mut(&turn).filter(|delivery| delivery.message == message) {
            change(delivery);
            match delivery.state {
                State::Ready => mailbox.unready.remove(&turn),
                _ => mailbox.unready.insert(turn),
            };
        }
    }

    fn remove(&mut self, message: MessageId, mailbox: &ActorName) {
        let Entry::Occupied(mut letter) = self.letters.entry(message) else { return };
        let Some(mailbox) = self.mailboxes.get_mut(mailbox) else { return };
        let place = (letter.get().priority, letter.get().position);
        match mailbox.deliveries.entry(place) {
            Entry::Occupied(delivery) if delivery.get().message == message => delivery.remove(),
            _ => return,
        };
        mailbox.unready.remove(&place);
        mailbox.acked += 1;
        let open = &mut letter.get_mut().open;
        *open = open.saturating_sub(1);
        if *open == 0 {
            letter.remove();
        }
    }

    /// Every mailbox that ever held something, by name.
    pub(crate) fn mailboxes(&self) -> impl Iterator<Item = (&ActorName, &Mailbox)> {
        self.mailboxes.iter()
    }

    pub(crate) fn counts(&self, mailbox: &ActorName, now: Timestamp) -> MailCounts {
        self.mailboxes.get(mailbox).map_or_else(MailCounts::default, |mailbox| mailbox.counts(now))
    }

    /// When the first of its deliveries can be taken, if nobody takes it before.
    pub(crate) fn ready_at(&self, mailbox: &ActorName, now: Timestamp) -> Option<Timestamp> {
        let mailbox = self.mailboxes.get(mailbox)?;
        if mailbox.unready.len() < mailbox.deliveries.len() {
            return Some(now);
        }
        let mut first = None;
        for delivery in mailbox.deliveries.values() {
            match &delivery.state {
                State::Ready => return Some(now),
                State::Paused { until } if *until <= now => return Some(now),
                State::Paused { until } => first = first.into_iter().chain([*until]).min(),
                State::Taken { .. } | State::Dead { .. } => {}
            }
        }
        first
    }

    /// What lies in a mailbox and is not dead, the first to be taken first.
    pub(crate) fn inbox(
        &self,
        mailbox: &ActorName,
        actors: &Actors,
        now: Timestamp,
    ) -> impl Iterator<Item = DeliveryLine> {
        self.mailboxes
            .get_key_value(mailbox)
            .into_iter()
            .flat_map(|(name, mailbox)| mailbox.deliveries.values().map(move |delivery| (name, delivery)))
            .filter(|(_, delivery)| !matches!(delivery.state, State::Dead { .. }))
            .filter_map(move |(name, delivery)| self.line(name, delivery, actors, now))
    }

    /// Dead letters by position and mailbox; those sent once more only if asked for.
    pub(crate) fn dead(
        &self,
        only: Option<&ActorName>,
        redriven_too: bool,
        actors: &Actors,
        now: Timestamp,
    ) -> Vec<DeliveryLine> {
        let mut lines: Vec<DeliveryLine> = self
            .mailboxes
            .iter()
            .filter(|(name, _)| only.is_none_or(|only| only == *name))
            .flat_map(|(name, mailbox)| mailbox.unready().map(move |delivery| (name, delivery)))
            .filter(|(_, delivery)| match &delivery.state {
                State::Dead { redriven, .. } => redriven_too || redriven.is_none(),
                _ => false,
            })
            .filter_map(|(name, delivery)| self.line(name, delivery, actors, now))
            .collect();
        lines.sort_by(|a, b| (a.position, &a.mailbox).cmp(&(b.position, &b.mailbox)));
        lines
    }

    /// Leases, soonest end first; only this holder's if one is given.
    pub(crate) fn leases(&self, only: Option<&ActorName>, actors: &Actors) -> Vec<LeaseLine> {
        let mut lines = Vec::new();
        for (name, mailbox) in &self.mailboxes {
            for delivery in mailbox.unready() {
                if let State::Taken { holder, fence, until, lease } = &delivery.state
                    && only.is_none_or(|only| only == holder)
                {
                    lines.push(LeaseLine {
                        message: delivery.message,
                        short: delivery.message.short(),
                        mailbox: name.clone(),
                        holder: holder.clone(),
                        token: Token::new(delivery.message, *fence),
                        until: actors.lease_end(holder, *until, *lease),
                    });
                }
            }
        }
        lines.sort_by(|a, b| (a.until, a.message, &a.mailbox).cmp(&(b.until, b.message, &b.mailbox)));
        lines
    }

    /// How a message that was delivered to this mailbox stands there: what is not kept any more was acknowledged.
    pub(crate) fn state_of(
        &self,
        message: MessageId,
        mailbox: &ActorName,
        actors: &Actors,
        now: Timestamp,
    ) -> DeliveryState {
        let delivery = self
            .letters
            .get(&message)
            .and_then(|letter| self.mailboxes.get(mailbox)?.deliveries.get(&(letter.priority, letter.position)));
        delivery.map_or(DeliveryState::Acked, |delivery| shown(delivery, actors, now))
    }

    fn line(&self, mailbox: &ActorName, delivery: &Delivery, actors: &Actors, now: Timestamp) -> Option<DeliveryLine> {
        let letter = self.letters.get(&delivery.message)?;
        Some(DeliveryLine {
            message: delivery.message,
            short: delivery.message.short(),
            position: letter.position,
            mailbox: mailbox.clone(),
            from: letter.from.clone(),
            kind: letter.kind.clone(),
            priority: letter.priority,
            sent_at: letter.sent_at,
            deliveries: delivery.count,
            state: shown(delivery, actors, now),
            nack_reason: delivery.nack_reason.as_deref().map(Into::into),
            subject: None,
            body: None,
            in_reply_to: None,
            filled: false,
        })
    }
}

impl Mailbox {
    pub(crate) fn counts(&self, now: Timestamp) -> MailCounts {
        let ready = (self.deliveries.len() - self.unready.len()) as u64;
        let mut counts = MailCounts { acked: self.acked, ready, ..MailCounts::default() };
        for delivery in self.unready() {
            match &delivery.state {
                State::Ready => counts.ready += 1,
                State::Paused { until } if *until <= now => counts.ready += 1,
                State::Paused { .. } => counts.paused += 1,
                State::Taken { .. } => counts.taken += 1,
                State::Dead { redriven: None, .. } => counts.dead += 1,
                State::Dead { redriven: Some(_), .. } => {}
            }
        }
        counts
    }

    /// Those that are paused, taken or dead.
    fn unready(&self) -> impl Iterator<Item = &Delivery> {
        self.unready.iter().filter_map(|turn| self.deliveries.get(turn))
    }
}

fn shown(delivery: &Delivery, actors: &Actors, now: Timestamp) -> DeliveryState {
    match &delivery.state {
        State::Ready => DeliveryState::Ready,
        State::Paused { until } if *until <= now => DeliveryState::Ready,
        State::Paused { until } => DeliveryState::Paused { until: *until },
        State::Taken { holder, fence, until, lease } => DeliveryState::Taken {
            holder: holder.clone(),
            fence: *fence,
            token: Token::new(delivery.message, *fence),
            until: actors.lease_end(holder, *until, *lease),
        },
        State::Dead { reason, at, redriven } => DeliveryState::Dead { reason: *reason, at: *at, redriven: *redriven },
    }
}
