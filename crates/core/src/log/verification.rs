//! Verification of a log: what each event shows by itself, and what it shows after the events before it.
//!
//! The two are apart because the first is nearly all of the work and can be done for many events at once, on as many
//! threads as there are. The rules are those of section 6 of `docs/log-format.md`, and this is the only place that
//! knows them.

use super::{
    checkpoint::{Checkpoint, Head},
    commit::EventRef,
    hash::Hash,
    header::{Header, HeaderError},
    merkle::Frontier,
};
use crate::{id::LogId, time::Timestamp};

/// The kind of the event at position 0, which gives the log its id.
pub const FIRST_KIND: &str = "workspace.created";

/// An event that holds by itself: its header decodes, and its payload, unless erased, is text and matches its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedEvent {
    log_id: LogId,
    position: u64,
    time: Timestamp,
    opens_a_log: bool,
    erased: bool,
    leaf: Hash,
}

/// What does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The header does not decode.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The payload is not the one that the header was made for.
    #[error("the payload does not match its hash")]
    PayloadHash,
    /// The payload is not UTF-8.
    #[error("the payload is not text")]
    PayloadText,
    /// The event belongs to another log.
    #[error("the event is of another log")]
    OtherLog,
    /// The event has another position than the one that follows.
    #[error("the event says that it stands at position {0}")]
    Position(u64),
    /// The first event is another than the one that creates a workspace.
    #[error("the first event is not {FIRST_KIND}")]
    FirstKind,
    /// The event is older than the one before it.
    #[error("the event's time is before that of the event before it")]
    Time,
    /// A commit without events.
    #[error("the commit has no event")]
    EmptyCommit,
    /// The commit states another size.
    #[error("the commit says that the log has {0} events after it")]
    Size(u64),
    /// The commit states another root.
    #[error("the root stored with the commit is not that of the events")]
    Root,
}

/// The first position at which a log does not hold, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("position {position} does not hold: {fault}")]
pub struct Broken {
    /// The position.
    pub position: u64,
    /// What is wrong there.
    pub fault: Fault,
}

impl CheckedEvent {
    /// Checks what one event shows by itself.
    ///
    /// # Errors
    /// The [`Fault`] of the event.
    pub fn of(event: EventRef<'_>) -> Result<Self, Fault> {
        let Header { log_id, position, time, kind, .. } = event.decode_header()?;
        if !event.payload_matches() {
            return Err(Fault::PayloadHash);
        }
        if event.payload().is_some_and(|payload| std::str::from_utf8(payload).is_err()) {
            return Err(Fault::PayloadText);
        }
        let opens_a_log = kind.as_str() == FIRST_KIND;
        let erased = event.salted_payload.is_none();
        Ok(Self { log_id, position, time, opens_a_log, erased, leaf: event.leaf() })
    }
}

/// The verification of one log from its first event on, fed in order.
#[derive(Debug, Clone, Default)]
pub struct Verification {
    log_id: Option<LogId>,
    time: Timestamp,
    frontier: Frontier,
    committed: Head,
    erased: u64,
}

impl Verification {
    /// Of whatever log the first event names.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Of this log and no other.
    #[must_use]
    pub fn of_log(log_id: LogId) -> Self {
        Self { log_id: Some(log_id), ..Self::default() }
    }

    /// Takes the next event, or the fault that it was found to have.
    ///
    /// # Errors
    /// [`Broken`] if it does not hold. Nothing that follows means anything then.
    pub fn event(&mut self, event: Result<CheckedEvent, Fault>) -> Result<(), Broken> {
        let position = self.frontier.size();
        self.follow(event).map_err(|fault| Broken { position, fault })
    }

    fn follow(&mut self, event: Result<CheckedEvent, Fault>) -> Result<(), Fault> {
        let event = event?;
        if self.log_id.is_some_and(|log_id| log_id != event.log_id) {
            return Err(Fault::OtherLog);
        }
        if event.position != self.frontier.size() {
            return Err(Fault::Position(event.position));
        }
        if event.position == 0 && !event.opens_a_log {
            return Err(Fault::FirstKind);
        }
        if event.time < self.time {
            return Err(Fault::Time);
        }
        self.log_id = Some(event.log_id);
        self.time = event.time;
        self.erased += u64::from(event.erased);
        self.frontier.push(event.leaf);
        Ok(())
    }

    /// Ends the commit that the events since the last one make, and gives the head after it.
    ///
    /// # Errors
    /// [`Broken`], at the commit's first position, if the stored head is another.
    pub fn commit(&mut self, stored: Head) -> Result<Head, Broken> {
        let head = Head { size: self.frontier.size(), root: self.frontier.root() };
        let fault = if head.size == self.committed.size {
            Fault::EmptyCommit
        } else if stored.size != head.size {
            Fault::Size(stored.size)
        } else if stored.root != head.root {
            Fault::Root
        } else {
            self.committed = head;
            return Ok(head);
        };
        Err(Broken { position: self.committed.size, fault })
    }

    /// The log that is verified, once that is known.
    #[must_use]
    pub fn log_id(&self) -> Option<LogId> {
        self.log_id
    }

    /// The root over the events that were taken, those since the last commit's end included.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// The head after the last commit that held.
    #[must_use]
    pub fn head(&self) -> Head {
        self.committed
    }

    /// The time of the last event that was taken.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// How many events were taken, those since the last commit's end included.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Whether events came since the last commit's end.
    #[must_use]
    pub fn is_within_a_commit(&self) -> bool {
        self.frontier.size() != self.committed.size
    }

    /// How many of the events had their payload erased.
    #[must_use]
    pub fn erased(&self) -> u64 {
        self.erased
    }

    /// The checkpoint of what was verified; `None` before the first commit and within one.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        let Head { size, root } = self.committed;
        let log_id = self.log_id.filter(|_| size > 0 && !self.is_within_a_commit())?;
        Some(Checkpoint { convoke_checkpoint: Checkpoint::VERSION, log_id, size, root, time: self.time })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::EventId,
        log::{Commit, CommitBuilder, Kind},
        name::ActorName,
    };

    fn commit(first: u64, payloads: &[&[u8]]) -> Commit {
        let mut builder = CommitBuilder::new(first);
        for payload in payloads {
            let kind = if builder.bytes() == 0 && first == 0 { FIRST_KIND } else { "message.sent" };
            let header = Header {
                log_id: LogId::from_bytes([1; 16]),
                position: 0,
                event_id: EventId::from_bytes([2; 16]),
                time: Timestamp::default(),
                actor: ActorName::system(),
                kind: Kind::parse(kind).unwrap(),
                schema: 1,
                correlation: EventId::from_bytes([2; 16]),
                causation: None,
                idempotency: None,
                payload_hash: Hash::ZERO,
            };
            builder.push(header, [3; 16], payload);
        }
        builder.finish()
    }

    fn check(log: &mut Verification, commit: &Commit) -> Result<(), Broken> {
        commit.events().try_for_each(|event| log.event(CheckedEvent::of(event)))
    }

    #[test]
    fn a_log_has_a_checkpoint_after_each_commit_and_none_within_one() {
        let mut log = Verification::new();
        assert_eq!(log.checkpoint(), None);
        check(&mut log, &commit(0, &[b"{}", b"{}"])).unwrap();
        assert_eq!((log.size(), log.head(), log.checkpoint()), (2, Head::EMPTY, None));
        let head = Head { size: 2, root: log.frontier.root() };
        assert_eq!(log.commit(head), Ok(head));
        assert_eq!(log.checkpoint().map(|checkpoint| checkpoint.head()), Some(head));
    }

    #[test]
    fn a_payload_that_is_not_text_does_not_hold_although_its_hash_does() {
        let broken = check(&mut Verification::new(), &commit(0, &[b"{}", b"\xff"])).unwrap_err();
        assert_eq!(broken, Broken { position: 1, fault: Fault::PayloadText });
    }

    #[test]
    fn an_erased_payload_holds_and_is_counted() {
        let commit = commit(0, &[b"\xff"]);
        let event = EventRef { salted_payload: None, ..commit.events().next().unwrap() };
        let mut log = Verification::new();
        log.event(CheckedEvent::of(event)).unwrap();
        assert_eq!(log.erased(), 1);
    }

    #[test]
    fn a_log_begins_with_the_creation_of_a_workspace() {
        let late = commit(1, &[b"{}"]);
        let fault = |log: &mut Verification| check(log, &late).map_err(|broken| broken.fault);
        assert_eq!(fault(&mut Verification::new()), Err(Fault::Position(1)));
        let mut header = late.events().next().unwrap().decode_header().unwrap();
        header.position = 0;
        let mut builder = CommitBuilder::new(0);
        builder.push(header, [3; 16], b"{}");
        let broken = check(&mut Verification::new(), &builder.finish()).unwrap_err();
        assert_eq!(broken, Broken { position: 0, fault: Fault::FirstKind });
    }

    #[test]
    fn a_commit_that_does_not_hold_is_reported_at_its_first_position() {
        let mut log = Verification::of_log(LogId::from_bytes([1; 16]));
        check(&mut log, &commit(0, &[b"{}"])).unwrap();
        log.commit(Head { size: 1, root: log.frontier.root() }).unwrap();
        let broken = |log: &mut Verification, head| log.commit(head).map_err(|broken| (broken.position, broken.fault));
        assert_eq!(broken(&mut log.clone(), log.head()), Err((1, Fault::EmptyCommit)));
        check(&mut log, &commit(1, &[b"{}", b"{}"])).unwrap();
        assert_eq!(broken(&mut log.clone(), Head { size: 3, root: Hash::ZERO }), Err((1, Fault::Root)));
        assert_eq!(broken(&mut log.clone(), Head { size: 2, root: log.frontier.root() }), Err((1, Fault::Size(2))));
    }
}
