//! Headers with every flag and limit, frames, and the bytes that are neither.

use convoke_core::{
    id::{EventId, LogId, uuid_v7},
    log::{EventRef, Hash, Header, Idempotency, Kind, leaf_hash, payload_hash},
    name::{ActorName, Key},
    time::Timestamp,
};
use serde_json::{Map, Value, json};

use super::{class, hex};

pub(super) fn chapters() -> Map<String, Value> {
    let mut chapters = Map::new();
    chapters
        .insert("headers".to_owned(), good_headers().into_iter().map(|(name, header)| vector(name, &header)).collect());
    chapters.insert("headers_refused".to_owned(), refused_headers());
    chapters.insert("frames".to_owned(), frames());
    chapters.insert("frames_refused".to_owned(), refused_frames());
    chapters
}

/// The smallest header: nothing optional, one letter each.
pub(super) fn plain() -> Header {
    Header {
        log_id: LogId::from_bytes(std::array::from_fn(|i| 0x10 + i as u8)),
        position: 0,
        event_id: event_id(1),
        time: Timestamp::default(),
        actor: ActorName::parse("a").expect("a name"),
        kind: Kind::parse("k").expect("a kind"),
        schema: 1,
        correlation: event_id(1),
        causation: None,
        idempotency: None,
        payload_hash: Hash([0xaa; 32]),
    }
}

pub(super) fn event_id(n: u8) -> EventId {
    EventId::from_bytes(uuid_v7(1_765_845_503_000 + u64::from(n), [n; 10]))
}

pub(super) fn encode(header: &Header) -> Vec<u8> {
    let mut bytes = Vec::new();
    header.encode(&mut bytes);
    bytes
}

fn good_headers() -> Vec<(&'static str, Header)> {
    let key = |text: &str| Some(Idempotency { key: Key::parse(text).expect("a key"), fingerprint: Hash([0xbb; 32]) });
    let plain = plain();
    let longest = Header {
        log_id: LogId::from_bytes([0xff; 16]),
        position: u64::MAX,
        event_id: EventId::from_bytes([0xff; 16]),
        time: Timestamp::MAX,
        actor: ActorName::parse(&"z".repeat(64)).expect("a name"),
        kind: Kind::parse(&"_".repeat(48)).expect("a kind"),
        schema: u16::MAX,
        correlation: EventId::from_bytes([0xff; 16]),
        causation: Some(EventId::from_bytes([0xff; 16])),
        idempotency: key(&"~".repeat(64)),
        payload_hash: Hash([0xff; 32]),
    };
    vec![
        ("the shortest", plain.clone()),
        ("with causation", Header { causation: Some(event_id(2)), ..plain.clone() }),
        ("with an idempotency key", Header { idempotency: key("!"), ..plain.clone() }),
        (
            "with causation and an idempotency key",
            Header { causation: Some(event_id(2)), idempotency: key("!"), ..plain.clone() },
        ),
        ("the longest", longest),
        (
            "ids of zero bytes",
            Header {
                event_id: EventId::from_bytes([0; 16]),
                correlation: EventId::from_bytes([0; 16]),
                ..plain.clone()
            },
        ),
        (
            "every kind of character",
            Header {
                actor: ActorName::parse("09az._-").expect("a name"),
                kind: Kind::parse("._09az").expect("a kind"),
                idempotency: key("!\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~"),
                ..plain.clone()
            },
        ),
        (
            "an ordinary one",
            Header {
                position: 4711,
                event_id: event_id(9),
                time: Timestamp::from_us(1_765_845_503_123_456).expect("a time"),
                actor: ActorName::parse("agent-7").expect("a name"),
                kind: Kind::parse("countdown.confirmed").expect("a kind"),
                correlation: event_id(8),
                causation: Some(event_id(8)),
                ..plain
            },
        ),
    ]
}

fn vector(name: &str, header: &Header) -> Value {
    let encoding = encode(header);
    json!({
        "name": name,
        "log_id": header.log_id, "position": header.position, "event_id": header.event_id, "time_us": header.time.us(),
        "correlation": header.correlation, "causation": header.causation,
        "actor": header.actor, "kind": header.kind.as_str(), "schema": header.schema,
        "key": header.idempotency.as_ref().map(|i| i.key.as_str()),
        "fingerprint": header.idempotency.as_ref().map(|i| i.fingerprint),
        "payload_hash": header.payload_hash,
        "encoding": hex(&encoding), "leaf": leaf_hash(&encoding),
    })
}

/// Where the fields of a plain header are.
const TIME: usize = 40;
const FLAGS: usize = 64;
const ACTOR: usize = 65;
const KIND: usize = 67;
const SCHEMA: usize = 69;
const KEY: usize = 71;

fn refused_headers() -> Value {
    let plain = encode(&plain());
    let keyed = encode(&good_headers()[2].1);
    let with = |base: &[u8], at: std::ops::Range<usize>, put: &[u8]| [&base[..at.start], put, &base[at.end..]].concat();
    let long = |n: u8| [&[n][..], &vec![b'a'; n.into()]].concat();
    let mut cases: Vec<(String, Vec<u8>)> = [
        ("nothing", Vec::new()),
        ("a byte after the end", with(&plain, 134 - 31..134 - 31, &[0])),
        ("a time before 1970", with(&plain, TIME..TIME + 8, &(-1_i64).to_be_bytes())),
        ("a time after 9999", with(&plain, TIME..TIME + 8, &(Timestamp::MAX.us() + 1).to_be_bytes())),
        ("the lowest time", with(&plain, TIME..TIME + 8, &i64::MIN.to_be_bytes())),
        ("an actor of no letters", with(&plain, ACTOR..ACTOR + 2, &[0])),
        ("an actor of 65 letters", with(&plain, ACTOR..ACTOR + 2, &long(65))),
        ("an actor of 255 letters", with(&plain, ACTOR..ACTOR + 2, &long(255))),
        ("an actor in upper case", with(&plain, ACTOR..ACTOR + 2, b"\x01A")),
        ("an actor that starts with a dot", with(&plain, ACTOR..ACTOR + 2, b"\x02.a")),
        ("an actor that starts with a dash", with(&plain, ACTOR..ACTOR + 2, b"\x02-a")),
        ("an actor that starts with a line", with(&plain, ACTOR..ACTOR + 2, b"\x02_a")),
        ("an actor with a space", with(&plain, ACTOR..ACTOR + 2, b"\x03a a")),
        ("an actor with a newline", with(&plain, ACTOR..ACTOR + 2, b"\x02a\n")),
        ("an actor outside ASCII", with(&plain, ACTOR..ACTOR + 2, "\x02ä".as_bytes())),
        ("an actor that is not UTF-8", with(&plain, ACTOR..ACTOR + 2, b"\x01\xff")),
        ("a kind of no letters", with(&plain, KIND..KIND + 2, &[0])),
        ("a kind of 49 letters", with(&plain, KIND..KIND + 2, &long(49))),
        ("a kind in upper case", with(&plain, KIND..KIND + 2, b"\x01K")),
        ("a kind with a dash", with(&plain, KIND..KIND + 2, b"\x03a-b")),
        ("a kind with a newline", with(&plain, KIND..KIND + 2, b"\x02k\n")),
        ("a kind that is not UTF-8", with(&plain, KIND..KIND + 2, b"\x01\xff")),
        ("a schema of zero", with(&plain, SCHEMA..SCHEMA + 2, &[0, 0])),
        ("a key of no characters", with(&keyed, KEY..KEY + 2, &[0])),
        ("a key of 65 characters", with(&keyed, KEY..KEY + 2, &long(65))),
        ("a key with a space", with(&keyed, KEY..KEY + 2, b"\x01 ")),
        ("a key with a delete", with(&keyed, KEY..KEY + 2, b"\x01\x7f")),
        ("a key with a newline", with(&keyed, KEY..KEY + 2, b"\x02k\n")),
        ("a key outside ASCII", with(&keyed, KEY..KEY + 2, "\x02ä".as_bytes())),
        ("a key that its flag does not announce", with(&keyed, FLAGS..FLAGS + 1, &[0])),
        ("a key that is announced and missing", with(&plain, FLAGS..FLAGS + 1, &[2])),
        ("a causation that is announced and missing", with(&plain, FLAGS..FLAGS + 1, &[1])),
    ]
    .into_iter()
    .map(|(name, bytes)| (name.to_owned(), bytes))
    .collect();
    for bit in 2..8 {
        cases.push((format!("flag bit {bit}"), with(&plain, FLAGS..FLAGS + 1, &[1 << bit])));
    }
    for (base, name) in [(&plain, "plain"), (&keyed, "keyed")] {
        for cut in [8, 20, 30, 44, 60, 64, 65, 66, 68, 70, 72, 80, base.len() - 1] {
            cases.push((format!("{name}, cut at {cut}"), base[..cut].to_vec()));
        }
    }
    cases
        .into_iter()
        .map(|(name, bytes)| {
            let reason = class(&Header::decode(&bytes).expect_err(&name));
            json!({"name": name, "encoding": hex(&bytes), "reason": reason})
        })
        .collect()
}

const SALT: [u8; 16] = [0x5a; 16];

/// A header that is made for this payload, and the salted payload.
fn event(payload: &str) -> (Vec<u8>, Vec<u8>) {
    let salted = [&SALT[..], &(payload.len() as u32).to_be_bytes(), payload.as_bytes()].concat();
    (encode(&Header { payload_hash: payload_hash(&salted), ..plain() }), salted)
}

fn frames() -> Value {
    let mut vectors = Vec::new();
    for payload in ["", "{}", "{\"text\":\"\\u0000 \\\" ä 漢 🙂\"}", "line one\nline two\r\n\t\u{1}\u{7f}\u{2028}"]
    {
        let (header, salted) = event(payload);
        for erased in [false, true] {
            let mut frame = Vec::new();
            let salted_payload = (!erased).then_some(salted.as_slice());
            EventRef { header: &header, salted_payload }.put(&mut frame).expect("a frame");
            vectors.push(json!({
                "header": hex(&header), "salt": (!erased).then(|| hex(&SALT)), "payload": (!erased).then_some(payload),
                "frame": hex(&frame),
            }));
        }
    }
    vectors.into()
}

fn refused_frames() -> Value {
    let (header, salted) = event("{}");
    let mut frame = Vec::new();
    EventRef { header: &header, salted_payload: Some(&salted) }.put(&mut frame).expect("a frame");
    let presence = 2 + header.len();
    let changed = |at: usize, to: u8| {
        let mut other = frame.clone();
        other[at] = to;
        other
    };
    let cases = [
        ("nothing", Vec::new()),
        ("half a header length", frame[..1].to_vec()),
        ("cut in the header", frame[..50].to_vec()),
        ("cut before the presence byte", frame[..presence].to_vec()),
        ("cut in the salt", frame[..presence + 10].to_vec()),
        ("cut in the payload's length", frame[..presence + 19].to_vec()),
        ("cut in the payload", frame[..frame.len() - 1].to_vec()),
        ("presence 2", changed(presence, 2)),
        ("presence 255", changed(presence, 255)),
        ("a payload length of 4 GiB", changed(presence + 17, 255)),
        ("a payload length one too large", changed(presence + 20, 3)),
    ];
    cases
        .into_iter()
        .map(|(name, bytes)| {
            let reason = class(&EventRef::take(&mut bytes.as_slice()).expect_err(name));
            json!({"name": name, "frame": hex(&bytes), "reason": reason})
        })
        .collect()
}
