//! Snapshots of the deciding state and of the views: they save time and prove nothing.
//!
//! One is used only if it is whole, of this build's fold, and of a head that the log has; otherwise it is ignored and
//! the log is folded from zero.

use std::{fs, io, path::Path, thread};

use convoke_core::{
    id::LogId,
    log::{Hash, Head},
    workspace::State,
};
use convoke_projections::{FOLD_VERSION, Views, snapshot::Envelope};

/// The version of the deciding fold; raise it whenever a fold of the same log gives another state.
const STATE_VERSION: u32 = 2;
const STATE: &str = "state";
const VIEWS: &str = "views";

/// The bytes of a snapshot of the deciding state.
pub(crate) fn of_state(state: &State, log_id: LogId, head: Head) -> Vec<u8> {
    encode(STATE, STATE_VERSION, log_id, head, &state_bytes(state))
}

/// The bytes of a snapshot of the views.
pub(crate) fn of_views(views: &Views, log_id: LogId, head: Head) -> Vec<u8> {
    let mut body = Vec::new();
    views.save(&mut body);
    encode(VIEWS, FOLD_VERSION, log_id, head, &body)
}

fn encode(fold: &str, fold_version: u32, log_id: LogId, head: Head, body: &[u8]) -> Vec<u8> {
    Envelope { fold, fold_version, log_id, head, body }.encode()
}

/// The deciding state as bytes: the same for the same state.
pub(crate) fn state_bytes(state: &State) -> Vec<u8> {
    postcard::to_stdvec(state).unwrap_or_default()
}

/// The digest that two equal states share.
pub(crate) fn state_digest(state: &State) -> Hash {
    Hash(blake3::derive_key("convoke deciding state digest v1", &state_bytes(state)))
}

/// Writes both, each whole or not at all. Not synced: a torn one is ignored.
pub(crate) fn write(folder: &Path, state: &[u8], views: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (name, bytes) in [(STATE, state), (VIEWS, views)] {
        let fresh = folder.join(format!("{name}.new"));
        fs::write(&fresh, bytes)?;
        fs::rename(&fresh, folder.join(name))?;
    }
    Ok(())
}

/// Removes both.
pub(crate) fn delete(folder: &Path) {
    for name in [STATE, VIEWS] {
        // What is not there need not be removed; what cannot be removed is found wrong again.
        let _ = fs::remove_file(folder.join(name));
    }
}

/// Both snapshots, of one head of one log.
pub(crate) struct Loaded {
    pub(crate) state: State,
    pub(crate) views: Views,
    pub(crate) log_id: LogId,
    pub(crate) head: Head,
    /// What tells the state's snapshot from every other.
    pub(crate) seal: Seal,
}

/// The digest in a snapshot of the deciding state, over all of it: the same for the same state, log and head.
pub(crate) type Seal = [u8; 32];

/// The seal of a snapshot of this state.
pub(crate) fn seal_of(state: &State, log_id: LogId, head: Head) -> Option<Seal> {
    let bytes = of_state(state, log_id, head);
    seal(&bytes, Envelope::decode(&bytes)?.body)
}

/// The digest stands before the body.
fn seal(bytes: &[u8], body: &[u8]) -> Option<Seal> {
    bytes.get(..bytes.len() - body.len())?.last_chunk().copied()
}

/// Reads both, at the same time. `None` if anything about them is not as it must be; whether the log is theirs and has
/// their head is for the caller to see.
pub(crate) fn load(folder: &Path) -> Option<Loaded> {
    let (state, views) = thread::scope(|scope| {
        let views = scope.spawn(|| load_views(folder));
        (load_state(folder), views.join().ok().flatten())
    });
    let ((state, log_id, head, seal), (views, views_log_id, views_head)) = (state?, views?);
    let fit = log_id == views_log_id && head == views_head && state.size == head.size && views.size() == head.size;
    fit.then_some(Loaded { state, views, log_id, head, seal })
}

fn load_state(folder: &Path) -> Option<(State, LogId, Head, Seal)> {
    let bytes = fs::read(folder.join(STATE)).ok()?;
    let Envelope { fold, fold_version, log_id, head, body } = Envelope::decode(&bytes)?;
    if (fold, fold_version) != (STATE, STATE_VERSION) {
        return None;
    }
    Some((postcard::from_bytes(body).ok()?, log_id, head, seal(&bytes, body)?))
}

fn load_views(folder: &Path) -> Option<(Views, LogId, Head)> {
    let bytes = fs::read(folder.join(VIEWS)).ok()?;
    let Envelope { fold, fold_version, log_id, head, body } = Envelope::decode(&bytes)?;
    if (fold, fold_version) != (VIEWS, FOLD_VERSION) {
        return None;
    }
    Some((Views::load(body)?, log_id, head))
}
