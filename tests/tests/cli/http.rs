//! The daemon's HTTP: every answer is an envelope, and nobody's nonsense or slowness is anybody else's problem.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::place::Place;

fn connect(place: &Place) -> UnixStream {
    let stream = UnixStream::connect(place.project().join(".convoke/daemon.sock")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Sends bytes and reads until the connection ends.
fn exchange(place: &Place, bytes: &[u8]) -> String {
    let mut stream = connect(place);
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn request(place: &Place, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
    let mut bytes =
        format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len())
            .into_bytes();
    bytes.extend_from_slice(body);
    let answer = exchange(place, &bytes);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_else(|_| panic!("{body:?}")))
}

fn started() -> Place {
    let place = Place::with_workspace();
    place.ok("dana", &["daemon", "start"]);
    place
}

#[test]
fn a_command_is_a_request_and_an_envelope() {
    let place = started();
    let command = br#"{"as":"dana","key":"k1","command":{"send_message":{"to":["bob"],"body":"hello"}}}"#;
    let (status, first) = request(&place, "POST", "/v1/command", command);
    assert_eq!((status, &first["ok"]), (200, &Value::Bool(true)), "{first}");
    assert_eq!(first["head"]["size"], place.size());
    let (_, again) = request(&place, "POST", "/v1/command", command);
    assert_eq!(again["data"]["events"], first["data"]["events"]);
    assert_eq!(again["data"]["repeated"], true);
}

#[test]
fn nonsense_gets_an_envelope_and_writes_nothing() {
    let place = started();
    let before = place.size();
    let large = vec![b'x'; 300 * 1024];
    for (method, path, body, status, code) in [
        ("GET", "/", &b""[..], 404, "not_found"),
        ("GET", "/v1/command", b"", 400, "bad_request"),
        ("DELETE", "/v1/daemon", b"", 400, "bad_request"),
        ("POST", "/v1/command", b"", 400, "bad_request"),
        ("POST", "/v1/command", b"{", 400, "bad_request"),
        ("POST", "/v1/command", b"\xff\xfe", 400, "bad_request"),
        ("POST", "/v1/command", br#"{"as":"dana","command":{"fly":{}}}"#, 400, "bad_request"),
        ("POST", "/v1/command", br#"{"as":"a/b","command":{"tick":{}}}"#, 400, "bad_request"),
        ("POST", "/v1/command", br#"{"as":"dana","command":{"tick":{}},"more":1}"#, 400, "bad_request"),
        ("POST", "/v1/command", br#"{"as":"all","command":{"tick":{}}}"#, 409, "reserved_name"),
        ("POST", "/v1/command", &large, 409, "over_limit"),
        (
            "POST",
            "/v1/receive?timeout_ms=soon",
            br#"{"as":"bob","command":{"receive_messages":{}}}"#,
            400,
            "bad_request",
        ),
        ("POST", "/v1/ask", br#"{"question":{"state":{"countdown":{"reference":"x"}}}}"#, 404, "not_found"),
        ("POST", "/v1/wait", br#"{"conditions":[],"timeout_ms":1}"#, 400, "bad_request"),
        ("GET", "/v1/follow?form=3", b"", 400, "bad_request"),
        ("POST", "/v1/commands?as=a%2Fb", b"", 400, "bad_name"),
    ] {
        let (found, envelope) = request(&place, method, path, body);
        let text = String::from_utf8_lossy(&body[..body.len().min(60)]);
        assert_eq!(
            (found, envelope["error"]["code"].as_str()),
            (status, Some(code)),
            "{method} {path} {text}: {envelope}"
        );
        assert_eq!(envelope["v"], 1);
    }
    assert_eq!(place.size(), before);
}

#[test]
fn what_is_no_http_is_turned_away() {
    let place = started();
    let long_head = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(200_000));
    for bytes in [&b"hello\r\n\r\n"[..], b"\x16\x03\x01\x02\x00", b"GET / HTTP/9.9\r\n\r\n", long_head.as_bytes()] {
        let answer = exchange(&place, bytes);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer:?}");
    }
    place.ok("dana", &["send", "bob", "hello"]);
}

#[test]
fn half_clients_block_nobody() {
    let place = started();
    let mut halves = Vec::new();
    for number in 0..200 {
        let mut stream = connect(&place);
        let half: &[u8] = match number % 4 {
            0 => b"",
            1 => b"POST /v1/comm",
            2 => b"POST /v1/command HTTP/1.1\r\ncontent-length: 100\r\n\r\n{\"as\":",
            _ => b"POST /v1/commands HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"as\"\r\n",
        };
        stream.write_all(half).unwrap();
        halves.push(stream);
    }
    let began = Instant::now();
    for _ in 0..20 {
        place.ok("dana", &["send", "bob", "hello"]);
    }
    assert!(began.elapsed() < Duration::from_secs(15));
    // Nor do they keep the daemon from ending.
    place.ok("dana", &["daemon", "stop"]);
}

#[test]
fn the_bulk_stream_answers_in_order_while_requests_still_arrive() {
    let place = started();
    let mut stream = connect(&place);
    stream.write_all(b"POST /v1/commands?as=dana HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
    let mut send = |text: &str| stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).unwrap();
    send("{\"command\":{\"send_message\":{\"to\":[\"bob\"],\"body\":\"1\"}}}\n{\"comm");
    let mut answer = String::new();
    let mut reading = connect_clone(&stream);
    let mut read_until = |count: usize| {
        let mut buffer = [0; 4096];
        while answer.matches("\"v\":1").count() < count {
            let length = reading.read(&mut buffer).unwrap();
            assert!(length > 0, "{answer}");
            answer.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
        answer.clone()
    };
    assert!(read_until(1).contains("\"ok\":true"));
    let mut send = |text: &str| stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).unwrap();
    send("and\":{\"tick\":{}}}\nnonsense\n{\"as\":\"erin\",\"command\":{\"tick\":{}}}");
    stream.write_all(b"0\r\n\r\n").unwrap();
    let all = read_until(4);
    let lines: Vec<Value> =
        all.lines().filter_map(|line| serde_json::from_str(line).ok()).filter(Value::is_object).collect();
    let outcomes: Vec<_> = lines.iter().map(|line| line["error"]["code"].as_str().unwrap_or("done")).collect();
    assert_eq!(outcomes, ["done", "done", "bad_request", "done"]);
}

fn connect_clone(stream: &UnixStream) -> UnixStream {
    stream.try_clone().unwrap()
}
