//! The witness of a running engine: reads what became durable after every step, folds for itself, and compares with that
//! what anybody is told. It believes nobody: its events are decoded from the bytes of the log.

use std::collections::{BTreeMap, HashMap};

use convoke::{
    Engine,
    api::{Answer, Ask, EventView, Fault, Question, Replayed, Reply},
};
use convoke_core::{
    command::{Command, Request},
    event::{Event, Recorded},
    id::EventId,
    laws::{CountingIds, Laws, Sent},
    log::{Frontier, Hash, Head},
    name::{ActorName, Key},
    queue::Phase,
    time::Timestamp,
    workspace::{Context, State, handle},
};
use convoke_projections::{
    Query, View, Views,
    query::{ActorsQuery, CampaignsQuery, CountdownsQuery, DeadLettersQuery, InboxQuery, StatusQuery},
};
use convoke_store::{Log, Stored, simulated::Disk};
use serde_json::Value;

/// What became durable, whoever may have been told.
pub(crate) trait Durable: Send {
    /// The durable commits, without the first so many.
    fn commits_from(&self, index: usize) -> Vec<Stored>;
}

impl Durable for Disk {
    fn commits_from(&self, index: usize) -> Vec<Stored> {
        Self::commits_from(self, index)
    }
}

pub(crate) struct Witness {
    durable: Box<dyn Durable>,
    /// The durable log as far as it was read, checked event by event.
    laws: Laws,
    frontier: Frontier,
    /// The heads after each durable commit.
    heads: Vec<Head>,
    roots: BTreeMap<u64, Hash>,
    sent: Sent,
    /// What each key wrote: the first position and how many events.
    keys: HashMap<(ActorName, Key), (u64, usize)>,
    /// The key of the command whose events are being read, and their correlation.
    writing: Option<((ActorName, Key), EventId)>,
    /// The views of a prefix that somebody was shown.
    views: Views,
    /// How many events the follower was handed.
    followed: u64,
    told: blake3::Hasher,
    answers: u64,
}

impl Witness {
    pub(crate) fn new(durable: impl Durable + 'static) -> Self {
        Self {
            durable: Box::new(durable),
            laws: Laws::default(),
            frontier: Frontier::default(),
            heads: Vec::new(),
            roots: BTreeMap::from([(0, Hash::ZERO)]),
            sent: Sent::default(),
            keys: HashMap::new(),
            writing: None,
            views: Views::default(),
            followed: 0,
            told: blake3::Hasher::new(),
            answers: 0,
        }
    }

    pub(crate) fn laws(&self) -> &Laws {
        &self.laws
    }

    /// Hash and number of everything that was told.
    pub(crate) fn told(&self) -> (blake3::Hash, u64) {
        (self.told.finalize(), self.answers)
    }

    /// Reads what became durable, and checks it.
    pub(crate) fn catch_up(&mut self) {
        for stored in self.durable.commits_from(self.heads.len()) {
            for event in stored.commit.events() {
                assert!(event.payload_matches(), "RootNamesExactlyTheEvents");
                self.frontier.push(event.leaf());
                let recorded = Recorded::of(event).expect("what is written can be read");
                self.sent.keep(&recorded);
                self.note_key(&recorded);
                self.laws.take(recorded);
            }
            self.laws.settle();
            assert_eq!(stored.root, self.frontier.root(), "RootNamesExactlyTheEvents");
            let head = stored.head();
            self.heads.push(head);
            self.roots.insert(head.size, head.root);
        }
    }

    fn note_key(&mut self, recorded: &Recorded) {
        if let Some(keyed) = &recorded.idempotency {
            let key = (recorded.actor.clone(), keyed.key.clone());
            self.keys.insert(key.clone(), (recorded.position, 1));
            self.writing = Some((key, recorded.correlation));
        } else if let Some((key, correlation)) = &self.writing
            && *correlation == recorded.correlation
            && let Some((_, count)) = self.keys.get_mut(key)
        {
            *count += 1;
        } else {
            self.writing = None;
        }
    }

    /// A log was opened: everything that was durable is there.
    pub(crate) fn opened(&mut self) {
        let found: Vec<Head> = self.durable.commits_from(0).iter().map(Stored::head).collect();
        assert!(found.starts_with(&self.heads), "AcknowledgedIsDurable, PrefixNeverChanges");
        self.catch_up();
    }

    fn is_durable(&self, head: Head) -> bool {
        self.roots.get(&head.size) == Some(&head.root)
    }

    fn tell(&mut self, what: &str) {
        self.answers += 1;
        self.told.update(what.as_bytes());
    }

    /// Somebody was answered.
    pub(crate) fn answered(&mut self, request: &Request, answer: &Answer) {
        self.tell(&format!("{request:?} {answer:?}"));
        assert!(self.is_durable(answer.head), "RepliesOnlyAfterDurability: {request:?} {:?}", answer.head);
        let wrote = request.key.as_ref().and_then(|key| self.keys.get(&(request.actor.clone(), key.clone()))).copied();
        let is_anothers = wrote.is_none() && self.is_the_same_change(request, answer);
        for event in &answer.events {
            let Some(recorded) = self.laws.log().get(event.position as usize) else {
                panic!("RepliesOnlyAfterDurability: {request:?} was told of position {}", event.position)
            };
            assert_eq!((recorded.id, recorded.event.kind()), (event.id, event.kind.as_str()), "AcknowledgedIsDurable");
            assert!(is_anothers || recorded.actor == request.actor, "an answer holds the request's own events");
        }
        if request.key.is_some() && !is_anothers {
            let told = answer.events.first().map(|first| (first.position, answer.events.len()));
            assert_eq!(wrote, told, "SameKeyOneEffect: {request:?}");
        }
    }

    /// Whether the answer is a change that lived already, which the request would have handed in a second time.
    fn is_the_same_change(&self, request: &Request, answer: &Answer) -> bool {
        let [event] = answer.events.as_slice() else { return false };
        let recorded = self.laws.log().get(event.position as usize);
        let Some(Event::ChangeSubmitted(twin)) = recorded.map(|recorded| &recorded.event) else { return false };
        match &request.command {
            Command::SubmitChange(asked) => twin.task.as_str() == asked.task && twin.content == asked.content,
            Command::RequeueChange(_) => true,
            _ => false,
        }
    }

    /// Somebody was not answered, since the log failed or the engine ended.
    pub(crate) fn not_answered(&mut self, request: &Request, fault: &Fault) {
        self.tell(&format!("{request:?} {fault:?}"));
    }

    /// Somebody was refused, by a state that the durable log had since he asked.
    pub(crate) fn refused(&mut self, request: &Request, fault: &Fault, since: u64) {
        self.tell(&format!("{request:?} {fault:?}"));
        let wrote = request.key.as_ref().and_then(|key| self.keys.get(&(request.actor.clone(), key.clone())));
        if fault.code == "key_reused" {
            assert!(wrote.is_some(), "RepliesOnlyAfterDurability: the key was not used: {request:?}");
            return;
        }
        assert_eq!(wrote, None, "SameKeyOneEffect: refused after it was done: {request:?} {fault:?}");
        if fault.code == "wait_timeout" || self.is_refused(self.laws.state(), request, fault) {
            return;
        }
        let mut state = State::default();
        for recorded in self.laws.log() {
            if recorded.position >= since
                && recorded.correlation == recorded.id
                && self.is_refused(&state, request, fault)
            {
                return;
            }
            state.evolve(recorded);
        }
        panic!("RepliesOnlyAfterDurability: no durable state refuses {request:?} so: {fault:?}");
    }

    fn is_refused(&self, state: &State, request: &Request, fault: &Fault) -> bool {
        // Time passed since its last event: the pauses of changes may have ended, which writes nothing.
        let pauses = state.changes.iter().filter_map(|change| match change.phase {
            Phase::Queued { not_before } => not_before.filter(|end| *end > state.time),
            _ => None,
        });
        let times: Vec<Timestamp> = std::iter::once(state.time).chain(pauses).collect();
        times.into_iter().any(|now| {
            let mut ids = CountingIds::default();
            let mut context = Context { now, jump: None, ids: &mut ids, past: &self.sent };
            let refused = handle(&mut state.clone(), request, &mut context);
            refused.is_err_and(|refusal| refusal.code() == fault.code)
        })
    }

    /// The follower was handed an event.
    pub(crate) fn hand(&mut self, event: &EventView) {
        self.catch_up();
        let Some(recorded) = self.laws.log().get(event.position as usize) else {
            panic!("RepliesOnlyAfterDurability: a follower saw position {}", event.position)
        };
        assert_eq!(
            (recorded.id, event.position),
            (event.id, self.followed),
            "a follower sees every event once, in order"
        );
        self.followed += 1;
    }

    /// How many events the follower was handed.
    pub(crate) fn followed(&self) -> u64 {
        self.followed
    }

    /// Somebody was shown a view, of this head.
    pub(crate) fn shown(&mut self, query: &Query, view: &View, head: Head) {
        self.catch_up();
        let shown = serde_json::to_value(view).expect("JSON");
        self.tell(&shown.to_string());
        assert!(self.is_durable(head), "ViewEqualsFoldOfPrefix: of {head:?}");
        assert!(self.views.size() <= head.size, "whoever looks again sees no less");
        for recorded in &self.laws.log()[self.views.size() as usize..head.size as usize] {
            self.views.apply(recorded);
        }
        let now = now_of(&shown).expect("every view says of what time it is");
        assert_eq!(shown, self.expected(query, now), "ViewEqualsFoldOfPrefix: {query:?} at {}", head.size);
    }

    /// The engine compared itself with the log folded from zero; our own fold must agree with both.
    pub(crate) fn replayed(&mut self, replayed: &Replayed) {
        self.catch_up();
        self.tell(&replayed.state_digest);
        assert!(replayed.matches, "StateEqualsTheFold: at {:?}", replayed.head);
        assert!(self.is_durable(replayed.head), "RepliesOnlyAfterDurability: a replay of {:?}", replayed.head);
        if replayed.head.size == self.laws.log().len() as u64 {
            let state = postcard::to_stdvec(self.laws.state()).expect("bytes");
            let digest = Hash(blake3::derive_key("convoke snapshot body digest v1", &state));
            assert_eq!(replayed.state_digest, digest.to_string(), "StateEqualsTheFold: at {:?}", replayed.head);
        }
    }

    fn expected(&self, query: &Query, now: Timestamp) -> Value {
        let mut view: View = self.views.answer(query, now).expect("the same question has an answer");
        loop {
            let needed = view.positions_needed();
            if needed.is_empty() {
                return serde_json::to_value(&view).expect("JSON");
            }
            let events: Vec<Recorded> =
                needed.iter().map(|position| self.laws.log()[*position as usize].clone()).collect();
            self.views.fill(&mut view, &events).expect("the events that were asked for");
        }
    }
}

/// Asks for a view.
pub(crate) async fn look<L: Log>(engine: &Engine<L>, query: &Query) -> (View, Head) {
    match engine.ask(Ask { question: Question::State(query.clone()), as_of: None }).await {
        Ok((Reply::State(view), head)) => (view, head),
        other => panic!("a view is shown: {query:?}: {other:?}"),
    }
}

/// Lets the engine compare itself with the log folded from zero. `None` once it has ended.
pub(crate) async fn replay<L: Log>(engine: &Engine<L>) -> Option<Replayed> {
    match engine.ask(Ask { question: Question::Replay, as_of: None }).await {
        Ok((Reply::Replayed(replayed), _)) => Some(replayed),
        _ => None,
    }
}

/// How many queries there are to choose from.
pub(crate) const QUERIES: u32 = 6;

/// One of the questions that any state has an answer to.
pub(crate) fn query(which: u32) -> Query {
    match which {
        0 => Query::Countdowns(CountdownsQuery::default()),
        1 => Query::Campaigns(CampaignsQuery::default()),
        2 => Query::Inbox(InboxQuery { mailbox: ActorName::parse("ann").expect("a name"), limit: None }),
        3 => Query::DeadLetters(DeadLettersQuery::default()),
        4 => Query::Actors(ActorsQuery::default()),
        _ => Query::Status(StatusQuery::default()),
    }
}

/// The time that a view says it is of.
fn now_of(shown: &Value) -> Option<Timestamp> {
    let (_, view) = shown.as_object()?.iter().next()?;
    serde_json::from_value(view.get("now")?.clone()).ok()
}
