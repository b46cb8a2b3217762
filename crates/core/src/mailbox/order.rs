//! The order within one mailbox: priority, then position in the log. A paused message waits aside, and others overtake it.

use std::collections::BTreeSet;

use super::delivery::{Delivery, DeliveryState};
use crate::{id::MessageId, priority::Priority, time::Timestamp};

/// A message's turn.
type Turn = (Priority, u64, MessageId);

/// What lies in one mailbox, by how it stands. An index: it can be rebuilt from the deliveries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Order {
    ready: BTreeSet<Turn>,
    paused: BTreeSet<(Timestamp, Turn)>,
    taken: BTreeSet<(u64, MessageId)>,
    dead: BTreeSet<(u64, MessageId)>,
    /// Dead letters that were sent once more.
    redriven: BTreeSet<(u64, MessageId)>,
}

impl Order {
    /// Whether it was not there yet.
    pub(super) fn insert(&mut self, delivery: &Delivery) -> bool {
        let Delivery { message, position, priority, .. } = *delivery;
        let turn = (priority, position, message);
        match delivery.state {
            DeliveryState::Ready => self.ready.insert(turn),
            DeliveryState::Paused { until } => self.paused.insert((until, turn)),
            DeliveryState::Taken { .. } => self.taken.insert((position, message)),
            DeliveryState::Dead { redriven: None, .. } => self.dead.insert((position, message)),
            DeliveryState::Dead { redriven: Some(_), .. } => self.redriven.insert((position, message)),
        }
    }

    pub(super) fn remove(&mut self, delivery: &Delivery) {
        let Delivery { message, position, priority, .. } = *delivery;
        let turn = (priority, position, message);
        match delivery.state {
            DeliveryState::Ready => self.ready.remove(&turn),
            DeliveryState::Paused { until } => self.paused.remove(&(until, turn)),
            DeliveryState::Taken { .. } => self.taken.remove(&(position, message)),
            DeliveryState::Dead { redriven: None, .. } => self.dead.remove(&(position, message)),
            DeliveryState::Dead { redriven: Some(_), .. } => self.redriven.remove(&(position, message)),
        };
    }

    pub(super) fn is_empty(&self) -> bool {
        self.live() == 0 && self.redriven.is_empty()
    }

    /// How many lie in the mailbox: what is not acked, without the dead letters that were sent once more.
    pub(super) fn live(&self) -> usize {
        self.ready.len() + self.paused.len() + self.taken.len() + self.dead.len()
    }

    /// The first `max` that can be taken now, in order.
    pub(super) fn first_ready(&self, max: usize, now: Timestamp) -> Vec<MessageId> {
        let mut awake: Vec<Turn> =
            self.paused.iter().take_while(|(until, _)| *until <= now).map(|(_, turn)| *turn).collect();
        awake.sort_unstable();
        let (mut ready, mut awake) = (self.ready.iter().copied().peekable(), awake.into_iter().peekable());
        let next = || match (ready.peek(), awake.peek()) {
            (Some(one), Some(other)) if one < other => ready.next(),
            (_, Some(_)) => awake.next(),
            (_, None) => ready.next(),
        };
        std::iter::from_fn(next).take(max).map(|(_, _, message)| message).collect()
    }

    /// The paused ones whose pause has ended, earliest first.
    pub(super) fn awake(&self, now: Timestamp) -> Vec<MessageId> {
        let ended = self.paused.iter().take_while(|(until, _)| *until <= now);
        ended.map(|(_, (_, _, message))| *message).collect()
    }

    /// Now if something can be taken, otherwise when the first pause ends.
    pub(super) fn next_ready_at(&self, now: Timestamp) -> Option<Timestamp> {
        if self.ready.is_empty() { self.paused.first().map(|(until, _)| now.max(*until)) } else { Some(now) }
    }

    /// The dead letters, oldest first, then those that were sent once more.
    pub(super) fn dead(&self) -> impl Iterator<Item = MessageId> {
        self.dead.iter().chain(&self.redriven).map(|(_, message)| *message)
    }

    /// Everything, in no particular order.
    pub(super) fn all(&self) -> impl Iterator<Item = MessageId> {
        let ready = self.ready.iter().map(|(_, _, message)| *message);
        let paused = self.paused.iter().map(|(_, (_, _, message))| *message);
        ready.chain(paused).chain(self.taken.iter().map(|(_, message)| *message)).chain(self.dead())
    }
}
