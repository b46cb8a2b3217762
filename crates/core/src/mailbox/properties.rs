//! Invariants of mailboxes on random commands, under the names that the specification uses, and the laws of the fold.
//!
//! A plain model keeps every delivery that ever was in a list and looks for everything; the state must agree with it
//! after every step.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*, sample::Index};

use super::{
    DeliveryState, Mailboxes, Token,
    events::{
        DeadReason, MessageAcked, MessageDeadLettered, MessageLeaseExpired, MessageLeaseExtended, MessageNacked,
        MessageRedriven, MessageSent, MessageTaken,
    },
};
use crate::{
    event::{Event, Recorded},
    id::{EventId, MessageId, uuid_v7},
    limits,
    name::{ActorName, Word},
    priority::Priority,
    refusal::Refusal,
    time::{Span, Timestamp},
};

const ACTORS: [&str; 4] = ["ann", "bob", "cy", "supervisor"];
const LEASES_S: [u64; 3] = [10, 60, 1800];

/// What somebody asks, or time passing.
#[derive(Debug, Clone)]
enum Ask {
    Send {
        from: usize,
        to: Vec<usize>,
        priority: Priority,
    },
    /// The supervisor's mailbox is read by ann.
    Receive {
        mailbox: usize,
        max: usize,
        lease: usize,
    },
    Ack {
        actor: usize,
        token: Index,
    },
    Nack {
        actor: usize,
        token: Index,
    },
    Extend {
        actor: usize,
        token: Index,
        lease: Option<usize>,
    },
    Redrive {
        message: Index,
    },
    /// Something that is not about messages.
    Act {
        actor: usize,
    },
    Pass {
        ms: u64,
    },
}

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let actor = 0..3_usize;
    let mailbox = 0..4_usize;
    let lease = 0..LEASES_S.len();
    let token = any::<Index>();
    let ask = prop_oneof![
        3 => (actor.clone(), vec(mailbox.clone(), 1..4), priorities())
            .prop_map(|(from, to, priority)| Ask::Send { from, to, priority }),
        4 => (mailbox, 1..4_usize, lease.clone())
            .prop_map(|(mailbox, max, lease)| Ask::Receive { mailbox, max, lease }),
        2 => (actor.clone(), token.clone()).prop_map(|(actor, token)| Ask::Ack { actor, token }),
        3 => (actor.clone(), token.clone()).prop_map(|(actor, token)| Ask::Nack { actor, token }),
        1 => (actor.clone(), token.clone(), proptest::option::of(lease))
            .prop_map(|(actor, token, lease)| Ask::Extend { actor, token, lease }),
        1 => token.prop_map(|message| Ask::Redrive { message }),
        1 => actor.prop_map(|actor| Ask::Act { actor }),
        3 => prop_oneof![0..3_000_u64, 0..70_000_u64, 0..2_000_000_u64].prop_map(|ms| Ask::Pass { ms }),
    ];
    vec(ask, 1..120)
}

fn priorities() -> impl Strategy<Value = Priority> {
    prop_oneof![Just(Priority::Critical), Just(Priority::High), Just(Priority::Normal), Just(Priority::Low)]
}

fn name(actor: usize) -> ActorName {
    ActorName::parse(ACTORS[actor % ACTORS.len()]).unwrap()
}

fn seconds(seconds: u64) -> Span {
    Span::from_ms(seconds * 1000).unwrap()
}

fn message(position: u64) -> MessageId {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&position.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    MessageId::from_bytes(uuid_v7(position, random))
}

// --- the model

#[derive(Debug, Clone, PartialEq)]
enum Stands {
    Waits { from: Timestamp },
    Taken { holder: ActorName, lease: Span },
    Acked,
    Dead { redriven: bool },
}

#[derive(Debug, Clone)]
struct Plain {
    message: MessageId,
    mailbox: ActorName,
    sender: ActorName,
    priority: Priority,
    position: u64,
    fence: u32,
    nacks: u32,
    stands: Stands,
}

#[derive(Default)]
struct World {
    state: Mailboxes,
    now: Timestamp,
    log: Vec<(Recorded, Vec<ActorName>)>,
    all: Vec<Plain>,
    seen: BTreeMap<ActorName, Timestamp>,
    letters: BTreeMap<MessageId, MessageSent>,
    /// Every token that was ever handed out, and the first of each message.
    tokens: Vec<Token>,
}

impl World {
    fn after(asks: &[Ask]) -> Self {
        let mut world = Self::default();
        for ask in asks {
            world.step(ask);
            world.agrees();
        }
        world
    }

    fn step(&mut self, ask: &Ask) {
        match ask {
            Ask::Pass { ms } => {
                self.now = self.now.plus(Span::from_ms(*ms).unwrap());
                self.due_first();
            }
            Ask::Act { actor } => {
                let accepted = crate::actors::events::MembershipSet { membership: Default::default() };
                self.write(&name(*actor), accepted.into());
            }
            Ask::Send { from, to, priority } => {
                let to = to.iter().map(|to| name(*to)).collect();
                self.write(&name(*from), letter(&name(*from), to, *priority).into());
            }
            Ask::Receive { mailbox, max, lease } => self.receive(&name(*mailbox), *max, LEASES_S[*lease]),
            Ask::Ack { actor, token } => {
                self.use_token(*token, &name(*actor), |state, token, actor, now| state.ack(token, actor, now))
            }
            Ask::Nack { actor, token } => {
                self.use_token(*token, &name(*actor), |state, token, actor, now| state.nack(token, actor, None, now))
            }
            Ask::Extend { actor, token, lease } => {
                let length = lease.map(|lease| seconds(LEASES_S[lease]));
                self.use_token(*token, &name(*actor), |state, token, actor, now| {
                    state.extend(token, actor, length, now)
                });
            }
            Ask::Redrive { message } => self.redrive(*message),
        }
    }

    /// Leases that have ended are decided before everything else, in the order of their ends.
    fn due_first(&mut self) {
        let mut expected: Vec<(Timestamp, MessageId, ActorName)> = (self.all.iter())
            .filter_map(|plain| Some((self.until(plain)?, plain.message, plain.mailbox.clone())))
            .collect();
        expected.sort();
        assert_eq!(self.state.next_due(), expected.first().map(|(due, ..)| *due), "next_due");
        expected.retain(|(due, ..)| *due <= self.now);
        assert_eq!(self.state.due(self.now).collect::<Vec<_>>(), expected, "due");
        for (_, message, mailbox) in expected {
            let events = self.state.expire(message, &mailbox);
            assert!(!events.is_empty(), "what is due ends");
            for event in events {
                self.write(&ActorName::system(), event);
            }
        }
    }

    fn until(&self, plain: &Plain) -> Option<Timestamp> {
        match &plain.stands {
            Stands::Taken { holder, lease } => Some(self.seen[holder].plus(*lease)),
            _ => None,
        }
    }

    fn receive(&mut self, mailbox: &ActorName, max: usize, lease: u64) {
        let holder = if mailbox.as_str() == ActorName::SUPERVISOR { name(0) } else { mailbox.clone() };
        let mut expected: Vec<(Priority, u64)> = (self.all.iter())
            .filter(|plain| plain.mailbox == *mailbox && self.is_ready(plain))
            .map(|plain| (plain.priority, plain.position))
            .collect();
        expected.sort_unstable();
        expected.truncate(max);
        let next = self.state.next_ready_at(mailbox, self.now);
        assert_eq!(next == Some(self.now), !expected.is_empty(), "next_ready_at");
        let taken = self.state.receive(mailbox, &holder, max, seconds(lease), self.now);
        let turns: Vec<_> = taken.iter().map(|taken| self.turn(taken)).collect();
        assert_eq!(turns, expected, "OrderKept: priority, then position");
        for taken in taken {
            self.tokens.push(Token::new(taken.message, taken.fence));
            self.write(&holder, taken.into());
        }
    }

    fn is_ready(&self, plain: &Plain) -> bool {
        matches!(plain.stands, Stands::Waits { from } if from <= self.now)
    }

    fn turn(&self, taken: &MessageTaken) -> (Priority, u64) {
        let plain = self.all.iter().find(|plain| plain.message == taken.message && plain.mailbox == taken.mailbox);
        plain.map(|plain| (plain.priority, plain.position)).expect("NothingFromNowhere")
    }

    fn use_token(
        &mut self,
        token: Index,
        actor: &ActorName,
        ask: impl Fn(&Mailboxes, Token, &ActorName, Timestamp) -> Result<Vec<Event>, Refusal>,
    ) {
        if self.tokens.is_empty() {
            return;
        }
        let token = *token.get(&self.tokens);
        let same = |plain: &&Plain| plain.message.tail() == token.tail;
        let held = |plain: &&Plain| {
            plain.fence == token.fence && matches!(&plain.stands, Stands::Taken { holder, .. } if holder == actor)
        };
        let is_current = self.all.iter().filter(same).any(|plain| held(&plain));
        let is_acked = self.all.iter().filter(same).any(|plain| plain.stands == Stands::Acked);
        match ask(&self.state, token, actor, self.now) {
            Ok(events) => {
                assert!(is_current || (is_acked && events.is_empty()), "only a current claim has an effect");
                for event in events {
                    self.write(actor, event);
                }
            }
            Err(Refusal::StaleFence { why }) => {
                assert!(!is_current, "a current claim is good: {why}");
                assert!(!why.is_empty());
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    fn redrive(&mut self, message: Index) {
        if self.all.is_empty() {
            return;
        }
        let plain = message.get(&self.all).clone();
        let id = self::message(self.log.len() as u64);
        let original = &self.letters[&plain.message];
        match self.state.redrive(plain.message, &plain.mailbox, original, id) {
            Ok(events) => {
                assert_eq!(events.is_empty(), plain.stands == Stands::Dead { redriven: true });
                for event in events {
                    self.write(&name(1), event);
                }
            }
            Err(refusal) => {
                assert_eq!(refusal.code(), "not_dead");
                assert!(!matches!(plain.stands, Stands::Dead { .. }));
            }
        }
    }

    /// Folds an event, into the model too, which holds the event to the invariants.
    fn write(&mut self, actor: &ActorName, event: Event) {
        let position = self.log.len() as u64;
        let id = EventId::from(message(position));
        let recipients = match &event {
            Event::MessageSent(sent) => sent.to.clone(),
            _ => Vec::new(),
        };
        let (time, actor) = (self.now, actor.clone());
        let recorded =
            Recorded { position, id, time, actor, correlation: id, causation: None, idempotency: None, event };
        fold(&mut self.state, &recorded, &recipients);
        if recorded.actor != ActorName::system() {
            self.seen.insert(recorded.actor.clone(), self.now);
        }
        self.note(&recorded);
        self.log.push((recorded, recipients));
    }

    fn note(&mut self, recorded: &Recorded) {
        let now = self.now;
        match &recorded.event {
            Event::MessageSent(sent) => {
                self.letters.insert(recorded.id.into(), sent.clone());
                let mut to = sent.to.clone();
                to.sort();
                to.dedup();
                self.all.extend(to.into_iter().map(|mailbox| Plain {
                    message: recorded.id.into(),
                    mailbox,
                    sender: sent.from.clone(),
                    priority: sent.priority,
                    position: recorded.position,
                    fence: 0,
                    nacks: 0,
                    stands: Stands::Waits { from: now },
                }));
            }
            Event::MessageTaken(taken) => {
                let plain = self.plain(taken.message, &taken.mailbox);
                assert_ne!(plain.stands, Stands::Acked, "AckedNeverAgain");
                assert!(matches!(plain.stands, Stands::Waits { from } if from <= now), "OneTakerAtATime");
                assert_eq!(taken.fence, plain.fence + 1, "fences grow by one");
                assert!(taken.fence <= limits::DELIVERIES_MAX, "DeliveriesBounded");
                plain.fence = taken.fence;
                plain.stands = Stands::Taken { holder: taken.holder.clone(), lease: taken.until.since(now) };
                if taken.fence == 1 {
                    let first = plain.clone();
                    let overtaken = self.all.iter().find(|other| {
                        let same_turn = other.mailbox == first.mailbox && other.priority == first.priority;
                        same_turn && other.sender == first.sender && other.position < first.position && other.fence == 0
                    });
                    assert!(overtaken.is_none(), "OrderKept: per sender and priority, first in, first out");
                }
            }
            Event::MessageAcked(acked) => self.end_claim(acked.message, &acked.mailbox, acked.fence, |plain| {
                plain.stands = Stands::Acked;
            }),
            Event::MessageNacked(nacked) => self.end_claim(nacked.message, &nacked.mailbox, nacked.fence, |plain| {
                assert_eq!(nacked.again_at, now.plus(seconds(1 << plain.nacks)));
                plain.nacks += 1;
                plain.stands = Stands::Waits { from: nacked.again_at };
            }),
            Event::MessageLeaseExpired(expired) => {
                self.end_claim(expired.message, &expired.mailbox, expired.fence, |plain| {
                    plain.stands = Stands::Waits { from: now };
                });
            }
            Event::MessageLeaseExtended(extended) => {
                match &mut self.plain(extended.message, &extended.mailbox).stands {
                    Stands::Taken { lease, .. } => *lease = extended.until.since(now),
                    other => panic!("an extension of what is not taken: {other:?}"),
                }
            }
            Event::MessageDeadLettered(dead) => {
                let plain = self.plain(dead.message, &dead.mailbox);
                assert_eq!(plain.fence, limits::DELIVERIES_MAX);
                plain.stands = Stands::Dead { redriven: false };
            }
            Event::MessageRedriven(redriven) => {
                let plain = self.plain(redriven.message, &redriven.mailbox);
                assert_eq!(plain.stands, Stands::Dead { redriven: false }, "redriven once");
                plain.stands = Stands::Dead { redriven: true };
            }
            _ => {}
        }
    }

    fn plain(&mut self, message: MessageId, mailbox: &ActorName) -> &mut Plain {
        let found = self.all.iter_mut().find(|plain| plain.message == message && plain.mailbox == *mailbox);
        found.expect("NothingFromNowhere")
    }

    fn end_claim(&mut self, message: MessageId, mailbox: &ActorName, fence: u32, end: impl FnOnce(&mut Plain)) {
        let plain = self.plain(message, mailbox);
        assert_eq!(plain.fence, fence, "only the newest claim has an effect");
        assert!(matches!(plain.stands, Stands::Taken { .. }), "OneTakerAtATime");
        end(plain);
    }

    /// NoneIsLost: each delivery stands in the state as it does in the model, and no other is there.
    fn agrees(&self) {
        let live = self.all.iter().filter(|plain| plain.stands != Stands::Acked);
        assert_eq!(self.state.iter().count(), live.clone().count(), "NoneIsLost");
        let in_the_way = live.clone().filter(|plain| plain.stands != Stands::Dead { redriven: true });
        assert_eq!(self.state.live(), in_the_way.clone().count(), "what counts against the limits");
        for mailbox in (0..ACTORS.len()).map(name) {
            let lying = in_the_way.clone().filter(|plain| plain.mailbox == mailbox);
            assert_eq!(self.state.live_in(&mailbox), lying.count(), "what counts against the limit of {mailbox}");
        }
        for plain in live {
            let delivery = self.state.get(plain.message, &plain.mailbox).expect("NoneIsLost");
            assert_eq!((delivery.deliveries, delivery.nacks), (plain.fence, plain.nacks));
            assert_eq!(delivery.is_ready(self.now), self.is_ready(plain));
            assert_eq!(self.state.until(delivery), self.until(plain));
            assert_eq!(delivery.holder().is_some(), matches!(plain.stands, Stands::Taken { .. }));
            let is_dead = matches!(delivery.state, DeliveryState::Dead { .. });
            assert_eq!(is_dead, matches!(plain.stands, Stands::Dead { .. }));
            assert!(
                is_dead || delivery.holder().is_some() || plain.fence < limits::DELIVERIES_MAX,
                "DeliveriesBounded"
            );
        }
    }
}

fn fold(state: &mut Mailboxes, recorded: &Recorded, recipients: &[ActorName]) {
    if recorded.actor != ActorName::system() {
        state.touched(&recorded.actor, recorded.time);
    }
    state.evolve(recorded, recipients);
}

fn letter(from: &ActorName, to: Vec<ActorName>, priority: Priority) -> MessageSent {
    MessageSent {
        from: from.clone(),
        to,
        kind: Word::parse("info").unwrap(),
        priority,
        subject: None,
        body: String::new(),
        data: None,
        in_reply_to: None,
        thread: None,
        references: Vec::new(),
        redrive_of: None,
    }
}

// --- any event at all

fn any_event() -> impl Strategy<Value = Event> {
    let message = (0..6_u64).prop_map(message);
    let fence = prop_oneof![0..4_u32, Just(u32::MAX)];
    let time = prop_oneof![(0..5_000_000_i64).prop_map(|us| Timestamp::from_us(us).unwrap()), Just(Timestamp::MAX)];
    let actor = (0..4_usize).prop_map(name);
    let reason = prop_oneof![Just(DeadReason::Nacked), Just(DeadReason::LeaseExpired)];
    let claim = (message.clone(), actor.clone(), fence);
    prop_oneof![
        2 => (actor.clone(), vec(actor.clone(), 0..3), priorities())
            .prop_map(|(from, to, priority)| letter(&from, to, priority).into()),
        3 => (claim.clone(), actor.clone(), time.clone()).prop_map(|((message, mailbox, fence), holder, until)| {
            MessageTaken { message, mailbox, holder, fence, until }.into()
        }),
        1 => claim.clone().prop_map(|(message, mailbox, fence)| MessageAcked { message, mailbox, fence }.into()),
        2 => (claim.clone(), time.clone()).prop_map(|((message, mailbox, fence), again_at)| {
            MessageNacked { message, mailbox, fence, again_at, reason: None }.into()
        }),
        1 => (claim.clone(), time).prop_map(|((message, mailbox, fence), until)| {
            MessageLeaseExtended { message, mailbox, fence, until }.into()
        }),
        1 => (claim, actor.clone()).prop_map(|((message, mailbox, fence), holder)| {
            MessageLeaseExpired { message, mailbox, fence, holder }.into()
        }),
        1 => (message.clone(), actor.clone(), reason).prop_map(|(message, mailbox, reason)| {
            MessageDeadLettered { message, mailbox, reason }.into()
        }),
        1 => (message.clone(), actor, message).prop_map(|(message, mailbox, again)| {
            MessageRedriven { message, mailbox, again }.into()
        }),
    ]
}

fn read_back(state: &Mailboxes) -> Mailboxes {
    serde_json::from_slice(&serde_json::to_vec(state).unwrap()).unwrap()
}

proptest! {
    /// `NothingFromNowhere`, `AckedNeverAgain`, `OneTakerAtATime`, `OrderKept`, `DeliveriesBounded`, `NoneIsLost`: held
    /// by the model at every step.
    #[test]
    fn every_step_keeps_the_invariants(asks in asks()) {
        World::after(&asks);
    }

    /// Whatever happened before, takers who do nothing but take bring every message to its end.
    #[test]
    fn every_message_is_acked_or_dead_in_the_end(asks in asks()) {
        let mut world = World::after(&asks);
        for _ in 0..=limits::DELIVERIES_MAX {
            for mailbox in 0..ACTORS.len() {
                world.receive(&name(mailbox), usize::MAX, LEASES_S[0]);
            }
            // Longer than the longest lease and the longest pause.
            world.step(&Ask::Pass { ms: 4_000_000 });
            world.agrees();
        }
        let ended = |plain: &Plain| matches!(plain.stands, Stands::Acked | Stands::Dead { .. });
        prop_assert!(world.all.iter().all(ended));
    }

    #[test]
    fn a_replay_gives_the_same_state_and_so_does_a_snapshot_with_the_tail(asks in asks(), cut in any::<Index>()) {
        let world = World::after(&asks);
        let cut = if world.log.is_empty() { 0 } else { cut.index(world.log.len()) };
        let mut state = Mailboxes::default();
        for (recorded, recipients) in &world.log[..cut] {
            fold(&mut state, recorded, recipients);
        }
        let mut from_snapshot = read_back(&state);
        prop_assert_eq!(&from_snapshot, &state);
        for (recorded, recipients) in &world.log[cut..] {
            fold(&mut from_snapshot, recorded, recipients);
        }
        prop_assert_eq!(from_snapshot, world.state);
    }

    #[test]
    fn any_events_in_any_order_fold_without_panic_and_leave_the_indexes_whole(
        events in vec((any_event(), 0..4_usize, 0..5_000_000_i64), 0..60)
    ) {
        let mut state = Mailboxes::default();
        for (position, (event, actor, us)) in (0..).zip(events) {
            let id = EventId::from(message(position % 6));
            let (time, actor) = (Timestamp::from_us(us).unwrap(), name(actor));
            let recipients = match &event {
                Event::MessageSent(sent) => sent.to.clone(),
                _ => Vec::new(),
            };
            let recorded =
                Recorded { position, id, time, actor, correlation: id, causation: None, idempotency: None, event };
            fold(&mut state, &recorded, &recipients);
            prop_assert_eq!(&read_back(&state), &state);
        }
        let due = state.due(Timestamp::MAX).count();
        prop_assert_eq!(due, state.iter().filter(|delivery| delivery.holder().is_some()).count());
    }
}
