//! What the daemon answers: one function per address, one envelope around every answer.
//!
//! | | |
//! | --- | --- |
//! | `POST /v1/command` | a request of `convoke_core::command` |
//! | `POST /v1/receive?timeout_ms=N` | the same, waiting until there is something to take |
//! | `POST /v1/ask` | a question of `convoke::api` |
//! | `POST /v1/wait` | conditions, one of which is waited for |
//! | `POST /v1/commands?as=NAME` | requests as NDJSON, answers as NDJSON, in order, at the same time |
//! | `GET /v1/follow?from=N` | the events from position N on, as NDJSON, without end |
//! | `GET /v1/export` | the whole log as NDJSON |
//! | `GET /v1/daemon`, `POST /v1/daemon/stop` | the daemon itself |

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use convoke::{
    Engine,
    api::{Ask, Fault, Reply, WaitAsk},
};
use convoke_core::{codes::Exit, command::Request, log::Head, name::ActorName, time::Span};
use convoke_projections::View;
use hyper::{
    Method, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue, SERVER},
};
use serde::{Deserialize, Serialize};
use tokio::{
    select,
    sync::{
        mpsc::{self, error::TrySendError},
        watch,
    },
    time::timeout,
};

use super::{
    VERSION,
    bulk::{Source, bulk, by_name, in_words},
    http::{Body, Incomplete, collect, next_chunk},
    journal::Journal,
};
use crate::envelope;

/// Bytes of one request; more than any command within its own limits needs.
pub(crate) const COMMAND_BYTES_MAX: usize = 256 * 1024;
/// How long a body may take to arrive.
const BODY_WAIT: Duration = Duration::from_secs(30);
/// The longest wait of one call.
const WAIT_MAX: Span = Span::from_ms_capped(7 * 24 * 60 * 60 * 1000);
/// Pieces of a streamed answer that wait for the client.
const PIECES: usize = 16;

/// What the daemon says about itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DaemonInfo {
    /// The process.
    pub(crate) pid: u32,
    /// Of which version it is.
    pub(crate) version: String,
    /// For how long it has been running.
    pub(crate) uptime_ms: u64,
    /// How many requests it has been given.
    pub(crate) requests: u64,
}

/// The answer to a request to stop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StopReply {
    /// The process that is stopping.
    pub(crate) pid: u32,
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) journal: Journal,
    /// Turns true once, when the daemon begins to stop.
    pub(crate) stopping: watch::Sender<bool>,
    pub(crate) started: Instant,
    pub(crate) requests: AtomicU64,
    pub(crate) in_flight: AtomicUsize,
}

impl Shared {
    /// Begins the orderly end.
    pub(crate) fn stop(&self, why: &str) {
        if !self.stopping.send_replace(true) {
            self.journal.line(&format!("stopping: {why}"));
        }
    }
}

/// One request that is being answered; the end waits for it.
struct Visit<'a>(&'a Shared);

impl<'a> Visit<'a> {
    fn begin(shared: &'a Shared) -> Self {
        shared.requests.fetch_add(1, Ordering::Relaxed);
        shared.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(shared)
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Answers one request. Every answer, also the one to nonsense, is an envelope.
pub(crate) async fn answer(shared: Arc<Shared>, request: hyper::Request<Incoming>) -> Response<Body> {
    let _visit = Visit::begin(&shared);
    let (head, mut body) = request.into_parts();
    let path = head.uri.path();
    let query = head.uri.query().unwrap_or("");
    if *shared.stopping.borrow() && path != "/v1/daemon" {
        return failed(&daemon_stopping());
    }
    let answered = match (&head.method, path) {
        (&Method::POST, "/v1/command") => command(&shared, &mut body).await,
        (&Method::POST, "/v1/receive") => receive(&shared, query, &mut body).await,
        (&Method::POST, "/v1/ask") => ask(&shared, &mut body).await,
        (&Method::POST, "/v1/wait") => wait(&shared, &mut body).await,
        (&Method::POST, "/v1/commands") => commands(&shared, query, body),
        (&Method::GET, "/v1/follow") => follow(&shared, query),
        (&Method::GET, "/v1/export") => Ok(export(&shared)),
        (&Method::GET, "/v1/daemon") => Ok(done(&about(&shared), Some(shared.engine.head()))),
        (&Method::POST, "/v1/daemon/stop") => {
            shared.stop("asked to");
            Ok(done(&StopReply { pid: std::process::id() }, None))
        }
        (
            _,
            "/v1/command" | "/v1/receive" | "/v1/ask" | "/v1/wait" | "/v1/commands" | "/v1/follow" | "/v1/export"
            | "/v1/daemon" | "/v1/daemon/stop",
        ) => Err(Fault::new("bad_request", format!("{path} is not asked with {}", head.method))),
        _ => Err(Fault::new("not_found", format!("there is no address {path:?}"))),
    };
    answered.unwrap_or_else(|fault| {
        if matches!(fault.code.as_str(), "internal" | "io" | "outcome_unknown") {
            shared.journal.line(&format!("{}: {}", fault.code, fault.message));
        }
        if fault.code == "outcome_unknown" {
            shared.stop("the log takes no more writes; the next daemon opens it anew");
        }
        failed(&fault)
    })
}

/// The daemon is about to end; the same request to the next one will do.
pub(crate) fn daemon_stopping() -> Fault {
    Fault::new("daemon_stopping", "the daemon is stopping")
}

fn about(shared: &Shared) -> DaemonInfo {
    DaemonInfo {
        pid: std::process::id(),
        version: VERSION.to_owned(),
        uptime_ms: u64::try_from(shared.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        requests: shared.requests.load(Ordering::Relaxed),
    }
}

async fn command(shared: &Shared, body: &mut Incoming) -> Result<Response<Body>, Fault> {
    let request: Request = read(body).await?;
    let answer = shared.engine.command(request).await?;
    Ok(done(&answer, Some(answer.head)))
}

async fn receive(shared: &Shared, query: &str, body: &mut Incoming) -> Result<Response<Body>, Fault> {
    let request: Request = read(body).await?;
    let timeout = match parameter(query, "timeout_ms")? {
        Some(text) => span(text)?,
        None => Span::ZERO,
    };
    let answer = unless_stopping(shared, shared.engine.receive(request, timeout)).await?;
    Ok(done(&answer, Some(answer.head)))
}

async fn ask(shared: &Shared, body: &mut Incoming) -> Result<Response<Body>, Fault> {
    let ask: Ask = read(body).await?;
    let is_now = ask.as_of.is_none();
    let (mut reply, head) = shared.engine.ask(ask).await?;
    // The one figure that does not follow from the log: known only here, and only of the present.
    if let (Reply::State(View::QueueMetrics(metrics)), true) = (&mut reply, is_now) {
        metrics.duplicates_answered = Some(shared.engine.duplicates_answered());
    }
    Ok(done(&reply, Some(head)))
}

async fn wait(shared: &Shared, body: &mut Incoming) -> Result<Response<Body>, Fault> {
    let mut ask: WaitAsk = read(body).await?;
    ask.timeout_ms = ask.timeout_ms.min(WAIT_MAX);
    let (waited, head) = unless_stopping(shared, shared.engine.wait(ask)).await?;
    Ok(done(&waited, Some(head)))
}

fn commands(shared: &Arc<Shared>, query: &str, body: Incoming) -> Result<Response<Body>, Fault> {
    let actor = match parameter(query, "as")? {
        Some(text) => Some(ActorName::parse(text).map_err(|error| Fault::new("bad_name", error.to_string()))?),
        None => None,
    };
    let (pieces, answers) = Body::stream(PIECES);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let _visit = Visit::begin(&shared);
        let source = Arriving { body, stopping: shared.stopping.subscribe(), ended: false };
        bulk(&shared.engine, actor.as_ref(), source, pieces.clone()).await;
        if *shared.stopping.borrow() {
            let _ = pieces.send(line(&envelope::failure(&daemon_stopping()))).await;
        }
    });
    Ok(stream(answers))
}

/// A body as it arrives. A broken connection or the daemon's end ends it: what came whole is carried out.
struct Arriving {
    body: Incoming,
    stopping: watch::Receiver<bool>,
    ended: bool,
}

impl Source for Arriving {
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        let piece = select! {
            biased;
            _ = self.stopping.wait_for(|stopping| *stopping) => None,
            piece = next_chunk(&mut self.body) => piece.ok().flatten(),
        };
        self.ended = piece.is_none();
        piece
    }
}

fn follow(shared: &Arc<Shared>, query: &str) -> Result<Response<Body>, Fault> {
    let from = match parameter(query, "from")? {
        Some(text) => number(text)?,
        None => shared.engine.head().size,
    };
    let (pieces, answers) = Body::stream(PIECES);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let mut events = shared.engine.follow(from);
        loop {
            let event = select! {
                () = pieces.closed() => return,
                event = unless_stopping(&shared, events.next()) => event,
            };
            let (bytes, last) = match event {
                Ok(event) => (serde_json::to_vec(&event).unwrap_or_default(), false),
                Err(fault) => (envelope::failure(&fault), true),
            };
            if pieces.send(line(&bytes)).await.is_err() || last {
                return;
            }
        }
    });
    Ok(stream(answers))
}

fn export(shared: &Arc<Shared>) -> Response<Body> {
    let (pieces, answers) = Body::stream(PIECES);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let _visit = Visit::begin(&shared);
        let out = io::BufWriter::with_capacity(64 * 1024, Pieces(pieces.clone()));
        if let Err(fault) = shared.engine.export(out).await {
            shared.journal.line(&format!("export: {}", fault.message));
            let _ = pieces.send(line(&envelope::failure(&fault))).await;
        }
    });
    stream(answers)
}

/// Writes into a streamed answer, from a thread that may block: the engine exports on one of its own.
struct Pieces(mpsc::Sender<Bytes>);

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut piece = Bytes::copy_from_slice(bytes);
        loop {
            piece = match self.0.try_send(piece) {
                Ok(()) => return Ok(bytes.len()),
                Err(TrySendError::Closed(_)) => return Err(io::ErrorKind::BrokenPipe.into()),
                // The client reads slowly. tokio's own blocking send is not for a thread that drives a future.
                Err(TrySendError::Full(piece)) => {
                    std::thread::sleep(Duration::from_millis(1));
                    piece
                }
            };
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The result of a wait that ends early when the daemon does.
async fn unless_stopping<T>(shared: &Shared, wait: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let mut stopping = shared.stopping.subscribe();
    select! {
        biased;
        done = wait => done,
        _ = stopping.wait_for(|stopping| *stopping) => Err(daemon_stopping()),
    }
}

async fn read<T: for<'de> Deserialize<'de>>(body: &mut Incoming) -> Result<T, Fault> {
    let bytes = match timeout(BODY_WAIT, collect(body, COMMAND_BYTES_MAX)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(Incomplete::TooLong)) => {
            let what = format!("the request has more than {COMMAND_BYTES_MAX} bytes, which is the limit");
            return Err(Fault::new("over_limit", what));
        }
        Ok(Err(Incomplete::Broken(error))) => {
            return Err(Fault::new("bad_request", format!("the request's body broke off: {error}")));
        }
        Err(_) => {
            let what = format!("the request's body did not arrive within {} s", BODY_WAIT.as_secs());
            return Err(Fault::new("bad_request", what));
        }
    };
    by_name(&bytes)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Fault::new("bad_request", format!("the request's JSON: {}", in_words(&error.to_string()))))
}

/// A parameter after the `?`. Their values are names and numbers, which need no decoding.
fn parameter<'q>(query: &'q str, name: &str) -> Result<Option<&'q str>, Fault> {
    let mut found = None;
    for part in query.split('&').filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some((given, value)) if given == name => found = Some(value),
            _ => return Err(Fault::new("bad_request", format!("there is no parameter {part:?} here"))),
        }
    }
    Ok(found)
}

fn number(text: &str) -> Result<u64, Fault> {
    text.parse().map_err(|_| Fault::new("bad_request", format!("{text:?} is not a whole number")))
}

fn span(text: &str) -> Result<Span, Fault> {
    Ok(Span::from_ms_capped(number(text)?.min(WAIT_MAX.ms())))
}

fn line(bytes: &[u8]) -> Bytes {
    [bytes, b"\n"].concat().into()
}

fn done<T: Serialize>(data: &T, head: Option<Head>) -> Response<Body> {
    response(StatusCode::OK, "application/json", Body::whole(envelope::success(data, head)))
}

fn stream(body: Body) -> Response<Body> {
    response(StatusCode::OK, "application/x-ndjson", body)
}

/// The answer to a request that failed.
pub(crate) fn failed(fault: &Fault) -> Response<Body> {
    let status = match fault.exit() {
        Exit::Ok => StatusCode::OK,
        Exit::Usage => StatusCode::BAD_REQUEST,
        Exit::NotPermitted => StatusCode::FORBIDDEN,
        Exit::NotFound => StatusCode::NOT_FOUND,
        Exit::Refused | Exit::Fenced | Exit::WaitRanOut | Exit::NothingThere => StatusCode::CONFLICT,
        Exit::TryAgain => StatusCode::SERVICE_UNAVAILABLE,
        Exit::Failure | Exit::Integrity => StatusCode::INTERNAL_SERVER_ERROR,
    };
    response(status, "application/json", Body::whole(envelope::failure(fault)))
}

fn response(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(SERVER, HeaderValue::from_static(concat!("convoke/", env!("CARGO_PKG_VERSION"))));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_the_expected_ones_or_refused() {
        assert_eq!(parameter("", "from").unwrap(), None);
        assert_eq!(parameter("from=3", "from").unwrap(), Some("3"));
        for query in ["form=3", "from", "from=3&to=4"] {
            assert_eq!(parameter(query, "from").unwrap_err().code, "bad_request", "{query}");
        }
        assert_eq!(number("-1").unwrap_err().code, "bad_request");
    }
}
