//! The rules: who gets what, and what a token is good for.

use super::{
    Token,
    commands::ReceiveMessages,
    delivery::{Delivery, DeliveryState},
    events::{
        DeadReason, MessageAcked, MessageDeadLettered, MessageLeaseExpired, MessageLeaseExtended, MessageNacked,
        MessageRedriven, MessageSent, MessageTaken,
    },
    state::Mailboxes,
};
use crate::{
    event::Event,
    id::MessageId,
    limits,
    name::ActorName,
    refusal::Refusal,
    time::{Span, Timestamp},
};

/// Takes messages as the command asks; with `ack` each is acknowledged as it is handed out. Nothing if nothing is
/// there. Whether the holder may take from this mailbox is not decided here.
///
/// # Errors
/// [`Refusal::BadRequest`] for no message or no lease, [`Refusal::OverLimit`] for too many.
pub fn receive(
    mailboxes: &Mailboxes,
    receive: &ReceiveMessages,
    mailbox: &ActorName,
    holder: &ActorName,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let max = receive.max.map_or(1, |max| usize::try_from(max).unwrap_or(usize::MAX));
    if max == 0 {
        return Err(Refusal::BadRequest("nothing was asked for: take at least one message".to_owned()));
    }
    if max > limits::RECEIVE_MAX {
        let (what, size_max) = ("the number of messages taken at once", limits::RECEIVE_MAX);
        return Err(Refusal::OverLimit { what, size: max, size_max });
    }
    let lease = receive.lease_ms.unwrap_or(Span::from_ms_capped(limits::LEASE_MS));
    if lease == Span::ZERO {
        return Err(Refusal::BadRequest("a lease has a length, such as 30m".to_owned()));
    }
    let taken = mailboxes.receive(mailbox, holder, max, lease, now);
    if !receive.ack {
        return Ok(taken.into_iter().map(Event::from).collect());
    }
    let taken_and_acked = |taken: MessageTaken| {
        let acked = MessageAcked { message: taken.message, mailbox: taken.mailbox.clone(), fence: taken.fence };
        [Event::from(taken), Event::from(acked)]
    };
    Ok(taken.into_iter().flat_map(taken_and_acked).collect())
}

impl Mailboxes {
    /// Whether a message to these mailboxes finds room: in each that is named, and in all together. `all` names none: one
    /// whom nobody reads must not keep the others from being addressed. A redrive takes the place of its dead letter, and
    /// what a countdown's end tells is never refused.
    ///
    /// # Errors
    /// [`Refusal::MailboxFull`], [`Refusal::OverLimit`] for all together.
    pub fn has_room(&self, named: &[ActorName], recipients: usize) -> Result<(), Refusal> {
        self.has_room_within(named, recipients, (limits::MAILBOX_LIVE_MAX, limits::DELIVERIES_LIVE_MAX))
    }

    pub(super) fn has_room_within(
        &self,
        named: &[ActorName],
        recipients: usize,
        (one_max, all_max): (usize, usize),
    ) -> Result<(), Refusal> {
        if let Some(full) = named.iter().find(|mailbox| self.live_in(mailbox) >= one_max) {
            return Err(Refusal::MailboxFull { mailbox: full.clone(), size_max: one_max });
        }
        limits::check("the number of messages in all mailboxes", self.live() + recipients, all_max)
    }

    /// Takes the first `max` messages of a mailbox that can be taken now, in order.
    #[must_use]
    pub fn receive(
        &self,
        mailbox: &ActorName,
        holder: &ActorName,
        max: usize,
        lease: Span,
        now: Timestamp,
    ) -> Vec<MessageTaken> {
        let Some(order) = self.orders.get(mailbox) else { return Vec::new() };
        let first = order.first_ready(max, now);
        let taken = first.into_iter().filter_map(|message| self.get(message, mailbox)).map(|delivery| MessageTaken {
            message: delivery.message,
            mailbox: mailbox.clone(),
            holder: holder.clone(),
            fence: delivery.deliveries.saturating_add(1),
            until: now.plus(lease),
        });
        taken.collect()
    }

    /// Acknowledges what the token names: it is never delivered again. A repeated ack is a success and nothing new.
    ///
    /// # Errors
    /// [`Refusal::StaleFence`] unless the claim is current and the actor's.
    pub fn ack(&self, token: Token, actor: &ActorName, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let claims = self.claims(token, actor, now);
        if claims.is_empty() && self.was_acked_by(token, actor) {
            return Ok(Vec::new());
        }
        let acked = |claim: &&Delivery| {
            let Delivery { message, mailbox, deliveries, .. } = claim;
            MessageAcked { message: *message, mailbox: mailbox.clone(), fence: *deliveries }.into()
        };
        self.current(claims, token, actor, now).map(|claims| claims.iter().map(acked).collect())
    }

    /// Hands back what the token names. It pauses for a second, doubled with each nack; others overtake it. The last
    /// delivery makes a dead letter of it.
    ///
    /// # Errors
    /// [`Refusal::StaleFence`] unless the claim is current and the actor's, [`Refusal::OverLimit`] for the reason.
    pub fn nack(
        &self,
        token: Token,
        actor: &ActorName,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<Event>, Refusal> {
        let size = reason.map_or(0, str::len);
        if size > limits::REASON_BYTES_MAX {
            let (what, size_max) = ("the reason's size in bytes", limits::REASON_BYTES_MAX);
            return Err(Refusal::OverLimit { what, size, size_max });
        }
        let mut events = Vec::new();
        for claim in self.current(self.claims(token, actor, now), token, actor, now)? {
            let nacked = MessageNacked {
                message: claim.message,
                mailbox: claim.mailbox.clone(),
                fence: claim.deliveries,
                again_at: now.plus(claim.pause()),
                reason: reason.map(str::to_owned),
            };
            events.push(nacked.into());
            events.extend(dead_lettered(claim, DeadReason::Nacked));
        }
        Ok(events)
    }

    /// Gives what the token names a longer lease, counted from now: the length asked for, and at least the one it has.
    ///
    /// # Errors
    /// [`Refusal::StaleFence`] unless the claim is current and the actor's.
    pub fn extend(
        &self,
        token: Token,
        actor: &ActorName,
        length: Option<Span>,
        now: Timestamp,
    ) -> Result<Vec<Event>, Refusal> {
        let mut events = Vec::new();
        for claim in self.current(self.claims(token, actor, now), token, actor, now)? {
            let DeliveryState::Taken { lease, .. } = claim.state else { continue };
            let until = now.plus(lease.max(length.unwrap_or(lease)));
            if self.until(claim) != Some(until) {
                let (message, mailbox) = (claim.message, claim.mailbox.clone());
                events.push(MessageLeaseExtended { message, mailbox, fence: claim.deliveries, until }.into());
            }
        }
        Ok(events)
    }

    /// Ends the lease on a message that is due: back into its mailbox, or a dead letter after the last delivery.
    /// Nothing if it is not taken.
    #[must_use]
    pub fn expire(&self, message: MessageId, mailbox: &ActorName) -> Vec<Event> {
        let Some(delivery) = self.get(message, mailbox) else { return Vec::new() };
        let Some(holder) = delivery.holder() else { return Vec::new() };
        let (fence, holder) = (delivery.deliveries, holder.clone());
        let expired = MessageLeaseExpired { message, mailbox: mailbox.clone(), fence, holder };
        let dead = dead_lettered(delivery, DeadReason::LeaseExpired);
        std::iter::once(expired.into()).chain(dead).collect()
    }

    /// Sends a dead letter once more, as the message `again` to this mailbox only; it is still its first sender's. A
    /// repeated redrive is a success and nothing new.
    ///
    /// # Errors
    /// [`Refusal::NotDead`] if the message is not a dead letter of this mailbox.
    pub fn redrive(
        &self,
        message: MessageId,
        mailbox: &ActorName,
        original: &MessageSent,
        again: MessageId,
    ) -> Result<Vec<Event>, Refusal> {
        match self.get(message, mailbox).map(|delivery| &delivery.state) {
            Some(DeliveryState::Dead { redriven: None, .. }) => {}
            Some(DeliveryState::Dead { redriven: Some(_), .. }) => return Ok(Vec::new()),
            _ => return Err(Refusal::NotDead { message: message.into(), mailbox: mailbox.clone() }),
        }
        let sent = MessageSent { to: vec![mailbox.clone()], redrive_of: Some(message), ..original.clone() };
        Ok(vec![sent.into(), MessageRedriven { message, mailbox: mailbox.clone(), again }.into()])
    }

    /// The claims that a token names for this actor. There is one, unless the actor took the same message from two
    /// mailboxes (the organizer, from `supervisor` too): to the actor it is one message, and it ends as one.
    fn claims(&self, token: Token, actor: &ActorName, now: Timestamp) -> Vec<&Delivery> {
        let is_current = |delivery: &&Delivery| {
            delivery.deliveries == token.fence
                && delivery.holder() == Some(actor)
                && self.until(delivery).is_some_and(|until| now < until)
        };
        self.named_by(token).filter(is_current).collect()
    }

    fn current<'a>(
        &self,
        claims: Vec<&'a Delivery>,
        token: Token,
        actor: &ActorName,
        now: Timestamp,
    ) -> Result<Vec<&'a Delivery>, Refusal> {
        if claims.is_empty() { Err(Refusal::StaleFence { why: self.why(token, actor, now) }) } else { Ok(claims) }
    }

    fn was_acked_by(&self, token: Token, actor: &ActorName) -> bool {
        self.ended.of(token).any(|acked| acked.fence == token.fence && acked.by == actor)
    }

    /// What became of the claim, for whoever comes with its token too late, or with another's. A message can lie in
    /// several mailboxes: the actor's own is meant first, then what the actor acked, then the others'.
    fn why(&self, token: Token, actor: &ActorName, now: Timestamp) -> String {
        let mut begun = self.named_by(token).filter(|delivery| delivery.deliveries >= token.fence);
        let acked = || self.ended.of(token).filter(|acked| acked.fence >= token.fence);
        if let Some(own) = begun.clone().find(|delivery| delivery.mailbox == *actor) {
            self.why_live(own, token, actor, now)
        } else if let Some(acked) = acked().find(|acked| acked.by == actor) {
            format!("you have acked the message, with claim {}", acked.fence)
        } else if let Some(other) = begun.next() {
            self.why_live(other, token, actor, now)
        } else if let Some(acked) = acked().next() {
            format!("{} has acked the message, with claim {}", acked.by, acked.fence)
        } else if self.named_by(token).next().is_none() {
            "no message is known for it; it was never handed out, or has ended long ago".to_owned()
        } else {
            "no claim with this number was made yet".to_owned()
        }
    }

    fn why_live(&self, delivery: &Delivery, token: Token, actor: &ActorName, now: Timestamp) -> String {
        let Delivery { mailbox, deliveries, .. } = delivery;
        let ended = match delivery.returned {
            Some(DeadReason::Nacked) => "the message was handed back",
            Some(DeadReason::LeaseExpired) | None => "its lease ran out",
        };
        match &delivery.state {
            DeliveryState::Taken { holder, .. } if *deliveries > token.fence => {
                let who = if holder == actor { "you" } else { holder.as_str() };
                format!("{ended}, and {who} took it again, as claim {deliveries}")
            }
            DeliveryState::Taken { holder, .. } if holder != actor => format!("the claim is {holder}'s"),
            DeliveryState::Taken { .. } => format!("its lease ran out at {}", self.until(delivery).unwrap_or(now)),
            DeliveryState::Ready | DeliveryState::Paused { .. } => {
                format!("{ended}, and it is back in the mailbox of {mailbox}")
            }
            DeliveryState::Dead { .. } => format!("{ended}, and after {deliveries} deliveries it is a dead letter"),
        }
    }
}

fn dead_lettered(delivery: &Delivery, reason: DeadReason) -> Option<Event> {
    let (message, mailbox) = (delivery.message, delivery.mailbox.clone());
    delivery.is_last_delivery().then(|| MessageDeadLettered { message, mailbox, reason }.into())
}
