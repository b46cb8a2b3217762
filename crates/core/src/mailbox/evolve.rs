//! The fold: what each `message.*` event changes. What makes no sense is ignored.

use super::{
    Token,
    delivery::{Delivery, DeliveryState},
    events::{DeadReason, MessageSent, MessageTaken},
    state::Mailboxes,
};
use crate::{
    event::{Event, Recorded},
    id::MessageId,
    name::ActorName,
    time::Timestamp,
};

impl Mailboxes {
    /// An actor acted: every lease it holds lasts at least its length from now. Called for every event that is a
    /// sign of life, before [`Mailboxes::evolve`].
    pub fn touched(&mut self, actor: &ActorName, now: Timestamp) {
        self.leases.touched(actor, now);
    }

    /// Folds one event. `recipients` are the mailboxes of a `message.sent`, with `all` resolved. Cannot fail: what makes
    /// no sense, and what is about something else, is ignored.
    pub fn evolve(&mut self, recorded: &Recorded, recipients: &[ActorName]) {
        match &recorded.event {
            Event::MessageSent(sent) => self.sent(recorded, sent, recipients),
            Event::MessageTaken(taken) => self.taken(taken, recorded.time),
            Event::MessageAcked(acked) => self.acked(acked.message, &acked.mailbox, acked.fence),
            Event::MessageNacked(nacked) => {
                self.put_back(recorded, (nacked.message, &nacked.mailbox, nacked.fence), |delivery| {
                    delivery.nacks = delivery.nacks.saturating_add(1);
                    delivery.returned = Some(DeadReason::Nacked);
                    delivery.state = DeliveryState::Paused { until: nacked.again_at };
                });
            }
            Event::MessageLeaseExpired(expired) => {
                self.put_back(recorded, (expired.message, &expired.mailbox, expired.fence), |delivery| {
                    delivery.returned = Some(DeadReason::LeaseExpired);
                    delivery.state = DeliveryState::Ready;
                });
            }
            Event::MessageLeaseExtended(extended) => {
                let length = extended.until.since(recorded.time);
                self.change(extended.message, &extended.mailbox, recorded.time, |delivery| match &mut delivery.state {
                    DeliveryState::Taken { lease, .. } if delivery.deliveries == extended.fence => {
                        *lease = length;
                    }
                    _ => {}
                });
            }
            Event::MessageDeadLettered(dead) => self.change(dead.message, &dead.mailbox, recorded.time, |delivery| {
                if let DeliveryState::Ready | DeliveryState::Paused { .. } = delivery.state {
                    delivery.state = DeliveryState::Dead { reason: dead.reason, redriven: None };
                }
            }),
            Event::MessageRedriven(again) => self.change(again.message, &again.mailbox, recorded.time, |delivery| {
                if let DeliveryState::Dead { redriven, .. } = &mut delivery.state {
                    *redriven = Some(again.again);
                }
            }),
            _ => {}
        }
    }

    fn sent(&mut self, recorded: &Recorded, sent: &MessageSent, recipients: &[ActorName]) {
        let message = MessageId::from(recorded.id);
        let list = self.deliveries.entry(message).or_default();
        if !list.is_empty() {
            return;
        }
        list.reserve_exact(recipients.len());
        for mailbox in recipients {
            let delivery = Delivery::new(message, mailbox.clone(), recorded.position, sent.priority);
            let order = self.orders.entry(mailbox.clone()).or_default();
            if order.insert(&delivery) {
                self.live += 1;
                list.push(delivery);
            }
        }
        list.sort_unstable_by(|one, other| one.key().cmp(&other.key()));
        if list.is_empty() {
            self.deliveries.remove(&message);
        }
    }

    fn taken(&mut self, taken: &MessageTaken, now: Timestamp) {
        self.wake(&taken.mailbox, now);
        let length = taken.until.since(now);
        let mut is_claimed = false;
        self.change(taken.message, &taken.mailbox, now, |delivery| {
            let waits = matches!(delivery.state, DeliveryState::Ready | DeliveryState::Paused { .. });
            if waits && delivery.deliveries.checked_add(1) == Some(taken.fence) {
                delivery.deliveries = taken.fence;
                delivery.state = DeliveryState::Taken { holder: taken.holder.clone(), lease: length };
                is_claimed = true;
            }
        });
        if is_claimed {
            self.claimed.insert((taken.message.tail(), taken.message));
        }
    }

    fn acked(&mut self, message: MessageId, mailbox: &ActorName, fence: u32) {
        let Some(list) = self.deliveries.get_mut(&message) else { return };
        let Some(index) = place(list, message, mailbox) else { return };
        let current = &list[index];
        let DeliveryState::Taken { holder, .. } = &current.state else { return };
        if current.deliveries != fence {
            return;
        }
        self.ended.push(Token::new(message, fence), holder);
        let acked = list.remove(index);
        if list.iter().all(|delivery| delivery.deliveries == 0) {
            self.claimed.remove(&(message.tail(), message));
        }
        if list.is_empty() {
            self.deliveries.remove(&message);
        }
        self.index(Some(&acked), None, Timestamp::default());
    }

    fn put_back(&mut self, recorded: &Recorded, claim: (MessageId, &ActorName, u32), back: impl FnOnce(&mut Delivery)) {
        let (message, mailbox, fence) = claim;
        self.change(message, mailbox, recorded.time, |delivery| {
            if delivery.holder().is_some() && delivery.deliveries == fence {
                back(delivery);
            }
        });
    }

    /// Pauses that have ended are over. Until an event comes to say so they are read so ([`Delivery::is_ready`]).
    fn wake(&mut self, mailbox: &ActorName, now: Timestamp) {
        let awake = self.orders.get(mailbox).map(|order| order.awake(now)).unwrap_or_default();
        for message in awake {
            self.change(message, mailbox, now, |delivery| delivery.state = DeliveryState::Ready);
        }
    }

    /// Changes a delivery, and the indexes with it.
    fn change(&mut self, message: MessageId, mailbox: &ActorName, now: Timestamp, change: impl FnOnce(&mut Delivery)) {
        let Some(list) = self.deliveries.get_mut(&message) else { return };
        let Some(index) = place(list, message, mailbox) else { return };
        let before = list[index].clone();
        change(&mut list[index]);
        if before.state != list[index].state {
            let after = list[index].clone();
            self.index(Some(&before), Some(&after), now);
        }
    }

    /// Brings the indexes from one state of a delivery to the next.
    fn index(&mut self, before: Option<&Delivery>, after: Option<&Delivery>, now: Timestamp) {
        let Some(either) = after.or(before) else { return };
        let (message, mailbox) = (either.message, &either.mailbox);
        let order = self.orders.entry(mailbox.clone()).or_default();
        if let Some(before) = before {
            order.remove(before);
            self.live = self.live.saturating_sub(usize::from(before.is_live()));
        }
        if let Some(after) = after {
            order.insert(after);
            self.live += usize::from(after.is_live());
        }
        if order.is_empty() {
            self.orders.remove(mailbox);
        }
        // The new lease begins before the old one ends: its holder stays known all the while.
        if let Some(DeliveryState::Taken { holder, lease }) = after.map(|after| &after.state) {
            self.leases.begin(holder, *lease, message, mailbox, now);
        }
        if let Some(DeliveryState::Taken { holder, lease }) = before.map(|before| &before.state) {
            self.leases.end(holder, *lease, message, mailbox);
        }
    }
}

/// Where the delivery is in the sorted list.
pub(super) fn place(list: &[Delivery], message: MessageId, mailbox: &ActorName) -> Option<usize> {
    list.binary_search_by(|delivery| delivery.key().cmp(&(message, mailbox))).ok()
}
