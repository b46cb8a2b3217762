//! Snapshots of the deciding state and of the views: they save time and prove nothing.
//!
//! One is used only if it is whole, of this build's fold, and of a head that the log has; otherwise it is ignored and
//! the log is folded from zero.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
    thread,
};

use convoke_core::{
    id::LogId,
    log::{Hash, Head},
    workspace::State,
};
use convoke_projections::{FOLD_VERSION, Views, snapshot::Envelope};

/// The version of the deciding fold; raise it whenever a fold of the same log gives another state.
const STATE_VERSION: u32 = 5;
const STATE: &str = "state";
const VIEWS: &str = "views";
const DIGEST_CONTEXT: &str = "convoke snapshot body digest v1";

/// Bytes that are hashed or written at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Writes a snapshot of the deciding state, whole or not at all. Not synced: a torn one is ignored.
pub(crate) fn write_state(folder: &Path, state: &State, log_id: LogId, head: Head) -> io::Result<()> {
    let envelope = Envelope { fold: STATE, fold_version: STATE_VERSION, log_id, head, body: &[] };
    write(folder, &envelope, |out| save_state(state, out))
}

/// Writes a snapshot of the views in the same way.
pub(crate) fn write_views(folder: &Path, views: &Views, log_id: LogId, head: Head) -> io::Result<()> {
    let envelope = Envelope { fold: VIEWS, fold_version: FOLD_VERSION, log_id, head, body: &[] };
    write(folder, &envelope, |mut out| views.save(&mut out))
}

fn write(
    folder: &Path,
    envelope: &Envelope<'_>,
    save: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    // Not with the folders above: a workspace that is gone is not begun anew.
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let fresh = folder.join(format!("{}.new", envelope.fold));
    envelope.write(&mut File::create(&fresh)?, |out| in_pieces(out, save))?;
    fs::rename(&fresh, folder.join(envelope.fold))
}

/// The deciding state as bytes: the same for the same state.
fn save_state(state: &State, out: &mut dyn Write) -> io::Result<()> {
    postcard::to_io(state, out).map(drop).map_err(io::Error::other)
}

fn in_pieces(out: &mut dyn Write, save: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut pieces = BufWriter::with_capacity(PIECE_BYTES, out);
    save(&mut pieces)?;
    pieces.flush()
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
        Self { head, state: state_digest(state), views: views_digest(views) }
    }
}

/// The digest that two equal states share.
pub(crate) fn state_digest(state: &State) -> Hash {
    digest_of(|out| save_state(state, out))
}

/// The digest that two equal views share.
pub(crate) fn views_digest(views: &Views) -> Hash {
    digest_of(|mut out| views.save(&mut out))
}

fn digest_of(save: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key(DIGEST_CONTEXT);
    match in_pieces(&mut hasher, save) {
        Ok(()) => Hash(*hasher.finalize().as_bytes()),
        // Plain data into a hash: there is nothing to fail. If it did, this is the digest of nothing that was saved.
        Err(_) => Hash::ZERO,
    }
}

fn digest(body: &[u8]) -> Hash {
    Hash(blake3::derive_key(DIGEST_CONTEXT, body))
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
