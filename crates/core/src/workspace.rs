//! The whole deciding state, and the one way to change it: decide, fold, and fold what that causes.

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::{
    actors::{self, Actors},
    campaign::{self, Campaigns, events::CampaignLinked},
    clock::Jump,
    command::{Command, Request, ScheduleCountdown, SubmitChange},
    countdown::{self, Countdown, Countdowns},
    effects::effects,
    event::{Event, Keyed, Recorded},
    id::{CampaignId, ChangeId, CountdownId, EventId, IdSource, MessageId},
    keys::Keys,
    limits,
    mailbox::{self, Mailboxes, events::MessageSent},
    name::{ActorName, Name},
    queue::{
        self, Change, Changes, RepoPath,
        decide::{outcome::Claim, submit::Submission},
    },
    refusal::Refusal,
    time::Timestamp,
};

/// Everything that decisions rest on: a fold of the log.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// How many events were folded.
    pub size: u64,
    /// The time of the last of them.
    pub time: Timestamp,
    /// Who takes part.
    pub actors: Actors,
    /// The countdowns.
    pub countdowns: Countdowns,
    /// The campaigns.
    pub campaigns: Campaigns,
    /// The mailboxes.
    pub mailboxes: Mailboxes,
    /// The queue.
    pub changes: Changes,
    /// The idempotency keys.
    pub keys: Keys,
}

/// A message that the log holds, as far as a decision needs it. What is in the log never changes, so looking it up is
/// no less pure than folding it; the deciding state need not keep a million texts.
pub trait Past {
    /// The message that a reference means.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] or [`Refusal::Ambiguous`].
    fn message(&self, reference: &str) -> Result<(MessageId, MessageSent), Refusal>;
}

/// What a decision needs besides state and request.
pub struct Context<'a> {
    /// Convoke's time.
    pub now: Timestamp,
    /// A jump of the clock that was not accepted yet.
    pub jump: Option<Jump>,
    /// Fresh ids.
    pub ids: &'a mut dyn IdSource,
    /// Messages in the log.
    pub past: &'a dyn Past,
}

/// What became of a request that was not refused.
#[derive(Debug, Clone, PartialEq)]
pub enum Handled {
    /// It wrote these events. None, if it changed nothing new.
    Wrote(Vec<Recorded>),
    /// It was answered before, with these events.
    Repeated {
        /// The position of the first.
        first: u64,
        /// How many.
        count: u32,
    },
}

impl State {
    /// Folds one event. Cannot fail: what makes no sense is ignored.
    pub fn evolve(&mut self, recorded: &Recorded) {
        self.size = recorded.position.saturating_add(1);
        self.time = self.time.max(recorded.time);
        self.keys.evolve(recorded);
        // The clock's acceptance carries the new time and is decided before what became due in between: as a sign of life
        // it would revive the leases that ended while the clock stood wrong.
        let is_sign_of_life = !matches!(recorded.event, Event::ClockAccepted(_));
        if recorded.actor.as_str() != ActorName::SYSTEM && is_sign_of_life {
            self.mailboxes.touched(&recorded.actor, recorded.time);
        }
        match &recorded.event {
            Event::WorkspaceCreated(_)
            | Event::MembershipSet(_)
            | Event::ActorRegistered(_)
            | Event::ActorKindChanged(_) => self.actors.evolve(recorded),
            Event::ClockAccepted(_) => {}
            Event::CountdownScheduled(_)
            | Event::CountdownJoined(_)
            | Event::CountdownReleased(_)
            | Event::CountdownConfirmed(_)
            | Event::CountdownDeclined(_)
            | Event::CountdownDeferred(_)
            | Event::CountdownHoldStarted(_)
            | Event::CountdownResumed(_)
            | Event::CountdownRescheduled(_)
            | Event::CountdownFired(_)
            | Event::CountdownMissed(_)
            | Event::CountdownScrubbed(_) => {
                self.countdowns.evolve(recorded);
                self.tell_campaigns(recorded);
            }
            Event::CampaignCreated(_)
            | Event::CampaignLinked(_)
            | Event::CampaignUnlinked(_)
            | Event::CampaignStarted(_)
            | Event::CampaignCompleted(_)
            | Event::CampaignFailed(_)
            | Event::CampaignCancelled(_) => self.campaigns.evolve(recorded),
            Event::MessageSent(sent) => {
                // Whoever a countdown's end concerns has its payload now; a hundred thousand ended ones need not keep it.
                if sent.from.as_str() == ActorName::SYSTEM {
                    sent.references.iter().filter_map(|id| id.parse().ok()).for_each(|id| self.countdowns.told(id));
                }
                if sent.to.iter().any(|to| to.as_str() == ActorName::ALL) {
                    let recipients = self.actors.everybody_but(&sent.from);
                    self.mailboxes.evolve(recorded, &recipients);
                } else {
                    self.mailboxes.evolve(recorded, &sent.to);
                }
            }
            Event::MessageTaken(_)
            | Event::MessageAcked(_)
            | Event::MessageNacked(_)
            | Event::MessageLeaseExtended(_)
            | Event::MessageLeaseExpired(_)
            | Event::MessageDeadLettered(_)
            | Event::MessageRedriven(_) => self.mailboxes.evolve(recorded, &[]),
            Event::ChangeSubmitted(_)
            | Event::ChangeRejected(_)
            | Event::ChangeApproved(_)
            | Event::ChangeDisapproved(_)
            | Event::ChangeLeased(_)
            | Event::ChangeLeaseExtended(_)
            | Event::ChangeLeaseExpired(_)
            | Event::ChangeReturned(_)
            | Event::ChangeLandingStarted(_)
            | Event::ChangeLanded(_)
            | Event::ChangeConflicted(_)
            | Event::ChangeFailed(_)
            | Event::ChangeDied(_)
            | Event::ChangeCancelled(_)
            | Event::ChangeSuperseded(_)
            | Event::QueuePaused(_)
            | Event::QueueResumed(_) => self.changes.evolve(recorded),
        }
    }

    /// Campaigns follow what becomes of their countdowns.
    fn tell_campaigns(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::CountdownScheduled(scheduled) => {
                if let Some(campaign) = scheduled.campaign {
                    self.campaigns.member_added(campaign, recorded.id.into(), scheduled.name.clone());
                }
            }
            Event::CountdownJoined(joined) => {
                if let Some(countdown) = self.countdowns.get(joined.countdown) {
                    self.campaigns.member_added(joined.campaign, joined.countdown, countdown.name.clone());
                }
            }
            Event::CountdownReleased(released) => self.campaigns.member_released(released.countdown),
            Event::CountdownFired(fired) => self.campaigns.member_ended(fired.countdown, true),
            Event::CountdownMissed(missed) => self.campaigns.member_ended(missed.countdown, false),
            Event::CountdownScrubbed(scrubbed) => self.campaigns.member_ended(scrubbed.countdown, false),
            _ => {}
        }
    }

    /// When the next thing is due, if any.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let countdown = self.countdowns.next_due().map(|(time, _)| time);
        let lease = self.mailboxes.next_due();
        let claim = self.changes.next_due().map(|(time, _)| time);
        countdown.into_iter().chain(lease).chain(claim).min()
    }
}

/// Decides a request and folds what it writes.
///
/// # Errors
/// The [`Refusal`]; the state is then as it was.
pub fn handle(state: &mut State, request: &Request, context: &mut Context<'_>) -> Result<Handled, Refusal> {
    let Request { actor, key, expect_head, command } = request;
    if let Some(key) = key
        && let Some(remembered) = state.keys.get(actor, key)
    {
        return if remembered.fingerprint == command.fingerprint(&remembered.salt).0 {
            Ok(Handled::Repeated { first: remembered.first, count: remembered.count })
        } else {
            Err(Refusal::KeyReused { first: remembered.first })
        };
    }
    if let Some(expected) = *expect_head
        && expected != state.size
    {
        return Err(Refusal::HeadMoved { expected, actual: state.size });
    }
    if let (Some(Jump { wall, engine }), false) = (context.jump, matches!(command, Command::AcceptClock(_))) {
        return Err(Refusal::ClockJumped { wall, engine });
    }
    let mut events = match decide(state, actor, command, context)? {
        Decision::Write(events) => events,
        Decision::Already { first, count } => return Ok(Handled::Repeated { first, count }),
    };
    let registers_himself = |planned: &Planned| match &planned.event {
        Event::WorkspaceCreated(_) => true,
        Event::ActorRegistered(registered) => registered.name == *actor,
        _ => false,
    };
    if !events.is_empty() && !events.iter().any(registers_himself) {
        events.splice(0..0, state.actors.acting(actor)?.map(|registered| Planned::from(Event::from(registered))));
    }
    let keyed = key.as_ref().map(|key| {
        let salt = context.ids.salt();
        Keyed { key: key.clone(), fingerprint: command.fingerprint(&salt), salt }
    });
    Ok(Handled::Wrote(write(state, actor, keyed, events, context)))
}

/// What comes about because of the time alone. Of several that are due at the same time the one with the lower id is first,
/// and of those with the same id (a message in several mailboxes) they are in the order of this type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// T-0 of a countdown, or the limit of its hold.
    Countdown(CountdownId),
    /// The end of the lease on a message in a mailbox.
    Lease(MessageId, ActorName),
    /// The end of the lease on a change.
    Claim(ChangeId),
}

impl Due {
    fn id(&self) -> EventId {
        match self {
            Self::Countdown(id) => (*id).into(),
            Self::Lease(message, _) => (*message).into(),
            Self::Claim(change) => (*change).into(),
        }
    }

    /// The first that is due by now.
    fn first(state: &State, now: Timestamp) -> Option<Self> {
        let countdown = state.countdowns.due(now).next().map(|(at, id)| (at, Self::Countdown(id)));
        let lease = state.mailboxes.due(now).next().map(|(at, message, mailbox)| (at, Self::Lease(message, mailbox)));
        let claim = state.changes.next_due().filter(|(at, _)| *at <= now).map(|(at, id)| (at, Self::Claim(id)));
        let first =
            countdown.into_iter().chain(lease).chain(claim).min_by_key(|(at, due)| (*at, due.id(), due.clone()));
        first.map(|(_, due)| due)
    }

    fn decide(&self, state: &State, now: Timestamp) -> Vec<Event> {
        match self {
            Self::Countdown(id) => {
                let countdown = state.countdowns.get(*id);
                countdown.map(|countdown| countdown::decide::due(countdown, now)).unwrap_or_default()
            }
            Self::Lease(message, mailbox) => state.mailboxes.expire(*message, mailbox),
            Self::Claim(change) => state.changes.expire(*change),
        }
    }

    /// Drops it from the index, so that it is not due for ever if nothing follows from it. The indexes agree with the
    /// things unless they were made from a state that no log has.
    fn drop_from(&self, state: &mut State) {
        match self {
            Self::Countdown(id) => state.countdowns.drop_due(*id),
            Self::Lease(message, mailbox) => state.mailboxes.drop_due(*message, mailbox),
            Self::Claim(change) => state.changes.drop_due(*change),
        }
    }
}

/// Decides what is due at or before now, in order of (due time, id), each with all that it causes, until nothing is or
/// the commit is full. Gives the events; call again while there are any. If there are none, nothing is due any more.
///
/// Ids of one millisecond are in no meaningful order: it is the same in every replay, and says nothing else.
pub fn handle_due(state: &mut State, now: Timestamp, ids: &mut dyn IdSource) -> Vec<Recorded> {
    let mut written = Vec::new();
    let mut context = Context { now, jump: None, ids, past: &NoPast };
    let mut items = 0;
    while items < limits::DUE_PER_COMMIT_MAX && written.len() < limits::DUE_EVENTS_FULL {
        let Some(due) = Due::first(state, now) else { break };
        let events = due.decide(state, now);
        if events.is_empty() {
            due.drop_from(state);
            continue;
        }
        items += 1;
        written.extend(write(state, &ActorName::system(), None, plan(events), &mut context));
    }
    written
}

/// A past without messages, for what refers to none: nothing that is due does.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPast;

impl Past for NoPast {
    fn message(&self, reference: &str) -> Result<(MessageId, MessageSent), Refusal> {
        Err(Refusal::NotFound { what: "message", reference: reference.to_owned() })
    }
}

/// What a command comes to.
enum Decision {
    /// These events, none if it changes nothing new.
    Write(Vec<Planned>),
    /// The answer is what the log holds already.
    Already { first: u64, count: u32 },
}

/// An event to be written, with its id where another event of the same decision names it.
struct Planned {
    id: Option<EventId>,
    event: Event,
}

impl From<Event> for Planned {
    fn from(event: Event) -> Self {
        Self { id: None, event }
    }
}

/// Folds these events, then what they cause, and what that causes: a whole cascade.
fn write(
    state: &mut State,
    actor: &ActorName,
    mut idempotency: Option<Keyed>,
    planned: Vec<Planned>,
    context: &mut Context<'_>,
) -> Vec<Recorded> {
    let mut written: Vec<Recorded> = Vec::with_capacity(planned.len());
    let mut waiting: VecDeque<(Option<EventId>, Planned)> = planned.into_iter().map(|event| (None, event)).collect();
    let mut settled = 0;
    loop {
        while let Some((causation, Planned { id, event })) = waiting.pop_front() {
            let id = id.unwrap_or_else(|| context.ids.fresh());
            let recorded = Recorded {
                position: state.size,
                id,
                time: context.now,
                actor: actor.clone(),
                correlation: written.first().map_or(id, |first| first.id),
                causation,
                idempotency: idempotency.take(),
                event,
            };
            state.evolve(&recorded);
            written.push(recorded);
        }
        let Some(cause) = written.get(settled) else { return written };
        settled += 1;
        waiting.extend(effects(state, cause).into_iter().map(|event| (Some(cause.id), event.into())));
    }
}

/// Decides a command that is neither a repetition nor refused for its circumstances.
fn decide(state: &State, actor: &ActorName, command: &Command, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    if let Command::CreateWorkspace(create) = command {
        return actors::create(state.size, create, actor).map(plan).map(Decision::Write);
    }
    if state.size == 0 {
        return Err(Refusal::BadRequest("the log is empty; it begins with create_workspace".to_owned()));
    }
    state.actors.acting(actor)?;
    let now = context.now;
    let countdown = |reference: &str| {
        let id = state.countdowns.find(reference, None)?;
        state.countdowns.get(id).ok_or_else(|| Refusal::no_countdown(id))
    };
    let campaign = |reference: &str| {
        let id = state.campaigns.find(reference)?;
        state.campaigns.get(id).ok_or_else(|| Refusal::no_campaign(id))
    };
    let change = |reference: &str| {
        let id = state.changes.find(reference)?;
        state.changes.get(id).ok_or_else(|| Refusal::no_change(id))
    };
    let claimed = |reference: &str, fence| change(reference).map(|change| Claim { change, actor, fence, now });
    let events = match command {
        Command::CreateWorkspace(_) | Command::Tick(_) => Vec::new(),
        Command::SetMembership(set) => state.actors.set_membership(actor, set.membership)?,
        Command::AddActor(add) => state.actors.add(actor, &add.name, add.kind, add.create)?,
        Command::AcceptClock(accept) => {
            let jump = context.jump.ok_or(Refusal::ClockFine)?;
            state.actors.accept_clock(actor, jump.wall, jump.engine, &accept.reason)?
        }
        Command::ScheduleCountdown(schedule) => {
            return schedule_countdown(state, actor, schedule, context).map(Decision::Write);
        }
        Command::ConfirmCountdown(confirm) => {
            answers_for_himself(actor, confirm.attendee.as_ref())?;
            countdown::decide::confirm(countdown(&confirm.countdown)?, actor, now)?
        }
        Command::DeclineCountdown(decline) => {
            answers_for_himself(actor, decline.attendee.as_ref())?;
            countdown::decide::decline(countdown(&decline.countdown)?, actor, decline.reason.as_deref(), now)?
        }
        Command::DeferCountdown(defer) => {
            answers_for_himself(actor, defer.attendee.as_ref())?;
            countdown::decide::defer(countdown(&defer.countdown)?, actor, defer.by_ms, defer.reason.as_deref(), now)?
        }
        Command::HoldCountdown(hold) => {
            countdown::decide::hold(countdown(&hold.countdown)?, actor, hold.reason.as_deref(), now)?
        }
        Command::ResumeCountdown(resume) => countdown::decide::resume(countdown(&resume.countdown)?, actor, now)?,
        Command::RescheduleCountdown(reschedule) => {
            let subject = countdown(&reschedule.countdown)?;
            countdown::decide::reschedule(subject, actor, reschedule.time, reschedule.allow_past, now)?
        }
        Command::ScrubCountdown(scrub) => {
            countdown::decide::scrub(countdown(&scrub.countdown)?, actor, scrub.reason.as_deref(), now)?
        }
        Command::CreateCampaign(create) => campaign::create(create, actor)?,
        Command::JoinCampaign(join) => {
            let into = campaign(&join.campaign)?;
            let subject = countdown(&join.countdown)?;
            campaign::admit_existing(into, subject.id, actor)?;
            countdown::decide::join(subject, into.id, actor, now)?
        }
        Command::LinkCampaign(link) => {
            let within = campaign(&link.campaign)?;
            let (before, after) = (member(state, within.id, &link.before)?, member(state, within.id, &link.after)?);
            campaign::link(within, (before.id, &before.name), (after.id, &after.name), actor)?
        }
        Command::UnlinkCampaign(link) => {
            let within = campaign(&link.campaign)?;
            let (before, after) = (member(state, within.id, &link.before)?, member(state, within.id, &link.after)?);
            campaign::unlink(within, (before.id, &before.name), (after.id, &after.name), actor)?
        }
        Command::StartCampaign(start) => campaign::start(campaign(&start.campaign)?, actor)?,
        Command::CancelCampaign(cancel) => {
            campaign::cancel(campaign(&cancel.campaign)?, actor, cancel.reason.as_deref())?
        }
        Command::SendMessage(send) => {
            let parent = match &send.in_reply_to {
                Some(reference) => {
                    let (id, sent) = context.past.message(reference)?;
                    Some((id, sent.thread.unwrap_or(id)))
                }
                None => None,
            };
            let sent = mailbox::compose(send, actor, parent)?;
            let mut events: Vec<Event> = if sent.to.iter().any(|to| to.as_str() == ActorName::ALL) {
                let recipients = state.actors.everybody_but(actor).len();
                if recipients == 0 {
                    return Err(Refusal::NobodyThere);
                }
                state.mailboxes.has_room(&[], recipients)?;
                Vec::new()
            } else {
                state.mailboxes.has_room(&sent.to, sent.to.len())?;
                let others: Vec<ActorName> = sent.to.iter().filter(|to| *to != actor).cloned().collect();
                state.actors.mentioned(&others, send.create)?.into_iter().map(Event::from).collect()
            };
            events.push(sent.into());
            events
        }
        Command::ReceiveMessages(receive) => {
            let mailbox = receive.mailbox.clone().unwrap_or_else(|| actor.clone()).mailbox();
            state.actors.may_take_from(actor, &mailbox)?;
            mailbox::receive(&state.mailboxes, receive, &mailbox, actor, now)?
        }
        Command::AckMessage(ack) => state.mailboxes.ack(ack.token, actor, now)?,
        Command::NackMessage(nack) => state.mailboxes.nack(nack.token, actor, nack.reason.as_deref(), now)?,
        Command::ExtendMessage(extend) => state.mailboxes.extend(extend.token, actor, extend.lease_ms, now)?,
        Command::RedriveMessage(redrive) => {
            let mailbox = redrive.mailbox.clone().unwrap_or_else(|| actor.clone()).mailbox();
            state.actors.may_take_from(actor, &mailbox)?;
            let dead = state.mailboxes.find_dead(&mailbox, &redrive.message)?;
            let (_, original) = context.past.message(&dead.to_string())?;
            let again = context.ids.fresh();
            let events = state.mailboxes.redrive(dead, &mailbox, &original, again.into())?;
            let named = |event| Planned { id: matches!(event, Event::MessageSent(_)).then_some(again), event };
            return Ok(Decision::Write(events.into_iter().map(named).collect()));
        }
        Command::SubmitChange(submit) => return submit_change(state, actor, submit, context),
        Command::ClaimChanges(claim) => {
            let max = claim.max.map_or(1, |max| usize::try_from(max).unwrap_or(usize::MAX));
            queue::decide::claim::claim(&state.changes, &Name::parse(&claim.target)?, max, claim.lease_ms, actor, now)?
        }
        Command::ExtendChange(extend) => {
            queue::decide::claim::extend(change(&extend.change)?, extend.fence, extend.lease_ms, actor, now)?
        }
        Command::StartLanding(start) => {
            claimed(&start.change, start.fence)?.start_landing(&state.changes, start.receipt.clone())?
        }
        Command::LandChange(land) => claimed(&land.change, land.fence)?.land(land.recovered)?,
        Command::ConflictChange(conflict) => {
            let paths = conflict.paths.iter().filter_map(|path| RepoPath::parse(path).ok()).collect();
            let against = conflict.against.as_deref().map(|reference| state.changes.find(reference)).transpose()?;
            claimed(&conflict.change, conflict.fence)?.conflict(paths, against, &conflict.detail)?
        }
        Command::RejectChange(reject) => claimed(&reject.change, reject.fence)?.reject(&reject.faults)?,
        Command::FailChange(fail) => {
            claimed(&fail.change, fail.fence)?.fail(fail.class, &fail.cause, fail.output.as_deref())?
        }
        Command::ReturnChange(back) => claimed(&back.change, back.fence)?.give_back(&back.reason)?,
        Command::ApproveChange(review) => {
            queue::decide::review::approve(change(&review.change)?, actor, review.reason.as_deref())?
        }
        Command::DisapproveChange(review) => {
            let reason = review.reason.as_deref().unwrap_or_default();
            queue::decide::review::disapprove(change(&review.change)?, actor, reason)?
        }
        Command::CancelChange(cancel) => {
            queue::decide::withdraw::cancel(change(&cancel.change)?, actor, cancel.reason.as_deref())?
        }
        Command::RequeueChange(requeue) => {
            match queue::decide::submit::requeue(&state.changes, change(&requeue.change)?)? {
                Submission::Duplicate(id) => return Ok(already(state, id)),
                Submission::New(submitted) => vec![(*submitted).into()],
            }
        }
        Command::PauseQueue(pause) => queue::decide::withdraw::pause(&state.changes, &pause.reason)?,
        Command::ResumeQueue(_) => queue::decide::withdraw::resume(&state.changes),
    };
    Ok(Decision::Write(plan(events)))
}

fn plan(events: Vec<Event>) -> Vec<Planned> {
    events.into_iter().map(Planned::from).collect()
}

/// Whoever is named in an answer is the one who acts.
fn answers_for_himself(actor: &ActorName, named: Option<&ActorName>) -> Result<(), Refusal> {
    match named {
        Some(named) if named != actor => Err(Refusal::NotYou { acting: actor.clone(), named: named.clone() }),
        _ => Ok(()),
    }
}

/// The countdown that is meant in a campaign; one of another campaign if none of this one is, for the machine to refuse.
fn member<'s>(state: &'s State, campaign: CampaignId, reference: &str) -> Result<&'s Countdown, Refusal> {
    let id = state.countdowns.find(reference, Some(campaign)).or_else(|_| state.countdowns.find(reference, None))?;
    state.countdowns.get(id).ok_or_else(|| Refusal::no_countdown(id))
}

/// The change was handed in before: its `change.submitted` is the answer.
fn already(state: &State, id: ChangeId) -> Decision {
    let first = state.changes.get(id).map_or(state.size, |change| change.position);
    Decision::Already { first, count: 1 }
}

/// Takes a change in, in the place of another if that is asked.
fn submit_change(
    state: &State,
    actor: &ActorName,
    submit: &SubmitChange,
    context: &mut Context<'_>,
) -> Result<Decision, Refusal> {
    let old: Option<&Change> = match &submit.supersedes {
        Some(reference) => {
            let id = state.changes.find(reference)?;
            Some(state.changes.get(id).ok_or_else(|| Refusal::no_change(id))?)
        }
        None => None,
    };
    let submitted = match queue::decide::submit::submit(&state.changes, submit, old.map(|old| old.id), actor)? {
        Submission::Duplicate(id) => return Ok(already(state, id)),
        Submission::New(submitted) => *submitted,
    };
    let reviewers: Vec<ActorName> =
        submitted.approval.iter().flat_map(|rule| &rule.of).filter(|name| *name != actor).cloned().collect();
    let mut planned = plan(state.actors.mentioned(&reviewers, false)?.into_iter().map(Event::from).collect());
    let id = context.ids.fresh();
    planned.push(Planned { id: Some(id), event: submitted.into() });
    if let Some(old) = old {
        planned.extend(plan(queue::decide::submit::supersede(old, id.into(), actor)?));
    }
    Ok(Decision::Write(planned))
}

/// Schedules a countdown, in a campaign or by itself, with its links.
fn schedule_countdown(
    state: &State,
    actor: &ActorName,
    schedule: &ScheduleCountdown,
    context: &mut Context<'_>,
) -> Result<Vec<Planned>, Refusal> {
    let campaign = match &schedule.campaign {
        Some(reference) => {
            let id = state.campaigns.find(reference)?;
            let campaign = state.campaigns.get(id).ok_or_else(|| Refusal::no_campaign(id))?;
            campaign::admit(campaign, actor)?;
            Some(campaign)
        }
        None if schedule.after.is_empty() => None,
        None => return Err(Refusal::BadRequest("`after` needs a campaign".to_owned())),
    };
    let scheduled = countdown::decide::schedule(
        countdown::decide::Terms::of(schedule, actor.clone(), campaign.map(|campaign| campaign.id))?,
        context.now,
    )?;
    let attendees: Vec<ActorName> = scheduled.attendees.iter().filter(|name| *name != actor).cloned().collect();
    let mut planned = plan(state.actors.mentioned(&attendees, schedule.create)?.into_iter().map(Event::from).collect());
    let id = context.ids.fresh();
    planned.push(Planned { id: Some(id), event: scheduled.into() });
    if let Some(campaign) = campaign {
        let mut before = BTreeSet::new();
        for reference in &schedule.after {
            let predecessor = member(state, campaign.id, reference)?;
            campaign::admit_link(campaign, (predecessor.id, &predecessor.name), before.len())?;
            before.insert(predecessor.id);
        }
        planned.extend(before.into_iter().map(|before| {
            let linked = CampaignLinked { campaign: campaign.id, before, after: id.into() };
            Planned::from(Event::from(linked))
        }));
    }
    Ok(planned)
}
