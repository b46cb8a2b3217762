//! The mailboxes as a snapshot keeps them: without what can be derived.

use serde::{Deserialize, Serialize, Serializer};

use super::{
    delivery::{Delivery, DeliveryState},
    ended::Ended,
    state::Mailboxes,
};
use crate::{name::ActorName, time::Timestamp};

/// What cannot be derived.
#[derive(Deserialize)]
pub(super) struct Stored {
    deliveries: Vec<Delivery>,
    /// When each holder last acted.
    seen: Vec<(ActorName, Timestamp)>,
    ended: Ended,
}

/// The same, as it is written: nothing is copied, for there may be very many deliveries.
#[derive(Serialize)]
struct Storing<'a> {
    deliveries: Vec<&'a Delivery>,
    seen: Vec<(&'a ActorName, Timestamp)>,
    ended: &'a Ended,
}

impl Serialize for Mailboxes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (deliveries, seen) = (self.iter().collect(), self.leases.seen().collect());
        Storing { deliveries, seen, ended: &self.ended }.serialize(serializer)
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
            mailboxes.live += usize::from(delivery.is_live());
            mailboxes.orders.entry(delivery.mailbox.clone()).or_default().insert(&delivery);
            if delivery.deliveries > 0 {
                mailboxes.claimed.insert((delivery.message.tail(), delivery.message));
            }
            mailboxes.deliveries.entry(delivery.message).or_default().push(delivery);
        }
        for (holder, seen) in stored.seen {
            mailboxes.leases.touched(&holder, seen);
        }
        mailboxes
    }
}
