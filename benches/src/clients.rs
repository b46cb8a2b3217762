//! Clients on a Unix socket that send one request, wait for its answer, and send the next. Redis and Convoke get the same.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    task::JoinSet,
};

use crate::{Outcome, workspaces::runtime};

/// How a protocol's requests look, and where its answers end.
pub(crate) trait Protocol: Clone + Send + 'static {
    /// The request with this number.
    fn request(&self, number: u64) -> Vec<u8>;
    /// The length of the answer that the bytes begin with, once it is there whole; an error if it is not a success.
    fn answer(&self, bytes: &[u8]) -> Result<Option<usize>, String>;
}

/// What a load came to.
pub(crate) struct Load {
    pub(crate) requests: u64,
    pub(crate) took: Duration,
    /// Of each request.
    pub(crate) latencies_us: Vec<f64>,
}

impl Load {
    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        self.requests as f64 / self.took.as_secs_f64()
    }
}

/// Lets many clients send for a while.
pub(crate) fn load(socket: &Path, clients: u64, time: Duration, first: u64, protocol: &impl Protocol) -> Outcome<Load> {
    runtime()?.block_on(async {
        let mut streams = Vec::new();
        for _ in 0..clients {
            streams.push(UnixStream::connect(socket).await?);
        }
        let began = Instant::now();
        let mut tasks = JoinSet::new();
        for (client, stream) in (0..).zip(streams) {
            let numbers = (first + client..).step_by(clients as usize);
            tasks.spawn(one_client(stream, began + time, numbers, protocol.clone()));
        }
        let mut latencies_us = Vec::new();
        while let Some(done) = tasks.join_next().await {
            latencies_us.extend(done??);
        }
        Ok(Load { requests: latencies_us.len() as u64, took: began.elapsed(), latencies_us })
    })
}

/// Lets many clients send one request each at the same time. Gives how long each waited, in microseconds.
pub(crate) fn at_once(socket: &Path, clients: u64, first: u64, protocol: &impl Protocol) -> Outcome<Vec<f64>> {
    runtime()?.block_on(async {
        let mut streams = Vec::new();
        for _ in 0..clients {
            streams.push(UnixStream::connect(socket).await?);
        }
        let until = Instant::now() + Duration::from_secs(600);
        let mut tasks = JoinSet::new();
        for (client, stream) in (first..).zip(streams) {
            tasks.spawn(one_client(stream, until, client..client + 1, protocol.clone()));
        }
        let mut latencies_us = Vec::new();
        while let Some(done) = tasks.join_next().await {
            latencies_us.extend(done??);
        }
        Ok(latencies_us)
    })
}

async fn one_client(
    mut stream: UnixStream,
    until: Instant,
    numbers: impl Iterator<Item = u64>,
    protocol: impl Protocol,
) -> Result<Vec<f64>, String> {
    let mut buffer = vec![0; 64 * 1024];
    let mut latencies = Vec::new();
    for number in numbers {
        let began = Instant::now();
        if began >= until {
            break;
        }
        stream.write_all(&protocol.request(number)).await.map_err(|error| error.to_string())?;
        let mut filled = 0;
        loop {
            let read = stream.read(&mut buffer[filled..]).await.map_err(|error| error.to_string())?;
            filled += read;
            if read == 0 {
                return Err("the server closed the connection".to_owned());
            }
            match protocol.answer(&buffer[..filled])? {
                Some(length) if length == filled => break,
                Some(_) => return Err("the server answered what was not asked".to_owned()),
                None => {}
            }
        }
        latencies.push(began.elapsed().as_secs_f64() * 1e6);
    }
    Ok(latencies)
}

/// Answers each request with the same bytes, as many as a small answer of the daemon has: what is left of two cores for any server
/// once the clients have taken theirs.
pub(crate) fn echo(socket: &Path) -> Outcome<()> {
    let body = "x".repeat(400);
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let answer: &'static str = answer.leak();
    runtime()?.block_on(async {
        let listener = tokio::net::UnixListener::bind(socket)?;
        loop {
            let (mut stream, _) = listener.accept().await?;
            tokio::spawn(async move {
                let mut buffer = vec![0; 64 * 1024];
                // A client sends its next request after the answer, and each comes whole.
                while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        break;
                    }
                }
            });
        }
    })
}

/// Redis' protocol: one `XADD` a request.
#[derive(Clone)]
pub(crate) struct Xadd {
    pub(crate) value: String,
}

impl Protocol for Xadd {
    fn request(&self, number: u64) -> Vec<u8> {
        let words = ["XADD", &format!("stream-{}", number % 10), "*", "m", &self.value];
        let mut bytes = format!("*{}\r\n", words.len());
        for word in words {
            bytes += &format!("${}\r\n{word}\r\n", word.len());
        }
        bytes.into_bytes()
    }

    fn answer(&self, bytes: &[u8]) -> Result<Option<usize>, String> {
        if bytes.first().is_some_and(|kind| *kind != b'$') {
            return Err(format!("Redis answered {}", String::from_utf8_lossy(bytes)));
        }
        let Some(line_end) = find(bytes, b"\r\n") else { return Ok(None) };
        let length: usize = text(&bytes[1..line_end]).parse().map_err(|_| "Redis answered without a length")?;
        let end = line_end + 2 + length + 2;
        Ok((bytes.len() >= end).then_some(end))
    }
}

/// A request of HTTP/1.1 on a kept connection, with a JSON body that the number goes into.
#[derive(Clone)]
pub(crate) struct Http<B> {
    pub(crate) address: &'static str,
    pub(crate) body: B,
}

impl<B: Fn(u64) -> String + Clone + Send + 'static> Protocol for Http<B> {
    fn request(&self, number: u64) -> Vec<u8> {
        let body = (self.body)(number);
        let (address, length) = (self.address, body.len());
        format!("POST {address} HTTP/1.1\r\nhost: convoke\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
    }

    fn answer(&self, bytes: &[u8]) -> Result<Option<usize>, String> {
        let Some(head_end) = find(bytes, b"\r\n\r\n") else { return Ok(None) };
        let head = text(&bytes[..head_end]);
        if !head.starts_with("HTTP/1.1 200 ") {
            return Err(format!("the daemon answered {}", text(bytes)));
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|length| length.parse().ok()).ok_or("an answer has no length")?;
        let end = head_end + 4 + length;
        Ok((bytes.len() >= end).then_some(end))
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}
