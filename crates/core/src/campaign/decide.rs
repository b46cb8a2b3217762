//! What its organizer does to a campaign: create, admit, link, unlink, start, cancel.
//!
//! An empty list of events is a success that changed nothing new. Permission is checked before everything else.

use std::collections::{BTreeMap, VecDeque};

use super::{
    commands::CreateCampaign,
    events::{CampaignCancelled, CampaignCreated, CampaignLinked, CampaignStarted, CampaignUnlinked},
    state::{Campaign, Member, Phase, Progress},
};
use crate::{
    event::Event,
    id::CountdownId,
    limits,
    name::{ActorName, Name},
    refusal::Refusal,
    time::Span,
};

/// How many countdowns of a cycle are named.
const CYCLE_SHOWN_MAX: usize = 10;

/// A countdown as a command refers to it: it may be in no campaign, or in another.
pub type Named<'a> = (CountdownId, &'a Name);

/// Plans a campaign.
///
/// # Errors
/// [`Refusal::BadName`].
pub fn create(command: &CreateCampaign, organizer: &ActorName) -> Result<Vec<Event>, Refusal> {
    let name = Name::parse(&command.name)?;
    let notice_ms = command.notice_ms.unwrap_or(Span::from_ms_capped(limits::NOTICE_MS));
    Ok(vec![CampaignCreated { name, organizer: organizer.clone(), policy: command.policy, notice_ms }.into()])
}

/// Whether a new countdown may be scheduled in the campaign: until it ends, while there is room.
///
/// # Errors
/// [`Refusal::NotOrganizer`], [`Refusal::CampaignEnded`], [`Refusal::OverLimit`].
pub fn admit(campaign: &Campaign, actor: &ActorName) -> Result<(), Refusal> {
    by_organizer(campaign, actor)?;
    not_ended(campaign)?;
    limits::check("the number of countdowns in the campaign", campaign.members.len() + 1, limits::CAMPAIGN_MEMBERS_MAX)
}

/// Whether an existing countdown may be put into the campaign: only while it is planned, as it would be held. One that is
/// in it already is always welcome.
///
/// # Errors
/// Those of [`admit`], and [`Refusal::AlreadyStarted`].
pub fn admit_existing(campaign: &Campaign, countdown: CountdownId, actor: &ActorName) -> Result<(), Refusal> {
    by_organizer(campaign, actor)?;
    if campaign.members.contains_key(&countdown) {
        return Ok(());
    }
    admit(campaign, actor)?;
    match campaign.phase {
        Phase::Planned => Ok(()),
        _ => Err(Refusal::AlreadyStarted { name: campaign.name.to_string() }),
    }
}

/// Lets `after` wait for `before`. A link that is there already stays as it is.
///
/// # Errors
/// [`Refusal::NotOrganizer`], [`Refusal::CampaignEnded`], [`Refusal::SelfLink`], [`Refusal::OtherCampaign`];
/// [`Refusal::NotHeld`] if the campaign has started and `after` is not held any more; [`Refusal::Cycle`], naming one;
/// [`Refusal::OverLimit`].
pub fn link(campaign: &Campaign, before: Named, after: Named, actor: &ActorName) -> Result<Vec<Event>, Refusal> {
    by_organizer(campaign, actor)?;
    not_ended(campaign)?;
    let predecessor = member(campaign, before)?;
    let successor = member(campaign, after)?;
    if before.0 == after.0 {
        return Err(Refusal::SelfLink);
    }
    if predecessor.after.contains(&after.0) {
        return Ok(Vec::new());
    }
    if campaign.phase != Phase::Planned && successor.progress != Progress::Held {
        return Err(Refusal::NotHeld { name: successor.name.to_string() });
    }
    if let Some(path) = path(campaign, after.0, before.0) {
        let members = std::iter::once(&before.0).chain(&path).filter_map(|id| campaign.members.get(id));
        let mut names: Vec<String> = members.map(|member| member.name.to_string()).collect();
        if let Some(hidden) = names.len().checked_sub(CYCLE_SHOWN_MAX).filter(|hidden| *hidden > 0) {
            // The last is the first again; it stays, so that the sentence still shows a cycle.
            names.splice(CYCLE_SHOWN_MAX - 1..names.len() - 1, [format!("… {hidden} more …")]);
        }
        return Err(Refusal::Cycle { path: names });
    }
    limits::check("the number of links in the campaign", campaign.links() + 1, limits::CAMPAIGN_LINKS_MAX)?;
    Ok(vec![CampaignLinked { campaign: campaign.id, before: before.0, after: after.0 }.into()])
}

/// Whether a countdown that is being added may wait for `before`, besides `already` others: there is room, and it is a member.
///
/// # Errors
/// [`Refusal::OtherCampaign`], [`Refusal::OverLimit`].
pub fn admit_link(campaign: &Campaign, before: Named, already: usize) -> Result<(), Refusal> {
    member(campaign, before)?;
    let links = campaign.links() + already + 1;
    limits::check("the number of links in the campaign", links, limits::CAMPAIGN_LINKS_MAX)
}

/// Lets `after` wait for `before` no longer. If nothing else keeps it, it is releasable from then on.
///
/// # Errors
/// [`Refusal::NotOrganizer`], [`Refusal::CampaignEnded`], [`Refusal::OtherCampaign`], [`Refusal::NoSuchLink`].
pub fn unlink(campaign: &Campaign, before: Named, after: Named, actor: &ActorName) -> Result<Vec<Event>, Refusal> {
    by_organizer(campaign, actor)?;
    not_ended(campaign)?;
    member(campaign, after)?;
    if !member(campaign, before)?.after.contains(&after.0) {
        return Err(Refusal::NoSuchLink { before: before.1.to_string(), after: after.1.to_string() });
    }
    Ok(vec![CampaignUnlinked { campaign: campaign.id, before: before.0, after: after.0 }.into()])
}

/// Starts a planned campaign. One that is running already stays as it is.
///
/// # Errors
/// [`Refusal::NotOrganizer`], [`Refusal::CampaignEnded`], [`Refusal::EmptyCampaign`].
pub fn start(campaign: &Campaign, actor: &ActorName) -> Result<Vec<Event>, Refusal> {
    by_organizer(campaign, actor)?;
    not_ended(campaign)?;
    if campaign.phase == Phase::Running {
        return Ok(Vec::new());
    }
    if campaign.members.is_empty() {
        return Err(Refusal::EmptyCampaign { name: campaign.name.to_string() });
    }
    Ok(vec![CampaignStarted { campaign: campaign.id }.into()])
}

/// Calls a campaign off.
///
/// # Errors
/// [`Refusal::NotOrganizer`], [`Refusal::CampaignEnded`], [`Refusal::OverLimit`] for the reason.
pub fn cancel(campaign: &Campaign, actor: &ActorName, reason: Option<&str>) -> Result<Vec<Event>, Refusal> {
    by_organizer(campaign, actor)?;
    not_ended(campaign)?;
    limits::check("a reason's length in bytes", reason.map_or(0, str::len), limits::REASON_BYTES_MAX)?;
    Ok(vec![CampaignCancelled { campaign: campaign.id, reason: reason.map(str::to_owned) }.into()])
}

fn by_organizer(campaign: &Campaign, actor: &ActorName) -> Result<(), Refusal> {
    if *actor == campaign.organizer {
        Ok(())
    } else {
        Err(Refusal::NotOrganizer { organizer: campaign.organizer.clone(), name: campaign.name.to_string() })
    }
}

fn not_ended(campaign: &Campaign) -> Result<(), Refusal> {
    match campaign.phase {
        Phase::Ended(outcome) => {
            Err(Refusal::CampaignEnded { name: campaign.name.to_string(), outcome: outcome.as_str() })
        }
        Phase::Planned | Phase::Running => Ok(()),
    }
}

fn member<'a>(campaign: &'a Campaign, (id, name): Named) -> Result<&'a Member, Refusal> {
    campaign
        .members
        .get(&id)
        .ok_or_else(|| Refusal::OtherCampaign { name: name.to_string(), campaign: campaign.name.to_string() })
}

/// A shortest way along the links from one countdown to another, both included. Looks at each link once at most.
fn path(campaign: &Campaign, from: CountdownId, to: CountdownId) -> Option<Vec<CountdownId>> {
    let mut reached_from = BTreeMap::from([(from, from)]);
    let mut waiting = VecDeque::from([from]);
    while let Some(here) = waiting.pop_front() {
        if here == to {
            let mut path = vec![to];
            let mut at = to;
            while at != from {
                at = *reached_from.get(&at)?;
                path.push(at);
            }
            path.reverse();
            return Some(path);
        }
        for next in campaign.members.get(&here).into_iter().flat_map(|member| &member.after) {
            if !reached_from.contains_key(next) {
                reached_from.insert(*next, here);
                waiting.push_back(*next);
            }
        }
    }
    None
}
