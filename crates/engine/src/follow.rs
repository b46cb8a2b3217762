//! Following the log: every event from a position on, as it becomes durable.

use std::{collections::VecDeque, sync::Arc};

use convoke_core::log::Head;
use convoke_store::Log;
use tokio::sync::watch;

use crate::{
    api::{EventView, Fault},
    engine::Engine,
    fault::stopping,
    render,
};

/// Events read ahead.
const AHEAD_EVENTS: u64 = 256;

/// A place in the log, moving on with it.
pub struct Follow<L: Log> {
    log: Arc<L>,
    published: watch::Receiver<Head>,
    next: u64,
    ready: VecDeque<EventView>,
}

impl<L: Log> Engine<L> {
    /// Follows the log from a position on.
    #[must_use]
    pub fn follow(&self, from: u64) -> Follow<L> {
        Follow {
            log: Arc::clone(&self.shared.log),
            published: self.published.clone(),
            next: from,
            ready: VecDeque::new(),
        }
    }
}

impl<L: Log> Follow<L> {
    /// The next event, as soon as it is durable.
    ///
    /// # Errors
    /// `daemon_stopping` when the engine ends; a log that cannot be read.
    pub async fn next(&mut self) -> Result<EventView, Fault> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            let size = self.published.borrow_and_update().size;
            if self.next < size {
                let to = size.min(self.next + AHEAD_EVENTS);
                self.ready = render::events(&*self.log, self.next, to).await?.into();
                self.next = to;
            } else if self.published.changed().await.is_err() {
                return Err(stopping());
            }
        }
    }
}
