//! What a worker of the queue needs of this program: its conversation with the log, its place, and how it is told to stop.

mod desk;
mod place;
mod signals;
mod told;

pub(crate) use desk::SessionDesk;
pub(crate) use place::Place;
pub(crate) use signals::until_told_to_stop;
pub(crate) use told::{Summed, Teller};
