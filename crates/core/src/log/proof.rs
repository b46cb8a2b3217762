//! Proofs of RFC 9162 (sections 2.1.3 and 2.1.4): that an event is in the log, and that one log extends another.

use serde::{Deserialize, Serialize};

use super::{
    checkpoint::Head,
    commit::{EventRef, states_its_length},
    file::{self, FileError, FileKind, from_hex, to_hex},
    hash::{Hash, node_hash},
};
use crate::id::LogId;

/// A proof, for offline use, that one event stands at its position in a log with this head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InclusionProof {
    /// The version of this file's form: 1.
    pub convoke_proof: u32,
    /// The log.
    pub log_id: LogId,
    /// The event's position.
    pub position: u64,
    /// How many events the log held.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// The event's header, in hex.
    pub header: String,
    /// Salt, payload length and payload, in hex; absent if they were erased.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "file::present")]
    pub salted_payload: Option<String>,
    /// The sibling hashes from the leaf to the root.
    pub path: Vec<Hash>,
}

/// A proof that the log of `new` begins with the log of `old`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyProof {
    /// The version of this file's form: 1.
    pub convoke_consistency: u32,
    /// The log.
    pub log_id: LogId,
    /// The earlier head.
    pub old: Head,
    /// The later head.
    pub new: Head,
    /// The hashes that lead to both roots.
    pub path: Vec<Hash>,
}

/// Why a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// A version that this build does not read.
    #[error("the proof has version {0}; this build reads version 1")]
    Version(u32),
    /// Malformed.
    #[error("the proof is malformed: {0}")]
    Malformed(&'static str),
    /// The header is of another log or position than the proof says.
    #[error("the event's header names another {0} than the proof")]
    Header(&'static str),
    /// The payload is not the one that the header was made for.
    #[error("the payload does not match the hash in the header")]
    PayloadHash,
    /// The path does not lead to the root.
    #[error("the path does not lead to the root")]
    Root,
}

/// The sibling hashes of the leaf at `position` in a tree of `size` leaves. `root_of(start, end)` gives the root over
/// the leaves `start..end`; it is asked for a logarithmic number of ranges.
///
/// # Errors
/// Whatever `root_of` fails with.
///
/// # Panics
/// If `position` is not below `size`.
pub fn inclusion_path<E>(
    position: u64,
    size: u64,
    mut root_of: impl FnMut(u64, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    assert!(position < size, "there is no leaf {position} in a tree of {size}");
    let mut path = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split(end - start);
        if position < middle {
            path.push(root_of(middle, end)?);
            end = middle;
        } else {
            path.push(root_of(start, middle)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The hashes that show that the tree of `new` leaves begins with the tree of `old` leaves (`0 < old ≤ new`).
///
/// # Errors
/// Whatever `root_of` fails with.
///
/// # Panics
/// If `old` is zero or above `new`.
pub fn consistency_path<E>(
    old: u64,
    new: u64,
    mut root_of: impl FnMut(u64, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    assert!(0 < old && old <= new, "no tree of {new} leaves begins with one of {old}");
    let mut path = Vec::new();
    let (mut start, mut end) = (0, new);
    let mut whole = true;
    while end != old {
        let middle = start + split(end - start);
        if old <= middle {
            path.push(root_of(middle, end)?);
            end = middle;
        } else {
            path.push(root_of(start, middle)?);
            start = middle;
            whole = false;
        }
    }
    if !whole {
        path.push(root_of(start, end)?);
    }
    path.reverse();
    Ok(path)
}

/// The largest power of two below `n` (`n ≥ 2`).
fn split(n: u64) -> u64 {
    1 << (63 - (n - 1).leading_zeros())
}

impl InclusionProof {
    /// The version of the form that this build writes and reads.
    pub const VERSION: u32 = 1;

    /// A proof for an event as it is stored.
    #[must_use]
    pub fn new(log_id: LogId, position: u64, head: Head, event: EventRef<'_>, path: Vec<Hash>) -> Self {
        Self {
            convoke_proof: Self::VERSION,
            log_id,
            position,
            size: head.size,
            root: head.root,
            header: to_hex(event.header),
            salted_payload: event.salted_payload.map(to_hex),
            path,
        }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`FileError`] if it is another file, another version, or malformed.
    pub fn from_json(text: &str) -> Result<Self, FileError> {
        file::read(FileKind::Proof, text)
    }

    /// Checks it without the log. It shows that the event is in the log **with this root**; whether that is the root of
    /// the log in question, only a checkpoint from elsewhere can tell: compare the whole head with it, since the path
    /// alone may fit more than one size.
    ///
    /// # Errors
    /// [`ProofError`] says what does not hold.
    pub fn check(&self) -> Result<(), ProofError> {
        if self.convoke_proof != Self::VERSION {
            return Err(ProofError::Version(self.convoke_proof));
        }
        let header = from_hex(&self.header).ok_or(ProofError::Malformed("the header is not hex"))?;
        let salted = match &self.salted_payload {
            Some(text) => {
                let salted = from_hex(text).ok_or(ProofError::Malformed("the payload is not hex"))?;
                if !states_its_length(&salted) {
                    return Err(ProofError::Malformed("the payload's length is not the one it states"));
                }
                Some(salted)
            }
            None => None,
        };
        let event = EventRef { header: &header, salted_payload: salted.as_deref() };
        let decoded = event.decode_header().map_err(|_| ProofError::Malformed("the header does not decode"))?;
        if decoded.log_id != self.log_id {
            return Err(ProofError::Header("log"));
        }
        if decoded.position != self.position {
            return Err(ProofError::Header("position"));
        }
        if !event.payload_matches() {
            return Err(ProofError::PayloadHash);
        }
        if self.position >= self.size {
            return Err(ProofError::Malformed("the position is not below the size"));
        }
        match root_from_inclusion(event.leaf(), self.position, self.size, &self.path) {
            Some(root) if root == self.root => Ok(()),
            _ => Err(ProofError::Root),
        }
    }

    /// The payload's bytes, for showing; `None` if erased or malformed.
    #[must_use]
    pub fn payload(&self) -> Option<Vec<u8>> {
        from_hex(self.salted_payload.as_ref()?)?.get(20..).map(<[u8]>::to_vec)
    }

    /// The header's bytes, for showing; `None` if malformed.
    #[must_use]
    pub fn header_bytes(&self) -> Option<Vec<u8>> {
        from_hex(&self.header)
    }
}

impl ConsistencyProof {
    /// The version of the form that this build writes and reads.
    pub const VERSION: u32 = 1;

    /// Reads the file.
    ///
    /// # Errors
    /// [`FileError`] if it is another file, another version, or malformed.
    pub fn from_json(text: &str) -> Result<Self, FileError> {
        file::read(FileKind::Consistency, text)
    }

    /// Checks it without the log (RFC 9162, section 2.1.4.2). It is about the two roots alone; the log's id in it is a label.
    ///
    /// # Errors
    /// [`ProofError`] says what does not hold.
    pub fn check(&self) -> Result<(), ProofError> {
        if self.convoke_consistency != Self::VERSION {
            return Err(ProofError::Version(self.convoke_consistency));
        }
        let (old, new) = (self.old.size, self.new.size);
        if old == 0 || old > new {
            return Err(ProofError::Malformed("the old size is zero or above the new one"));
        }
        if old == new {
            return if self.path.is_empty() && self.old.root == self.new.root { Ok(()) } else { Err(ProofError::Root) };
        }
        let mut path = self.path.iter();
        let mut seed = if old.is_power_of_two() { Some(&self.old.root) } else { path.next() };
        let (mut node, mut last) = (old - 1, new - 1);
        while node & 1 == 1 {
            node >>= 1;
            last >>= 1;
        }
        let Some(first) = seed.take() else { return Err(ProofError::Root) };
        let (mut old_root, mut new_root) = (*first, *first);
        for hash in path {
            if last == 0 {
                return Err(ProofError::Root);
            }
            if node & 1 == 1 || node == last {
                old_root = node_hash(hash, &old_root);
                new_root = node_hash(hash, &new_root);
                while node & 1 == 0 && node != 0 {
                    node >>= 1;
                    last >>= 1;
                }
            } else {
                new_root = node_hash(&new_root, hash);
            }
            node >>= 1;
            last >>= 1;
        }
        if last == 0 && old_root == self.old.root && new_root == self.new.root { Ok(()) } else { Err(ProofError::Root) }
    }
}

/// The root that a leaf and its path lead to (RFC 9162, section 2.1.3.2); `None` if the path has the wrong length.
fn root_from_inclusion(leaf: Hash, position: u64, size: u64, path: &[Hash]) -> Option<Hash> {
    let (mut node, mut last) = (position, size - 1);
    let mut root = leaf;
    for sibling in path {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            root = node_hash(sibling, &root);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            root = node_hash(&root, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(root)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::log::{leaf_hash, range_root};

    fn leaves(n: u64) -> Vec<Hash> {
        (0..n).map(|i| leaf_hash(&i.to_be_bytes())).collect()
    }

    #[test]
    fn every_inclusion_path_leads_to_the_root_and_to_no_other() {
        let leaves = leaves(70);
        for size in 1..=70_u64 {
            let root = range_root(&leaves[..size as usize]);
            for position in 0..size {
                let path = inclusion_path(position, size, |a, b| {
                    Ok::<_, Infallible>(range_root(&leaves[a as usize..b as usize]))
                })
                .unwrap();
                let leaf = leaves[position as usize];
                assert_eq!(root_from_inclusion(leaf, position, size, &path), Some(root));
                assert_ne!(root_from_inclusion(leaf_hash(b"other"), position, size, &path), Some(root));
            }
        }
    }

    #[test]
    fn every_consistency_path_leads_to_both_roots_and_to_no_other() {
        let leaves = leaves(40);
        let root = |n: u64| range_root(&leaves[..n as usize]);
        for new in 1..=40 {
            for old in 1..=new {
                let path =
                    consistency_path(old, new, |a, b| Ok::<_, Infallible>(range_root(&leaves[a as usize..b as usize])))
                        .unwrap();
                let proof = ConsistencyProof {
                    convoke_consistency: 1,
                    log_id: LogId::from_bytes([1; 16]),
                    old: Head { size: old, root: root(old) },
                    new: Head { size: new, root: root(new) },
                    path,
                };
                assert_eq!(proof.check(), Ok(()), "{old} of {new}");
                let mut other = proof.clone();
                other.old.root = leaf_hash(b"other");
                assert_eq!(other.check(), Err(ProofError::Root), "{old} of {new}");
                let mut longer = proof;
                longer.path.push(Hash::ZERO);
                assert!(longer.check().is_err(), "{old} of {new}");
            }
        }
    }
}
