//! Events to store, for tests and the conformance suite: well formed, of a given size, and the same from run to run.

use convoke_core::{
    id::{EventId, LogId, uuid_v7},
    log::{Commit, CommitBuilder, FIRST_KIND, Hash, Header, Kind},
    name::ActorName,
    time::Timestamp,
};

/// The log that all samples belong to.
#[must_use]
pub fn log_id() -> LogId {
    LogId::from_bytes([0xc0; 16])
}

/// A commit of `events` events from position `first`, each with a payload of `payload_bytes` bytes.
#[must_use]
pub fn commit(first: u64, events: usize, payload_bytes: usize) -> Commit {
    commit_of(log_id(), first, events, payload_bytes)
}

/// A commit of another log.
///
/// # Panics
/// Never: its names are well formed.
#[must_use]
pub fn commit_of(log_id: LogId, first: u64, events: usize, payload_bytes: usize) -> Commit {
    let mut builder = CommitBuilder::new(first);
    for position in first..first + events as u64 {
        let (header, salt) = event(log_id, position);
        builder.push(header, salt, &payload(position, payload_bytes));
    }
    builder.finish()
}

fn event(log_id: LogId, position: u64) -> (Header, [u8; 16]) {
    let id = EventId::from_bytes(uuid_v7(1_700_000_000_000 + position, scatter(position)));
    let header = Header {
        log_id,
        position,
        event_id: id,
        time: Timestamp::from_us(1_700_000_000_000_000 + position as i64).unwrap_or_default(),
        actor: ActorName::parse("agent-1").expect("a well-formed name"),
        kind: Kind::known(if position == 0 { FIRST_KIND } else { "message.sent" }),
        schema: 1,
        correlation: id,
        causation: None,
        idempotency: None,
        payload_hash: Hash::ZERO,
    };
    let mut salt = [0; 16];
    salt[..10].copy_from_slice(&scatter(!position));
    (header, salt)
}

/// JSON text of exactly this many bytes (at least 2 are needed for JSON).
fn payload(position: u64, bytes: usize) -> Vec<u8> {
    let mut text = format!("\"{position} ").into_bytes();
    text.truncate(bytes.saturating_sub(1));
    let mut word = position;
    while text.len() + 1 < bytes {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push(b'a' + (word >> 59) as u8 % 26);
    }
    if bytes > 0 {
        text.push(b'"');
    }
    text
}

fn scatter(position: u64) -> [u8; 10] {
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&position.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes
}
