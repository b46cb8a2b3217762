//! Mailboxes: messages taken under a lease, acknowledged at most once, never lost.

pub mod events;
mod token;

pub use token::{Token, TokenError};
