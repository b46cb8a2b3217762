//! Campaigns: a directed acyclic graph of countdowns.

pub mod events;
