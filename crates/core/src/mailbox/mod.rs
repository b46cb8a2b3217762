//! Mailboxes: messages taken under a lease, acknowledged at most once, never lost.
//!
//! A *delivery* is one message in one mailbox. It waits, is taken under a lease, and is acked; a nack or the end of its
//! lease puts it back, and after [`crate::limits::DELIVERIES_MAX`] deliveries it is a dead letter. Texts are not kept
//! here: the log has them.

pub(crate) mod commands;
mod compose;
mod decide;
mod delivery;
mod ended;
pub mod events;
mod evolve;
mod leases;
mod order;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod scenarios;
mod state;
mod stored;
mod token;

pub use compose::compose;
pub use decide::receive;
pub use delivery::{Delivery, DeliveryState};
pub use state::Mailboxes;
pub use token::{Token, TokenError};
