//! All mailboxes, as a fold of the log, and what can be asked of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{
    delivery::{Delivery, DeliveryState},
    ended::Ended,
    evolve::place,
    leases::Leases,
    order::Order,
    stored::Stored,
};
use crate::{
    id::{EventId, IdReference, MessageId},
    limits,
    name::ActorName,
    refusal::Refusal,
    time::Timestamp,
};

/// Every delivery that is not acked, with the order of each mailbox, the leases, and the latest acks.
///
/// Its serialised form holds what cannot be derived; the rest is rebuilt on reading.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "Stored")]
pub struct Mailboxes {
    /// By the end of the message's id, as tokens name it. Each list is sorted, with one entry per mailbox.
    pub(super) deliveries: BTreeMap<u64, Vec<Delivery>>,
    pub(super) orders: BTreeMap<ActorName, Order>,
    pub(super) leases: Leases,
    pub(super) ended: Ended,
}

impl Mailboxes {
    /// A message in a mailbox; `None` if it never was there, or is acked.
    #[must_use]
    pub fn get(&self, message: MessageId, mailbox: &ActorName) -> Option<&Delivery> {
        let list = self.deliveries.get(&message.tail())?;
        place(list, message, mailbox).and_then(|index| list.get(index))
    }

    /// Every delivery that is not acked, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Delivery> {
        self.deliveries.values().flatten()
    }

    /// Whether one more message fits into each of these mailboxes. Notices are not asked: nobody's countdown may fail for
    /// a mailbox that nobody reads.
    ///
    /// # Errors
    /// [`Refusal::OverLimit`], and [`Refusal::MailboxFull`] naming the mailbox.
    pub fn admit(&self, recipients: &[ActorName]) -> Result<(), Refusal> {
        limits::check("the number of unacknowledged messages", self.deliveries.len() + 1, limits::DELIVERIES_LIVE_MAX)?;
        for mailbox in recipients {
            let live = self.orders.get(mailbox).map_or(0, Order::len);
            if live >= limits::MAILBOX_LIVE_MAX {
                return Err(Refusal::MailboxFull { mailbox: mailbox.clone(), live });
            }
        }
        // Only `all` has so many recipients; then counting all mailboxes is no more than what it is about to do.
        if recipients.len() > limits::RECIPIENTS_MAX {
            let live: usize = self.orders.values().map(Order::len).sum();
            limits::check("the number of deliveries", live + recipients.len(), limits::DELIVERIES_LIVE_MAX)?;
        }
        Ok(())
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
