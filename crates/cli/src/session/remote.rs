//! The daemon, over its socket.
//!
//! A request that meets the end of a daemon is given again, to the next one: mutations carry a key that makes this safe, and
//! questions change nothing.

use std::{
    cell::Cell,
    io::{Read, Write},
    time::Duration,
};

use bytes::Bytes;
use convoke::api::{Answer, Ask, EventView, Fault, Question, Reply, WaitAsk, Waited};
use convoke_core::{
    command::Request,
    log::{Checkpoint, Head},
    name::ActorName,
    time::Span,
};
use hyper::{
    Method,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    header::HOST,
};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::{
    net::UnixStream,
    runtime::Runtime,
    time::{Instant, timeout},
};

use super::{LineReader, pieces_of, runtime};
use crate::{
    daemon::{Body, DaemonInfo, Patience, StopReply, connect, connect_if_running, next_chunk},
    disk, envelope,
    workspace::Workspace,
};

/// How long an answer may take that waits for nothing but the daemon.
const ANSWER_WAIT: Duration = Duration::from_secs(30);
/// How often it is looked, while events are waited for, whether somebody still reads them.
const IDLE_EVERY: Duration = Duration::from_secs(1);
/// How long the daemon may take to say that it is there, before anything is asked of it.
const PROBE_WAIT: Duration = Duration::from_secs(5);

/// A connection that is made when first needed, and anew when lost.
pub(crate) struct Remote {
    workspace: Workspace,
    runtime: Runtime,
    connection: Option<SendRequest<Body>>,
    /// The process at the other end.
    peer: Option<u32>,
    /// Something was asked that was not answered: it may have been done.
    in_doubt: bool,
}

/// Why an attempt brought no answer.
enum Attempt {
    /// The connection was lost, or the daemon is ending: the same request may go to the next one.
    Lost(Fault),
    /// That is the answer.
    Final(Fault),
}

impl From<Fault> for Attempt {
    fn from(fault: Fault) -> Self {
        match fault.code.as_str() {
            // After a failed write the daemon ends; the next one finds out what became of the command.
            "daemon_stopping" | "daemon_busy" | "outcome_unknown" => Self::Lost(fault),
            _ => Self::Final(fault),
        }
    }
}

impl From<hyper::Error> for Attempt {
    fn from(error: hyper::Error) -> Self {
        Self::lost(&format!("the connection to the daemon was lost: {error}"))
    }
}

impl Attempt {
    fn lost(why: &str) -> Self {
        Self::Lost(Fault::new("daemon_unreachable", why))
    }
}

impl Remote {
    pub(super) fn new(workspace: &Workspace) -> Result<Self, Fault> {
        Ok(Self { workspace: workspace.clone(), runtime: runtime()?, connection: None, peer: None, in_doubt: false })
    }

    pub(super) fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    pub(super) fn command(&mut self, request: &Request) -> Result<Answer, Fault> {
        self.in_doubt = false;
        let called = self.call(|| (Method::POST, "/v1/command".to_owned(), json(request), Some(ANSWER_WAIT)));
        let (answer, head): (Answer, _) = called.map_err(|fault| self.doubtful(fault, request))?;
        Ok(Answer { head, ..answer })
    }

    pub(super) fn receive(&mut self, request: &Request, timeout: Span) -> Result<Answer, Fault> {
        let rest = Rest::of(timeout);
        self.in_doubt = false;
        let called = self.call(|| {
            let path = format!("/v1/receive?timeout_ms={}", rest.next().ms());
            (Method::POST, path, json(request), Some(rest.duration() + ANSWER_WAIT))
        });
        let (answer, head): (Answer, _) =
            called.map_err(|fault| self.doubtful(rest.ran_out(fault, timeout), request))?;
        Ok(Answer { head, ..answer })
    }

    pub(super) fn ask(&mut self, ask: &Ask) -> Result<(Reply, Head), Fault> {
        // These two read the whole log.
        let whole = matches!(ask.question, Question::Verify(_) | Question::Replay) || ask.as_of.is_some();
        let limit = Some(ANSWER_WAIT).filter(|_| !whole);
        self.call(|| (Method::POST, "/v1/ask".to_owned(), json(ask), limit))
    }

    pub(super) fn wait(&mut self, ask: &WaitAsk) -> Result<(Waited, Head), Fault> {
        let rest = Rest::of(ask.timeout_ms);
        let called = self.call(|| {
            let ask = WaitAsk { timeout_ms: rest.next(), ..ask.clone() };
            (Method::POST, "/v1/wait".to_owned(), json(&ask), Some(rest.duration() + ANSWER_WAIT))
        });
        called.map_err(|fault| rest.ran_out(fault, ask.timeout_ms))
    }

    pub(super) fn follow<E: From<Fault>>(
        &mut self,
        from: u64,
        idle: impl Fn() -> Result<(), E>,
        mut reader: impl FnMut(EventView) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut from = from;
        let mut patience = Patience::new();
        loop {
            match self.follow_once(&mut from, &mut patience, &idle, &mut reader)? {
                Attempt::Final(fault) => return Err(fault.into()),
                Attempt::Lost(why) => {
                    self.connection = None;
                    if !patience.pause() {
                        return Err(lost(&why.message).into());
                    }
                }
            }
        }
    }

    fn follow_once<E: From<Fault>>(
        &mut self,
        from: &mut u64,
        patience: &mut Patience,
        idle: &impl Fn() -> Result<(), E>,
        reader: &mut impl FnMut(EventView) -> Result<(), E>,
    ) -> Result<Attempt, E> {
        let stream = self.stream(*patience, Method::GET, &format!("/v1/follow?from={from}"), Body::empty());
        let mut body = match stream {
            Ok(body) => body,
            Err(attempt) => return Ok(attempt),
        };
        let mut lines = LineReader::default();
        loop {
            let chunk = self.runtime.block_on(async { timeout(IDLE_EVERY, next_chunk(&mut body)).await });
            let piece = match chunk {
                Ok(Ok(Some(piece))) => piece,
                Ok(Ok(None)) => return Ok(Attempt::lost("the stream ended")),
                Ok(Err(error)) => return Ok(error.into()),
                Err(_) => {
                    idle()?;
                    continue;
                }
            };
            let mut ended = None;
            lines.add(&piece, |line| {
                if ended.is_some() {
                    return Ok(());
                }
                match serde_json::from_slice::<EventView>(line) {
                    Ok(event) => {
                        *from = event.position + 1;
                        *patience = Patience::new();
                        reader(event)?;
                    }
                    Err(_) => ended = Some(refused(line).into()),
                }
                Ok::<_, E>(())
            })?;
            if let Some(ended) = ended {
                return Ok(ended);
            }
        }
    }

    pub(super) fn export(&mut self, mut out: impl Write) -> Result<Checkpoint, Fault> {
        /// The line that only a whole export ends with.
        #[derive(Deserialize)]
        struct Last {
            checkpoint: Checkpoint,
        }
        let broke_off = |why: String| Fault::new("daemon_unreachable", format!("the export broke off: {why}"));
        let mut body =
            self.patiently(|remote, patience| remote.stream(patience, Method::GET, "/v1/export", Body::empty()))?;
        let mut lines = LineReader::default();
        let mut last = Vec::new();
        while let Some(piece) =
            self.runtime.block_on(next_chunk(&mut body)).map_err(|error| broke_off(error.to_string()))?
        {
            lines.add(&piece, |line| {
                if line.starts_with(b"{\"v\":") {
                    return Err(refused(line));
                }
                last.clear();
                last.extend_from_slice(line);
                out.write_all(line).and_then(|()| out.write_all(b"\n")).map_err(|error| cannot_write(&error))
            })?;
        }
        out.flush().map_err(|error| cannot_write(&error))?;
        let Last { checkpoint } =
            serde_json::from_slice(&last).map_err(|_| broke_off("it has no checkpoint at its end".to_owned()))?;
        Ok(checkpoint)
    }

    pub(super) fn bulk<E: From<Fault>>(
        &mut self,
        actor: Option<&ActorName>,
        requests: impl Read + Send + 'static,
        mut reader: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let path = actor.map_or_else(|| "/v1/commands".to_owned(), |actor| format!("/v1/commands?as={actor}"));
        // Connected before anything is read, so that the stream is given once and whole.
        self.reach()?;
        let body = Body::Stream(pieces_of(requests));
        let broke = |why: String| -> E {
            let what = format!("{why}; what was answered until then is durable, what was not may be or not");
            Fault::new("outcome_unknown", what).into()
        };
        let mut body = match self.stream(Patience::new(), Method::POST, &path, body) {
            Ok(body) => body,
            Err(Attempt::Final(fault)) => return Err(fault.into()),
            Err(Attempt::Lost(why)) => return Err(broke(why.message)),
        };
        let mut lines = LineReader::default();
        while let Some(piece) = self
            .runtime
            .block_on(next_chunk(&mut body))
            .map_err(|error| broke(format!("the stream broke off: {error}")))?
        {
            lines.add(&piece, &mut reader)?;
        }
        Ok(())
    }

    /// Connects, starting a daemon if none runs.
    pub(super) fn reach(&mut self) -> Result<(), Fault> {
        self.patiently(|remote, patience| remote.connected(patience))
    }

    /// One request and its answer, to as many daemons as it takes.
    fn call<T: for<'de> Deserialize<'de>>(
        &mut self,
        request: impl Fn() -> (Method, String, Bytes, Option<Duration>),
    ) -> Result<(T, Head), Fault> {
        self.patiently(|remote, patience| {
            let (method, path, body, limit) = request();
            let (data, head) = remote.exchange(patience, method, &path, body, limit)?;
            Ok((data, head.unwrap_or(Head::EMPTY)))
        })
    }

    fn patiently<T>(&mut self, attempt: impl Fn(&mut Self, Patience) -> Result<T, Attempt>) -> Result<T, Fault> {
        let mut patience = Patience::new();
        loop {
            // A wait that was long and good begins its search for the next daemon when it is lost, not when it began.
            let begun = Instant::now();
            match attempt(self, patience) {
                Ok(answer) => return Ok(answer),
                Err(Attempt::Final(fault)) => return Err(fault),
                Err(Attempt::Lost(why)) => {
                    self.connection = None;
                    if begun.elapsed() > Duration::from_secs(1) {
                        patience = Patience::new();
                    }
                    if !patience.pause() {
                        return Err(lost(&why.message));
                    }
                }
            }
        }
    }

    fn exchange<T: for<'de> Deserialize<'de>>(
        &mut self,
        patience: Patience,
        method: Method,
        path: &str,
        body: Bytes,
        limit: Option<Duration>,
    ) -> Result<(T, Option<Head>), Attempt> {
        self.connected(patience)?;
        self.in_doubt = true;
        let whole = self.whole_answer(method, path, body, limit)?;
        let answer = envelope::open(&whole).map_err(Attempt::from);
        // What was turned away was not done.
        self.in_doubt = matches!(&answer, Err(Attempt::Lost(fault)) if fault.code == "outcome_unknown");
        answer
    }

    fn whole_answer(
        &mut self,
        method: Method,
        path: &str,
        body: Bytes,
        limit: Option<Duration>,
    ) -> Result<Vec<u8>, Attempt> {
        let silent = self.silent(limit.unwrap_or(ANSWER_WAIT));
        let Self { runtime, connection, .. } = self;
        let Some(connection) = connection else { return Err(Attempt::lost("not connected")) };
        let exchange = async {
            let mut body = send(connection, method, path, Body::whole(body)).await?;
            let mut whole = Vec::new();
            while let Some(piece) = next_chunk(&mut body).await? {
                whole.extend_from_slice(&piece);
            }
            Ok::<_, hyper::Error>(whole)
        };
        Ok(match limit {
            None => runtime.block_on(exchange)?,
            Some(limit) => {
                runtime.block_on(async { timeout(limit, exchange).await }).map_err(|_| Attempt::Final(silent))??
            }
        })
    }

    /// The daemon says nothing.
    fn silent(&self, waited: Duration) -> Fault {
        let Some(pid) = self.peer else {
            let what = format!("the daemon did not answer within {} s", waited.as_secs());
            return Fault::new("daemon_unreachable", what);
        };
        let what = format!("the daemon (process {pid}) did not answer within {} s", waited.as_secs());
        let hint = format!(
            "It may be stopped (kill -CONT {pid} lets it go on) or overloaded; convoke daemon stop --force ends it, and the \
             next command starts another."
        );
        Fault { hint, ..Fault::new("daemon_unreachable", what) }
    }

    /// The fault of a command; if it may have been done all the same, that is said, and how to find out.
    fn doubtful(&self, fault: Fault, request: &Request) -> Fault {
        if !self.in_doubt {
            return fault;
        }
        let message = format!("{}; whether the command was done is not known", fault.message);
        let hint = match &request.key {
            Some(key) => format!(
                "Repeat it with --idempotency-key {key}: it takes effect once, and the answer says what became of it. {}",
                fault.hint
            ),
            None => fault.hint,
        };
        Fault { hint, ..Fault::new("outcome_unknown", message) }
    }

    /// A request whose answer is a stream.
    fn stream(&mut self, patience: Patience, method: Method, path: &str, body: Body) -> Result<Incoming, Attempt> {
        self.connected(patience)?;
        let Self { runtime, connection, .. } = self;
        let Some(connection) = connection else { return Err(Attempt::lost("not connected")) };
        let answered = runtime.block_on(async {
            let body = send(connection, method, path, body).await?;
            Ok::<_, hyper::Error>(body)
        })?;
        Ok(answered)
    }

    fn connected(&mut self, patience: Patience) -> Result<(), Attempt> {
        if self.connection.as_ref().is_some_and(|connection| !connection.is_closed()) {
            return Ok(());
        }
        let stream = connect(&self.workspace, patience).map_err(Attempt::Final)?;
        self.take_up(stream)?;
        // A daemon that is frozen takes connections, too. It is not given what it would do once it goes on.
        self.whole_answer(Method::GET, "/v1/daemon", Bytes::new(), Some(PROBE_WAIT)).map(drop).map_err(|attempt| {
            self.connection = None;
            match attempt {
                Attempt::Final(fault) => {
                    Attempt::Final(Fault { message: format!("{}; it was given nothing to do", fault.message), ..fault })
                }
                lost => lost,
            }
        })
    }

    fn take_up(&mut self, stream: std::os::unix::net::UnixStream) -> Result<(), Attempt> {
        self.peer = peer(&stream);
        self.connection = Some(shake_hands(&self.runtime, stream)?);
        Ok(())
    }
}

/// What the daemon says about itself; `None` if none runs.
pub(crate) fn daemon_info(workspace: &Workspace) -> Result<Option<(DaemonInfo, Option<Head>)>, Fault> {
    ask_running(workspace, Method::GET, "/v1/daemon")
}

/// The process that listens on the workspace's socket, whether it answers or not; `None` if none does.
pub(crate) fn daemon_process(workspace: &Workspace) -> Result<Option<u32>, Fault> {
    Ok(connect_if_running(workspace)?.and_then(|stream| peer(&stream)))
}

/// Asks the daemon to stop; `None` if none runs.
pub(crate) fn stop_daemon(workspace: &Workspace) -> Result<Option<StopReply>, Fault> {
    Ok(ask_running(workspace, Method::POST, "/v1/daemon/stop")?.map(|(reply, _)| reply))
}

fn ask_running<T: for<'de> Deserialize<'de>>(
    workspace: &Workspace,
    method: Method,
    path: &str,
) -> Result<Option<(T, Option<Head>)>, Fault> {
    let Some(stream) = connect_if_running(workspace)? else { return Ok(None) };
    let mut remote = Remote::new(workspace)?;
    if remote.take_up(stream).is_err() {
        return Ok(None);
    }
    match remote.exchange(Patience::new(), method, path, Bytes::new(), Some(PROBE_WAIT)) {
        Ok(answer) => Ok(Some(answer)),
        Err(Attempt::Lost(_)) => Ok(None),
        Err(Attempt::Final(fault)) => Err(fault),
    }
}

/// The process at the other end: the one that made the socket.
fn peer(stream: &std::os::unix::net::UnixStream) -> Option<u32> {
    let peer = rustix::net::sockopt::socket_peercred(stream).ok()?;
    u32::try_from(peer.pid.as_raw_nonzero().get()).ok()
}

fn shake_hands(runtime: &Runtime, stream: std::os::unix::net::UnixStream) -> Result<SendRequest<Body>, Attempt> {
    let lost = |error: std::io::Error| Attempt::lost(&format!("the connection to the daemon was lost: {error}"));
    runtime.block_on(async {
        let stream = UnixStream::from_std(stream).map_err(lost)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Its errors reach the request that meets them.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    })
}

async fn send(
    connection: &mut SendRequest<Body>,
    method: Method,
    path: &str,
    body: Body,
) -> Result<Incoming, hyper::Error> {
    let mut request = hyper::Request::new(body);
    *request.method_mut() = method;
    if let Ok(uri) = path.parse() {
        *request.uri_mut() = uri;
    }
    request.headers_mut().insert(HOST, hyper::header::HeaderValue::from_static("convoke"));
    connection.ready().await?;
    Ok(connection.send_request(request).await?.into_body())
}

fn json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}

/// A line of a stream that is no item of it: the fault that ended the stream.
fn refused(line: &[u8]) -> Fault {
    match envelope::open::<serde_json::Value>(line) {
        Err(fault) => fault,
        Ok(_) => Fault::new("bad_answer", "the daemon's stream holds a line that is not its own kind"),
    }
}

fn cannot_write(error: &std::io::Error) -> Fault {
    disk::fault("the export cannot be written", error)
}

fn lost(why: &str) -> Fault {
    Fault::new("daemon_unreachable", format!("no daemon answered in time: {why}"))
}

/// What is left of a time limit.
struct Rest {
    until: Instant,
    /// What the last daemon was asked for.
    last: Cell<Span>,
}

impl Rest {
    fn of(limit: Span) -> Self {
        Self { until: Instant::now() + Duration::from_millis(limit.ms()), last: Cell::new(limit) }
    }

    fn duration(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// What the next daemon is asked for.
    fn next(&self) -> Span {
        // Rounded up: a wait is never shorter than it was to be.
        let rest = u64::try_from(self.duration().as_micros().div_ceil(1000)).unwrap_or(u64::MAX);
        self.last.set(Span::from_ms_capped(rest));
        self.last.get()
    }

    /// Says of a wait that ran out how long it was, and not how long the last daemon's part of it was.
    fn ran_out(&self, fault: Fault, asked: Span) -> Fault {
        if fault.code != "wait_timeout" {
            return fault;
        }
        let message = fault.message.replace(&format!("within {}", self.last.get()), &format!("within {asked}"));
        Fault { message, ..fault }
    }
}
