//! Countdowns (t-minus events): a time, a quorum, attendees who answer.
//!
//! A countdown is held by its campaign, counting, or on hold; then it is fired, missed or scrubbed, for good.
//! [`decide`] says what a command or the time does to one; [`Countdowns`] folds what was decided.

pub(crate) mod commands;
mod countdowns;
pub mod decide;
pub mod events;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod scenarios;
mod state;

pub use countdowns::{Countdowns, subject};
pub use state::{Answer, Countdown, Phase};
