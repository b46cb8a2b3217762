//! The writer without its I/O: decides a batch of requests, one after another, into one commit.
//!
//! Every answer rests on a head: the one that the batch leads to. The shell makes that head durable before it hands out
//! any answer of the batch; if it cannot, the sequencer is ahead of the log and must be thrown away.
//!
//! A batch can be decided in several steps, so that what arrives while the one before is made durable need not wait.

use convoke_core::{
    clock::{Jump, Readings, SteadyClock},
    command::{Command, Request},
    event::{Event, Recorded},
    id::{IdReference, IdSource, LogId, MessageId},
    limits,
    log::{Commit, CommitBuilder, Hash, Header, Idempotency, Kind},
    mailbox::events::MessageSent,
    refusal::Refusal,
    time::Timestamp,
    workspace::{Context, Handled, Past, State, handle, handle_due},
};

/// A source of ids that are told the time they begin with.
pub trait TimedIds: IdSource {
    /// Sets the time that the next ids begin with.
    fn set_time(&mut self, now: Timestamp);
}

impl TimedIds for crate::machine::RandomIds {
    fn set_time(&mut self, now: Timestamp) {
        Self::set_time(self, now);
    }
}

/// The deciding state with its clock, ahead of the durable log by at most two batches: the one that is being made durable and
/// the one that is open.
pub struct Sequencer {
    state: State,
    log_id: Option<LogId>,
    clock: SteadyClock,
    duplicates: u64,
}

/// What one batch leads to.
pub struct Batch {
    /// What has to be appended; empty if nothing changed.
    pub commit: Commit,
    /// The events of the commit.
    pub recorded: Vec<Recorded>,
    /// For each request that was taken, in order, what became of it.
    pub decided: Vec<Decided>,
    /// Whether things are still due: decide another batch before any command.
    pub more_due: bool,
}

/// A batch that is being decided.
pub struct OpenBatch {
    writing: Writing,
    decided: Vec<Decided>,
    more_due: bool,
}

impl OpenBatch {
    /// Whether it takes no more requests: its commit is full, or more is due than fits.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.more_due || self.writing.is_full()
    }

    /// What it leads to.
    #[must_use]
    pub fn finish(self) -> Batch {
        let Self { writing: Writing { builder, recorded, .. }, decided, more_due } = self;
        Batch { commit: builder.finish(), recorded, decided, more_due }
    }
}

/// What became of one request.
pub type Decided = Result<Outcome, Refusal>;

/// The events that answer one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The position of the first event.
    pub first: u64,
    /// How many.
    pub count: u32,
    /// Whether they were written by an earlier request with the same key.
    pub repeated: bool,
}

impl Sequencer {
    /// Continues from a state that was folded from the whole log.
    #[must_use]
    pub fn new(state: State, log_id: Option<LogId>, readings: Readings) -> Self {
        let clock = SteadyClock::open(state.time, readings);
        Self { state, log_id, clock, duplicates: 0 }
    }

    /// The deciding state.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Lends the deciding state out, to be put back before anything else happens.
    pub(crate) fn take_state(&mut self) -> Box<State> {
        Box::new(std::mem::take(&mut self.state))
    }

    /// Puts the deciding state back.
    pub(crate) fn put_state(&mut self, state: Box<State>) {
        self.state = *state;
    }

    /// Convoke's clock.
    #[must_use]
    pub fn clock(&self) -> &SteadyClock {
        &self.clock
    }

    /// How many changes were handed in that were there already: answered, and not written anywhere.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Convoke's time by these readings.
    ///
    /// # Errors
    /// The jump of the clock that has to be accepted first.
    pub fn time(&mut self, readings: Readings) -> Result<Timestamp, Jump> {
        self.clock.now(readings)
    }

    /// Decides what is due and then as many of the requests as fit into one commit, in order. Requests that do not fit,
    /// and all of them while more is due than fits, are left for the next batch.
    pub fn decide<'r>(
        &mut self,
        requests: impl Iterator<Item = &'r Request>,
        readings: Readings,
        ids: &mut impl TimedIds,
        past: &dyn Past,
    ) -> Batch {
        let mut open = self.open();
        self.decide_into(&mut open, requests, readings, ids, past);
        open.finish()
    }

    /// Opens a batch. It must be finished before another is opened.
    #[must_use]
    pub fn open(&self) -> OpenBatch {
        let writing = Writing::new(self.state.size, self.log_id);
        OpenBatch { writing, decided: Vec::new(), more_due: false }
    }

    /// Goes on with an open batch as [`Sequencer::decide`] does. Says how many of the requests were taken.
    pub fn decide_into<'r>(
        &mut self,
        open: &mut OpenBatch,
        mut requests: impl Iterator<Item = &'r Request>,
        readings: Readings,
        ids: &mut impl TimedIds,
        past: &dyn Past,
    ) -> usize {
        let time = self.clock.now(readings);
        let taken_before = open.decided.len();
        while !open.is_full() {
            // Before every request: the one before it may have made something due at this very moment.
            open.more_due = time.is_ok_and(|now| self.decide_due(now, ids, &mut open.writing));
            if open.is_full() {
                break;
            }
            let Some(request) = requests.next() else { break };
            let outcome = match time {
                Ok(now) => self.decide_one(request, now, None, ids, past, &mut open.writing),
                Err(jump) => self.decide_in_a_jump(request, jump, readings, ids, past, &mut open.writing),
            };
            open.decided.push(outcome);
            // Once a jump is accepted, what became due comes before every other request.
            if time.is_err() && self.clock.jump().is_none() {
                open.more_due = true;
            }
        }
        self.log_id = open.writing.log_id;
        open.decided.len() - taken_before
    }

    /// Decides what is due, and says whether more is than fits.
    fn decide_due(&mut self, now: Timestamp, ids: &mut impl TimedIds, writing: &mut Writing) -> bool {
        let is_due = |state: &State| state.next_due().is_some_and(|due| due <= now);
        if !is_due(&self.state) {
            return false;
        }
        ids.set_time(now);
        let events = handle_due(&mut self.state, now, ids);
        // What is due and yields nothing would be tried for ever.
        let is_stuck = events.is_empty();
        writing.put(events, ids);
        is_due(&self.state) && !is_stuck
    }

    /// While the clock's jump is not accepted, only its acceptance is decided.
    fn decide_in_a_jump(
        &mut self,
        request: &Request,
        jump: Jump,
        readings: Readings,
        ids: &mut impl TimedIds,
        past: &dyn Past,
        writing: &mut Writing,
    ) -> Decided {
        let mut accepted = self.clock.clone();
        let now = match request.command {
            Command::AcceptClock(_) => accepted.accept(readings),
            _ => jump.engine,
        };
        let outcome = self.decide_one(request, now, Some(jump), ids, past, writing)?;
        if outcome.count > 0 && !outcome.repeated {
            self.clock = accepted;
        }
        Ok(outcome)
    }

    fn decide_one(
        &mut self,
        request: &Request,
        now: Timestamp,
        jump: Option<Jump>,
        ids: &mut impl TimedIds,
        past: &dyn Past,
        writing: &mut Writing,
    ) -> Decided {
        ids.set_time(now);
        let here = Here { written: &writing.recorded, past };
        let handled = handle(&mut self.state, request, &mut Context { now, jump, ids, past: &here })?;
        match handled {
            Handled::Wrote(events) => {
                let first = events.first().map_or(self.state.size, |event| event.position);
                let count = u32::try_from(events.len()).unwrap_or(u32::MAX);
                writing.put(events, ids);
                Ok(Outcome { first, count, repeated: false })
            }
            Handled::Repeated { first, count } => {
                self.duplicates += u64::from(matches!(request.command, Command::SubmitChange(_)));
                Ok(Outcome { first, count, repeated: true })
            }
        }
    }
}

/// The commit under construction.
struct Writing {
    builder: CommitBuilder,
    recorded: Vec<Recorded>,
    log_id: Option<LogId>,
    payload: Vec<u8>,
}

impl Writing {
    fn new(first: u64, log_id: Option<LogId>) -> Self {
        Self { builder: CommitBuilder::new(first), recorded: Vec::new(), log_id, payload: Vec::new() }
    }

    fn is_full(&self) -> bool {
        self.recorded.len() >= limits::COMMIT_EVENTS_FULL || self.builder.bytes() >= limits::COMMIT_BYTES_FULL
    }

    fn put(&mut self, events: Vec<Recorded>, ids: &mut impl IdSource) {
        for recorded in events {
            // The first event of all names the log: its id is as random as any.
            let log_id = *self.log_id.get_or_insert_with(|| LogId::from_bytes(recorded.id.to_bytes()));
            let salt = recorded.idempotency.as_ref().map_or_else(|| ids.salt(), |keyed| keyed.salt);
            self.payload.clear();
            recorded.event.encode(&mut self.payload);
            self.builder.push(header(log_id, &recorded), salt, &self.payload);
            self.recorded.push(recorded);
        }
    }
}

/// The header of an event; position and payload hash are set by the commit's builder.
fn header(log_id: LogId, recorded: &Recorded) -> Header {
    Header {
        log_id,
        position: recorded.position,
        event_id: recorded.id,
        time: recorded.time,
        actor: recorded.actor.clone(),
        kind: Kind::known(recorded.event.kind()),
        schema: recorded.event.schema(),
        correlation: recorded.correlation,
        causation: recorded.causation,
        idempotency: recorded
            .idempotency
            .as_ref()
            .map(|keyed| Idempotency { key: keyed.key.clone(), fingerprint: keyed.fingerprint }),
        payload_hash: Hash::ZERO,
    }
}

/// The past, and the events of this very batch.
struct Here<'a> {
    written: &'a [Recorded],
    past: &'a dyn Past,
}

impl Past for Here<'_> {
    fn message(&self, reference: &str) -> Result<(MessageId, MessageSent), Refusal> {
        let found = self.past.message(reference);
        let Some(wanted) = IdReference::parse(reference) else { return found };
        let mut fresh = self.written.iter().filter_map(|recorded| match &recorded.event {
            Event::MessageSent(sent) if wanted.matches(recorded.id) => Some((recorded.id.into(), sent.clone())),
            _ => None,
        });
        match (found, fresh.next()) {
            (Err(Refusal::NotFound { .. }), Some(message)) => Ok(message),
            (found, _) => found,
        }
    }
}
