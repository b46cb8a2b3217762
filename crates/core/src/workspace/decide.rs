//! Each command, to the machine that decides it, with what that needs of the others.

use std::collections::BTreeSet;

use super::{
    cascade::{Planned, plan},
    handle::Context,
    state::State,
};
use crate::{
    actors,
    campaign::{self, events::CampaignLinked},
    command::{Command, ScheduleCountdown, SubmitChange},
    countdown::{self, Countdown},
    event::Event,
    id::{CampaignId, ChangeId},
    mailbox,
    name::{ActorName, Name},
    queue::{
        self, Change, RepoPath,
        decide::{outcome::Claim, submit::Submission},
    },
    refusal::Refusal,
};

/// What a command comes to.
pub(super) enum Decision {
    /// These events, none if it changes nothing new.
    Write(Vec<Planned>),
    /// The answer is what the log holds already.
    Already { first: u64, count: u32 },
}

/// Decides a command that is neither a repetition nor refused for its circumstances.
pub(super) fn decide(
    state: &State,
    actor: &ActorName,
    command: &Command,
    context: &mut Context<'_>,
) -> Result<Decision, Refusal> {
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
