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
const STATE_VERSION: u32 = 3;
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
    pub(crate) log_id: LogId,
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

/// Reads both, at the same time. `None` if anything about them is not as it must be; whether the log is theirs and has
/// their head is for the caller to see.
pub(crate) fn load(folder: &Path) -> Option<Loaded> {
    let (state, views) = thread::scope(|scope| {
        let views = scope.spawn(|| read(folder, VIEWS, FOLD_VERSION, Views::load));
        let state = read(folder, STATE, STATE_VERSION, |body| postcard::from_bytes::<State>(body).ok());
        (state, views.join().ok().flatten())
    });
    let (state, views) = (state?, views?);
    let origin = Origin { head: state.head, state: state.digest, views: views.digest };
    let of_one_head = (state.log_id, state.head) == (views.log_id, views.head)
        && (state.fold.size, views.fold.size()) == (state.head.size, state.head.size);
    of_one_head.then_some(Loaded { state: state.fold, views: views.fold, log_id: state.log_id, origin })
}

/// One snapshot as it was read.
struct Read<Fold> {
    fold: Fold,
    log_id: LogId,
    head: Head,
    digest: Hash,
}

fn read<Fold>(folder: &Path, name: &str, version: u32, load: impl FnOnce(&[u8]) -> Option<Fold>) -> Option<Read<Fold>> {
    let bytes = fs::read(folder.join(name)).ok()?;
    let Envelope { fold, fold_version, log_id, head, body } = Envelope::decode(&bytes)?;
    if (fold, fold_version) != (name, version) {
        return None;
    }
    Some(Read { fold: load(body)?, log_id, head, digest: digest(body) })
}
