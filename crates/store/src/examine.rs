//! The part of verification that looks at each event by itself, spread over all cores.

use std::{
    collections::VecDeque,
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, PoisonError, mpsc},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use convoke_core::{
    id::LogId,
    log::{Hash, Header},
    time::Timestamp,
};
use tokio::sync::oneshot;

use crate::{log::Stored, verify::Flaw};

/// What a run of commits holds, up to its first flaw.
#[derive(Debug)]
pub(crate) struct Examined {
    pub(crate) commits: Vec<Stored>,
    /// One for each event before the flaw.
    pub(crate) leaves: Vec<Hash>,
    /// What the run's first event says, to be compared with the event before it.
    pub(crate) first: Option<First>,
    pub(crate) last_time: Option<Timestamp>,
    pub(crate) erased: u64,
    /// The first event that does not hold by itself, or beside the others of its run.
    pub(crate) flaw: Option<(u64, Flaw)>,
}

/// The first event of a run.
#[derive(Debug)]
pub(crate) struct First {
    pub(crate) log_id: LogId,
    pub(crate) time: Timestamp,
}

pub(crate) fn examine(commits: Vec<Stored>) -> Examined {
    let events = commits.iter().map(|stored| stored.commit.len()).sum();
    let mut examined = Examined {
        commits: Vec::new(),
        leaves: Vec::with_capacity(events),
        first: None,
        last_time: None,
        erased: 0,
        flaw: None,
    };
    'commits: for stored in &commits {
        for (position, event) in (stored.commit.first()..).zip(stored.commit.events()) {
            let header = Header::decode(event.header).map_err(Flaw::from);
            match header.and_then(|header| check(&mut examined, header, position)) {
                Ok(()) if event.payload_matches() => {}
                Ok(()) => examined.flaw = Some((position, Flaw::Payload)),
                Err(flaw) => examined.flaw = Some((position, flaw)),
            }
            if examined.flaw.is_some() {
                break 'commits;
            }
            examined.erased += u64::from(event.salted_payload.is_none());
            examined.leaves.push(event.leaf());
        }
    }
    examined.commits = commits;
    examined
}

fn check(examined: &mut Examined, header: Header, position: u64) -> Result<(), Flaw> {
    let first = examined.first.get_or_insert(First { log_id: header.log_id, time: header.time });
    if header.log_id != first.log_id {
        return Err(Flaw::Log);
    }
    if header.position != position {
        return Err(Flaw::Position { stated: header.position });
    }
    if examined.last_time.is_some_and(|last_time| header.time < last_time) {
        return Err(Flaw::Time);
    }
    examined.last_time = Some(header.time);
    Ok(())
}

struct Job {
    commits: Vec<Stored>,
    answer: oneshot::Sender<Examined>,
}

/// Threads that examine runs of commits; the answers come in the order in which the runs were handed over.
pub(crate) struct Crew {
    /// Started with the first run that is worth it.
    jobs: Option<mpsc::Sender<Job>>,
    answers: VecDeque<oneshot::Receiver<Examined>>,
    in_flight_max: usize,
}

/// A run of fewer events is examined where it is handed over, while there are no threads yet.
const WORTH_THREADS_EVENTS: usize = 1024;

impl Crew {
    /// A crew without threads yet. They end when it is dropped.
    pub(crate) fn new() -> Self {
        Self { jobs: None, answers: VecDeque::new(), in_flight_max: 0 }
    }

    /// Starts a thread for each core.
    fn start(&mut self) {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        let mut started = 0;
        for _ in 0..cores {
            let queue = queue.clone();
            let worker = move || {
                loop {
                    let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(Job { commits, answer }) = job else { break };
                    let _ = answer.send(examine(commits));
                }
            };
            started += usize::from(thread::Builder::new().name("convoke-verify".to_owned()).spawn(worker).is_ok());
        }
        if started > 0 {
            // One run waits for each thread that works.
            (self.jobs, self.in_flight_max) = (Some(jobs), 2 * started);
        }
    }

    pub(crate) fn hand_over(&mut self, commits: Vec<Stored>) {
        let events: usize = commits.iter().map(|stored| stored.commit.len()).sum();
        if self.jobs.is_none() && events >= WORTH_THREADS_EVENTS {
            self.start();
        }
        let (answer, receiver) = oneshot::channel();
        self.answers.push_back(receiver);
        match &self.jobs {
            // The threads outlive the sender.
            Some(jobs) => drop(jobs.send(Job { commits, answer })),
            None => drop(answer.send(examine(commits))),
        }
    }

    /// Whether an answer should be taken before more is handed over.
    pub(crate) fn is_full(&self) -> bool {
        self.answers.len() > self.in_flight_max
    }

    /// Whether every answer was taken.
    pub(crate) fn is_idle(&self) -> bool {
        self.answers.is_empty()
    }

    /// The next answer.
    pub(crate) fn next(&mut self) -> Option<impl Future<Output = Examined> + Send + use<>> {
        let answer = self.answers.pop_front()?;
        Some(async {
            // A thread ends only when there is no more to do, so the answer always comes.
            answer.await.unwrap_or_else(|_| examine(Vec::new()))
        })
    }
}

/// Waits for a future on this thread, which may or may not be one of an async runtime's.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
