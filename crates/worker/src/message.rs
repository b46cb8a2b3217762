//! The message of a commit that lands a change: what it is for, and at its end which change it is.

use convoke_core::{id::ChangeId, name::Name};

/// A commit's message, with lines at its end that say which change it is, of which task, and where in the log it was handed in. A
/// change of which nothing was said goes by its task's name.
#[must_use]
pub fn of(said: &str, change: ChangeId, task: &Name, position: u64) -> String {
    let said = said.replace('\0', "");
    let said = if said.trim().is_empty() { task.as_str() } else { said.trim() };
    format!("{said}\n\nConvoke-Change: {change}\nConvoke-Task: {task}\nConvoke-Event: {position}\n")
}
