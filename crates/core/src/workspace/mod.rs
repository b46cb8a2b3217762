//! The whole deciding state, and the one way to change it: decide, fold, and fold what that causes.
//!
//! Only here do the machines meet: [`State`] tells one what it needs to know of another, and what one causes in another is
//! asked of [`crate::effects`].

mod cascade;
mod decide;
mod due;
mod handle;
mod state;

pub use due::handle_due;
pub use handle::{Context, Handled, NoPast, Past, handle};
pub use state::State;
