//! From a random step to a request that somebody may give: most of them make sense, and every third is anybody's.

use super::steps::{ACTORS, Known, Step, What, latest};
use crate::{
    command::{Command, Request},
    countdown::Phase,
    event::{Event, Recorded},
    id::{CampaignId, ChangeId, MessageId},
    mailbox::Token,
    name::{ActorName, Key},
    queue::{self, Change},
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
    claims: Vec<String>,
}

impl Names {
    pub(super) fn remember(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::CountdownScheduled(_) => self.countdowns.push(recorded.id.to_string()),
            Event::CampaignCreated(_) => self.campaigns.push(recorded.id.to_string()),
            Event::MessageSent(_) => self.messages.push(recorded.id.to_string()),
            Event::MessageTaken(taken) => self.tokens.push(Token::new(taken.message, taken.fence).to_string()),
            Event::ChangeSubmitted(_) => self.changes.push(recorded.id.to_string()),
            Event::ChangeLeased(leased) => self.claims.push(format!("{}.{}", leased.change, leased.fence)),
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
        let (some_changes, some_claims) = (asking.changes_that_fit(what), asking.claims_that_fit(what));
        let Self { countdowns, campaigns, messages, dead, tokens, changes, claims } = self;
        let countdowns = fitting.as_ref().unwrap_or(countdowns);
        let changes = some_changes.as_ref().unwrap_or(changes);
        let claims = some_claims.as_ref().unwrap_or(claims);
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

    fn change(&self, id: &str) -> Option<&Change> {
        let id: ChangeId = id.parse().ok()?;
        self.state.changes.get(id)
    }

    /// The same of changes.
    fn changes_that_fit(&self, what: &What) -> Option<Vec<String>> {
        if self.serial.is_multiple_of(3) {
            return None;
        }
        let fits = |id: &&String| {
            self.change(id).is_some_and(|change| match what {
                What::ApproveChange { .. } | What::DisapproveChange { .. } => {
                    change.phase == queue::Phase::AwaitingApproval
                }
                What::RequeueChange { .. } => matches!(change.phase, queue::Phase::Dead { .. }),
                _ => !change.has_ended(),
            })
        };
        Some(self.names.changes.iter().filter(fits).cloned().collect())
    }

    /// And of claims: most are current, and most of what is about to land is said to have landed.
    fn claims_that_fit(&self, what: &What) -> Option<Vec<String>> {
        if self.serial.is_multiple_of(3) {
            return None;
        }
        let fits = |claim: &&String| {
            let change = claim.split_once('.').and_then(|(id, fence)| Some((self.change(id)?, fence.parse().ok()?)));
            change.is_some_and(|(change, fence): (&Change, u32)| {
                let is_landing = match what {
                    What::LandChange { .. } => change.landing.is_some(),
                    What::ExtendChange { .. } | What::ReturnChange { .. } => true,
                    _ => change.landing.is_none(),
                };
                change.fence == fence && change.worker().is_some() && is_landing
            })
        };
        Some(self.names.claims.iter().filter(fits).cloned().collect())
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
        let campaign = |which: &usize| self.campaign_organizer(*which);
        let change = |which: &usize| self.change(latest(&self.changes_that_fit(what)?, *which));
        match what {
            What::ExtendChange { claim, .. }
            | What::StartLanding { claim, .. }
            | What::LandChange { claim, .. }
            | What::ConflictChange { claim }
            | What::RejectChange { claim }
            | What::FailChange { claim, .. }
            | What::ReturnChange { claim } => {
                let claims = self.claims_that_fit(what)?;
                self.change(latest(&claims, *claim).split_once('.')?.0)?.worker().cloned()
            }
            What::ApproveChange { change: which } => {
                let change = change(which)?;
                let rule = change.approval.as_ref()?;
                rule.of.iter().find(|who| **who != change.agent && !change.reviews.contains_key(*who)).cloned()
            }
            What::CancelChange { change: which } | What::SubmitChange { supersedes: Some(which), .. } => {
                Some(change(which)?.agent.clone())
            }
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
