//! Lands changes: claims them, builds and checks them in lanes, and lands what passed.
//!
//! It knows git and the rules' vocabulary. It does not know the program, the daemon or the log: whoever runs a [`Worker`] gives it
//! a [`Desk`].

pub mod candidate;
mod desk;
mod lane;
mod news;
mod obstacle;
pub mod probe;
pub mod receipts;
pub mod request;
mod stacks;
pub mod train;
mod worker;

pub use desk::{Desk, Job, No};
pub use lane::{Must, output_kept};
pub use news::{News, Of};
pub use obstacle::{Conflicted, Obstacle, faults_told, obstacle_in};
pub use worker::{Options, Summary, Trouble, Until, Worker};
