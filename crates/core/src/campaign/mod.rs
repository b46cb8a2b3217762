//! Campaigns: a directed acyclic graph of countdowns.
//!
//! A campaign is planned, running, and then completed, failed or cancelled, for good. Of its countdowns it knows only how
//! far each got; what their progress does to the others is asked of [`plan`], and happens in the same commit.
//!
//! Specified by `specs/campaign/Campaign.tla`; a step there is one commit with its whole cascade.

mod campaigns;
pub(crate) mod commands;
pub mod decide;
pub mod events;
pub mod plan;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod scenarios;
mod state;

pub use campaigns::Campaigns;
pub use decide::{admit, admit_existing, admit_link, cancel, create, link, start, unlink};
pub use plan::{blocked, blocker, conclude, is_releasable, levels, releasable};
pub use state::{Campaign, Member, Outcome, Phase, Progress};
