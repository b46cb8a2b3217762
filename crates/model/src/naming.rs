//! What ids and names are called in a specification.

use std::cell::RefCell;

use convoke_core::{id::CountdownId, name::ActorName};

use crate::slices::Names;

/// Gives each thing its name there: always the same one.
pub trait Naming {
    /// A countdown.
    fn countdown(&self, id: CountdownId) -> String;
    /// An actor.
    fn actor(&self, name: &ActorName) -> String;
}

/// The names of a trace, in order of appearance.
pub struct InOrder<'a>(RefCell<&'a mut Names>);

impl<'a> InOrder<'a> {
    /// These, and further ones as they appear.
    pub fn of(names: &'a mut Names) -> Self {
        Self(RefCell::new(names))
    }
}

impl Naming for InOrder<'_> {
    fn countdown(&self, id: CountdownId) -> String {
        self.0.borrow_mut().name("c", id)
    }

    fn actor(&self, name: &ActorName) -> String {
        self.0.borrow_mut().actor(name)
    }
}
