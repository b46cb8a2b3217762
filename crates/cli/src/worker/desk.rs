//! The log as a worker sees it, over this program's session.

use std::{io::Cursor, thread, time::Duration};

use convoke::{
    Brief,
    api::{Answer, Ask, Condition, Fault, Question, Reply, WaitAsk},
};
use convoke_core::{
    command::{ClaimChanges, Command, Request},
    log::Hash,
    name::{ActorName, Name},
    queue::events::{ChangeLeased, FailureClass},
    time::Span,
};
use convoke_projections::{
    Query, View,
    query::{ChangeFilter, ChangesQuery, Reference},
    view::{ChangeState, ChangeView},
};
use convoke_store::blobs::Blobs;
use convoke_worker::{Desk, Job, No};

use crate::{args::Mutation, context::Context, envelope};

/// What says that a command was perhaps not done.
const IN_DOUBT: [&str; 3] = ["outcome_unknown", "daemon_stopping", "daemon_busy"];

/// A desk at the engine.
pub(crate) struct SessionDesk<'a> {
    context: &'a mut Context,
    worker: ActorName,
    target: Name,
    lease: Span,
    blobs: Blobs,
    /// The log's size at the latest claim: what happens after it is worth another.
    seen: u64,
}

impl<'a> SessionDesk<'a> {
    pub(crate) fn new(context: &'a mut Context, worker: ActorName, target: Name, lease: Span) -> Result<Self, Fault> {
        let blobs = Blobs::of(&context.workspace()?.folder());
        Ok(Self { context, worker, target, lease, blobs, seen: 0 })
    }

    fn command(&mut self, command: Command) -> Result<Answer, Fault> {
        self.context.command(self.worker.clone(), &Mutation::default(), command)
    }

    /// Gives commands as one stream, so that they share commits.
    fn say_together(&mut self, commands: Vec<Command>) -> Result<Vec<Result<(), No>>, Fault> {
        let request = |command| self.context.request(self.worker.clone(), &Mutation::default(), command);
        let requests: Vec<Request> = commands.into_iter().map(request).collect::<Result<_, _>>()?;
        let mut lines = Vec::new();
        for request in &requests {
            serde_json::to_writer(&mut lines, request)
                .map_err(|error| Fault::new("internal", format!("a command cannot be written as JSON: {error}")))?;
            lines.push(b'\n');
        }
        let session = self.context.session()?;
        let mut answers: Vec<Result<(), Fault>> = Vec::new();
        // Where the stream breaks off, the answers that are missing are asked for once more below.
        session
            .bulk(Some(&self.worker), Cursor::new(lines), |line| {
                answers.push(envelope::open::<Brief>(line).map(drop));
                Ok::<_, Fault>(())
            })
            .ok();
        let mut answers = answers.into_iter();
        let mut again = |request: &Request, answer: Option<Result<(), Fault>>| match answer {
            Some(Ok(())) => Ok(()),
            Some(Err(fault)) if !IN_DOUBT.contains(&fault.code.as_str()) => Err(no(fault)),
            // Its key makes sure that it is done once.
            _ => session.command(request).map(drop).map_err(no),
        };
        Ok(requests.iter().map(|request| again(request, answers.next())).collect())
    }

    fn view(&mut self, query: Query) -> Result<View, Fault> {
        match self.context.session()?.ask(&Ask { question: Question::State(query), as_of: None })? {
            (Reply::State(view), _) => Ok(view),
            _ => Err(Fault::new("bad_answer", "the answer is not a view")),
        }
    }

    fn job(&mut self, leased: &ChangeLeased) -> Result<Option<Job>, Fault> {
        let reference = leased.change.to_string();
        let View::Change(view) = self.view(Query::Change(Reference { reference }))? else {
            return Err(Fault::new("bad_answer", "the answer is not a change"));
        };
        // It may be gone again: cancelled since.
        let is_held = view.line.state == ChangeState::Leased && view.line.fence == leased.fence;
        Ok(is_held.then(|| job_of(*view)).flatten())
    }

    fn claimed(&mut self, max: u32) -> Result<Vec<Job>, Fault> {
        let target = self.target.to_string();
        let claim = ClaimChanges { target, max: Some(max), lease_ms: Some(self.lease) };
        let answer = self.command(Command::ClaimChanges(claim))?;
        self.seen = self.seen.max(answer.head.size);
        let mut jobs = Vec::new();
        for event in answer.events.iter().filter(|event| event.kind == "change.leased") {
            let leased: ChangeLeased = serde_json::from_str(event.payload.get())
                .map_err(|error| Fault::new("bad_answer", format!("a claim cannot be read: {error}")))?;
            jobs.extend(self.job(&leased)?);
        }
        Ok(jobs)
    }
}

/// A claimed change, unless what it brings was erased.
pub(super) fn job_of(view: ChangeView) -> Option<Job> {
    let ChangeView { line, position, content, paths, checks, metadata, receipt, cause, .. } = view;
    Some(Job {
        change: line.id,
        fence: line.fence,
        position,
        task: line.task,
        agent: line.agent,
        intent: metadata.and_then(|data| Some(data.get("intent")?.as_str()?.to_owned())),
        content: content?,
        paths,
        checks,
        failures: line.failures,
        is_suspect: cause.is_some_and(|cause| cause.class == Some(FailureClass::Check)),
        begun: receipt,
    })
}

impl Desk for SessionDesk<'_> {
    fn claim(&mut self, max: u32) -> Result<Vec<Job>, No> {
        self.claimed(max).map_err(no)
    }

    fn say(&mut self, commands: Vec<Command>) -> Vec<Result<(), No>> {
        if commands.len() == 1 || self.context.global.no_daemon {
            return commands.into_iter().map(|command| self.command(command).map(drop).map_err(no)).collect();
        }
        self.say_together(commands).unwrap_or_else(|fault| vec![Err(no(fault))])
    }

    fn content(&mut self, hash: &Hash) -> Result<Vec<u8>, String> {
        self.blobs.get(hash).map_err(|error| error.to_string())
    }

    fn has_work(&mut self) -> Result<bool, No> {
        for state in [ChangeFilter::Queued, ChangeFilter::Leased] {
            let target = Some(self.target.to_string());
            let query = ChangesQuery { state: Some(state), target, limit: Some(1), ..ChangesQuery::default() };
            match self.view(Query::Changes(query)).map_err(no)? {
                View::Changes(view) if view.changes.is_empty() => {}
                _ => return Ok(true),
            }
        }
        Ok(false)
    }

    fn wait(&mut self, at_most: Duration) -> Result<(), No> {
        if self.context.global.no_daemon {
            thread::sleep(at_most.min(Duration::from_millis(250)));
            return Ok(());
        }
        let timeout_ms = Span::from_ms_capped(u64::try_from(at_most.as_millis()).unwrap_or(u64::MAX));
        let event = |kind: &str| Condition::Event { kind: Some(kind.to_owned()), actor: None, from: Some(self.seen) };
        let ask = WaitAsk { conditions: vec![event("change"), event("queue")], timeout_ms };
        match self.context.session().and_then(|session| session.wait(&ask)) {
            Ok((waited, _)) => self.seen = self.seen.max(waited.cursor),
            Err(fault) if fault.code == "wait_timeout" => {
                self.seen = fault.cursor.map_or(self.seen, |cursor| self.seen.max(cursor));
            }
            Err(fault) => return Err(no(fault)),
        }
        Ok(())
    }
}

fn no(fault: Fault) -> No {
    No { code: fault.code, message: fault.message, hint: fault.hint }
}
