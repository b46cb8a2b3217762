//! The one writer of a log: takes every request that waits, decides them into one commit, makes it durable, answers.
//!
//! One batch is in flight at a time; the requests that arrive meanwhile form the next. Nobody is answered before the
//! head that his answer rests on is durable.

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use convoke_core::{
    command::{Command, Request, SendMessage},
    event::Event,
    id::{IdReference, MessageId},
    log::{Commit, Head},
    mailbox::events::MessageSent,
    refusal::Refusal,
    workspace::{Past, State},
};
use convoke_store::{AppendError, Log};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use crate::{
    api::Fault,
    engine::Shared,
    fault::{internal, stopping},
    machine::RandomIds,
    sequencer::{Outcome, Sequencer},
    snapshots,
};

/// The longest sleep while something is due later: a machine that slept, or whose clock was set, is noticed within it.
const SLEEP_MAX: Duration = Duration::from_secs(5);
/// The pause before another look while the clock's jump is not accepted.
const JUMPED_PAUSE: Duration = Duration::from_secs(1);
/// At its end the engine writes a snapshot if the events since the last one are at least this part of all: to fold so few
/// again takes less time than to write everything.
const SNAPSHOT_PART: u64 = 500;
/// Events after which a snapshot is written while the engine runs.
const SNAPSHOT_EVENTS: u64 = 200_000;
/// Requests that may wait to be taken; more are held back where they come from. More would fill memory, not commits.
pub(crate) const WAITING_MAX: usize = 1_024;

/// What the writer is asked to do.
pub(crate) enum Work {
    /// Decide a request.
    Decide(Box<Request>, Reply),
    /// Look at the deciding state between two batches.
    Inspect(Look),
    /// End: no more work is taken.
    Close(oneshot::Sender<()>),
}

/// Where the answer to a request goes.
pub(crate) type Reply = oneshot::Sender<Result<Done, Fault>>;

/// A look at the deciding state.
pub(crate) type Look = Box<dyn FnOnce(&State) + Send>;

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
    pub(crate) inbox: mpsc::Receiver<Work>,
    pub(crate) published: watch::Sender<Head>,
    pub(crate) snapshots: Option<PathBuf>,
    pub(crate) audit: Option<JoinHandle<()>>,
}

/// A request that waits to be decided.
struct Asked {
    request: Box<Request>,
    reply: Reply,
    /// The messages in the log that it refers to, once they were found.
    past: Vec<(MessageId, MessageSent)>,
}

type Waiting = VecDeque<Asked>;

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
                    // In this order and not by chance, so that a simulation can repeat it.
                    biased;
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
                    for asked in waiting.drain(..) {
                        let _ = asked.reply.send(Err(fault.clone()));
                    }
                    break;
                }
            }
            if waiting.is_empty() && closing.is_some() {
                break;
            }
        }
        self.end(closing).await;
    }

    /// Refuses what still comes, writes the snapshots, and lets go of the log.
    async fn end(mut self, closing: Option<oneshot::Sender<()>>) {
        self.inbox.close();
        let fault = self.shared.poisoned().unwrap_or_else(stopping);
        while let Ok(work) = self.inbox.try_recv() {
            if let Work::Decide(_, reply) = work {
                let _ = reply.send(Err(fault.clone()));
            }
        }
        if let Some(audit) = self.audit.take() {
            // It holds the log while it reads; waiting for it takes as long as one chunk of its reading.
            audit.abort();
            let _ = audit.await;
        }
        if self.shared.poisoned().is_none() {
            let since = self.published.borrow().size.saturating_sub(self.shared.snapshot_size());
            if since.saturating_mul(SNAPSHOT_PART) >= self.published.borrow().size {
                self.snapshot().await;
            }
        }
        drop(self);
        if let Some(closed) = closing {
            let _ = closed.send(());
        }
    }

    fn take(&mut self, work: Work, waiting: &mut Waiting, closing: &mut Option<oneshot::Sender<()>>) {
        match work {
            Work::Decide(request, reply) => waiting.push_back(Asked { request, reply, past: Vec::new() }),
            Work::Inspect(look) => look(self.sequencer.state()),
            Work::Close(closed) => *closing = Some(closed),
        }
    }

    /// How long to sleep until something is due.
    fn until_due(&mut self) -> Duration {
        let Some(due) = self.sequencer.state().next_due() else { return Duration::from_secs(24 * 60 * 60) };
        match self.sequencer.time(self.shared.readings()) {
            // Rounded up to the next millisecond, so that the timer does not wake before it.
            Ok(now) => Duration::from_millis(due.since(now).ms()).min(SLEEP_MAX),
            Err(_) => JUMPED_PAUSE,
        }
    }

    /// Decides, appends, publishes and answers one batch. Says whether more is due.
    async fn batch(&mut self, waiting: &mut Waiting) -> Result<bool, Fault> {
        self.look_up(waiting).await;
        let past = LookedUp(waiting.iter().flat_map(|asked| asked.past.iter().map(|(id, sent)| (*id, sent))).collect());
        let expected = *self.published.borrow();
        let requests = waiting.iter().map(|asked| &*asked.request);
        let batch = self.sequencer.decide(requests, self.shared.readings(), &mut self.ids, &past);
        let commit = Arc::new(batch.commit);
        let mut head = expected;
        if !commit.is_empty() {
            head = self.append(expected, &commit).await?;
            self.shared.publish(&batch.recorded, head);
            self.published.send_replace(head);
        }
        let answered = batch.decided.len();
        for (decided, asked) in batch.decided.into_iter().zip(waiting.drain(..answered)) {
            let done = decided.map(|outcome| Done { outcome, commit: Arc::clone(&commit), head });
            let _ = asked.reply.send(done.map_err(Fault::from));
        }
        self.shared.note_due(self.sequencer.state().next_due());
        self.shared.set_clock(self.sequencer.clock());
        if head.size.saturating_sub(self.shared.snapshot_size()) >= SNAPSHOT_EVENTS {
            self.snapshot().await;
        }
        Ok(batch.more_due)
    }

    /// The one place that appends. Every error ends this writer: its state is ahead of the log, or may be.
    async fn append(&self, expected: Head, commit: &Commit) -> Result<Head, Fault> {
        self.shared.log.append_if(expected, commit.clone()).await.map_err(|error| match error {
            AppendError::OutcomeUnknown(_) | AppendError::Poisoned => Fault::from(error),
            // Certain not to be written, and not to be repeated: what was decided must never be refused by the log.
            refused => internal(format!("the log refused a commit of {} events: {refused}", commit.len())),
        })
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
        let views = snapshots::of_views(&self.shared.shown().views, log_id, head);
        let written = self.shared.offload.begin(move || snapshots::write(&folder, &state, &views)).await;
        if matches!(written, Ok(Ok(()))) {
            self.shared.set_snapshot_size(head.size);
        }
    }

    /// Looks up the messages in the log that waiting requests refer to. Whose cannot be read is answered so; the others go on.
    async fn look_up(&self, waiting: &mut Waiting) {
        let mut unreadable = Vec::new();
        for (index, asked) in waiting.iter_mut().enumerate() {
            let reference = match &asked.request.command {
                Command::SendMessage(SendMessage { in_reply_to: Some(reference), .. }) => reference,
                Command::RedriveMessage(redrive) => &redrive.message,
                _ => continue,
            };
            if asked.past.is_empty() {
                match self.shared.find(reference).await {
                    Ok(found) => asked.past.extend(found.into_iter().filter_map(|recorded| match recorded.event {
                        Event::MessageSent(sent) => Some((recorded.id.into(), sent)),
                        _ => None,
                    })),
                    Err(fault) => unreadable.push((index, fault)),
                }
            }
        }
        for (index, fault) in unreadable.into_iter().rev() {
            if let Some(asked) = waiting.remove(index) {
                let _ = asked.reply.send(Err(fault));
            }
        }
    }
}

/// Messages that were looked up in the log.
struct LookedUp<'a>(BTreeMap<MessageId, &'a MessageSent>);

impl Past for LookedUp<'_> {
    fn message(&self, reference: &str) -> Result<(MessageId, MessageSent), Refusal> {
        let not_found = || Refusal::NotFound { what: "message", reference: convoke_core::name::shorten(reference) };
        let wanted = IdReference::parse(reference).ok_or_else(not_found)?;
        let matching: Vec<_> = self.0.iter().filter(|(id, _)| wanted.matches((**id).into())).collect();
        match matching.as_slice() {
            [] => Err(not_found()),
            [(id, sent)] => Ok((**id, (**sent).clone())),
            several => Err(Refusal::Ambiguous {
                what: "message",
                reference: reference.to_owned(),
                candidates: several.iter().map(|(id, _)| id.to_string()).collect(),
            }),
        }
    }
}
