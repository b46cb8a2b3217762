//! What a decision needs from outside, without chance: ids that count, and the messages of a log in memory.

use std::collections::BTreeMap;

use crate::{
    event::{Event, Recorded},
    id::{EventId, IdSource, MessageId, uuid_v7},
    log::Salt,
    mailbox::events::MessageSent,
    refusal::Refusal,
    workspace::Past,
};

/// Ids that count.
#[derive(Debug, Default)]
pub struct CountingIds(u64);

impl IdSource for CountingIds {
    fn fresh(&mut self) -> EventId {
        self.0 += 1;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        EventId::from_bytes(uuid_v7(self.0, random))
    }

    fn salt(&mut self) -> Salt {
        self.0 += 1;
        let mut salt = Salt::default();
        salt[..8].copy_from_slice(&self.0.to_be_bytes());
        salt
    }
}

/// The messages of a log.
#[derive(Debug, Default)]
pub struct Sent(BTreeMap<MessageId, MessageSent>);

impl Sent {
    /// Keeps what is a message.
    pub fn keep(&mut self, recorded: &Recorded) {
        if let Event::MessageSent(sent) = &recorded.event {
            self.0.insert(recorded.id.into(), sent.clone());
        }
    }
}

impl Past for Sent {
    fn message(&self, reference: &str) -> Result<(MessageId, MessageSent), Refusal> {
        let found = reference.parse().ok().and_then(|id: MessageId| Some((id, self.0.get(&id)?.clone())));
        found.ok_or_else(|| Refusal::NotFound { what: "message", reference: reference.to_owned() })
    }
}
