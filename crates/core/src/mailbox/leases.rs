//! Leases: one ends when its holder has been silent for its length.
//!
//! Any event of the holder is a sign of life for all that is held, so one entry per holder is enough: it is moved when
//! the holder acts, whether one message is held or a thousand.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    ops::Bound,
};

use crate::{
    id::MessageId,
    name::ActorName,
    time::{Span, Timestamp},
};

/// The lease of one delivery, by length; the shortest of a holder ends first.
type Lease = (Span, MessageId, ActorName);

/// When a lease ends: the moment, the message and mailbox, its holder and length.
type End = (Timestamp, MessageId, ActorName, ActorName, Span);

/// All leases. An index, but for `seen`: the rest can be rebuilt from the deliveries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Leases {
    holders: BTreeMap<ActorName, Holder>,
    /// For each holder the lease that ends first.
    first: BTreeSet<End>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Holder {
    /// When the holder last acted.
    seen: Timestamp,
    leases: BTreeSet<Lease>,
}

impl Holder {
    fn first(&self, name: &ActorName) -> Option<End> {
        self.leases.first().map(|lease| self.end(name, lease))
    }

    /// The one that ends next after this one.
    fn after(&self, (_, message, mailbox, name, length): End) -> Option<End> {
        let this = (length, message, mailbox);
        let next = self.leases.range((Bound::Excluded(this), Bound::Unbounded)).next();
        next.map(|lease| self.end(&name, lease))
    }

    fn end(&self, name: &ActorName, (length, message, mailbox): &Lease) -> End {
        (self.seen.plus(*length), *message, mailbox.clone(), name.clone(), *length)
    }
}

impl Leases {
    /// The holder acted.
    pub(super) fn touched(&mut self, holder: &ActorName, now: Timestamp) {
        if self.holders.get(holder).is_some_and(|state| state.seen < now) {
            self.change(holder, now, |_| {});
        }
    }

    /// A lease begins, and its holder was alive at `now`.
    pub(super) fn begin(
        &mut self,
        holder: &ActorName,
        length: Span,
        message: MessageId,
        mailbox: &ActorName,
        now: Timestamp,
    ) {
        self.change(holder, now, |leases| {
            leases.insert((length, message, mailbox.clone()));
        });
    }

    /// A lease is over, for whatever reason.
    pub(super) fn end(&mut self, holder: &ActorName, length: Span, message: MessageId, mailbox: &ActorName) {
        self.change(holder, Timestamp::default(), |leases| {
            leases.remove(&(length, message, mailbox.clone()));
        });
    }

    /// When a lease of this length ends, if its holder stays silent.
    pub(super) fn until(&self, holder: &ActorName, length: Span) -> Option<Timestamp> {
        self.holders.get(holder).map(|state| state.seen.plus(length))
    }

    /// Holders with when they last acted.
    pub(super) fn seen(&self) -> impl Iterator<Item = (&ActorName, Timestamp)> {
        self.holders.iter().map(|(name, state)| (name, state.seen))
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.first.first().map(|(due, ..)| *due)
    }

    /// What is due, in the order of (when, message, mailbox). Only what is asked for is looked at.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = (Timestamp, MessageId, ActorName)> {
        let mut firsts = self.first.iter().peekable();
        let mut later: BinaryHeap<Reverse<End>> = BinaryHeap::new();
        let next = move || {
            let from_firsts = match (firsts.peek(), later.peek()) {
                (Some(first), Some(Reverse(next))) => *first < next,
                (first, _) => first.is_some(),
            };
            let end = if from_firsts { firsts.next().cloned()? } else { later.pop().map(|Reverse(next)| next)? };
            let (due, message, mailbox, holder, _) = end.clone();
            later.extend(self.holders.get(&holder).and_then(|state| state.after(end)).map(Reverse));
            Some((due, message, mailbox))
        };
        std::iter::from_fn(next).take_while(move |(due, ..)| *due <= now)
    }

    /// Drops every lease on this delivery, whoever holds it. Looks through all of them.
    pub(super) fn drop_all(&mut self, message: MessageId, mailbox: &ActorName) {
        let names: Vec<ActorName> = self.holders.keys().cloned().collect();
        for name in names {
            self.change(&name, Timestamp::default(), |leases| {
                leases.retain(|(_, other, other_mailbox)| (*other, other_mailbox) != (message, mailbox));
            });
        }
    }

    fn change(&mut self, name: &ActorName, now: Timestamp, change: impl FnOnce(&mut BTreeSet<Lease>)) {
        let holder = self.holders.entry(name.clone()).or_insert_with(|| Holder { seen: now, leases: BTreeSet::new() });
        let before = holder.first(name);
        holder.seen = holder.seen.max(now);
        change(&mut holder.leases);
        let after = holder.first(name);
        if after.is_none() {
            self.holders.remove(name);
        }
        if before != after {
            if let Some(before) = before {
                self.first.remove(&before);
            }
            self.first.extend(after);
        }
    }
}
