//! Which step of which specification an event is part of: the table that ties the kinds of [`KINDS`](crate::event::KINDS) to
//! the modules in `specs/`.
//!
//! A step of a spec is one correlation group: every event of one command, or of one item that became due, as far as it
//! concerns the object. Its action is named after the first of them. Tests in `crates/model/tests/table.rs` hold the table
//! complete in both directions: every kind stands in it, and it names exactly the actions that the modules define.

mod actors;
mod campaign;
mod countdown;
mod effects;
mod engine;
mod log;
mod mailbox;
mod queue;

/// One specification: a folder in `specs/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// The folder. `countdown` is specified in `specs/countdown/Countdown.tla`.
    pub module: &'static str,
    /// Every action of its `Next`.
    pub actions: &'static [Action],
}

/// An action of a spec, and the events that it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// Its name in the module.
    pub name: &'static str,
    /// Every kind of event that one such step can contain, itself or as a consequence. None for what the world does.
    pub kinds: &'static [&'static str],
}

impl Action {
    /// A step that writes events of these kinds.
    const fn of(name: &'static str, kinds: &'static [&'static str]) -> Self {
        Self { name, kinds }
    }

    /// A step of the world around the machine, in which the machine writes nothing: time passes, a process crashes.
    const fn environment(name: &'static str) -> Self {
        Self { name, kinds: &[] }
    }

    /// Whether the world takes this step, not the machine.
    #[must_use]
    pub const fn is_environment(&self) -> bool {
        self.kinds.is_empty()
    }
}

/// Every specification.
pub const SPECS: &[Spec] = &[
    actors::SPEC,
    campaign::SPEC,
    countdown::SPEC,
    effects::SPEC,
    engine::SPEC,
    log::SPEC,
    mailbox::SPEC,
    queue::SPEC,
];

/// The specification of a module, if there is one.
#[must_use]
pub fn of_module(module: &str) -> Option<&'static Spec> {
    SPECS.iter().find(|spec| spec.module == module)
}
