//! Views as people read them: short, aligned, ids first, times relative.
//!
//! `--json` prints the same views as they are, so nothing may be said here that the view does not hold.

mod actors;
mod campaigns;
mod countdowns;
mod events;
mod integrity;
mod mail;
mod page;
pub(crate) mod prometheus;
mod queue;
mod status;
mod times;

pub(crate) use events::EventItem;
pub(crate) use integrity::bytes;
pub(crate) use page::{Cell, Page, Table, clean, many};
pub(crate) use times::length;

use convoke_projections::View;

/// A view that people can read.
pub(crate) trait Show {
    /// Writes it on the page.
    fn show(&self, page: &mut Page);
}

impl Show for View {
    fn show(&self, page: &mut Page) {
        match self {
            Self::Status(view) => view.show(page),
            Self::Countdowns(view) => view.show(page),
            Self::Countdown(view) => view.show(page),
            Self::Campaigns(view) => view.show(page),
            Self::Campaign(view) => view.show(page),
            Self::Order(view) => view.show(page),
            Self::Graph(view) => view.show(page),
            Self::Inbox(view) => view.show(page),
            Self::DeadLetters(view) => view.show(page),
            Self::Actors(view) => view.show(page),
            Self::Actor(view) => view.show(page),
            Self::Thread(view) => view.show(page),
            Self::History(view) => view.show(page),
            Self::Changes(view) => view.show(page),
            Self::Change(view) => view.show(page),
            Self::QueueMetrics(view) => view.show(page),
        }
    }
}
