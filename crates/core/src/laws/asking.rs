//! From a random step to a request that somebody may give: most of them make sense, and every third is anybody's.

use super::{
    queueing::Queueing,
    steps::{ACTORS, Known, Step, What, latest},
};
use crate::{
    command::{Command, Request},
    countdown::Phase,
    event::{Event, Recorded},
    id::{CampaignId, MessageId},
    mailbox::Token,
    name::{ActorName, Key},
    queue,
    workspace::State,
};

/// The names of what there is in a log, the latest last.
#[derive(Debug, Clone, Default)]
pub struct Names {
    countdowns: Vec<String>,
    campaigns: Vec<String>,
    messages: Vec<String>,
    dead: Vec<String>,
    tokens: Vec<String>,
    changes: Vec<String>,
    claims: Vec<(String, u32)>,
}

impl Names {
    pub(super) fn remember(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::CountdownScheduled(_) => self.countdowns.push(recorded.id.to_string()),
            Event::CampaignCreated(_) => self.campaigns.push(recorded.id.to_string()),
            Event::MessageSent(_) => self.messages.push(recorded.id.to_string()),
            Event::MessageTaken(taken) => self.tokens.push(Token::new(taken.message, taken.fence).to_string()),
            Event::ChangeSubmitted(_) => self.changes.push(recorded.id.to_string()),
            Event::ChangeLeased(leased) => self.claims.push((leased.change.to_string(), leased.fence)),
            Event::MessageDeadLettered(dead) => self.dead.push(dead.message.to_string()),
            _ => {}
        }
    }

    /// The request of a step that gives one, in this state. The serial number makes its names and its key its own.
    ///
    /// # Panics
    /// If a step makes no well-formed command.
    #[must_use]
    pub fn request(&self, state: &State, step: &Step, serial: usize) -> Option<Request> {
        let Step::Give { actor: who, keyed, what } = step else { return None };
        let asking = Asking { names: self, state, serial };
        let fitting = asking.countdowns_that_fit(what);
        let Self { countdowns, campaigns, messages, dead, tokens, changes, claims } = self;
        let countdowns = fitting.as_ref().unwrap_or(countdowns);
        let (fitting_changes, fitting_claims) = (asking.changes_that_fit(what), asking.claims_that_fit(what));
        let changes = fitting_changes.as_ref().unwrap_or(changes);
        let claims = fitting_claims.as_ref().unwrap_or(claims);
        let known = Known { countdowns, campaigns, messages, dead, tokens, changes, claims };
        let command: Command = serde_json::from_value(what.command(&known, serial)).expect("a well-formed command");
        let key = keyed.then(|| Key::parse(&format!("key-{serial}")).expect("a well-formed key"));
        let actor = asking.who_most_likely_may(what).unwrap_or_else(|| actor(*who));
        Some(Request { actor, key, expect_head: None, command })
    }
}

/// One of [`ACTORS`].
pub(super) fn actor(index: usize) -> ActorName {
    ActorName::parse(ACTORS[index]).expect("a well-formed name")
}

/// Those that are likely to be still there.
fn recent<T>(names: &[T]) -> &[T] {
    &names[names.len().saturating_sub(60)..]
}

struct Asking<'a> {
    names: &'a Names,
    state: &'a State,
    serial: usize,
}

impl Asking<'_> {
    fn campaign_organizer(&self, which: usize) -> Option<ActorName> {
        let id: CampaignId = latest(&self.names.campaigns, which).parse().ok()?;
        Some(self.state.campaigns.get(id)?.organizer.clone())
    }

    /// Most commands are about countdowns that are where the command needs them; every third about any.
    fn countdowns_that_fit(&self, what: &What) -> Option<Vec<String>> {
        if self.serial.is_multiple_of(3) {
            return None;
        }
        let campaign = |which: &usize| {
            let id = latest(&self.names.campaigns, *which).parse().ok()?;
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
        Some(self.names.countdowns.iter().filter(fits).cloned().collect())
    }

    /// Most commands are about changes that are where the command needs them.
    fn changes_that_fit(&self, what: &What) -> Option<Vec<String>> {
        let What::Queue(queueing) = what else { return None };
        if self.serial.is_multiple_of(3) {
            return None;
        }
        let fits = |id: &&String| {
            let change = id.parse().ok().and_then(|id| self.state.changes.get(id));
            change.is_some_and(|change| match queueing {
                Queueing::Approve { .. } => change.phase == queue::Phase::AwaitingApproval,
                Queueing::Requeue { .. } => matches!(change.phase, queue::Phase::Dead { .. }),
                _ => !change.has_ended(),
            })
        };
        Some(recent(&self.names.changes).iter().filter(fits).cloned().collect())
    }

    /// Most claims are current, and those of a landing that is needed are of one that was begun.
    fn claims_that_fit(&self, what: &What) -> Option<Vec<(String, u32)>> {
        let What::Queue(queueing) = what else { return None };
        if self.serial.is_multiple_of(3) {
            return None;
        }
        let fits = |(id, fence): &&(String, u32)| {
            let change = id.parse().ok().and_then(|id| self.state.changes.get(id));
            change.is_some_and(|change| {
                let is_current = change.fence == *fence && change.worker().is_some();
                is_current && (matches!(queueing, Queueing::Land { .. }) == change.landing.is_some())
            })
        };
        Some(recent(&self.names.claims).iter().filter(fits).cloned().collect())
    }

    fn who_most_likely_may_queue(&self, queueing: &Queueing, what: &What) -> Option<ActorName> {
        let change = |id: &str| id.parse().ok().and_then(|id| self.state.changes.get(id));
        if let Some(which) = queueing.claim() {
            let claims = self.claims_that_fit(what)?;
            let (id, _) = claims.iter().rev().nth(which % claims.len().max(1))?;
            return change(id)?.worker().cloned();
        }
        let changes = self.changes_that_fit(what)?;
        match queueing {
            Queueing::Cancel { change: which } | Queueing::Submit { supersedes: Some(which), .. } => {
                change(latest(&changes, *which)).map(|change| change.agent.clone())
            }
            Queueing::Approve { change: which, .. } => {
                let author = &change(latest(&changes, *which))?.agent;
                [actor(0), actor(1)].into_iter().find(|reviewer| reviewer != author)
            }
            _ => None,
        }
    }

    /// Most tokens are used by their holders, most campaigns changed by their organizers; every third command is given
    /// by somebody else.
    fn who_most_likely_may(&self, what: &What) -> Option<ActorName> {
        if self.serial.is_multiple_of(3) {
            return None;
        }
        if let What::Queue(queueing) = what {
            return self.who_most_likely_may_queue(queueing, what);
        }
        let fitting = self.countdowns_that_fit(what)?;
        let countdown = |which: &usize| {
            let id = latest(&fitting, *which).parse().ok()?;
            self.state.countdowns.get(id)
        };
        let campaign = |which: &usize| self.campaign_organizer(*which);
        match what {
            What::Ack { token } | What::Nack { token } | What::Extend { token } => {
                let token: Token = latest(&self.names.tokens, *token).parse().ok()?;
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
                let id: MessageId = latest(&self.names.dead, *dead).parse().ok()?;
                ACTORS
                    .iter()
                    .map(|name| ActorName::parse(name).expect("a well-formed name"))
                    .find(|name| self.state.mailboxes.find_dead(name, &id.to_string()).is_ok())
            }
            What::Membership { .. } | What::ReceiveForSupervisor => Some(actor(5)),
            _ => None,
        }
    }
}
