//! What a worker of the queue needs of this program: its conversation with the log, its place, and how it is told to stop; and
//! what a worker of one's own gets instead.

mod desk;
mod held;
mod place;
mod signals;
mod told;

pub(crate) use desk::SessionDesk;
pub(crate) use held::{Begun, Candidate, Held};
pub(crate) use place::Place;
pub(crate) use signals::until_told_to_stop;
pub(crate) use told::{Summed, Teller};
