//! One message in one mailbox, and where it stands.

use serde::{Deserialize, Serialize};

use super::{Token, events::DeadReason};
use crate::{
    id::MessageId,
    limits,
    name::ActorName,
    priority::Priority,
    time::{Span, Timestamp},
};

/// One message in one mailbox, until it is acked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Delivery {
    /// The message.
    pub message: MessageId,
    /// Whose mailbox.
    pub mailbox: ActorName,
    /// The position of its `message.sent`.
    pub position: u64,
    /// How urgent.
    pub priority: Priority,
    /// How often it was taken. While it is taken this is the claim's fence.
    pub deliveries: u32,
    /// How often it was handed back.
    pub nacks: u32,
    /// Where it stands.
    pub state: DeliveryState,
    /// How its latest claim ended, if one did.
    pub returned: Option<DeadReason>,
}

/// Where a delivery stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DeliveryState {
    /// It can be taken.
    Ready,
    /// It was handed back, and can be taken again at this moment.
    Paused {
        /// When.
        until: Timestamp,
    },
    /// Somebody has it.
    Taken {
        /// Who.
        holder: ActorName,
        /// For how long the holder may be silent.
        lease: Span,
    },
    /// Given up.
    Dead {
        /// Why.
        reason: DeadReason,
        /// The message that took its place, if it was sent once more.
        redriven: Option<MessageId>,
    },
}

impl Delivery {
    pub(super) fn new(message: MessageId, mailbox: ActorName, position: u64, priority: Priority) -> Self {
        let state = DeliveryState::Ready;
        Self { message, mailbox, position, priority, deliveries: 0, nacks: 0, state, returned: None }
    }

    /// What tells it from every other, in the order in which deliveries are kept.
    pub(super) fn key(&self) -> (MessageId, &ActorName) {
        (self.message, &self.mailbox)
    }

    /// Whether it can be taken now.
    #[must_use]
    pub fn is_ready(&self, now: Timestamp) -> bool {
        match self.state {
            DeliveryState::Ready => true,
            DeliveryState::Paused { until } => until <= now,
            DeliveryState::Taken { .. } | DeliveryState::Dead { .. } => false,
        }
    }

    /// Who has it.
    #[must_use]
    pub fn holder(&self) -> Option<&ActorName> {
        match &self.state {
            DeliveryState::Taken { holder, .. } => Some(holder),
            _ => None,
        }
    }

    /// What `ack`, `nack` and `extend` need while it is taken.
    #[must_use]
    pub fn token(&self) -> Option<Token> {
        self.holder().map(|_| Token::new(self.message, self.deliveries))
    }

    /// Whether it counts against the limits: a dead letter that was sent once more does not, its successor does.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !matches!(self.state, DeliveryState::Dead { redriven: Some(_), .. })
    }

    /// Whether no further delivery follows once this one ends without an ack.
    #[must_use]
    pub fn is_last_delivery(&self) -> bool {
        self.deliveries >= limits::DELIVERIES_MAX
    }

    /// For how long it waits if it is handed back now: a second, doubled with each nack before.
    pub(super) fn pause(&self) -> Span {
        let factor = 1_u64.checked_shl(self.nacks).unwrap_or(u64::MAX);
        Span::from_ms_capped(limits::NACK_PAUSE_MS.saturating_mul(factor))
    }
}
