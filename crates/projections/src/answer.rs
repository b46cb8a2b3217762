//! The answer to each query.

use std::cmp::Reverse;

use convoke_core::{
    id::{CampaignId, CountdownId, IdReference},
    name::ActorName,
    refusal::Refusal,
    time::Timestamp,
};

use crate::{
    campaigns::Campaign,
    countdowns::{Countdown, Place},
    fill::Search,
    query::{
        ActorQuery, ActorsQuery, CampaignsQuery, CountdownsQuery, DeadLettersQuery, InboxQuery, LIMIT_DEFAULT,
        LIMIT_MAX, Query, STATUS_LIMIT_DEFAULT, StatusQuery, TEXTS_MAX, ThreadQuery,
    },
    resolve::nothing,
    view::{
        ActorView, ActorsView, CampaignLine, CampaignState, CampaignView, CampaignsView, CountdownLine, CountdownView,
        CountdownsView, DeadLettersView, GraphEdge, GraphNode, GraphView, HistoryView, InboxView, MailCounts,
        MailboxLine, MemberView, More, OrderView, StatusView, ThreadView, View,
    },
    views::Views,
};

impl Views {
    /// Answers a query as of `now`, without what must be read from the log: see [`Views::fill`].
    ///
    /// # Errors
    /// [`Refusal::NotFound`] or [`Refusal::Ambiguous`] for a reference that does not mean one thing.
    pub fn answer(&self, query: &Query, now: Timestamp) -> Result<View, Refusal> {
        Ok(match query {
            Query::Status(query) => View::Status(Box::new(self.status(query, now))),
            Query::Countdowns(query) => View::Countdowns(self.countdowns_view(query, now)?),
            Query::Countdown(query) => View::Countdown(Box::new(self.countdown_view(&query.reference, now)?)),
            Query::Campaigns(query) => View::Campaigns(self.campaigns_view(query, now)?),
            Query::Campaign(query) => View::Campaign(Box::new(self.campaign_view(&query.reference, now)?)),
            Query::Order(query) => View::Order(self.order(&query.reference)?),
            Query::Graph(query) => View::Graph(self.graph(&query.reference)?),
            Query::Inbox(query) => View::Inbox(self.inbox(query, now)),
            Query::DeadLetters(query) => View::DeadLetters(self.dead_letters(query, now)),
            Query::Actors(query) => View::Actors(self.actors_view(query, now)),
            Query::Actor(query) => View::Actor(Box::new(self.actor_view(query, now)?)),
            Query::Thread(query) => View::Thread(self.thread(query, now)?),
            Query::History(query) => View::History(self.history(&query.reference)?),
            Query::Changes(query) => View::Changes(self.changes_view(query, now)?),
            Query::Change(query) => View::Change(Box::new(self.change_view(&query.reference, now)?)),
            Query::QueueMetrics(_) => View::QueueMetrics(self.queue_metrics(now)),
        })
    }

    fn status(&self, query: &StatusQuery, now: Timestamp) -> StatusView {
        let state = &self.state;
        let limit = query.limit.unwrap_or(STATUS_LIMIT_DEFAULT);
        let only = query.actor.as_ref();
        let live = |countdown: &Countdown| {
            !countdown.state().has_ended() && only.is_none_or(|actor| countdown.concerns(actor))
        };
        let (countdowns, more_countdowns) = self.countdown_lines(live, None, limit);
        let running = |campaign: &Campaign| {
            campaign.state() == CampaignState::Running
                && only.is_none_or(|actor| {
                    let members = campaign.members.iter().filter_map(|id| state.countdowns.get(*id));
                    campaign.organizer == *actor || members.into_iter().any(|countdown| countdown.concerns(actor))
                })
        };
        let (campaigns, more_campaigns) = self.campaign_lines(running, None, limit);
        let mut mail_counts = MailCounts::default();
        let mut mail = Vec::new();
        let mailbox = only.map(|actor| actor.clone().mailbox());
        let asked = state.mail.mailboxes().filter(|(name, _)| mailbox.as_ref().is_none_or(|mailbox| mailbox == *name));
        for (name, counts) in asked.map(|(name, mailbox)| (name, mailbox.counts(now))) {
            mail_counts.ready += counts.ready;
            mail_counts.paused += counts.paused;
            mail_counts.taken += counts.taken;
            mail_counts.dead += counts.dead;
            mail_counts.acked += counts.acked;
            let empty = counts.ready + counts.paused + counts.taken + counts.dead == 0;
            if !empty {
                mail.push(MailboxLine { mailbox: name.clone(), counts });
            }
        }
        let (mail, more_mail) = cut(mail, limit);
        let (leases, more_leases) = cut(state.mail.leases(only, &state.actors), limit);
        StatusView {
            now,
            size: state.size,
            last_event_at: state.last_event_at,
            organizer: state.actors.organizer.clone(),
            membership: state.actors.membership,
            actors: state.actors.counts(),
            countdown_counts: state.countdowns.counts(only),
            countdowns,
            more_countdowns,
            campaigns,
            more_campaigns,
            mail_counts,
            mail,
            more_mail,
            leases,
            more_leases,
            queue: state.changes.counts(only),
            queue_paused: state.changes.paused().map(str::to_owned),
        }
    }

    fn countdowns_view(&self, query: &CountdownsQuery, now: Timestamp) -> Result<CountdownsView, Refusal> {
        let campaign = query.campaign.as_deref().map(|reference| self.campaign(reference)).transpose()?;
        let after = query.after.as_deref().map(|reference| self.countdown(reference)).transpose()?;
        let wanted = |countdown: &Countdown| {
            query.state.is_none_or(|filter| filter.accepts(countdown.state()))
                && campaign.is_none_or(|campaign| countdown.campaign == Some(campaign))
                && query.actor.as_ref().is_none_or(|actor| countdown.concerns(actor))
        };
        let (countdowns, more) = self.countdown_lines(wanted, after, query.limit.unwrap_or(LIMIT_DEFAULT));
        Ok(CountdownsView { now, countdowns, more })
    }

    /// The countdowns that are wanted, in order, from the one after `after`.
    fn countdown_lines(
        &self,
        wanted: impl Fn(&Countdown) -> bool,
        after: Option<CountdownId>,
        limit: u32,
    ) -> (Vec<CountdownLine>, More) {
        let countdowns = &self.state.countdowns;
        let after: Option<Place> = after.and_then(|id| countdowns.get(id).map(|countdown| countdown.place(id)));
        let mut places: Vec<Place> = countdowns
            .iter()
            .filter(|(_, countdown)| wanted(countdown))
            .map(|(id, countdown)| countdown.place(id))
            .filter(|place| after.is_none_or(|after| *place > after))
            .collect();
        places.sort_unstable();
        let (places, more) = cut(places, limit);
        let lines = places
            .into_iter()
            .filter_map(|(.., id)| countdowns.get(id).map(|countdown| countdown.line(id, &self.state.campaigns)));
        (lines.collect(), more)
    }

    fn countdown_view(&self, reference: &str, now: Timestamp) -> Result<CountdownView, Refusal> {
        let id = self.countdown(reference)?;
        let countdown = self.state.countdowns.get(id).ok_or_else(|| Refusal::no_countdown(id))?;
        let campaign = countdown.campaign.and_then(|campaign| self.state.campaigns.get(campaign));
        let links = || campaign.into_iter().flat_map(|campaign| &campaign.links);
        let named = |id: &CountdownId| self.state.countdowns.reference(*id);
        Ok(CountdownView {
            now,
            line: countdown.line(id, &self.state.campaigns),
            plan: countdown.plan,
            lead_ms: countdown.lead,
            policy: countdown.policy,
            answers: countdown.answers(),
            slipped_ms: countdown.slipped,
            slip_max_ms: countdown.slip_max,
            hold_max_ms: countdown.hold_max,
            hold: countdown.hold(),
            scheduled_at: countdown.scheduled_at,
            position: countdown.position,
            released_at: countdown.released_at,
            end: countdown.end(),
            before: links().filter(|(_, after)| *after == id).filter_map(|(before, _)| named(before)).collect(),
            after: links().filter(|(before, _)| *before == id).filter_map(|(_, after)| named(after)).collect(),
            payload: None,
            payload_at: countdown.has_payload.then_some(countdown.position),
        })
    }

    fn campaigns_view(&self, query: &CampaignsQuery, now: Timestamp) -> Result<CampaignsView, Refusal> {
        let after = query.after.as_deref().map(|reference| self.campaign(reference)).transpose()?;
        let wanted = |campaign: &Campaign| query.state.is_none_or(|state| state == campaign.state());
        let (campaigns, more) = self.campaign_lines(wanted, after, query.limit.unwrap_or(LIMIT_DEFAULT));
        Ok(CampaignsView { now, campaigns, more })
    }

    fn campaign_lines(
        &self,
        wanted: impl Fn(&Campaign) -> bool,
        after: Option<CampaignId>,
        limit: u32,
    ) -> (Vec<CampaignLine>, More) {
        let place = |(id, campaign): (CampaignId, &Campaign)| {
            let rank = match campaign.state() {
                CampaignState::Running => 0,
                CampaignState::Planned => 1,
                CampaignState::Completed | CampaignState::Failed | CampaignState::Cancelled => 2,
            };
            (rank, Reverse(campaign.position), id)
        };
        let campaigns = &self.state.campaigns;
        let after = after.and_then(|id| campaigns.get(id).map(|campaign| place((id, campaign))));
        let mut places: Vec<_> = campaigns
            .iter()
            .filter(|(_, campaign)| wanted(campaign))
            .map(place)
            .filter(|place| after.is_none_or(|after| *place > after))
            .collect();
        places.sort_unstable();
        let (places, more) = cut(places, limit);
        let lines = places
            .into_iter()
            .filter_map(|(.., id)| campaigns.get(id).map(|campaign| campaign.line(id, &self.state.countdowns)));
        (lines.collect(), more)
    }

    fn known_campaign(&self, reference: &str) -> Result<(CampaignId, &Campaign), Refusal> {
        let id = self.campaign(reference)?;
        self.state.campaigns.get(id).map(|campaign| (id, campaign)).ok_or_else(|| Refusal::no_campaign(id))
    }

    fn campaign_view(&self, reference: &str, now: Timestamp) -> Result<CampaignView, Refusal> {
        let (id, campaign) = self.known_campaign(reference)?;
        let member = |(level, id): (usize, CountdownId)| {
            let before = campaign.links.iter().filter(|(_, after)| *after == id).map(|(before, _)| *before);
            let countdown = self.state.countdowns.get(id)?.line(id, &self.state.campaigns);
            Some(MemberView { countdown, level: level as u32, before: before.collect() })
        };
        Ok(CampaignView {
            now,
            line: campaign.line(id, &self.state.countdowns),
            policy: campaign.policy,
            notice_ms: campaign.notice,
            reason: campaign.reason(),
            position: campaign.position,
            links: campaign.links.len() as u64,
            countdowns: numbered(campaign.levels(&self.state.countdowns)).filter_map(member).collect(),
        })
    }

    fn order(&self, reference: &str) -> Result<OrderView, Refusal> {
        let (id, campaign) = self.known_campaign(reference)?;
        let levels = campaign.levels(&self.state.countdowns).into_iter();
        let named =
            |level: Vec<CountdownId>| level.into_iter().filter_map(|id| self.state.countdowns.reference(id)).collect();
        Ok(OrderView { campaign: campaign.reference(id), levels: levels.map(named).collect() })
    }

    fn graph(&self, reference: &str) -> Result<GraphView, Refusal> {
        let (id, campaign) = self.known_campaign(reference)?;
        let node = |(level, id): (usize, CountdownId)| {
            let countdown = self.state.countdowns.reference(id)?;
            let (short, name, state) = (countdown.short, countdown.name, countdown.state);
            Some(GraphNode { id, short, name, state, level: level as u32 })
        };
        let nodes: Vec<GraphNode> = numbered(campaign.levels(&self.state.countdowns)).filter_map(node).collect();
        let mut edges: Vec<GraphEdge> =
            campaign.links.iter().map(|(before, after)| GraphEdge { before: *before, after: *after }).collect();
        let place: std::collections::BTreeMap<CountdownId, usize> =
            nodes.iter().enumerate().map(|(place, node)| (node.id, place)).collect();
        edges.retain(|edge| place.contains_key(&edge.before) && place.contains_key(&edge.after));
        edges.sort_by_key(|edge| (place.get(&edge.before), place.get(&edge.after)));
        Ok(GraphView { campaign: campaign.reference(id), state: campaign.state(), nodes, edges })
    }

    fn inbox(&self, query: &InboxQuery, now: Timestamp) -> InboxView {
        let mailbox = query.mailbox.clone().mailbox();
        let counts = self.state.mail.counts(&mailbox, now);
        let limit = query.limit.unwrap_or(LIMIT_DEFAULT).min(TEXTS_MAX) as usize;
        let messages: Vec<_> = self.state.mail.inbox(&mailbox, &self.state.actors, now).take(limit).collect();
        let more = (counts.ready + counts.paused + counts.taken).saturating_sub(messages.len() as u64);
        InboxView { now, mailbox, counts, messages, more }
    }

    fn dead_letters(&self, query: &DeadLettersQuery, now: Timestamp) -> DeadLettersView {
        let mailbox = query.mailbox.clone().map(ActorName::mailbox);
        let dead = self.state.mail.dead(mailbox.as_ref(), query.redriven, &self.state.actors, now);
        let (messages, more) = cut(dead, query.limit.unwrap_or(LIMIT_DEFAULT).min(TEXTS_MAX));
        DeadLettersView { now, messages, more }
    }

    fn actors_view(&self, query: &ActorsQuery, now: Timestamp) -> ActorsView {
        let actors = &self.state.actors;
        let lines = actors
            .iter()
            .filter(|(name, _)| query.after.as_ref().is_none_or(|after| *name > after))
            .map(|(name, member)| actors.line(name, member))
            .collect();
        let (lines, more) = cut(lines, query.limit.unwrap_or(LIMIT_DEFAULT));
        ActorsView { now, membership: actors.membership, actors: lines, more }
    }

    fn actor_view(&self, query: &ActorQuery, now: Timestamp) -> Result<ActorView, Refusal> {
        let state = &self.state;
        let name = &query.name;
        let member = state.actors.get(name).ok_or_else(|| nothing("actor", name.as_str()))?;
        let (leases, more_leases) = cut(state.mail.leases(Some(name), &state.actors), LIMIT_DEFAULT);
        let (awaiting, more_awaiting) = self.countdown_lines(|countdown| countdown.awaits(name), None, LIMIT_DEFAULT);
        Ok(ActorView {
            now,
            line: state.actors.line(name, member),
            position: member.position,
            mail: state.mail.counts(name, now),
            leases,
            more_leases,
            awaiting,
            more_awaiting,
        })
    }

    fn thread(&self, query: &ThreadQuery, now: Timestamp) -> Result<ThreadView, Refusal> {
        let none = || nothing("message", &query.message);
        let reference = IdReference::parse(&query.message).ok_or_else(none)?;
        let positions = self.positions(&reference);
        if positions.is_empty() {
            return Err(none());
        }
        let limit = query.limit.unwrap_or(LIMIT_DEFAULT).min(TEXTS_MAX);
        let search = Search::Root { reference: query.message.clone(), limit, positions };
        Ok(ThreadView { now, root: None, messages: Vec::new(), more: 0, search })
    }

    fn history(&self, reference: &str) -> Result<HistoryView, Refusal> {
        let id = match IdReference::parse(reference) {
            Some(id) => id,
            None => IdReference::Full(self.named(reference)?.to_bytes()),
        };
        let positions = self.positions(&id);
        if positions.is_empty() {
            return Err(nothing("thing", reference));
        }
        let search = Search::History { reference: reference.to_owned(), id: id.into(), positions };
        Ok(HistoryView { id: None, positions: Vec::new(), search })
    }
}

/// The first of a list, and how many were cut off.
pub(crate) fn cut<T>(mut list: Vec<T>, limit: u32) -> (Vec<T>, More) {
    let limit = limit.min(LIMIT_MAX) as usize;
    let more = list.len().saturating_sub(limit) as More;
    list.truncate(limit);
    (list, more)
}

fn numbered(levels: Vec<Vec<CountdownId>>) -> impl Iterator<Item = (usize, CountdownId)> {
    levels.into_iter().enumerate().flat_map(|(level, ids)| ids.into_iter().map(move |id| (level, id)))
}
