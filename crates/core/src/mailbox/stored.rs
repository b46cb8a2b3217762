//! The mailboxes as a snapshot keeps them: without what can be derived.

use serde::{Deserialize, Serialize};

use super::{
    delivery::{Delivery, DeliveryState},
    ended::Ended,
    state::Mailboxes,
};
use crate::{name::ActorName, time::Timestamp};

/// What cannot be derived.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    deliveries: Vec<Delivery>,
    /// When each holder last acted.
    seen: Vec<(ActorName, Timestamp)>,
    ended: Ended,
}

impl From<Mailboxes> for Stored {
    fn from(mailboxes: Mailboxes) -> Self {
        let seen = mailboxes.leases.seen().map(|(holder, seen)| (holder.clone(), seen)).collect();
        let deliveries = mailboxes.deliveries.into_values().flatten().collect();
        Self { deliveries, seen, ended: mailboxes.ended }
    }
}

impl From<Stored> for Mailboxes {
    fn from(stored: Stored) -> Self {
        let mut mailboxes = Self { ended: stored.ended, ..Self::default() };
        for delivery in stored.deliveries {
            if let DeliveryState::Taken { holder, lease } = &delivery.state {
                let (message, mailbox) = (delivery.message, &delivery.mailbox);
                mailboxes.leases.begin(holder, *lease, message, mailbox, Timestamp::default());
            }
            mailboxes.orders.entry(delivery.mailbox.clone()).or_default().insert(&delivery);
            mailboxes.deliveries.entry(delivery.message.tail()).or_default().push(delivery);
        }
        for (holder, seen) in stored.seen {
            mailboxes.leases.touched(&holder, seen);
        }
        mailboxes
    }
}
