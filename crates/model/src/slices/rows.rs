//! Every module whose traces can be cut: one row each.

use super::{Row, row};
use crate::{actors, campaign, countdown, effects, engine, log, mailbox, queue};

/// All of them, fresh: for one log.
#[must_use]
pub fn rows() -> Vec<Box<dyn Row>> {
    vec![
        row(actors::ActorsSlicer),
        row(campaign::Slices),
        row(countdown::CountdownSlicer::default()),
        row(effects::Slices),
        row(engine::Slices::default()),
        row(log::Slices::default()),
        row(mailbox::Slices::default()),
        row(queue::Slices::default()),
    ]
}
