//! Every module whose traces can be cut: one row each.

use super::{Row, row};
use crate::{actors::ActorsSlicer, countdown::CountdownSlicer};

/// All of them, fresh: for one log.
#[must_use]
pub fn rows() -> Vec<Box<dyn Row>> {
    [actors(), campaign(), countdown(), effects(), engine(), log(), mailbox()].into_iter().flatten().collect()
}

/// The registry of actors, one slice.
fn actors() -> Option<Box<dyn Row>> {
    Some(row(ActorsSlicer))
}

/// A slice for each campaign.
fn campaign() -> Option<Box<dyn Row>> {
    Some(row(crate::campaign::Slices))
}

/// A slice for each countdown.
fn countdown() -> Option<Box<dyn Row>> {
    Some(row(CountdownSlicer::default()))
}

/// What one machine causes in another.
fn effects() -> Option<Box<dyn Row>> {
    Some(row(crate::effects::Slices))
}

/// Idempotency and what is due first.
fn engine() -> Option<Box<dyn Row>> {
    Some(row(crate::engine::Slices::default()))
}

/// The log itself.
fn log() -> Option<Box<dyn Row>> {
    Some(row(crate::log::Slices::default()))
}

/// A slice for each mailbox.
fn mailbox() -> Option<Box<dyn Row>> {
    Some(row(crate::mailbox::Slices::default()))
}
