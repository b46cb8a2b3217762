//! A workspace in memory: due first, then what is asked; every event checked as it comes, and folded a second time.

use std::collections::{BTreeMap, BTreeSet};

use convoke_core::{
    campaign::{self, events::FailurePolicy},
    command::{Command, Request},
    countdown::{Answer, Phase},
    event::{Event, Recorded},
    id::{CampaignId, CountdownId, EventId, IdSource, MessageId, uuid_v7},
    log::Salt,
    mailbox::{Token, events::MessageSent},
    name::{ActorName, Key},
    refusal::Refusal,
    time::{Span, Timestamp},
    workspace::{Context, Handled, Past, State, handle, handle_due},
};
use serde_json::json;

use crate::steps::{ACTORS, Known, Step, What, latest};

/// Ids that count.
#[derive(Debug, Default)]
pub(crate) struct CountingIds(u64);

impl IdSource for CountingIds {
    fn fresh(&mut self) -> EventId {
        self.0 += 1;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        EventId::from_bytes(uuid_v7(self.0, random))
    }

    fn salt(&mut self) -> Salt {
        self.0 += 1;
        let mut salt = Salt::default();
        salt[..8].copy_from_slice(&self.0.to_be_bytes());
        salt
    }
}

/// The messages of the log.
#[derive(Debug, Default)]
struct Sent(BTreeMap<MessageId, MessageSent>);

impl Past for Sent {
    fn message(&self, reference: &str) -> Result<(MessageId, MessageSent), Refusal> {
        let found = reference.parse().ok().and_then(|id: MessageId| Some((id, self.0.get(&id)?.clone())));
        found.ok_or_else(|| Refusal::NotFound { what: "message", reference: reference.to_owned() })
    }
}

/// A keyed command that wrote something, with the positions of what it wrote.
struct Given {
    request: Request,
    first: u64,
    count: u32,
}

pub(crate) struct World {
    now: Timestamp,
    state: State,
    /// The fold of the log as a reader has it: decoded events, and at random moments a saved and loaded state.
    folded: State,
    ids: CountingIds,
    log: Vec<Recorded>,
    sent: Sent,
    given: Vec<Given>,
    countdowns: Vec<String>,
    campaigns: Vec<String>,
    messages: Vec<String>,
    dead: Vec<String>,
    tokens: Vec<String>,
    released: BTreeSet<CountdownId>,
    acked: BTreeSet<(MessageId, ActorName)>,
    serial: usize,
    written: usize,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut world = Self {
            now: Timestamp::from_us(1_795_262_400_000_000).unwrap(),
            state: State::default(),
            folded: State::default(),
            ids: CountingIds::default(),
            log: Vec::new(),
            sent: Sent::default(),
            given: Vec::new(),
            countdowns: Vec::new(),
            campaigns: Vec::new(),
            messages: Vec::new(),
            dead: Vec::new(),
            tokens: Vec::new(),
            released: BTreeSet::new(),
            acked: BTreeSet::new(),
            serial: 0,
            written: 0,
        };
        let command = serde_json::from_value(json!({"create_workspace": {"organizer": "olga"}})).unwrap();
        world.give(&Request { actor: actor(5), key: None, expect_head: None, command });
        world
    }

    pub(crate) fn log(&self) -> &[Recorded] {
        &self.log
    }

    /// How many commands wrote something.
    pub(crate) fn written(&self) -> usize {
        self.written
    }

    pub(crate) fn context<'c>(&'c self, ids: &'c mut CountingIds) -> Context<'c> {
        Context { now: self.now, jump: None, ids, past: &self.sent }
    }

    pub(crate) fn take(&mut self, step: &Step) {
        self.serial += 1;
        match step {
            Step::Advance { ms } => {
                self.now = self.now.plus(Span::from_ms_capped(*ms));
                self.decide_what_is_due();
            }
            Step::Give { .. } => {
                if let Some(request) = self.request(step) {
                    self.give(&request);
                }
            }
            Step::Again { which } => self.give_again(*which),
            Step::Reuse { which } => self.reuse(*which),
            Step::Snapshot => {
                let bytes = postcard::to_stdvec(&self.folded).unwrap();
                self.folded = postcard::from_bytes(&bytes).unwrap();
                assert_eq!(postcard::to_stdvec(&self.folded).unwrap(), bytes, "equal states have equal bytes");
            }
        }
        for campaign in self.state.campaigns.iter() {
            assert_eq!(campaign::blocked(campaign), [], "a commit leaves nobody blocked");
            assert_eq!(campaign::releasable(campaign), [], "a commit leaves nobody waiting for nothing");
            assert_eq!(campaign::conclude(campaign), None, "a campaign ends with its last countdown");
        }
        let due = self.state.next_due();
        assert!(due.is_none_or(|due| due > self.now) || self.given_into_the_past(due), "DueFirst: {due:?}");
    }

    /// A command may make something that is due at once (a time of zero from now on); it is decided before the next.
    fn given_into_the_past(&mut self, due: Option<Timestamp>) -> bool {
        let at_once = due == Some(self.now);
        self.decide_what_is_due();
        at_once
    }

    /// The request of a step that gives one.
    pub(crate) fn request(&self, step: &Step) -> Option<Request> {
        let Step::Give { actor: who, keyed, what } = step else { return None };
        let Self { campaigns, messages, dead, tokens, .. } = self;
        let fitting = self.countdowns_that_fit(what);
        let countdowns = fitting.as_ref().unwrap_or(&self.countdowns);
        let known = Known { countdowns, campaigns, messages, dead, tokens };
        let command: Command = serde_json::from_value(what.command(&known, self.serial)).unwrap();
        let key = keyed.then(|| Key::parse(&format!("key-{}", self.serial)).unwrap());
        let who = self.who_most_likely_may(what).unwrap_or_else(|| actor(*who));
        Some(Request { actor: who, key, expect_head: None, command })
    }

    /// Most commands are about countdowns that are where the command needs them; every third about any.
    fn countdowns_that_fit(&self, what: &What) -> Option<Vec<String>> {
        if self.serial.is_multiple_of(3) {
            return None;
        }
        let campaign = |which: &usize| {
            let id = latest(&self.campaigns, *which).parse().ok()?;
            self.state.campaigns.get(id)
        };
        if let What::Link { campaign: which, away: true, .. } = what {
            let linked = campaign(which)?.members.iter().find(|(_, member)| !member.before.is_empty());
            let (after, member) = linked?;
            let before = member.before.first()?;
            // The command names two neighbours of this list, either way round.
            return Some([before, after, before, after, before, after].map(ToString::to_string).to_vec());
        }
        let fits = |id: &&String| {
            let countdown = id.parse().ok().and_then(|id| self.state.countdowns.get(id));
            countdown.is_some_and(|countdown| match what {
                What::Resume { .. } => matches!(countdown.phase, Phase::OnHold { .. }),
                What::Join { campaign: which, .. } => {
                    let organizer = campaign(which).map(|campaign| &campaign.organizer);
                    let counting = matches!(countdown.phase, Phase::Counting { .. });
                    counting && countdown.campaign.is_none() && organizer == Some(&countdown.organizer)
                }
                What::Schedule { campaign: Some(which), .. } | What::Link { campaign: which, .. } => {
                    countdown.campaign == campaign(which).map(|campaign| campaign.id)
                }
                _ => !countdown.has_ended(),
            })
        };
        Some(self.countdowns.iter().filter(fits).cloned().collect())
    }

    /// Most tokens are used by their holders, most campaigns changed by their organizers; every third command is given
    /// by somebody else.
    fn who_most_likely_may(&self, what: &What) -> Option<ActorName> {
        if self.serial.is_multiple_of(3) {
            return None;
        }
        let fitting = self.countdowns_that_fit(what)?;
        let countdown = |which: &usize| {
            let id = latest(&fitting, *which).parse().ok()?;
            self.state.countdowns.get(id)
        };
        let campaign = |which: &usize| {
            let id: CampaignId = latest(&self.campaigns, *which).parse().ok()?;
            Some(self.state.campaigns.get(id)?.organizer.clone())
        };
        match what {
            What::Ack { token } | What::Nack { token } | What::Extend { token } => {
                let token: Token = latest(&self.tokens, *token).parse().ok()?;
                self.state.mailboxes.iter().find(|delivery| delivery.token() == Some(token))?.holder().cloned()
            }
            What::Hold { countdown: which }
            | What::Resume { countdown: which }
            | What::Reschedule { countdown: which, .. } => Some(countdown(which)?.organizer.clone()),
            What::Join { campaign: which, .. }
            | What::Link { campaign: which, .. }
            | What::Start { campaign: which } => campaign(which),
            What::Schedule { campaign: Some(which), .. } => campaign(which),
            What::Redrive { dead } => {
                let id: MessageId = latest(&self.dead, *dead).parse().ok()?;
                ACTORS
                    .iter()
                    .map(|name| ActorName::parse(name).unwrap())
                    .find(|name| self.state.mailboxes.find_dead(name, &id.to_string()).is_ok())
            }
            What::Membership { .. } | What::ReceiveForSupervisor => Some(actor(5)),
            _ => None,
        }
    }

    fn give(&mut self, request: &Request) {
        self.decide_what_is_due();
        let mut context = Context { now: self.now, jump: None, ids: &mut self.ids, past: &self.sent };
        match handle(&mut self.state, request, &mut context) {
            Ok(Handled::Wrote(events)) => {
                if let (Some(first), Some(_)) = (events.first(), &request.key) {
                    let (first, count) = (first.position, u32::try_from(events.len()).unwrap());
                    self.given.push(Given { request: request.clone(), first, count });
                }
                self.written += usize::from(!events.is_empty());
                self.check_one_command(&events, &request.actor, request.key.as_ref());
                events.into_iter().for_each(|recorded| self.write(recorded));
            }
            Ok(Handled::Repeated { .. }) => panic!("SameKeyOneEffect: the key is fresh"),
            Err(_) => {
                assert_eq!(self.state.size, self.folded.size, "a refusal writes nothing");
                // A difference would stay, so looking now and then is enough to find it.
                if self.serial.is_multiple_of(16) {
                    assert_eq!(self.state, self.folded, "a refusal leaves the state as it was");
                }
            }
        }
    }

    fn give_again(&mut self, which: usize) {
        self.decide_what_is_due();
        let Some(Given { request, first, count }) = self.given.iter().rev().nth(which) else { return };
        let mut context = Context { now: self.now, jump: None, ids: &mut self.ids, past: &self.sent };
        let handled = handle(&mut self.state, request, &mut context);
        assert_eq!(handled, Ok(Handled::Repeated { first: *first, count: *count }), "SameKeyOneEffect");
        assert_eq!(self.state.size, self.folded.size, "SameKeyOneEffect");
    }

    fn reuse(&mut self, which: usize) {
        self.decide_what_is_due();
        let Some(Given { request, first, .. }) = self.given.iter().rev().nth(which) else { return };
        let command = json!({"send_message": {"to": ["bob"], "body": "another command under an old key"}});
        let other = Request { command: serde_json::from_value(command).unwrap(), ..request.clone() };
        let mut context = Context { now: self.now, jump: None, ids: &mut self.ids, past: &self.sent };
        let handled = handle(&mut self.state, &other, &mut context);
        assert_eq!(handled, Err(Refusal::KeyReused { first: *first }));
    }

    fn decide_what_is_due(&mut self) {
        loop {
            let due = self.state.next_due();
            let events = handle_due(&mut self.state, self.now, &mut self.ids);
            if events.is_empty() {
                assert!(
                    self.state.next_due().is_none_or(|due| due > self.now),
                    "DueFirst: {:?}",
                    self.state.next_due()
                );
                return;
            }
            assert!(due.is_some_and(|due| due <= self.now), "nothing is decided before it is due");
            let mut rest = events.as_slice();
            while let Some(first) = rest.first() {
                let count = rest.iter().take_while(|recorded| recorded.correlation == first.id).count();
                self.check_one_command(&rest[..count.max(1)], &ActorName::system(), None);
                rest = &rest[count.max(1)..];
            }
            events.into_iter().for_each(|recorded| self.write(recorded));
        }
    }

    /// The events of one command stand together, name their first as their correlation and an earlier one as their
    /// cause, and only the first carries the key.
    fn check_one_command(&self, events: &[Recorded], by: &ActorName, key: Option<&Key>) {
        let mut before = BTreeSet::new();
        for (index, recorded) in events.iter().enumerate() {
            assert_eq!(recorded.correlation, events[0].id, "OneCommandOneCorrelation");
            assert_eq!((&recorded.actor, recorded.time), (by, self.now));
            assert!(recorded.causation.is_none_or(|cause| before.contains(&cause)), "CausesComeFirst: {recorded:?}");
            let keyed = recorded.idempotency.as_ref().map(|keyed| &keyed.key);
            assert_eq!(keyed, key.filter(|_| index == 0), "OnlyTheFirstCarriesTheKey");
            assert!(before.insert(recorded.id), "an id is given once");
        }
        for ended in events.iter().filter(|recorded| countdown_that_ended(&recorded.event).is_some()) {
            let told = events.iter().filter(|recorded| {
                recorded.causation == Some(ended.id) && matches!(recorded.event, Event::MessageSent(_))
            });
            assert_eq!(told.count(), 1, "EverybodyIsToldOnce: {ended:?}");
        }
    }

    /// Checks an event against the state before it, then folds what its bytes decode to.
    fn write(&mut self, recorded: Recorded) {
        assert_eq!(recorded.position, self.log.len() as u64, "positions have no gaps");
        let mut payload = Vec::new();
        recorded.event.encode(&mut payload);
        let event = Event::decode(recorded.event.kind(), recorded.event.schema(), &payload).unwrap();
        assert_eq!(event, recorded.event, "an event is what its bytes say");
        self.check_event(&recorded);
        self.remember(&recorded);
        self.folded.evolve(&Recorded { event, ..recorded.clone() });
        self.log.push(recorded);
    }

    fn check_event(&mut self, recorded: &Recorded) {
        if let Some(id) = countdown_that_ended(&recorded.event) {
            let before = self.folded.countdowns.get(id).expect("what ends was there");
            assert!(!before.has_ended(), "TerminalIsFinal: {recorded:?}");
        }
        match &recorded.event {
            Event::CountdownConfirmed(confirmed) => {
                let before = self.folded.countdowns.get(confirmed.countdown).unwrap();
                if let Phase::Counting { fire_at, .. } = before.phase {
                    assert!(recorded.time < fire_at, "NoConfirmationAfterT0: {before:?}");
                }
                assert!(before.attendees.contains_key(&confirmed.attendee), "OnlyAttendeesAnswer: {before:?}");
                assert_eq!(confirmed.attendee, recorded.actor, "everybody answers for himself");
            }
            Event::CountdownReleased(released) => {
                assert!(self.released.insert(released.countdown), "ReleasedOnce: {released:?}");
            }
            Event::CountdownFired(fired) => {
                let before = self.folded.countdowns.get(fired.countdown).unwrap();
                assert!(before.count(Answer::Confirmed) >= before.quorum, "FiredOnlyWithQuorum: {before:?}");
                assert!(matches!(before.phase, Phase::Counting { .. }), "HeldNeverFires: {before:?}");
                self.check_predecessors(before.campaign, before.id);
            }
            Event::MessageTaken(taken) => {
                let delivery = (taken.message, taken.mailbox.clone());
                assert!(!self.acked.contains(&delivery), "AckedNeverAgain: {taken:?}");
                let before = self.folded.mailboxes.get(taken.message, &taken.mailbox).expect("NothingFromNowhere");
                assert_eq!(before.holder(), None, "OneTakerAtATime: {taken:?}");
            }
            Event::MessageAcked(acked) => {
                assert!(self.acked.insert((acked.message, acked.mailbox.clone())), "AckedOnce: {acked:?}");
            }
            _ => {}
        }
    }

    /// Nothing fires before its predecessors have ended, under the policy `block` well.
    fn check_predecessors(&self, campaign: Option<CampaignId>, countdown: CountdownId) {
        let Some(campaign) = campaign.and_then(|id| self.folded.campaigns.get(id)) else { return };
        for before in &campaign.members[&countdown].before {
            let before = self.folded.countdowns.get(*before).unwrap();
            let well = matches!(before.phase, Phase::Fired { .. });
            let may = well || campaign.policy == FailurePolicy::Continue && before.has_ended();
            assert!(may, "NothingFiresBeforeItsPredecessors: {before:?}");
        }
    }

    fn remember(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::CountdownScheduled(_) => self.countdowns.push(recorded.id.to_string()),
            Event::CampaignCreated(_) => self.campaigns.push(recorded.id.to_string()),
            Event::MessageSent(sent) => {
                self.messages.push(recorded.id.to_string());
                self.sent.0.insert(recorded.id.into(), sent.clone());
            }
            Event::MessageTaken(taken) => self.tokens.push(Token::new(taken.message, taken.fence).to_string()),
            Event::MessageDeadLettered(dead) => self.dead.push(dead.message.to_string()),
            _ => {}
        }
    }

    /// Replay from zero, and a snapshot with its tail, are the live state.
    pub(crate) fn check_the_folds(&self) {
        assert_eq!(self.folded, self.state, "a snapshot and its tail are the live state");
        let mut replayed = State::default();
        self.log.iter().for_each(|recorded| replayed.evolve(recorded));
        assert_eq!(replayed, self.state, "replay from zero is the live state");
        let bytes = |state: &State| postcard::to_stdvec(state).unwrap();
        assert_eq!(bytes(&replayed), bytes(&self.state), "equal states have equal bytes");
        assert_eq!(bytes(&self.folded), bytes(&self.state), "equal states have equal bytes");
    }
}

fn actor(index: usize) -> ActorName {
    ActorName::parse(ACTORS[index]).unwrap()
}

fn countdown_that_ended(event: &Event) -> Option<CountdownId> {
    match event {
        Event::CountdownFired(fired) => Some(fired.countdown),
        Event::CountdownMissed(missed) => Some(missed.countdown),
        Event::CountdownScrubbed(scrubbed) => Some(scrubbed.countdown),
        _ => None,
    }
}
