//! The one writer of a log: takes every request that waits, decides them into one commit, makes it durable, answers.
//!
//! One batch is in flight at a time; the requests that arrive meanwhile form the next. Nobody is answered before the
//! head that his answer rests on is durable.

use std::{
    collections::{HashMap, VecDeque},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use convoke_core::{
    command::{Command, Request},
    event::{Event, Recorded},
    id::{IdReference, MessageId},
    log::{Commit, Head},
    mailbox::events::MessageSent,
    refusal::Refusal,
    time::Timestamp,
    workspace::Past,
};
use convoke_store::{AppendError, Log};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    api::Fault,
    engine::Shared,
    fault::stopping,
    machine::{Clock, RandomIds},
    sequencer::{Outcome, Sequencer},
    snapshots,
};

/// The longest sleep while something is due later: a machine that slept, or whose clock was set, is noticed within it.
const SLEEP_MAX: Duration = Duration::from_secs(5);
/// The pause before another look while the clock's jump is not accepted.
const JUMPED_PAUSE: Duration = Duration::from_secs(1);
/// Events after which a snapshot is written while the engine runs.
const SNAPSHOT_EVENTS: u64 = 200_000;
/// Requests that may wait to be taken; more are held back where they come from.
pub(crate) const WAITING_MAX: usize = 8_192;

/// What the writer is asked to do.
pub(crate) enum Work {
    /// Decide a request.
    Decide(Box<Request>, oneshot::Sender<Result<Done, Fault>>),
    /// Look at the deciding state between two batches, knowing the time.
    Inspect(Look),
    /// End: no more work is taken.
    Close(oneshot::Sender<()>),
}

/// A look at the deciding state. While a jump of the clock is not accepted, the time is the one at which it stands.
pub(crate) type Look = Box<dyn FnOnce(&Sequencer, Timestamp) + Send>;

/// What became of a request, once the head it rests on is durable.
pub(crate) struct Done {
    pub(crate) outcome: Outcome,
    /// The batch's commit, which holds the events unless they are a repeated answer.
    pub(crate) commit: Arc<Commit>,
    pub(crate) head: Head,
}

/// What the writer needs.
pub(crate) struct Writer<L: Log> {
    pub(crate) shared: Arc<Shared<L>>,
    pub(crate) sequencer: Sequencer,
    pub(crate) ids: RandomIds,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) inbox: mpsc::Receiver<Work>,
    pub(crate) published: watch::Sender<Head>,
    pub(crate) snapshots: Option<PathBuf>,
}

type Waiting = VecDeque<(Box<Request>, oneshot::Sender<Result<Done, Fault>>)>;

impl<L: Log> Writer<L> {
    /// Runs until it is closed, every handle is gone, or the log takes no more writes.
    pub(crate) async fn run(mut self) {
        let mut waiting = Waiting::new();
        let mut more_due = false;
        let mut closing = None;
        loop {
            if waiting.is_empty() && !more_due && closing.is_none() {
                let until_due = self.until_due();
                tokio::select! {
                    work = self.inbox.recv() => match work {
                        Some(work) => self.take(work, &mut waiting, &mut closing),
                        None => break,
                    },
                    () = tokio::time::sleep(until_due) => {}
                }
                // Whoever is ready to ask besides shares the commit.
                tokio::task::yield_now().await;
            }
            while waiting.len() < WAITING_MAX && closing.is_none() {
                let Ok(work) = self.inbox.try_recv() else { break };
                self.take(work, &mut waiting, &mut closing);
            }
            let batch = match self.shared.poisoned() {
                Some(fault) => Err(fault),
                None => self.batch(&mut waiting).await,
            };
            match batch {
                Ok(due) => more_due = due,
                Err(fault) => {
                    self.shared.poison(&fault);
                    for (_, reply) in waiting.drain(..) {
                        let _ = reply.send(Err(fault.clone()));
                    }
                    break;
                }
            }
            if waiting.is_empty() && closing.is_some() {
                break;
            }
        }
        self.inbox.close();
        let fault = self.shared.poisoned().unwrap_or_else(stopping);
        while let Ok(work) = self.inbox.try_recv() {
            if let Work::Decide(_, reply) = work {
                let _ = reply.send(Err(fault.clone()));
            }
        }
        if self.shared.poisoned().is_none() {
            self.snapshot().await;
        }
        if let Some(closed) = closing {
            let _ = closed.send(());
        }
    }

    fn take(&mut self, work: Work, waiting: &mut Waiting, closing: &mut Option<oneshot::Sender<()>>) {
        match work {
            Work::Decide(request, reply) => waiting.push_back((request, reply)),
            Work::Inspect(look) => {
                let now = self.sequencer.clock().clone().now(self.clock.readings());
                look(&self.sequencer, now.unwrap_or_else(|jump| jump.engine));
            }
            Work::Close(closed) => *closing = Some(closed),
        }
    }

    /// How long to sleep until something is due.
    fn until_due(&mut self) -> Duration {
        let Some(due) = self.sequencer.state().next_due() else { return Duration::from_secs(24 * 60 * 60) };
        match self.sequencer.time(self.clock.readings()) {
            // Rounded up to the next millisecond, so that the timer does not wake before it.
            Ok(now) => Duration::from_millis(due.since(now).ms()).min(SLEEP_MAX),
            Err(_) => JUMPED_PAUSE,
        }
    }

    /// Decides, appends, publishes and answers one batch. Says whether more is due.
    async fn batch(&mut self, waiting: &mut Waiting) -> Result<bool, Fault> {
        let past = self.past_of(waiting.iter().map(|(request, _)| &**request)).await?;
        let expected = *self.published.borrow();
        let requests = waiting.iter().map(|(request, _)| &**request);
        let batch = self.sequencer.decide(requests, self.clock.readings(), &mut self.ids, &past);
        let commit = Arc::new(batch.commit);
        let mut head = expected;
        if !commit.is_empty() {
            head = self.shared.log.append_if(expected, Commit::clone(&commit)).await.map_err(|error| match error {
                AppendError::OutcomeUnknown(_) | AppendError::Poisoned => Fault::from(error),
                other => Fault::new("outcome_unknown", format!("the commit was not taken: {other}")),
            })?;
            self.shared.publish(&batch.recorded);
            self.published.send_replace(head);
        }
        let answered = batch.decided.len();
        for (decided, (_, reply)) in batch.decided.into_iter().zip(waiting.drain(..answered)) {
            let done = decided.map(|outcome| Done { outcome, commit: Arc::clone(&commit), head });
            let _ = reply.send(done.map_err(Fault::from));
        }
        self.shared.note_due(self.sequencer.state().next_due());
        if head.size.saturating_sub(self.shared.snapshot_size()) >= SNAPSHOT_EVENTS {
            self.snapshot().await;
        }
        Ok(batch.more_due)
    }

    /// Writes both snapshots; a failure only costs time at the next opening.
    async fn snapshot(&mut self) {
        let Some(folder) = self.snapshots.clone() else { return };
        let head = *self.published.borrow();
        if head.size == self.shared.snapshot_size() {
            return;
        }
        let Some(log_id) = self.shared.log.log_id() else { return };
        let state = snapshots::of_state(self.sequencer.state(), log_id, head);
        let views = snapshots::of_views(&self.shared.views(), log_id, head);
        let written = tokio::task::spawn_blocking(move || snapshots::write(&folder, &state, &views)).await;
        if matches!(written, Ok(Ok(()))) {
            self.shared.set_snapshot_size(head.size);
        }
    }

    /// The messages in the log that these requests refer to.
    async fn past_of<'r>(&self, requests: impl Iterator<Item = &'r Request>) -> Result<LookedUp, Fault> {
        let mut found = HashMap::new();
        let references = requests.filter_map(|request| match &request.command {
            Command::SendMessage(send) => send.in_reply_to.clone(),
            Command::RedriveMessage(redrive) => Some(redrive.message.clone()),
            _ => None,
        });
        for reference in references {
            for recorded in self.shared.find(&reference).await? {
                if let Recorded { id, event: Event::MessageSent(sent), .. } = recorded {
                    found.insert(MessageId::from(id), sent);
                }
            }
        }
        Ok(LookedUp(found))
    }
}

/// Messages that were looked up in the log.
struct LookedUp(HashMap<MessageId, MessageSent>);

impl Past for LookedUp {
    fn message(&self, reference: &str) -> Result<(MessageId, MessageSent), Refusal> {
        let not_found = || Refusal::NotFound { what: "message", reference: convoke_core::name::shorten(reference) };
        let wanted = IdReference::parse(reference).ok_or_else(not_found)?;
        let mut matching: Vec<_> = self.0.iter().filter(|(id, _)| wanted.matches((**id).into())).collect();
        matching.sort_by_key(|(id, _)| **id);
        match matching.as_slice() {
            [] => Err(not_found()),
            [(id, sent)] => Ok((**id, (*sent).clone())),
            several => Err(Refusal::Ambiguous {
                what: "message",
                reference: reference.to_owned(),
                candidates: several.iter().map(|(id, _)| id.to_string()).collect(),
            }),
        }
    }
}
