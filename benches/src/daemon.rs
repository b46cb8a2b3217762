//! The daemon over its socket: many clients beside Redis, the bulk stream beside a plain file, questions, memory.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use convoke_core::log::Commit;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

use crate::{
    Outcome,
    clients::{Http, Load, Xadd, load},
    figures::{Figures, Target, median},
    machine,
    plain::PlainFile,
    program::{Program, Server},
    workload::{self, Sends, agent, send},
    workspaces::runtime,
};

const CLIENTS: u64 = 64;
const TURNS: u64 = 7;
const TURN_TIME: Duration = Duration::from_secs(2);
/// How often the memory is looked at while the log is audited, and how long that goes on in all: 45 s.
const AUDIT_LOOK: Duration = Duration::from_millis(50);
const AUDIT_LOOKS: u32 = 900;

pub(crate) fn run(figures: &mut Figures) -> Outcome<()> {
    single_requests(figures)?;
    bulk(figures)?;
    at_a_million(figures)
}

/// The JSON of a request that sends a message.
fn send_json(number: u64) -> String {
    let request = || send(number, agent(number as usize)?, agent(3 * number as usize + 1)?);
    request().ok().and_then(|request| serde_json::to_string(&request).ok()).unwrap_or_default()
}

/// One request a message, many clients, beside Redis.
fn single_requests(figures: &mut Figures) -> Outcome<()> {
    let program = Program::new()?;
    program.start()?;
    let http = Http { address: "/v1/command", body: send_json };
    let redis_folder = machine::scratch()?;
    let Some((_server, redis)) = redis(redis_folder.path()) else {
        let turn = load(&program.socket(), CLIENTS, TURN_TIME, 0, &http)?;
        figures.skip(format!(
            "redis-server is not installed, so that there is nothing to compare {CLIENTS} clients with; Convoke took {:.0} requests/s.",
            turn.rate()
        ));
        return Ok(());
    };
    let xadd = Xadd { value: "x".repeat(workload::BODY_BYTES) };
    let (mut convoke_rates, mut redis_rates, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (mut convoke_us, mut redis_us) = (Vec::new(), Vec::new());
    let (echo_socket, mut echo_rates) = (redis_folder.path().join("echo.sock"), Vec::new());
    let _echo = Server::echo(&echo_socket)?;
    let (daemon, mut processor) = (program.daemon()?, String::new());
    for turn in 0..TURNS {
        let before = machine::processor_s(&daemon);
        let ours: Load = load(&program.socket(), CLIENTS, TURN_TIME, turn << 24, &http)?;
        processor = machine::processor_us(&daemon, &before, ours.requests);
        let theirs = load(&redis, CLIENTS, TURN_TIME, turn << 24, &xadd)?;
        ratios.push(ours.rate() / theirs.rate());
        convoke_rates.push(ours.rate());
        redis_rates.push(theirs.rate());
        echo_rates.push(load(&echo_socket, CLIENTS, TURN_TIME, turn << 24, &http)?.rate());
        convoke_us.push(median(&ours.latencies_us));
        redis_us.push(median(&theirs.latencies_us));
    }
    let from = format!(
        "{:.1} k requests/s (p50 {:.1} ms) beside {:.1} k (p50 {:.1} ms) of Redis; a request takes the daemon {processor}; a server that answers each of the same requests with fixed bytes and does nothing else: {:.1} k",
        median(&convoke_rates) / 1e3,
        median(&convoke_us) / 1e3,
        median(&redis_rates) / 1e3,
        median(&redis_us) / 1e3,
        median(&echo_rates) / 1e3
    );
    let what = "One request a message, 64 clients, 300 bytes, durable, beside Redis `appendfsync always` with `XADD`";
    figures.add(what, median(&ratios), "×", Target::AtLeast(4.0), from);
    figures.keep(
        "single requests",
        json!({
            "convoke_per_s": convoke_rates, "redis_per_s": redis_rates, "ratios": ratios,
            "convoke_p50_us": convoke_us, "redis_p50_us": redis_us, "echo_per_s": echo_rates,
        }),
    );
    Ok(())
}

/// Only our side, for a profile.
pub(crate) fn clients() -> Outcome<()> {
    let program = Program::new()?;
    program.start()?;
    let http = Http { address: "/v1/command", body: send_json };
    let daemon = program.daemon()?;
    for turn in 0..5 {
        let before = machine::processor_s(&daemon);
        let turn = load(&program.socket(), CLIENTS, TURN_TIME, turn << 24, &http)?;
        let processor = machine::processor_us(&daemon, &before, turn.requests);
        eprintln!("{:.0} requests/s, p50 {:.0} us, {processor} a request", turn.rate(), median(&turn.latencies_us));
    }
    Ok(())
}

/// A Redis of our own that syncs each write, and its socket.
fn redis(folder: &Path) -> Option<(Server, PathBuf)> {
    let socket = folder.join("redis.sock");
    let path = socket.to_str()?;
    let arguments =
        ["--port", "0", "--unixsocket", path, "--appendonly", "yes", "--appendfsync", "always", "--save", ""];
    let server = Server::start("redis-server", &arguments, folder)?;
    for _ in 0..500 {
        if std::os::unix::net::UnixStream::connect(&socket).is_ok() {
            return Some((server, socket));
        }
        thread::sleep(Duration::from_millis(10));
    }
    None
}

/// Messages of one turn of the bulk stream.
const STREAMED: u64 = 100_000;

/// The bulk stream, beside a plain file that gets the same events in the same batches.
pub(crate) fn bulk(figures: &mut Figures) -> Outcome<()> {
    let program = Program::new()?;
    program.start()?;
    let folder = machine::scratch()?;
    let mut file = PlainFile::create(&folder.path().join("plain"))?;
    let mut sends = Sends::new()?;
    sends.beginning()?;
    let runtime = runtime()?;
    let (mut convoke_rates, mut plain_rates, mut ratios, mut batches) = (vec![], vec![], vec![], vec![]);
    let (daemon, mut processor) = (program.daemon()?, String::new());
    for turn in 0..TURNS {
        let body: Vec<u8> =
            (0..STREAMED).flat_map(|number| (send_json(turn << 24 | number) + "\n").into_bytes()).collect();
        let before = machine::processor_s(&daemon);
        let began = Instant::now();
        let heads = runtime.block_on(stream(&program.socket(), body))?;
        let convoke_rate = STREAMED as f64 / began.elapsed().as_secs_f64();
        processor = machine::processor_us(&daemon, &before, STREAMED);
        let sizes = batch_sizes(&heads);
        let commits: Vec<Commit> = sizes.iter().map(|size| sends.batch(*size)).collect::<Outcome<_>>()?;
        let events: usize = commits.iter().map(Commit::len).sum();
        let began = Instant::now();
        for commit in &commits {
            file.append(commit.frames())?;
        }
        let plain_rate = events as f64 / began.elapsed().as_secs_f64();
        batches.push(events as f64 / commits.len() as f64);
        ratios.push(convoke_rate / plain_rate);
        convoke_rates.push(convoke_rate);
        plain_rates.push(plain_rate);
    }
    let from = format!(
        "{:.0} k messages/s beside {:.0} k of the file, batches of {:.0}; a message takes the daemon {processor}",
        median(&convoke_rates) / 1e3,
        median(&plain_rates) / 1e3,
        median(&batches)
    );
    let what = "The bulk stream through the daemon, beside a plain file with `fdatasync` at the same batch sizes";
    figures.add(what, median(&ratios), "×", Target::AtLeast(0.3), from);
    let raw = json!({ "convoke_per_s": convoke_rates, "plain_per_s": plain_rates, "ratios": ratios, "batch": batches });
    figures.keep("bulk", raw);
    Ok(())
}

/// How many events each commit of the stream held. The first and the last may be shared with nobody, so they count too.
fn batch_sizes(heads: &BTreeSet<u64>) -> Vec<usize> {
    let mut sizes = Vec::new();
    for (before, after) in heads.iter().zip(heads.iter().skip(1)) {
        sizes.push((after - before) as usize);
    }
    sizes
}

/// Streams NDJSON through one connection and reads the answers meanwhile. Gives the heads that they rest on.
async fn stream(socket: &Path, body: Vec<u8>) -> Outcome<BTreeSet<u64>> {
    let (read, mut write) = UnixStream::connect(socket).await?.into_split();
    let writing = tokio::spawn(async move {
        let length = body.len();
        write
            .write_all(
                format!("POST /v1/commands HTTP/1.1\r\nhost: convoke\r\ncontent-length: {length}\r\n\r\n").as_bytes(),
            )
            .await?;
        write.write_all(&body).await?;
        Ok::<_, std::io::Error>(write)
    });
    let mut read = BufReader::with_capacity(64 * 1024, read);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        read.read_line(&mut line).await?;
    }
    let mut heads = BTreeSet::new();
    let (mut answers, mut piece, mut rest) = (0, Vec::new(), Vec::new());
    loop {
        line.clear();
        read.read_line(&mut line).await?;
        let length = usize::from_str_radix(line.trim(), 16)?;
        piece.resize(length + 2, 0);
        read.read_exact(&mut piece).await?;
        if length == 0 {
            break;
        }
        rest.extend_from_slice(&piece[..length]);
        let mut begin = 0;
        while let Some(end) = rest[begin..].iter().position(|byte| *byte == b'\n') {
            heads.insert(head_of(&rest[begin..begin + end])?);
            answers += 1;
            begin += end + 1;
        }
        rest.drain(..begin);
    }
    drop(writing.await??);
    if answers == STREAMED { Ok(heads) } else { Err(format!("{answers} answers to {STREAMED} requests").into()) }
}

/// The head's size in an envelope. Cut out, because reading JSON would cost more than the daemon's work.
fn head_of(envelope: &[u8]) -> Outcome<u64> {
    let text = std::str::from_utf8(envelope)?;
    let size = text.starts_with("{\"v\":1,\"ok\":true").then(|| text.rsplit_once("\"size\":")).flatten();
    let digits = size.and_then(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next());
    Ok(digits.ok_or_else(|| format!("the daemon answered {text}"))?.parse()?)
}

/// The daemon and the program with a million events.
fn at_a_million(figures: &mut Figures) -> Outcome<()> {
    let program = Program::with_events(1_000_000, 250)?;
    program.start()?;
    questions(figures, &program)?;
    memory(figures, &program)?;
    processes(figures, &program)
}

/// `show` and `prove` of events all over the log.
fn questions(figures: &mut Figures, program: &Program) -> Outcome<()> {
    for (what, question) in [
        (
            "`show` at 1 million events, in the daemon",
            (|position| json!({ "show": position.to_string() })) as fn(u64) -> Value,
        ),
        ("`prove` at 1 million events, in the daemon", |position| json!({ "prove": position })),
    ] {
        let body = move |number: u64| json!({ "question": question(number * 7_919 % 1_000_000) }).to_string();
        let http = Http { address: "/v1/ask", body };
        let turn = load(&program.socket(), 1, Duration::from_millis(1500), 1, &http)?;
        let mut sorted = turn.latencies_us.clone();
        sorted.sort_by(f64::total_cmp);
        let p99 = sorted.get(sorted.len() * 99 / 100).copied().unwrap_or(f64::NAN) / 1e3;
        let value = median(&sorted) / 1e3;
        figures.add(what, value, "ms", Target::AtMost(10.0), format!("p99 {p99:.2} ms of {}", sorted.len()));
    }
    Ok(())
}

/// Only the daemon's memory, for a look at what takes it.
pub(crate) fn memory_alone() -> Outcome<()> {
    let program = Program::with_events(1_000_000, 250)?;
    program.start()?;
    questions(&mut Figures::default(), &program)?;
    memory(&mut Figures::default(), &program)
}

fn memory(figures: &mut Figures, program: &Program) -> Outcome<()> {
    let daemon = program.daemon()?;
    let resident = || machine::resident_bytes(&daemon) as f64 / 1e6;
    let after_questions = resident();
    // In idle time the daemon folds the log from zero, to compare with its snapshot; it begins after 20 s.
    let mut in_audit = after_questions;
    for _ in 0..AUDIT_LOOKS {
        thread::sleep(AUDIT_LOOK);
        in_audit = in_audit.max(resident());
    }
    let http = Http { address: "/v1/command", body: |number| send_json(1 << 40 | number) };
    let busy = load(&program.socket(), CLIENTS, TURN_TIME, 0, &http)?;
    let after_load = resident();
    let from = format!(
        "resident: {after_questions:.0} MB after questions, at most {in_audit:.0} MB in the audit in idle time; beyond what is asked, {after_load:.0} MB with {:.0} k more live messages",
        busy.requests as f64 / 1e3
    );
    let what = "The daemon's memory with 1 million events and 10,000 live messages";
    figures.add(what, after_questions.max(in_audit), "MB", Target::AtMost(150.0), from);
    figures.keep(
        "memory, MB",
        json!({
            "after_questions": after_questions, "in_audit": in_audit, "after_load": after_load,
            "sent": busy.requests,
        }),
    );
    Ok(())
}

/// Whole processes: from the start to the exit of the program.
fn processes(figures: &mut Figures, program: &Program) -> Outcome<()> {
    let text = "x".repeat(workload::BODY_BYTES);
    let commands: [(&str, Vec<&str>); 2] = [
        ("convoke send", vec!["send", "agent-02", &text, "--as", "agent-01"]),
        ("convoke inbox", vec!["inbox", "agent-02"]),
    ];
    for (with, most, times, more) in
        [("daemon running", 6.0, 101, None), ("without a daemon", 250.0, 15, Some("--no-daemon"))]
    {
        if more.is_some() {
            program.run(&["daemon", "stop"])?;
        }
        let mut took = [Vec::new(), Vec::new()];
        for _ in 0..times {
            for ((_, arguments), took) in commands.iter().zip(&mut took) {
                let arguments: Vec<&str> = arguments.iter().copied().chain(more).collect();
                took.push(program.run(&arguments)?);
            }
        }
        for ((name, _), took) in commands.iter().zip(took) {
            let what = format!("`{name}` as a whole process, {with}, 1 million events");
            let from = format!("the median of {}", took.len());
            figures.add(&what, median(&took), "ms", Target::AtMost(most), from);
            figures.keep(&what, took);
        }
    }
    Ok(())
}
