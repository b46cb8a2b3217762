//! Countdowns (t-minus events): a time, a quorum, attendees who answer.

pub mod events;
