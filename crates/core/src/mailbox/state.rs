//! All mailboxes, as a fold of the log, and what can be asked of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{
    Token,
    delivery::{Delivery, DeliveryState},
    ended::Ended,
    evolve::place,
    leases::Leases,
    order::Order,
    stored::Stored,
};
use crate::{
    id::{EventId, IdReference, MessageId},
    name::ActorName,
    refusal::Refusal,
    time::Timestamp,
};

/// Every delivery that is not acked, with the order of each mailbox, the leases, and the latest acks.
///
/// Its serialised form holds what cannot be derived; the rest is rebuilt on reading.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize)]
#[serde(from = "Stored")]
pub struct Mailboxes {
    /// Ids begin with the time, so that what is new comes last, beside what is new. Each list is sorted, with one entry per
    /// mailbox.
    pub(super) deliveries: BTreeMap<MessageId, Vec<Delivery>>,
    /// The messages with a delivery that was ever taken, by the end of their ids, as tokens name them.
    pub(super) claimed: BTreeSet<(u64, MessageId)>,
    pub(super) orders: BTreeMap<ActorName, Order>,
    pub(super) leases: Leases,
    pub(super) ended: Ended,
    /// How many deliveries count against the limit of all mailboxes together.
    pub(super) live: usize,
}

impl Mailboxes {
    /// A message in a mailbox; `None` if it never was there, or is acked.
    #[must_use]
    pub fn get(&self, message: MessageId, mailbox: &ActorName) -> Option<&Delivery> {
        let list = self.deliveries.get(&message)?;
        place(list, message, mailbox).and_then(|index| list.get(index))
    }

    /// The deliveries that a token may be about: those of the messages whose ids end so, if they were ever taken.
    pub(super) fn named_by(&self, token: Token) -> impl Iterator<Item = &Delivery> + Clone {
        let (first, last) = (MessageId::from_bytes([0; 16]), MessageId::from_bytes([0xff; 16]));
        let named = self.claimed.range((token.tail, first)..=(token.tail, last));
        named.filter_map(|(_, message)| self.deliveries.get(message)).flatten()
    }

    /// Every delivery that is not acked, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Delivery> {
        self.deliveries.values().flatten()
    }

    /// How many deliveries lie in all mailboxes: what is not acked, without the dead letters that were sent once more.
    #[must_use]
    pub fn live(&self) -> usize {
        self.live
    }

    /// How many of them lie in this one.
    #[must_use]
    pub fn live_in(&self, mailbox: &ActorName) -> usize {
        self.orders.get(mailbox).map_or(0, Order::live)
    }

    /// When the lease of a taken delivery ends, if its holder stays silent.
    #[must_use]
    pub fn until(&self, delivery: &Delivery) -> Option<Timestamp> {
        match &delivery.state {
            DeliveryState::Taken { holder, lease } => self.leases.until(holder, *lease),
            _ => None,
        }
    }

    /// When the first lease ends, if nobody acts before.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.leases.next_due()
    }

    /// Drops the lease on a delivery from the index of what is due, if it is due but nothing follows from it: only an index
    /// that was not made from the deliveries holds such a one, and it would be due for ever.
    pub fn drop_due(&mut self, message: MessageId, mailbox: &ActorName) {
        self.leases.drop_all(message, mailbox);
    }

    /// The leases that have ended by now, in the order of (when, message, mailbox).
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = (Timestamp, MessageId, ActorName)> {
        self.leases.due(now)
    }

    /// For those who wait: now if something can be taken, otherwise when the first pause in this mailbox ends. The end
    /// of a lease is an event, so that whoever waits sees it coming back.
    #[must_use]
    pub fn next_ready_at(&self, mailbox: &ActorName, now: Timestamp) -> Option<Timestamp> {
        self.orders.get(mailbox).and_then(|order| order.next_ready_at(now))
    }

    /// The message of this mailbox that a full or short id means, unless it is acked.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] or [`Refusal::Ambiguous`].
    pub fn find(&self, mailbox: &ActorName, reference: &str) -> Result<MessageId, Refusal> {
        let all = self.orders.get(mailbox).into_iter().flat_map(Order::all);
        one("message", reference, all)
    }

    /// The dead letter of this mailbox that a full or short id means.
    ///
    /// # Errors
    /// [`Refusal::NotDead`] if it means another message of the mailbox, [`Refusal::NotFound`] or
    /// [`Refusal::Ambiguous`].
    pub fn find_dead(&self, mailbox: &ActorName, reference: &str) -> Result<MessageId, Refusal> {
        let dead = self.orders.get(mailbox).into_iter().flat_map(Order::dead);
        one("dead letter", reference, dead).map_err(|refusal| match (&refusal, self.find(mailbox, reference)) {
            (Refusal::NotFound { .. }, Ok(message)) => {
                Refusal::NotDead { message: message.into(), mailbox: mailbox.clone() }
            }
            _ => refusal,
        })
    }
}

/// The one message among these that a reference means.
fn one(what: &'static str, reference: &str, among: impl Iterator<Item = MessageId>) -> Result<MessageId, Refusal> {
    let not_found = || Refusal::NotFound { what, reference: crate::name::shorten(reference) };
    let wanted = IdReference::parse(reference).ok_or_else(not_found)?;
    let found: BTreeSet<MessageId> = among.filter(|message| wanted.matches(EventId::from(*message))).collect();
    match (found.first(), found.len()) {
        (None, _) => Err(not_found()),
        (Some(message), 1) => Ok(*message),
        _ => {
            let candidates = found.iter().map(ToString::to_string).collect();
            Err(Refusal::Ambiguous { what, reference: reference.to_owned(), candidates })
        }
    }
}
