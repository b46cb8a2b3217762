//! Whether a claim on a message still holds.

use convoke_core::{id::MessageId, name::ActorName, time::Timestamp};

use crate::{view::DeliveryState, views::Views};

impl Views {
    /// When the lease of a claim ends; `None` if the claim has ended: acked, handed back, run out, or another one took its place.
    #[must_use]
    pub fn claim_until(
        &self,
        message: MessageId,
        mailbox: &ActorName,
        claim: u32,
        now: Timestamp,
    ) -> Option<Timestamp> {
        match self.state.mail.state_of(message, mailbox, &self.state.actors, now) {
            DeliveryState::Taken { fence, until, .. } if fence == claim && now < until => Some(until),
            _ => None,
        }
    }
}
