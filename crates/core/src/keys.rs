//! Idempotency: the same key and command has one effect, and the same answer every time.
//!
//! What is remembered is a function of the log alone, so it survives restart and replay. The scope of a key is its actor.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::{
    event::Recorded,
    id::EventId,
    limits::KEYS_KEPT_MAX,
    log::{Hash, Salt},
    name::{ActorName, Key},
};

/// What a key was used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The fingerprint of the command, under the salt.
    pub fingerprint: [u8; 32],
    /// The salt.
    pub salt: Salt,
    /// The position of its first event.
    pub first: u64,
    /// How many events it wrote.
    pub count: u32,
}

/// The latest [`KEYS_KEPT_MAX`] keys.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Keys {
    by_digest: HashMap<[u8; 16], Remembered>,
    oldest_first: VecDeque<[u8; 16]>,
    /// The keyed command whose events are being folded, and its entry.
    open: Option<(EventId, [u8; 16])>,
}

impl Keys {
    /// What this actor used this key for, if it is remembered.
    #[must_use]
    pub fn get(&self, actor: &ActorName, key: &Key) -> Option<&Remembered> {
        self.by_digest.get(&digest(actor, key))
    }

    /// How many keys are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.oldest_first.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.oldest_first.is_empty()
    }

    /// Folds one event: a command's first event carries its key, the others share its correlation.
    pub fn evolve(&mut self, recorded: &Recorded) {
        if let Some(idempotency) = &recorded.idempotency {
            let digest = digest(&recorded.actor, &idempotency.key);
            let Hash(fingerprint) = idempotency.fingerprint;
            let salt = idempotency.salt;
            let remembered = Remembered { fingerprint, salt, first: recorded.position, count: 1 };
            if self.by_digest.insert(digest, remembered).is_none() {
                self.oldest_first.push_back(digest);
            }
            self.open = Some((recorded.correlation, digest));
            if self.oldest_first.len() > KEYS_KEPT_MAX
                && let Some(oldest) = self.oldest_first.pop_front()
            {
                self.by_digest.remove(&oldest);
            }
        } else if let Some((correlation, digest)) = self.open {
            if correlation != recorded.correlation {
                self.open = None;
            } else if let Some(remembered) = self.by_digest.get_mut(&digest) {
                remembered.count = remembered.count.saturating_add(1);
            }
        }
    }
}

/// 16 bytes stand for (actor, key): 100,000 of them stay small, and nobody finds two that collide.
fn digest(actor: &ActorName, key: &Key) -> [u8; 16] {
    let mut text = [0_u8; ActorName::BYTES_MAX + 1 + crate::limits::KEY_BYTES_MAX];
    let (actor, key) = (actor.as_str().as_bytes(), key.as_str().as_bytes());
    text[..actor.len()].copy_from_slice(actor);
    // A zero byte stands in neither, so no two pairs give the same text.
    text[actor.len() + 1..actor.len() + 1 + key.len()].copy_from_slice(key);
    let hash = blake3::hash(&text[..actor.len() + 1 + key.len()]);
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.as_bytes()[..16]);
    digest
}
