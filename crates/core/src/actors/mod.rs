//! Actors: who takes part, membership, and the workspace's own settings.

pub mod events;
