//! Everything that was acknowledged, and what the log owes for it: each command exactly once, in each sender's order,
//! under a head that the log has had.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use convoke_core::log::{Hash, Head};
use serde_json::Value;

use crate::written::Written;

/// The acknowledgements of one test. Several senders write into it at once.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: Mutex<Vec<Acknowledged>>,
}

/// One acknowledged command.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    /// Who acted.
    pub actor: String,
    /// The command's key.
    pub key: String,
    /// The positions and ids of its events.
    pub events: Vec<(u64, String)>,
    /// The head that the answer rested on.
    pub head: Head,
}

impl Acknowledged {
    /// From the envelope of an answer.
    ///
    /// # Panics
    /// If it is not the envelope of a success.
    #[must_use]
    pub fn of(actor: &str, key: &str, envelope: &Value) -> Self {
        assert_eq!(envelope["ok"], true, "{envelope}");
        let events = envelope["data"]["events"].as_array().expect("an answer has events");
        let event = |event: &Value| {
            let id = event["id"].as_str().expect("an event has an id").to_owned();
            (event["position"].as_u64().expect("an event has a position"), id)
        };
        Self {
            actor: actor.to_owned(),
            key: key.to_owned(),
            events: events.iter().map(event).collect(),
            head: head(&envelope["head"]),
        }
    }
}

/// A head in an envelope.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn head(value: &Value) -> Head {
    let root = value["root"].as_str().and_then(|text| Hash::parse(text).ok());
    Head { size: value["size"].as_u64().expect("a size"), root: root.expect("a root") }
}

impl Ledger {
    /// Notes an acknowledgement. A sender's own are noted in the order in which it got them.
    pub fn note(&self, acknowledged: Acknowledged) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).push(acknowledged);
    }

    /// The acknowledgements so far.
    #[must_use]
    pub fn entries(&self) -> Vec<Acknowledged> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Compares the log with everything that was acknowledged.
    ///
    /// # Panics
    /// If the log does not hold what it owes.
    pub fn check(&self, written: &Written) {
        let mut at: BTreeMap<(&str, &str), Vec<u64>> = BTreeMap::new();
        for recorded in &written.events {
            if let Some(keyed) = &recorded.idempotency {
                at.entry((recorded.actor.as_str(), keyed.key.as_str())).or_default().push(recorded.position);
            }
        }
        for (key, positions) in &at {
            assert_eq!(positions.len(), 1, "{key:?} had {} effects, at {positions:?}", positions.len());
        }
        let mut latest: BTreeMap<String, u64> = BTreeMap::new();
        for entry in self.entries() {
            assert!(written.had(entry.head), "the log never had the head that {entry:?} rested on");
            let Some((first, _)) = entry.events.first() else { continue };
            assert_eq!(
                at.get(&(entry.actor.as_str(), entry.key.as_str())).map(Vec::as_slice),
                Some([*first].as_slice()),
                "the log holds the command once, where it was acknowledged: {entry:?}"
            );
            for (position, id) in &entry.events {
                assert!(*position < entry.head.size, "an answer rests on a head that holds its events: {entry:?}");
                let recorded = usize::try_from(*position).ok().and_then(|position| written.events.get(position));
                assert_eq!(recorded.map(|recorded| recorded.id.to_string()).as_ref(), Some(id), "{entry:?}");
            }
            if let Some(before) = latest.insert(entry.actor.clone(), *first) {
                assert!(before < *first, "{} acted in another order: {entry:?}", entry.actor);
            }
        }
    }
}
