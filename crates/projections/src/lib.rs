//! What is shown: folds of the log, and the queries on them. Nothing here is ever decided from.
//!
//! [`Views`] is handed every event in order and answers a [`Query`] with a [`View`]. It knows no storage: what it does not keep (the texts
//! of messages) it asks for by position, and whoever has the log hands those events in:
//!
//! ```
//! # use convoke_core::{event::Recorded, refusal::Refusal, time::Timestamp};
//! # use convoke_projections::{Query, View, Views};
//! fn ask(views: &Views, query: &Query, now: Timestamp, read: impl Fn(u64) -> Option<Recorded>) -> Result<View, Refusal> {
//!     let mut view = views.answer(query, now)?;
//!     loop {
//!         let needed = view.positions_needed();
//!         if needed.is_empty() {
//!             return Ok(view);
//!         }
//!         let events: Vec<Recorded> = needed.into_iter().filter_map(&read).collect();
//!         views.fill(&mut view, &events)?;
//!     }
//! }
//! ```

pub mod about;
pub mod graph;
pub mod index;
pub mod query;
pub mod snapshot;
pub mod view;

mod actors;
mod answer;
mod campaigns;
mod changes;
mod claims;
mod countdowns;
mod durations;
mod fill;
mod mail;
mod micros;
mod queue_answer;
mod resolve;
mod views;

pub use query::Query;
pub use view::View;
pub use views::{FOLD_NAME, FOLD_VERSION, Views};
