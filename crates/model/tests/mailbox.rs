//! The mailbox of the real workspace, searched whole in a tiny world, is that of `specs/mailbox/Mailbox.tla`.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use convoke_core::{
    actors::{Actors, events::ActorKind},
    command::{
        AckMessage, AddActor, Command, CreateWorkspace, ExtendMessage, NackMessage, ReceiveMessages, RedriveMessage,
        Request, SendMessage,
    },
    event::{Event, Recorded},
    id::{EventId, IdSource, MessageId},
    limits,
    log::Salt,
    mailbox::{Mailboxes, Token, events::MessageSent},
    name::{ActorName, Word},
    priority::Priority,
    refusal::Refusal,
    time::{Span, Timestamp},
    workspace::{Context, Handled, Past, State, handle, handle_due},
};
use convoke_model::{
    Graph, Machine, Step, Value, explore,
    lens::{Lens, Seconds},
    mailbox::{self, Look, Senders},
};

/// Bob's mailbox. Ann writes to bob and cy, bob reminds himself of what is urgent; cy and ann try everything in vain.
struct TinyWorld {
    actors: Actors,
    refusals: RefCell<BTreeSet<&'static str>>,
}

/// All mailboxes, the time, and what the log says of messages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Tiny {
    mailboxes: Mailboxes,
    now: Timestamp,
    letters: BTreeMap<MessageId, (ActorName, Vec<ActorName>, Priority)>,
}

const ACTORS: [&str; 3] = ["ann", "bob", "cy"];
/// So many messages there are.
const MESSAGES: u64 = 2;
/// Until so many seconds after the beginning.
const TIME_MAX: i32 = 2;

fn actor(name: &str) -> ActorName {
    ActorName::parse(name).unwrap()
}

fn bob() -> ActorName {
    actor("bob")
}

fn event_id(number: u64) -> EventId {
    EventId::from_bytes(u128::from(number).to_be_bytes())
}

/// The messages m1, m2 …
fn message(number: u64) -> MessageId {
    event_id(number).into()
}

fn at(second: i32) -> Timestamp {
    Seconds::moment(second)
}

/// Messages by their number, everybody by name, seconds from the beginning.
struct Plainly;

impl Lens for Plainly {
    fn actor(&mut self, actor: &ActorName) -> String {
        actor.to_string()
    }

    fn at(&self, time: Timestamp) -> Value {
        Seconds.at(time)
    }

    fn span(&self, span: Span) -> Value {
        Seconds.span(span)
    }
}

impl Look for Plainly {
    fn message(&mut self, message: MessageId) -> String {
        format!("m{}", message.tail())
    }
}

/// Fresh ids: that of the next message first.
struct Ids(Option<EventId>, u64);

impl IdSource for Ids {
    fn fresh(&mut self) -> EventId {
        self.0.take().unwrap_or_else(|| {
            self.1 += 1;
            event_id(self.1)
        })
    }

    fn salt(&mut self) -> Salt {
        unreachable!("no command has a key")
    }
}

impl Past for Tiny {
    fn message(&self, reference: &str) -> Result<(MessageId, MessageSent), Refusal> {
        let (id, (from, to, priority)) =
            self.letters.iter().find(|(id, _)| id.to_string() == reference).expect("the log has every dead letter");
        let sent = MessageSent {
            from: from.clone(),
            to: to.clone(),
            kind: Word::parse("info").unwrap(),
            priority: *priority,
            subject: None,
            body: "a text".to_owned(),
            data: None,
            in_reply_to: None,
            thread: None,
            references: Vec::new(),
            redrive_of: None,
        };
        Ok((*id, sent))
    }
}

fn send(to: &[&str], priority: Priority) -> SendMessage {
    SendMessage {
        to: to.iter().map(|to| actor(to)).collect(),
        body: "a text".to_owned(),
        subject: None,
        kind: None,
        priority,
        in_reply_to: None,
        references: Vec::new(),
        data: None,
        create: false,
    }
}

fn receive(max: u32, lease_s: u32, ack: bool) -> Command {
    let (max, lease_ms) = (Some(max), Some(Seconds::duration(lease_s)));
    Command::ReceiveMessages(ReceiveMessages { mailbox: Some(bob()), max, lease_ms, ack })
}

/// Every command with a token.
fn with_token(token: Token) -> Vec<Command> {
    let extend = |lease_ms| Command::ExtendMessage(ExtendMessage { token, lease_ms });
    vec![
        Command::AckMessage(AckMessage { token }),
        Command::NackMessage(NackMessage { token, reason: None }),
        extend(None),
        extend(Some(Seconds::duration(1))),
        extend(Some(Seconds::duration(2))),
    ]
}

/// The token that a command comes with.
fn asked_for(command: &Command) -> Option<Token> {
    match command {
        Command::AckMessage(ack) => Some(ack.token),
        Command::NackMessage(nack) => Some(nack.token),
        Command::ExtendMessage(extend) => Some(extend.token),
        _ => None,
    }
}

fn number(number: u32) -> Value {
    Value::Int(i32::try_from(number).unwrap())
}

fn tokens() -> impl Iterator<Item = Token> {
    let fences = 1..=limits::DELIVERIES_MAX + 1;
    (1..=MESSAGES).flat_map(move |number| fences.clone().map(move |fence| Token::new(message(number), fence)))
}

fn redrive(message: MessageId) -> Command {
    Command::RedriveMessage(RedriveMessage { message: message.to_string(), mailbox: Some(bob()) })
}

impl Tiny {
    /// Every command of the tiny world that can be given in this state, by whom.
    fn commands(&self) -> Vec<(&'static str, Command)> {
        let mut commands = Vec::new();
        for by in ACTORS {
            for (max, ack) in [(1, false), (2, false), (1, true), (2, true)] {
                commands.push((by, receive(max, 1, ack)));
            }
            commands.extend(tokens().flat_map(with_token).map(|command| (by, command)));
            commands.extend(
                (1..=MESSAGES)
                    .filter(|number| self.can_name_a_redrive_of(*number))
                    .map(|number| (by, redrive(message(number)))),
            );
            // Something else, about no mailbox.
            let dee = AddActor { name: actor("dee"), kind: ActorKind::Agent, create: false };
            commands.push((by, Command::AddActor(dee)));
        }
        if self.has_a_name_left() {
            commands.push(("ann", Command::SendMessage(send(&["bob", "cy"], Priority::Normal))));
            commands.push(("bob", Command::SendMessage(send(&["bob"], Priority::High))));
        }
        let too_long = Some("x".repeat(limits::REASON_BYTES_MAX + 1));
        let token = Token::new(message(1), 1);
        commands.extend([
            ("ann", Command::SendMessage(send(&[], Priority::Normal))),
            ("ann", Command::SendMessage(send(&["bob", "system"], Priority::Normal))),
            ("bob", receive(0, 1, false)),
            ("bob", receive(101, 1, false)),
            ("bob", receive(1, 0, false)),
            ("bob", Command::NackMessage(NackMessage { token, reason: too_long })),
            ("bob", redrive(message(99))),
        ]);
        commands
    }

    fn has_a_name_left(&self) -> bool {
        (self.letters.len() as u64) < MESSAGES
    }

    /// A redrive that would send a third message is not asked for; one that is refused, or was done before, is.
    fn can_name_a_redrive_of(&self, number: u64) -> bool {
        use convoke_core::mailbox::DeliveryState::Dead;
        let delivery = self.mailboxes.get(message(number), &bob());
        let sends = delivery.is_some_and(|delivery| matches!(delivery.state, Dead { redriven: None, .. }));
        self.has_a_name_left() || !sends
    }

    fn senders(&self) -> Senders {
        self.letters.iter().map(|(id, (from, ..))| (*id, from.clone())).collect()
    }

    /// The claims for which an ack is a repetition.
    fn acked(&self) -> Value {
        let mut acked = BTreeSet::new();
        for token in tokens() {
            for by in ACTORS {
                if self.mailboxes.ack(token, &actor(by), self.now).is_ok_and(|events| events.is_empty()) {
                    acked.insert(Value::record([
                        ("message", format!("m{}", token.tail).into()),
                        ("by", by.into()),
                        ("fence", number(token.fence)),
                    ]));
                }
            }
        }
        Value::Set(acked)
    }
}

impl TinyWorld {
    fn new() -> Self {
        let mut state = State::default();
        let mut ids = Ids(None, 1000);
        let past = Tiny { mailboxes: Mailboxes::default(), now: at(-100), letters: BTreeMap::new() };
        let mut ask = |by, command| {
            let request = Request { actor: actor(by), key: None, expect_head: None, command };
            let mut context = Context { now: at(-100), jump: None, ids: &mut ids, past: &past };
            handle(&mut state, &request, &mut context).expect("nothing stands against it");
        };
        ask("ann", Command::CreateWorkspace(CreateWorkspace { organizer: actor("ann") }));
        for name in ["bob", "cy"] {
            ask("ann", Command::AddActor(AddActor { name: actor(name), kind: ActorKind::Agent, create: false }));
        }
        Self { actors: state.actors, refusals: RefCell::default() }
    }

    fn state(&self, tiny: &Tiny) -> State {
        State {
            size: 100 + tiny.letters.len() as u64,
            time: tiny.now,
            actors: self.actors.clone(),
            mailboxes: tiny.mailboxes.clone(),
            ..State::default()
        }
    }

    /// What a group of events makes of a state, and which step it is.
    fn after(&self, tiny: &Tiny, state: State, group: &[Recorded]) -> (Option<Step>, Tiny) {
        let step = mailbox::step(group, &self.state(tiny), &bob(), &tiny.senders(), &mut Plainly);
        let mut next = Tiny { mailboxes: state.mailboxes, ..tiny.clone() };
        for recorded in group {
            if let Event::MessageSent(sent) = &recorded.event {
                next.letters.insert(recorded.id.into(), (sent.from.clone(), sent.to.clone(), sent.priority));
            }
        }
        (step, next)
    }

    /// Decides a command by the real `handle`.
    fn ask(&self, tiny: &Tiny, by: &str, command: Command) -> Option<(Option<Step>, Tiny)> {
        self.ask_on(&mut self.state(tiny), tiny, by, command)
    }

    /// The same with the state at hand, which is as it was afterwards. Most commands are refused and need no other.
    fn ask_on(&self, state: &mut State, tiny: &Tiny, by: &str, command: Command) -> Option<(Option<Step>, Tiny)> {
        let mut ids = Ids(Some(event_id(tiny.letters.len() as u64 + 1)), 1000);
        let request = Request { actor: actor(by), key: None, expect_head: None, command };
        let mut context = Context { now: tiny.now, jump: None, ids: &mut ids, past: tiny };
        match handle(state, &request, &mut context) {
            Ok(Handled::Wrote(events)) if !events.is_empty() => {
                let done = std::mem::replace(state, self.state(tiny));
                Some(self.after(tiny, done, &events))
            }
            Ok(_) => None,
            Err(refusal) => {
                self.refusals.borrow_mut().insert(refusal.code());
                None
            }
        }
    }

    /// The first thing that is due, by the real `handle_due`.
    fn first_due(&self, tiny: &Tiny) -> Option<(Option<Step>, Tiny)> {
        let all = handle_due(&mut self.state(tiny), tiny.now, &mut Ids(None, 1000));
        let first = all.chunk_by(|one, other| one.correlation == other.correlation).next()?;
        let mut state = self.state(tiny);
        first.iter().for_each(|recorded| state.evolve(recorded));
        Some(self.after(tiny, state, first))
    }

    /// An empty world; one in which a message was handed back three times, the last time so that its pause ends now; and one in
    /// which the lease of its fourth delivery then ran out.
    fn beginning(&self, deliveries: u32) -> Tiny {
        let mut tiny = Tiny { mailboxes: Mailboxes::default(), now: at(-90), letters: BTreeMap::new() };
        if deliveries > 0 {
            tiny = self.ask(&tiny, "ann", Command::SendMessage(send(&["bob", "cy"], Priority::Normal))).unwrap().1;
        }
        for fence in 1..=deliveries {
            tiny.now = if fence == 3 && deliveries == 3 { at(-4) } else { tiny.now.plus(Seconds::duration(17)) };
            tiny = self.ask(&tiny, "bob", receive(1, 2, false)).unwrap().1;
            if fence <= 3 {
                let nack = NackMessage { token: Token::new(message(1), fence), reason: None };
                tiny = self.ask(&tiny, "bob", Command::NackMessage(nack)).unwrap().1;
            } else {
                tiny.now = tiny.now.plus(Seconds::duration(2));
                tiny = self.first_due(&tiny).unwrap().1;
            }
        }
        assert!(tiny.now < at(0));
        tiny.now = at(0);
        tiny
    }
}

impl Machine for TinyWorld {
    type State = Tiny;

    fn initial(&self) -> Vec<Tiny> {
        [0, 3, 4].map(|deliveries| self.beginning(deliveries)).to_vec()
    }

    fn steps(&self, tiny: &Tiny) -> Vec<(Step, Tiny)> {
        let mut steps = Vec::new();
        if let Some((step, next)) = self.first_due(tiny) {
            steps.push((step.expect("only leases on bob's messages run out"), next));
            // Before it is decided no command is; and if it were, what is over could not be used any more.
            for (_, message, _) in tiny.mailboxes.due(tiny.now) {
                let delivery = tiny.mailboxes.get(message, &bob()).unwrap();
                for command in with_token(delivery.token().unwrap()) {
                    assert_eq!(self.ask(tiny, "bob", command), None, "the lease is over");
                }
            }
        } else {
            let mut state = self.state(tiny);
            for (by, command) in tiny.commands() {
                let asked = asked_for(&command);
                let Some((mut step, next)) = self.ask_on(&mut state, tiny, by, command) else { continue };
                // The events name the claim that is current; the command has to have named the same.
                if let (Some(Step { params: Value::Record(params), .. }), Some(token)) = (&mut step, asked) {
                    params.insert("fence".to_owned(), number(token.fence));
                    params.insert("message".to_owned(), format!("m{}", token.tail).into());
                }
                match step {
                    Some(step) => steps.push((step, next)),
                    None => assert_eq!(next, *tiny, "what is no step of bob's mailbox changes no mailbox"),
                }
            }
            assert_eq!(state, self.state(tiny), "what is refused, and what writes nothing, changes nothing");
        }
        for to in 1..=TIME_MAX {
            if at(to) > tiny.now {
                steps.push((Step::new("Advance", [("to", Plainly.at(at(to)))]), Tiny { now: at(to), ..tiny.clone() }));
            }
        }
        steps
    }

    fn observe(&self, tiny: &Tiny) -> Value {
        let senders = tiny.senders();
        let mut there = tiny.mailboxes.iter().filter(|delivery| delivery.mailbox == bob());
        assert!(there.all(|delivery| senders.contains_key(&delivery.message)), "every message was sent");
        let [msgs, order] = mailbox::observe(&tiny.mailboxes, &bob(), &senders, &mut Plainly);
        Value::record([("now", Plainly.at(tiny.now)), ("acked", tiny.acked())].into_iter().chain([msgs, order]))
    }
}

#[test]
fn the_mailbox_of_the_code_is_that_of_the_spec() {
    let world = TinyWorld::new();
    let code = explore(&world, 20_000).unwrap();
    let spec = Graph::parse(include_str!("../../../specs/mailbox/graph.txt")).unwrap();
    let difference = code.difference(&spec);
    assert!(difference.is_empty(), "{difference}");
    let refusals =
        ["bad_request", "not_dead", "not_found", "not_your_mailbox", "over_limit", "reserved_name", "stale_fence"];
    assert_eq!(world.refusals.borrow().iter().copied().collect::<Vec<_>>(), refusals);
}
