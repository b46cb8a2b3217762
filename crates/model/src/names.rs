//! What ids and names are called in a specification.

use convoke_core::{id::CountdownId, name::ActorName};

/// Gives each thing its name there: always the same one.
pub trait Naming {
    /// A countdown.
    fn countdown(&self, id: CountdownId) -> String;
    /// An actor.
    fn actor(&self, name: &ActorName) -> String;
}
