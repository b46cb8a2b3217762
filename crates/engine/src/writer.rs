//! The one writer of a log: takes every request that waits, decides them into one commit, makes it durable, answers.
//!
//! One batch is in flight at a time; the requests that arrive meanwhile are decided into the next, which is handed over as
//! soon as the first is durable (measured in docs/decisions/0005). Nobody is answered before the head that his answer rests
//! on is durable, and nobody looks at the deciding state while it is ahead of the durable log.
use std::{
    collections::{BTreeMap, VecDeque},
    future::ready,
    path::PathBuf,
    pin::pin,
    sync::{Arc, atomic::Ordering},
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
    sequencer::{Batch, OpenBatch, Outcome, Sequencer},
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
/// Requests decided in one step while a batch is made durable; then it is looked whether it is.
const AHEAD_STEP: usize = 32;

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
    /// Whether it decides what is due when nobody asks for anything.
    pub(crate) timer: bool,
    pub(crate) audit: Option<JoinHandle<()>>,
    /// The head that the next commit follows. What is published may be one batch behind it.
    pub(crate) durable: Head,
    pub(crate) unanswered: Option<Durable>,
    /// The head of which a snapshot was tried last: one that fails is not tried again at once.
    pub(crate) snapshot_tried: u64,
}

/// A request that waits to be decided.
struct Asked {
    request: Box<Request>,
    reply: Reply,
    /// The messages in the log that it refers to, once they were found.
    past: Vec<(MessageId, MessageSent)>,
}

impl Asked {
    /// The message that has to be looked up in the log before this can be decided.
    fn refers_to(&self) -> Option<&str> {
        match &self.request.command {
            Command::SendMessage(SendMessage { in_reply_to: Some(reference), .. }) => Some(reference),
            Command::RedriveMessage(redrive) => Some(&redrive.message),
            _ => None,
        }
    }
}

/// What was taken and not begun.
#[derive(Default)]
struct Waiting {
    asked: VecDeque<Asked>,
    looks: Vec<Look>,
    closing: Option<oneshot::Sender<()>>,
    /// Nobody is left who could ask.
    is_abandoned: bool,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.asked.is_empty() && self.looks.is_empty()
    }

    fn is_ending(&self) -> bool {
        self.closing.is_some() || self.is_abandoned
    }

    fn take(&mut self, work: Option<Work>) {
        match work {
            Some(Work::Decide(request, reply)) => self.asked.push_back(Asked { request, reply, past: Vec::new() }),
            Some(Work::Inspect(look)) => self.looks.push(look),
            Some(Work::Close(closed)) => self.closing = Some(closed),
            None => self.is_abandoned = true,
        }
    }
}

/// Decided requests whose batch is not closed yet.
struct Deciding {
    batch: OpenBatch,
    replies: Vec<Reply>,
}

/// A durable batch that nobody was told of yet.
pub(crate) struct Durable {
    batch: Batch,
    replies: Vec<Reply>,
    commit: Arc<Commit>,
    head: Head,
}

impl<L: Log> Writer<L> {
    /// Runs until it is closed, every handle is gone, or the log takes no more writes.
    pub(crate) async fn run(mut self) {
        let mut waiting = Waiting::default();
        let mut more_due = false;
        let mut ahead = None;
        loop {
            if waiting.is_empty() && ahead.is_none() && !more_due {
                if waiting.is_ending() {
                    break;
                }
                let until_due = self.until_due();
                tokio::select! {
                    // In this order and not by chance, so that a simulation can repeat it.
                    biased;
                    work = self.inbox.recv() => waiting.take(work),
                    () = tokio::time::sleep(until_due) => {}
                }
                // Whoever is ready to ask besides shares the commit.
                tokio::task::yield_now().await;
            }
            self.fill(&mut waiting, WAITING_MAX);
            match self.batch(&mut waiting, ahead.take(), &mut more_due).await {
                Ok(decided) => ahead = decided,
                Err(fault) => {
                    self.shared.poison(&fault);
                    for asked in waiting.asked.drain(..) {
                        let _ = asked.reply.send(Err(fault.clone()));
                    }
                    break;
                }
            }
        }
        self.end(waiting.closing).await;
    }

    /// Takes what there is, until so many requests wait.
    fn fill(&mut self, waiting: &mut Waiting, requests_max: usize) {
        while waiting.asked.len() < requests_max && waiting.closing.is_none() {
            let Ok(work) = self.inbox.try_recv() else { break };
            waiting.take(Some(work));
        }
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
        if self.shared.poisoned().is_none() && !self.shared.is_abandoned.load(Ordering::Relaxed) {
            let since = self.published.borrow().size.saturating_sub(self.shared.snapshot_size());
            if since.saturating_mul(SNAPSHOT_PART) >= self.published.borrow().size {
                // The end is the same without it.
                let _ = self.snapshot().await;
            }
        }
        drop(self);
        if let Some(closed) = closing {
            let _ = closed.send(());
        }
    }

    /// How long to sleep until something is due.
    fn until_due(&mut self) -> Duration {
        let due = self.sequencer.state().next_due().filter(|_| self.timer);
        let Some(due) = due else { return Duration::from_secs(24 * 60 * 60) };
        match self.sequencer.time(self.shared.readings()) {
            // Rounded up to the next millisecond, so that the timer does not wake before it.
            Ok(now) => Duration::from_millis(due.since(now).ms()).min(SLEEP_MAX),
            Err(_) => JUMPED_PAUSE,
        }
    }

    /// Appends one batch and answers it: the one that was decided ahead, or one of what waits. Gives what was decided meanwhile.
    async fn batch(
        &mut self,
        waiting: &mut Waiting,
        ahead: Option<Deciding>,
        more_due: &mut bool,
    ) -> Result<Option<Deciding>, Fault> {
        if let Some(fault) = self.shared.poisoned() {
            self.answer_unanswered();
            refuse(ahead.map(|ahead| ahead.replies), &fault);
            return Err(fault);
        }
        let Deciding { batch, replies } = match ahead {
            Some(ahead) => ahead,
            None => {
                self.rest(waiting).await?;
                if !self.timer && waiting.asked.is_empty() {
                    // What else is due stays so until the next command.
                    *more_due = false;
                    return Ok(None);
                }
                let mut deciding = self.open();
                self.decide(&mut deciding, waiting, waiting.asked.len());
                deciding
            }
        };
        let mut batch = batch.finish();
        *more_due = batch.more_due;
        let commit = Arc::new(std::mem::take(&mut batch.commit));
        let mut next = None;
        let appended =
            if commit.is_empty() { Ok(self.durable) } else { self.append(&commit, waiting, &mut next).await };
        self.answer_unanswered();
        match appended {
            Ok(head) => {
                self.durable = head;
                self.unanswered = Some(Durable { batch, replies, commit, head });
                if next.is_none() {
                    self.answer_unanswered();
                }
                Ok(next)
            }
            Err(fault) => {
                refuse(Some(replies).into_iter().chain(next.map(|next| next.replies)), &fault);
                Err(fault)
            }
        }
    }

    /// What is done only while the deciding state is not ahead of the durable log.
    async fn rest(&mut self, waiting: &mut Waiting) -> Result<(), Fault> {
        waiting.looks.drain(..).for_each(|look| look(self.sequencer.state()));
        if self.is_snapshot_due() {
            self.snapshot().await?;
        }
        self.look_up(waiting).await;
        Ok(())
    }

    fn is_snapshot_due(&self) -> bool {
        let latest = self.shared.snapshot_size().max(self.snapshot_tried);
        self.snapshots.is_some() && self.durable.size.saturating_sub(latest) >= SNAPSHOT_EVENTS
    }

    fn open(&self) -> Deciding {
        Deciding { batch: self.sequencer.open(), replies: Vec::new() }
    }

    /// Decides the first so many of the requests that wait, as far as they fit.
    fn decide(&mut self, deciding: &mut Deciding, waiting: &mut Waiting, count: usize) {
        let first = waiting.asked.iter().take(count);
        let past = LookedUp(first.clone().flat_map(|asked| asked.past.iter().map(|(id, sent)| (*id, sent))).collect());
        let requests = first.map(|asked| &*asked.request);
        let readings = self.shared.readings();
        let taken = self.sequencer.decide_into(&mut deciding.batch, requests, readings, &mut self.ids, &past);
        deciding.replies.extend(waiting.asked.drain(..taken).map(|asked| asked.reply));
    }

    /// The one place that appends. Every error ends this writer: its state is ahead of the log, or may be. Meanwhile the batch
    /// before is answered, and what comes is decided into the next.
    async fn append(
        &mut self,
        commit: &Commit,
        waiting: &mut Waiting,
        next: &mut Option<Deciding>,
    ) -> Result<Head, Fault> {
        let log = Arc::clone(&self.shared.log);
        let mut appending = pin!(log.append_if(self.durable, commit.clone()));
        let handed_over = tokio::select! {
            biased;
            appended = &mut appending => Some(appended),
            () = ready(()) => None,
        };
        self.answer_unanswered();
        let appended = match handed_over {
            Some(appended) => appended,
            None => loop {
                self.go_ahead(waiting, next);
                let may_come = !waiting.is_ending() && waiting.asked.is_empty();
                tokio::select! {
                    biased;
                    appended = &mut appending => break appended,
                    work = self.inbox.recv(), if may_come => waiting.take(work),
                    () = ready(()), if self.may_go_ahead(waiting, next) => {}
                }
            },
        };
        appended.map_err(|error| match error {
            AppendError::OutcomeUnknown(_) | AppendError::Poisoned => Fault::from(error),
            // Certain not to be written, and not to be repeated: what was decided must never be refused by the log.
            refused => internal(format!("the log refused a commit of {} events: {refused}", commit.len())),
        })
    }

    /// Whether a request that waits can be decided before the batch in flight is durable.
    fn may_go_ahead(&self, waiting: &Waiting, next: &Option<Deciding>) -> bool {
        let rests = !waiting.looks.is_empty() || self.is_snapshot_due();
        let is_full = next.as_ref().is_some_and(|next| next.batch.is_full());
        // What is looked up in the log has to be there.
        !rests && !is_full && waiting.asked.front().is_some_and(|asked| asked.refers_to().is_none())
    }

    /// Decides some requests before the batch in flight is durable.
    fn go_ahead(&mut self, waiting: &mut Waiting, next: &mut Option<Deciding>) {
        self.fill(waiting, AHEAD_STEP);
        if self.may_go_ahead(waiting, next) {
            let ready = waiting.asked.iter().take(AHEAD_STEP).take_while(|asked| asked.refers_to().is_none()).count();
            let mut deciding = next.take().unwrap_or_else(|| self.open());
            self.decide(&mut deciding, waiting, ready);
            *next = Some(deciding);
        }
    }

    /// Shows and answers the latest durable batch.
    fn answer_unanswered(&mut self) {
        let Some(Durable { batch, replies, commit, head }) = self.unanswered.take() else { return };
        if !commit.is_empty() {
            self.shared.publish(&batch.recorded, head);
            self.published.send_replace(head);
        }
        for (decided, reply) in batch.decided.into_iter().zip(replies) {
            let done = decided.map(|outcome| Done { outcome, commit: Arc::clone(&commit), head });
            let _ = reply.send(done.map_err(Fault::from));
        }
        self.shared.note_due(self.sequencer.state().next_due());
        self.shared.note_duplicates(self.sequencer.duplicates());
        self.shared.set_clock(self.sequencer.clock());
    }

    /// Writes both snapshots, on threads of their own; nothing is decided meanwhile. A failure to write them only costs time at
    /// the next opening.
    async fn snapshot(&mut self) -> Result<(), Fault> {
        let (head, log_id) = (self.durable, self.shared.log.log_id());
        let (Some(folder), Some(log_id)) = (self.snapshots.clone(), log_id) else { return Ok(()) };
        if head.size == self.shared.snapshot_size() {
            return Ok(());
        }
        self.snapshot_tried = head.size;
        let (shared, beside) = (Arc::clone(&self.shared), folder.clone());
        let offload = self.shared.offload;
        let views = offload.begin(move || snapshots::write_views(&beside, &shared.shown().views, log_id, head));
        let state = self.sequencer.take_state();
        let state = offload.begin(move || (snapshots::write_state(&folder, &state, log_id, head), state));
        let (state_written, state) = state.await.map_err(internal)?;
        self.sequencer.put_state(state);
        if matches!((views.await, state_written), (Ok(Ok(())), Ok(()))) {
            self.shared.set_snapshot_size(head.size);
        }
        Ok(())
    }

    /// Looks up the messages in the log that waiting requests refer to. Whose cannot be read is answered so; the others go on.
    async fn look_up(&self, waiting: &mut Waiting) {
        let mut unreadable = Vec::new();
        for (index, asked) in waiting.asked.iter_mut().enumerate() {
            let Some(reference) = asked.refers_to().filter(|_| asked.past.is_empty()) else { continue };
            match self.shared.find(reference).await {
                Ok(found) => asked.past.extend(found.into_iter().filter_map(|recorded| match recorded.event {
                    Event::MessageSent(sent) => Some((recorded.id.into(), sent)),
                    _ => None,
                })),
                Err(fault) => unreadable.push((index, fault)),
            }
        }
        for (index, fault) in unreadable.into_iter().rev() {
            if let Some(asked) = waiting.asked.remove(index) {
                let _ = asked.reply.send(Err(fault));
            }
        }
    }
}

fn refuse(replies: impl IntoIterator<Item = Vec<Reply>>, fault: &Fault) {
    for reply in replies.into_iter().flatten() {
        let _ = reply.send(Err(fault.clone()));
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
