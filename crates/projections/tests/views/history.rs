//! A log in the making: events with rising positions and times, and ids that count.

use std::collections::BTreeSet;

use convoke_core::{
    actors::events::{ActorKind, ActorRegistered, WorkspaceCreated},
    campaign::events::{CampaignCreated, CampaignLinked, CampaignStarted, FailurePolicy},
    countdown::events::{CountdownScheduled, Plan, ReleasePolicy},
    event::{Event, Recorded},
    id::{CampaignId, CountdownId, EventId, MessageId, uuid_v7},
    mailbox::events::{MessageSent, MessageTaken},
    name::{ActorName, Name, Word},
    priority::Priority,
    refusal::Refusal,
    time::{Span, Timestamp},
};
use convoke_projections::{Query, View, Views};

pub(crate) const MINUTE: Span = Span::from_ms_capped(60_000);

pub(crate) fn actor(name: &str) -> ActorName {
    ActorName::parse(name).unwrap()
}

pub(crate) fn word(text: &str) -> Word {
    Word::parse(text).unwrap()
}

/// Minutes after the log's beginning.
pub(crate) fn minute(minutes: u64) -> Timestamp {
    let beginning = Timestamp::parse("2026-11-21T12:00:00Z").unwrap();
    beginning.plus(Span::from_ms_capped(minutes * 60_000))
}

/// The id of the event at a position: always the same, and like a real one in that its end is random.
pub(crate) fn counting_id(count: u64) -> EventId {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&(count + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    EventId::from_bytes(uuid_v7(1_765_845_503_000 + count, random))
}

/// Events so far, and the fold of them.
#[derive(Default)]
pub(crate) struct History {
    pub(crate) events: Vec<Recorded>,
    pub(crate) views: Views,
    minutes: u64,
}

impl History {
    /// A workspace of Ann, with agents Bob and Cid.
    pub(crate) fn new() -> Self {
        let mut history = Self::default();
        history.append("ann", WorkspaceCreated { organizer: actor("ann") });
        for name in ["bob", "cid"] {
            history.append(name, ActorRegistered { name: actor(name), kind: ActorKind::Agent });
        }
        history
    }

    pub(crate) fn now(&self) -> Timestamp {
        minute(self.minutes)
    }

    pub(crate) fn pass(&mut self, minutes: u64) {
        self.minutes += minutes;
    }

    pub(crate) fn append(&mut self, by: &str, event: impl Into<Event>) -> EventId {
        let position = self.events.len() as u64;
        let id = counting_id(position);
        let event = Recorded {
            position,
            id,
            time: self.now(),
            actor: actor(by),
            correlation: id,
            causation: None,
            idempotency: None,
            event: event.into(),
        };
        self.views.apply(&event);
        self.events.push(event);
        id
    }

    /// Ann schedules a countdown that Bob and Cid attend; T-0 in ten minutes, or held by its campaign.
    pub(crate) fn schedule(&mut self, name: &str, campaign: Option<CampaignId>) -> CountdownId {
        let fire_at = self.now().plus(Span::from_ms_capped(10 * 60_000));
        let scheduled = CountdownScheduled {
            name: Name::parse(name).unwrap(),
            kind: word("review"),
            organizer: actor("ann"),
            plan: Plan::At(fire_at),
            lead_ms: Span::ZERO,
            attendees: BTreeSet::from([actor("bob"), actor("cid")]),
            quorum: 2,
            policy: ReleasePolicy::OnQuorum,
            slip_max_ms: Span::from_ms_capped(3_600_000),
            hold_max_ms: Span::from_ms_capped(3_600_000),
            payload: Some(serde_json::json!({"for": name})),
            campaign,
            fire_at: campaign.is_none().then_some(fire_at),
        };
        self.append("ann", scheduled).into()
    }

    pub(crate) fn campaign(&mut self, name: &str) -> CampaignId {
        let created = CampaignCreated {
            name: Name::parse(name).unwrap(),
            organizer: actor("ann"),
            policy: FailurePolicy::Block,
            notice_ms: MINUTE,
        };
        self.append("ann", created).into()
    }

    pub(crate) fn link(&mut self, campaign: CampaignId, before: CountdownId, after: CountdownId) {
        self.append("ann", CampaignLinked { campaign, before, after });
    }

    pub(crate) fn start(&mut self, campaign: CampaignId) {
        self.append("ann", CampaignStarted { campaign });
    }

    pub(crate) fn send(&mut self, from: &str, to: &[&str], body: &str) -> MessageId {
        self.append(from, message(from, to, body)).into()
    }

    pub(crate) fn reply(&mut self, from: &str, to: &str, body: &str, of: MessageId, thread: MessageId) -> MessageId {
        let reply = MessageSent { in_reply_to: Some(of), thread: Some(thread), ..message(from, &[to], body) };
        self.append(from, reply).into()
    }

    pub(crate) fn take(&mut self, message: MessageId, who: &str, fence: u32, lease: Span) {
        let until = self.now().plus(lease);
        self.append(who, MessageTaken { message, mailbox: actor(who), holder: actor(who), fence, until });
    }

    /// The whole answer, with all that must be read from the log.
    pub(crate) fn ask(&self, query: &Query) -> Result<View, Refusal> {
        ask(&self.views, &self.events, query, self.now())
    }
}

pub(crate) fn message(from: &str, to: &[&str], body: &str) -> MessageSent {
    MessageSent {
        from: actor(from),
        to: to.iter().map(|name| actor(name)).collect(),
        kind: word("task"),
        priority: Priority::Normal,
        subject: Some(format!("about {body}")),
        body: body.to_owned(),
        data: None,
        in_reply_to: None,
        thread: None,
        references: Vec::new(),
        redrive_of: None,
    }
}

pub(crate) fn ask(views: &Views, events: &[Recorded], query: &Query, now: Timestamp) -> Result<View, Refusal> {
    let mut view = views.answer(query, now)?;
    for _round in 0..3 {
        let needed = view.positions_needed();
        if needed.is_empty() {
            return Ok(view);
        }
        assert!(needed.is_sorted_by(|a, b| a < b), "in order, each once: {needed:?}");
        let read: Vec<Recorded> = events.iter().filter(|event| needed.contains(&event.position)).cloned().collect();
        views.fill(&mut view, &read)?;
    }
    panic!("still needs {:?}", view.positions_needed());
}
