//! The state machines as their specifications in `specs/` see them.
//!
//! For each machine two functions say all of it: how its state looks to the spec, and which action of the spec a group
//! of events is. On them stand the state [`graph`] of the real `decide` and `evolve`, which must equal the spec's, and the
//! traces that are cut from a log, which the spec must accept.

pub mod actors;
pub mod campaign;
pub mod countdown;
pub mod effects;
pub mod engine;
pub mod graph;
pub mod lens;
pub mod log;
pub mod machine;
pub mod mailbox;
pub mod naming;
pub mod queue;
pub mod slices;
pub mod value;

pub use graph::{Edge, Graph};
pub use lens::{Lens, Seconds};
pub use machine::{Machine, explore};
pub use value::{Step, Value};
