//! Snapshots of the deciding state and of the views: they save time and prove nothing.
//!
//! One is used only if it is whole, of this build's fold, and of a head that the log has; otherwise it is ignored and
//! the log is folded from zero.

use std::{fs, io, path::Path};

use convoke_core::{
    id::LogId,
    log::{Hash, Head},
    workspace::State,
};
use convoke_projections::{FOLD_VERSION, Views, snapshot::Envelope};

/// The version of the deciding fold; raise it whenever a fold of the same log gives another state.
const STATE_VERSION: u32 = 1;
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
    digest(&state_bytes(state))
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

/// Both snapshots, if they are of the same head.
pub(crate) struct Loaded {
    pub(crate) state: State,
    pub(crate) views: Views,
    pub(crate) origin: Origin,
}

/// What a pair of snapshots says it is of, for the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) head: Head,
    pub(crate) state: Hash,
    pub(crate) views: Hash,
}

impl Origin {
    /// What the snapshots of these would say.
    pub(crate) fn of(state: &State, views: &Views, head: Head) -> Self {
        let mut body = Vec::new();
        views.save(&mut body);
        Self { head, state: state_digest(state), views: digest(&body) }
    }
}

fn digest(body: &[u8]) -> Hash {
    Hash(blake3::derive_key("convoke snapshot body digest v1", body))
}

/// Reads both. `None` if anything about them is not as it must be; the caller still compares the head with the log.
pub(crate) fn load(folder: &Path, log_id: LogId, largest: Head) -> Option<Loaded> {
    let state_file = fs::read(folder.join(STATE)).ok()?;
    let views_file = fs::read(folder.join(VIEWS)).ok()?;
    let state = Envelope::decode(&state_file).filter(|state| state.is_of(STATE, STATE_VERSION, log_id))?;
    let views = Envelope::decode(&views_file).filter(|views| views.is_of(VIEWS, FOLD_VERSION, log_id))?;
    if state.head != views.head || state.head.size > largest.size {
        return None;
    }
    let origin = Origin { head: state.head, state: digest(state.body), views: digest(views.body) };
    let views = Views::load(views.body)?;
    let state: State = postcard::from_bytes(state.body).ok()?;
    (state.size == origin.head.size && views.size() == state.size).then_some(Loaded { state, views, origin })
}
