//! How fast the views fold, and how much they keep: a million events, at the end ten thousand live messages.
//!
//! `cargo run --release -p convoke-projections --example fold_speed`

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use convoke_core::{
    actors::events::{ActorKind, ActorRegistered, WorkspaceCreated},
    event::{Event, Recorded},
    id::{EventId, IdReference, LogId, MessageId, uuid_v7},
    log::{Hash, Head},
    mailbox::events::{MessageAcked, MessageSent, MessageTaken},
    name::{ActorName, Word},
    priority::Priority,
    time::{Span, Timestamp},
};
use convoke_projections::{
    FOLD_NAME, FOLD_VERSION, Query, Views,
    query::{InboxQuery, StatusQuery},
    snapshot::Envelope,
};

const EVENTS: u64 = 1_000_000;
const LIVE: u64 = 10_000;
const ACTORS: u64 = 20;
const BATCH: usize = 10_000;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let base = resident_kb();
    let mut views = Views::default();
    let (mut decoding, mut folding) = (Duration::ZERO, Duration::ZERO);
    let mut maker = Maker::new()?;
    let mut made: u64 = 0;
    let mut slowest = Duration::ZERO;
    while made < EVENTS {
        let batch: Vec<(Recorded, Vec<u8>)> = (0..BATCH).map(|_| maker.next()).collect::<Outcome<_>>()?;
        let start = Instant::now();
        for (recorded, payload) in &batch {
            black_box(Event::decode(recorded.event.kind(), recorded.event.schema(), payload)?);
        }
        decoding += start.elapsed();
        let start = Instant::now();
        for (recorded, _) in &batch {
            views.apply(recorded);
        }
        let took = start.elapsed();
        folding += took;
        slowest = slowest.max(took);
        made += BATCH as u64;
    }
    let kept = resident_kb().saturating_sub(base);
    println!("payload from JSON:   {:>7.0} ns an event", per_event(decoding));
    println!("apply:               {:>7.0} ns an event", per_event(folding));
    println!("slowest {BATCH}:       {:>7.0} ns an event", slowest.as_nanos() as f64 / BATCH as f64);
    println!("kept at {EVENTS}:     {:>7.1} MB resident", kept as f64 / 1024.0);

    let start = Instant::now();
    let mut body = Vec::new();
    views.save(&mut body)?;
    println!("save:                {:>7.1} ms, {:.1} MB", ms(start), body.len() as f64 / 1048576.0);
    let head = Head { size: views.size(), root: Hash::ZERO };
    let log_id = LogId::from_bytes([1; 16]);
    let start = Instant::now();
    let bytes = Envelope { fold: FOLD_NAME, fold_version: FOLD_VERSION, log_id, head, body: &body }.encode();
    println!("envelope, encode:    {:>7.1} ms", ms(start));
    let start = Instant::now();
    let envelope = Envelope::decode(&bytes).ok_or("the envelope holds")?;
    println!("envelope, decode:    {:>7.1} ms", ms(start));
    let start = Instant::now();
    let loaded = Views::load(envelope.body).ok_or("what was saved is loaded")?;
    println!("load:                {:>7.1} ms", ms(start));
    assert!(loaded == views, "what was saved is what is loaded");

    let start = Instant::now();
    for position in (0..EVENTS).step_by(1000) {
        let found = views.positions(&IdReference::Full(id(position).to_bytes()));
        assert!(found.contains(&position), "position {position}");
    }
    println!("positions:           {:>7.1} us a search", ms(start));
    let now = views.last_event_at().unwrap_or_default();
    for (name, query) in [
        ("status", Query::Status(StatusQuery::default())),
        ("inbox", Query::Inbox(InboxQuery { mailbox: ActorName::parse("agent-1")?, limit: None })),
    ] {
        let start = Instant::now();
        black_box(views.answer(&query, now)?);
        println!("{name:6}:             {:>7.2} ms", ms(start));
    }
    Ok(())
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}

fn per_event(total: Duration) -> f64 {
    total.as_nanos() as f64 / EVENTS as f64
}

/// Sends, takes and acknowledgements in turn; the first messages are never taken.
struct Maker {
    position: u64,
    names: Vec<ActorName>,
    task: Word,
    last: Option<(MessageId, usize)>,
}

impl Maker {
    fn new() -> Outcome<Self> {
        let names = (0..ACTORS).map(|n| ActorName::parse(&format!("agent-{n}"))).collect::<Result<_, _>>()?;
        Ok(Self { position: 0, names, task: Word::parse("task")?, last: None })
    }

    fn next(&mut self) -> Outcome<(Recorded, Vec<u8>)> {
        let position = self.position;
        self.position += 1;
        let time = Timestamp::from_us(1_765_845_503_000_000 + position as i64 * 1000)?;
        let from = position as usize % self.names.len();
        let to = (position as usize / 3) % self.names.len();
        let event: Event = match (position, self.last.take()) {
            (0, _) => WorkspaceCreated { organizer: self.names[0].clone() }.into(),
            (1..ACTORS, _) => {
                ActorRegistered { name: self.names[position as usize].clone(), kind: ActorKind::Agent }.into()
            }
            (_, None) => {
                if position > LIVE + ACTORS {
                    self.last = Some((id(position).into(), to));
                }
                MessageSent {
                    from: self.names[from].clone(),
                    to: vec![self.names[to].clone()],
                    kind: self.task.clone(),
                    priority: Priority::Normal,
                    subject: Some("a line".into()),
                    body: "x".repeat(200),
                    data: None,
                    in_reply_to: None,
                    thread: None,
                    references: Vec::new(),
                    redrive_of: None,
                }
                .into()
            }
            (_, Some((message, to))) if (EventId::from(message)) == id(position - 1) => {
                self.last = Some((message, to));
                let (mailbox, holder) = (self.names[to].clone(), self.names[to].clone());
                let until = time.plus(Span::from_ms_capped(1_800_000));
                MessageTaken { message, mailbox, holder, fence: 1, until }.into()
            }
            (_, Some((message, to))) => MessageAcked { message, mailbox: self.names[to].clone(), fence: 1 }.into(),
        };
        let mut payload = Vec::new();
        event.encode(&mut payload);
        let (id, actor) = (id(position), self.names[from].clone());
        let recorded =
            Recorded { position, id, time, actor, correlation: id, causation: None, idempotency: None, event };
        Ok((recorded, payload))
    }
}

fn id(position: u64) -> EventId {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&(position + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    EventId::from_bytes(uuid_v7(1_765_845_503_000 + position, random))
}

/// Resident memory in KiB, where the system tells.
fn resident_kb() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).map_or(0, |pages: u64| pages * 4)
}
