//! Work on what follows one another, spread over all cores: each part by itself, the answers in order.

use std::{
    collections::VecDeque,
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, PoisonError, mpsc},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use tokio::sync::oneshot;

struct Job<I, O> {
    input: I,
    answer: oneshot::Sender<O>,
}

/// Threads that do the same work on many inputs; the answers come in the order in which the inputs were handed over.
pub(crate) struct Crew<I, O> {
    work: fn(I) -> O,
    /// Started with the first input that is worth it.
    jobs: Option<mpsc::Sender<Job<I, O>>>,
    answers: VecDeque<oneshot::Receiver<O>>,
    in_flight_max: usize,
}

/// An input of fewer events or lines is worked on where it is handed over, while there are no threads yet.
const WORTH_THREADS: usize = 1024;

impl<I: Send + 'static, O: Default + Send + 'static> Crew<I, O> {
    /// A crew without threads yet. They end when it is dropped.
    pub(crate) fn new(work: fn(I) -> O) -> Self {
        Self { work, jobs: None, answers: VecDeque::new(), in_flight_max: 0 }
    }

    /// Starts a thread for each core.
    fn start(&mut self) {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let (jobs, queue) = mpsc::channel::<Job<I, O>>();
        let queue = Arc::new(Mutex::new(queue));
        let mut started = 0;
        for _ in 0..cores {
            let (queue, work) = (queue.clone(), self.work);
            let worker = move || {
                loop {
                    let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(Job { input, answer }) = job else { break };
                    let _ = answer.send(work(input));
                }
            };
            started += usize::from(thread::Builder::new().name("convoke-verify".to_owned()).spawn(worker).is_ok());
        }
        if started > 0 {
            // One input waits for each thread that works.
            (self.jobs, self.in_flight_max) = (Some(jobs), 2 * started);
        }
    }

    /// Hands over an input of so many events or lines.
    pub(crate) fn hand_over(&mut self, count: usize, input: I) {
        if self.jobs.is_none() && count >= WORTH_THREADS {
            self.start();
        }
        let (answer, receiver) = oneshot::channel();
        self.answers.push_back(receiver);
        match &self.jobs {
            // The threads outlive the sender.
            Some(jobs) => drop(jobs.send(Job { input, answer })),
            None => drop(answer.send((self.work)(input))),
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
    pub(crate) fn next(&mut self) -> Option<impl Future<Output = O> + Send + use<I, O>> {
        let answer = self.answers.pop_front()?;
        // A thread ends only when there is no more to do, so the answer always comes; without it what follows would not fit.
        Some(async { answer.await.unwrap_or_default() })
    }

    /// Works on all that `next` gives, with its count, until it gives `None` or fails; `take` has the answers to all that came before.
    pub(crate) fn work_through<N, E: From<N>>(
        mut self,
        mut next: impl FnMut() -> Result<Option<(usize, I)>, N>,
        mut take: impl FnMut(O) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            let (ended, outcome) = match next() {
                Ok(Some((count, input))) => {
                    self.hand_over(count, input);
                    (false, Ok(()))
                }
                Ok(None) => (true, Ok(())),
                Err(error) => (true, Err(error.into())),
            };
            while self.is_full() || (ended && !self.is_idle()) {
                if let Some(answer) = self.next() {
                    take(wait(answer))?;
                }
            }
            if ended {
                return outcome;
            }
        }
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
