//! Every event kind, in one table: its name in the log, its schema version, and its payload's type.
//!
//! A payload is the JSON of its struct. A new kind is a struct in its machine's `events.rs` and a row here.

use serde_json::Error as JsonError;

use crate::{
    actors::events::{ActorKindChanged, ActorRegistered, ClockAccepted, MembershipSet, WorkspaceCreated},
    campaign::events::{
        CampaignCancelled, CampaignCompleted, CampaignCreated, CampaignFailed, CampaignLinked, CampaignStarted,
        CampaignUnlinked,
    },
    countdown::events::{
        CountdownConfirmed, CountdownDeclined, CountdownDeferred, CountdownFired, CountdownHoldStarted,
        CountdownJoined, CountdownMissed, CountdownReleased, CountdownRescheduled, CountdownResumed,
        CountdownScheduled, CountdownScrubbed,
    },
    id::EventId,
    log::{EventRef, Hash, HeaderError, Salt},
    mailbox::events::{
        MessageAcked, MessageDeadLettered, MessageLeaseExpired, MessageLeaseExtended, MessageNacked, MessageRedriven,
        MessageSent, MessageTaken,
    },
    name::{ActorName, Key},
    queue::events::{
        ChangeApproved, ChangeCancelled, ChangeConflicted, ChangeDied, ChangeDisapproved, ChangeFailed, ChangeLanded,
        ChangeLandingStarted, ChangeLeaseExpired, ChangeLeaseExtended, ChangeLeased, ChangeRejected, ChangeReturned,
        ChangeSubmitted, ChangeSuperseded, QueuePaused, QueueResumed,
    },
    time::Timestamp,
};

/// Why a payload is not an event that this build knows.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The kind is not in the table.
    #[error("this build does not know events of kind {kind} (schema {schema}); a newer version wrote them")]
    UnknownKind {
        /// The kind.
        kind: String,
        /// Its schema version.
        schema: u16,
    },
    /// The header does not decode.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The payload was erased.
    #[error("the payload of the event at position {position} was erased")]
    Erased {
        /// Where.
        position: u64,
    },
    /// The payload is not the kind's.
    #[error("the payload of a {kind} is malformed: {source}")]
    Payload {
        /// The kind.
        kind: &'static str,
        /// What the JSON reader says.
        source: JsonError,
    },
}

macro_rules! event_kinds {
    ($($name:ident = $kind:literal / $schema:literal),+ $(,)?) => {
        /// What happened: one of the kinds.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Event {
            $(#[doc = concat!("`", $kind, "`")] $name($name),)+
        }

        /// Every kind with its schema version, in the order of the table.
        pub const KINDS: &[(&str, u16)] = &[$(($kind, $schema)),+];

        impl Event {
            /// The kind, as in the log.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$name(_) => $kind,)+ }
            }

            /// The version of the payload's form.
            #[must_use]
            pub fn schema(&self) -> u16 {
                match self { $(Self::$name(_) => $schema,)+ }
            }

            /// Appends the payload's JSON.
            ///
            /// # Panics
            /// Never: every payload is plain data, and a `Vec` takes every write.
            pub fn encode(&self, out: &mut Vec<u8>) {
                let written = match self { $(Self::$name(payload) => serde_json::to_writer(out, payload),)+ };
                written.expect("payloads are plain data");
            }

            /// Reads a payload of this kind and schema version.
            ///
            /// # Errors
            /// [`DecodeError`] if the kind is unknown or the payload is not its.
            pub fn decode(kind: &str, schema: u16, payload: &[u8]) -> Result<Self, DecodeError> {
                match (kind, schema) {
                    $(($kind, $schema) => serde_json::from_slice(payload)
                        .map(Self::$name)
                        .map_err(|source| DecodeError::Payload { kind: $kind, source }),)+
                    _ => Err(DecodeError::UnknownKind { kind: kind.to_owned(), schema }),
                }
            }
        }

        $(impl From<$name> for Event {
            fn from(payload: $name) -> Self {
                Self::$name(payload)
            }
        })+
    };
}

event_kinds! {
    WorkspaceCreated = "workspace.created" / 1,
    MembershipSet = "workspace.membership_set" / 1,
    ClockAccepted = "clock.accepted" / 1,
    ActorRegistered = "actor.registered" / 1,
    ActorKindChanged = "actor.kind_changed" / 1,
    CountdownScheduled = "countdown.scheduled" / 1,
    CountdownJoined = "countdown.joined" / 1,
    CountdownReleased = "countdown.released" / 1,
    CountdownConfirmed = "countdown.confirmed" / 1,
    CountdownDeclined = "countdown.declined" / 1,
    CountdownDeferred = "countdown.deferred" / 1,
    CountdownHoldStarted = "countdown.hold_started" / 1,
    CountdownResumed = "countdown.resumed" / 1,
    CountdownRescheduled = "countdown.rescheduled" / 1,
    CountdownFired = "countdown.fired" / 1,
    CountdownMissed = "countdown.missed" / 1,
    CountdownScrubbed = "countdown.scrubbed" / 1,
    CampaignCreated = "campaign.created" / 1,
    CampaignLinked = "campaign.linked" / 1,
    CampaignUnlinked = "campaign.unlinked" / 1,
    CampaignStarted = "campaign.started" / 1,
    CampaignCompleted = "campaign.completed" / 1,
    CampaignFailed = "campaign.failed" / 1,
    CampaignCancelled = "campaign.cancelled" / 1,
    MessageSent = "message.sent" / 1,
    MessageTaken = "message.taken" / 1,
    MessageAcked = "message.acked" / 1,
    MessageNacked = "message.nacked" / 1,
    MessageLeaseExtended = "message.lease_extended" / 1,
    MessageLeaseExpired = "message.lease_expired" / 1,
    MessageDeadLettered = "message.dead_lettered" / 1,
    MessageRedriven = "message.redriven" / 1,
    ChangeSubmitted = "change.submitted" / 1,
    ChangeRejected = "change.rejected" / 1,
    ChangeApproved = "change.approved" / 1,
    ChangeDisapproved = "change.disapproved" / 1,
    ChangeLeased = "change.leased" / 1,
    ChangeLeaseExtended = "change.lease_extended" / 1,
    ChangeLeaseExpired = "change.lease_expired" / 1,
    ChangeReturned = "change.returned" / 1,
    ChangeLandingStarted = "change.landing_started" / 1,
    ChangeLanded = "change.landed" / 1,
    ChangeConflicted = "change.conflicted" / 1,
    ChangeFailed = "change.failed" / 1,
    ChangeDied = "change.died" / 1,
    ChangeCancelled = "change.cancelled" / 1,
    ChangeSuperseded = "change.superseded" / 1,
    QueuePaused = "queue.paused" / 1,
    QueueResumed = "queue.resumed" / 1,
}

/// An event with what its header says of it: what the folds are given.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its position in the log.
    pub position: u64,
    /// Its id; what it created has the same.
    pub id: EventId,
    /// When it was decided.
    pub time: Timestamp,
    /// Who acted.
    pub actor: ActorName,
    /// The first event of the same command or due item.
    pub correlation: EventId,
    /// The event that brought it about, if not the command itself.
    pub causation: Option<EventId>,
    /// The command's key, on its first event.
    pub idempotency: Option<Keyed>,
    /// What happened.
    pub event: Event,
}

/// The key of a command, with what tells a retry from another command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed {
    /// The key, in the scope of the actor.
    pub key: Key,
    /// The command's fingerprint under the salt.
    pub fingerprint: Hash,
    /// The salt of the event's payload.
    pub salt: Salt,
}

impl Recorded {
    /// From an event as it is stored. Hashes are not looked at.
    ///
    /// # Errors
    /// [`DecodeError`] if this build does not know the event, or its payload was erased.
    pub fn of(event: EventRef<'_>) -> Result<Self, DecodeError> {
        let header = event.decode_header()?;
        let erased = DecodeError::Erased { position: header.position };
        let (Some(payload), Some(salt)) = (event.payload(), event.salt()) else { return Err(erased) };
        let keyed = |idempotency: crate::log::Idempotency| Keyed {
            key: idempotency.key,
            fingerprint: idempotency.fingerprint,
            salt,
        };
        Ok(Self {
            position: header.position,
            id: header.event_id,
            time: header.time,
            actor: header.actor,
            correlation: header.correlation,
            causation: header.causation,
            idempotency: header.idempotency.map(keyed),
            event: Event::decode(header.kind.as_str(), header.schema, payload)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::log::Kind;

    #[test]
    fn every_kind_is_well_formed_and_stands_once() {
        let kinds: BTreeSet<_> = KINDS.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds.len(), KINDS.len());
        for (kind, schema) in KINDS {
            assert_eq!(Kind::parse(kind), Ok(Kind::known(kind)));
            assert!(*schema > 0);
        }
    }
}
