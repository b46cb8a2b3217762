//! The daemon's life: lock, log, socket, then requests, until it is told to stop or has had nothing to do for a while.

use std::{
    io::Write as _,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use convoke::{Engine, api::Fault};
use hyper::{
    body::{Body as HttpBody, Frame, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::{
    net::{UnixListener, UnixStream},
    select,
    signal::unix::{SignalKind, signal},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::{
    Lock, PID_FILE, VERSION,
    http::Body,
    journal::Journal,
    lock::held,
    routes::{Shared, answer},
    socket,
};
use crate::{disk, envelope, settings::Settings, workspace::Workspace};

/// What the daemon says on standard output once it listens.
pub(crate) const READY: &str = "ready";
/// Connections at a time; more are told to try again.
const CONNECTIONS_MAX: usize = 4_096;
/// A connection on which no request begins for this long, and none is being answered, is closed: one that is kept and silent, and
/// one whose client does not finish a request's head. A timer for each request would cost as much as parsing it.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long threads that read the log live on without work. Their memory is given back with them.
const THREAD_KEEP_ALIVE: Duration = Duration::from_secs(1);
/// Bytes of a request's head, and the size of a connection's read buffer at most.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// How often the daemon looks whether it still has a reason to be.
const LOOK: Duration = Duration::from_millis(500);
/// How long the end waits for requests in flight and for their answers to be read.
const DRAIN_WAIT: Duration = Duration::from_secs(10);

/// What the daemon says on standard output instead, if it cannot start.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartFault {
    pub(crate) start_fault: Fault,
}

/// Runs the daemon of a workspace until its end.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Fault> {
    let handed_over = Lock::from_stdin(workspace)?;
    let started_by_a_client = handed_over.is_some();
    let served = match handed_over {
        Some(lock) => Ok(lock),
        None => Lock::try_take(workspace).and_then(|lock| lock.ok_or_else(|| held(workspace))),
    }
    .and_then(|lock| live(workspace, lock, started_by_a_client));
    if started_by_a_client && let Err(fault) = &served {
        let line = serde_json::to_string(&StartFault { start_fault: fault.clone() }).unwrap_or_default();
        let _ = writeln!(std::io::stdout(), "{line}");
    }
    served
}

fn live(workspace: &Workspace, mut lock: Lock, started_by_a_client: bool) -> Result<(), Fault> {
    let io = |what: &'static str| move |error: std::io::Error| disk::fault(what, &error);
    if started_by_a_client {
        // Of its own session, so that a terminal's end or Ctrl-C does not reach it. It fails only for a group's leader.
        let _ = rustix::process::setsid();
    }
    let settings = Settings::load(workspace)?;
    let journal = Journal::begin(workspace).map_err(io("daemon.log cannot be opened"))?;
    raise_descriptor_limit();
    lock.sign();
    std::fs::write(workspace.file(PID_FILE), format!("{}\n", std::process::id()))
        .map_err(io("daemon.pid cannot be written"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_keep_alive(THREAD_KEEP_ALIVE)
        .build()
        .map_err(io("the daemon cannot wait for events"))?;
    runtime.block_on(async {
        let opened = Instant::now();
        let engine = Engine::open(&workspace.folder(), convoke::Settings::default()).await?;
        let listener = socket::bind(&workspace.folder()).map_err(io("the socket cannot be made"))?;
        listener.set_nonblocking(true).map_err(io("the socket cannot be used"))?;
        let listener = UnixListener::from_std(listener).map_err(io("the socket cannot be used"))?;
        journal.line(&format!(
            "started: version {VERSION}, process {}, {} events, opened in {} ms",
            std::process::id(),
            engine.head().size,
            opened.elapsed().as_millis()
        ));
        let shared = Arc::new(Shared {
            engine,
            journal,
            stopping: watch::Sender::new(false),
            started: Instant::now(),
            requests: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
        });
        if started_by_a_client {
            let _ = writeln!(std::io::stdout(), "{READY}");
            // The starter hears nothing more; and nobody's terminal is written to.
            let _ = rustix::stdio::dup2_stdout(std::io::stderr());
        }
        serve(workspace, &lock, &settings, listener, shared).await
    })
}

/// Answers until the end; then refuses new work, drains, closes the log and removes the socket.
async fn serve(
    workspace: &Workspace,
    lock: &Lock,
    settings: &Settings,
    listener: UnixListener,
    shared: Arc<Shared>,
) -> Result<(), Fault> {
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let accepting = tokio::spawn(accept(listener, Arc::clone(&connections), Arc::clone(&shared)));
    let in_place = until_the_end(workspace, lock, settings.daemon.idle_exit, &shared).await;

    let drained = timeout(DRAIN_WAIT, async {
        while shared.in_flight.load(Ordering::Relaxed) > 0 || connections.available_permits() < CONNECTIONS_MAX {
            sleep(Duration::from_millis(2)).await;
        }
    });
    if drained.await.is_err() {
        shared.journal.line("stopping: some clients did not read their answers in time");
    }
    // It may have been deleted since: what removes a folder begins with the socket.
    let in_place = in_place && lock.is_in_place(workspace);
    match in_place {
        true => shared.engine.clone().close().await,
        false => shared.engine.clone().abandon().await,
    }
    let failed = shared.engine.failed();
    if in_place && lock.is_in_place(workspace) {
        let _ = socket::remove(&workspace.folder());
        let _ = std::fs::remove_file(workspace.file(PID_FILE));
    }
    accepting.abort();
    // Those who came meanwhile read that the daemon is stopping.
    let _ = timeout(Duration::from_millis(200), connections.acquire_many(CONNECTIONS_MAX as u32)).await;
    shared.journal.line(failed.as_ref().map_or("stopped", |fault| &fault.message));
    failed.map_or(Ok(()), Err)
}

/// Waits for a reason to stop. Says whether the workspace's folder is still this daemon's.
async fn until_the_end(workspace: &Workspace, lock: &Lock, idle_exit: Duration, shared: &Shared) -> bool {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        shared.stop("signals cannot be received");
        return true;
    };
    let mut stopping = shared.stopping.subscribe();
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut seen, mut busy_at) = (u64::MAX, Instant::now());
    loop {
        select! {
            _ = stopping.wait_for(|stopping| *stopping) => return true,
            _ = terminate.recv() => shared.stop("SIGTERM"),
            _ = interrupt.recv() => shared.stop("SIGINT"),
            _ = look.tick() => {
                if let Some(fault) = shared.engine.failed() {
                    shared.stop(&format!("the engine takes no more work: {}", fault.message));
                    return true;
                }
                if !lock.is_in_place(workspace) {
                    shared.stop("its folder was deleted");
                    return false;
                }
                if !socket::is_in_place(&workspace.folder()) {
                    // Nobody can reach it any more; the next command starts another.
                    shared.stop("its socket was removed");
                    return true;
                }
                let requests = shared.requests.load(Ordering::Relaxed);
                let at_work = shared.in_flight.load(Ordering::Relaxed) > 0 || shared.engine.next_due().is_some();
                if at_work || requests != seen {
                    (seen, busy_at) = (requests, Instant::now());
                } else if busy_at.elapsed() >= idle_exit {
                    shared.stop("nothing to do");
                }
            }
        }
    }
}

async fn accept(listener: UnixListener, connections: Arc<Semaphore>, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => match Arc::clone(&connections).try_acquire_owned() {
                Ok(permit) => {
                    tokio::spawn(connection(stream, permit, Arc::clone(&shared)));
                }
                Err(_) => turn_away(stream),
            },
            // Out of descriptors, most likely: those who have one will give it back.
            Err(error) => {
                shared.journal.line(&format!("a connection was not accepted: {error}"));
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(stream: UnixStream, permit: OwnedSemaphorePermit, shared: Arc<Shared>) {
    let mut stopping = shared.stopping.subscribe();
    let visits = Arc::new(Visits::default());
    let service = service_fn(|request| {
        let (shared, visits) = (Arc::clone(&shared), Arc::clone(&visits));
        async move {
            visits.begun.fetch_add(1, Ordering::Relaxed);
            let answer = answer(shared, request).await;
            Ok::<_, std::convert::Infallible>(answer.map(|body| Answering { body, visits }))
        }
    });
    let served = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = pin!(served);
    // A connection's own errors (a client that went away, nonsense instead of HTTP) concern nobody else.
    let ended = select! {
        biased;
        ended = served.as_mut() => Some(ended),
        _ = stopping.wait_for(|stopping| *stopping) => None,
        () = visits.silence() => None,
    };
    if ended.is_none() {
        served.as_mut().graceful_shutdown();
        let _ = timeout(DRAIN_WAIT, served).await;
    }
    drop(permit);
}

/// The body of an answer, which may be a stream without end. Its request is answered when it is dropped.
struct Answering {
    body: Body,
    visits: Arc<Visits>,
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.visits.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// How many requests of one connection began and were answered.
#[derive(Default)]
struct Visits {
    begun: AtomicU64,
    ended: AtomicU64,
}

impl Visits {
    /// Waits until none begins for a while, and none is being answered.
    async fn silence(&self) {
        let mut seen = u64::MAX;
        loop {
            let begun = self.begun.load(Ordering::Relaxed);
            if begun == seen && begun == self.ended.load(Ordering::Relaxed) {
                return;
            }
            seen = begun;
            sleep(SILENCE_MAX).await;
        }
    }
}

/// Says that there are too many connections, as far as that can be said without waiting.
fn turn_away(stream: UnixStream) {
    let body = envelope::failure(&Fault::new("daemon_busy", format!("the daemon has {CONNECTIONS_MAX} connections")));
    let mut bytes = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(&body);
    let _ = stream.try_write(&bytes);
}

/// As many descriptors as this user may have: each connection is one.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
