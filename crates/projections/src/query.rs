//! What can be asked about the shown state. A query changes nothing and is never what a decision rests on.
//!
//! In JSON a query is an object with one member named after it: `{"countdown":{"reference":"k7q2m9xa"}}`. References are a full
//! id, a short id or an exact name, as in commands.

use convoke_core::name::ActorName;
use serde::{Deserialize, Serialize};

use crate::view::{CampaignState, ChangeState, CountdownState};

/// How many items a list holds if its query does not say.
pub const LIMIT_DEFAULT: u32 = 50;
/// The most items that any list holds, whatever its query says.
pub const LIMIT_MAX: u32 = 10_000;
/// The most messages that a mailbox, the dead letters or a thread is shown with, whatever the query says: their texts come
/// along, some 6 MiB at most.
pub const TEXTS_MAX: u32 = 200;

/// What can be asked. Each has its answer in [`View`](crate::view::View), under the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Query {
    /// One screenful: what is live, what is running, who has mail.
    Status(StatusQuery),
    /// Countdowns: live ones first, soonest T-0 first, then held ones, then ended ones, last ended first.
    Countdowns(CountdownsQuery),
    /// Everything about one countdown.
    Countdown(Reference),
    /// Campaigns: running, then planned, then ended ones; the newest first within each.
    Campaigns(CampaignsQuery),
    /// Everything about one campaign, and its countdowns.
    Campaign(Reference),
    /// The levels of a campaign: what may run together.
    Order(Reference),
    /// The countdowns of a campaign and the links between them.
    Graph(Reference),
    /// What lies in a mailbox, the first to be taken first. Looking changes nothing.
    Inbox(InboxQuery),
    /// What was given up after so many deliveries, the oldest first.
    DeadLetters(DeadLettersQuery),
    /// Everybody who is registered, by name.
    Actors(ActorsQuery),
    /// Everything about one actor.
    Actor(ActorQuery),
    /// A message and everything else in its thread, oldest first.
    Thread(ThreadQuery),
    /// The positions of all events about one thing.
    History(Reference),
    /// Changes: leased ones first, then queued ones in order of their turns, then ended ones, last ended first.
    Changes(ChangesQuery),
    /// Everything about one change.
    Change(Reference),
    /// How the queue does.
    QueueMetrics(QueueMetricsQuery),
}

/// Names one thing: a full id, a short id or an exact name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// As given.
    pub reference: String,
}

/// Asks for one screenful.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusQuery {
    /// Only what concerns this actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<ActorName>,
    /// At most so many items in each list; [`STATUS_LIMIT_DEFAULT`] if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// How many items each list of a status holds if its query does not say.
pub const STATUS_LIMIT_DEFAULT: u32 = 5;

/// Which countdowns by their state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountdownFilter {
    /// Held, counting or on hold.
    Live,
    /// Fired, missed or scrubbed.
    Ended,
    /// Held by a campaign.
    Held,
    /// On the way to T-0.
    Counting,
    /// The clock stands still.
    OnHold,
    /// Gone.
    Fired,
    /// T-0 came without quorum.
    Missed,
    /// Called off.
    Scrubbed,
}

impl CountdownFilter {
    /// Whether a countdown in this state is asked for.
    #[must_use]
    pub fn accepts(self, state: CountdownState) -> bool {
        match self {
            Self::Live => !state.has_ended(),
            Self::Ended => state.has_ended(),
            Self::Held => state == CountdownState::Held,
            Self::Counting => state == CountdownState::Counting,
            Self::OnHold => state == CountdownState::OnHold,
            Self::Fired => state == CountdownState::Fired,
            Self::Missed => state == CountdownState::Missed,
            Self::Scrubbed => state == CountdownState::Scrubbed,
        }
    }
}

/// Asks for countdowns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountdownsQuery {
    /// Only those in such a state; all if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<CountdownFilter>,
    /// Only those of this campaign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// Only those that this actor attends or organizes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<ActorName>,
    /// At most so many; [`LIMIT_DEFAULT`] if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only those that come after this one in the list: the last of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Asks for campaigns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignsQuery {
    /// Only those in this state; all if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<CampaignState>,
    /// At most so many; [`LIMIT_DEFAULT`] if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only those that come after this one in the list: the last of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Asks what lies in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InboxQuery {
    /// Whose.
    pub mailbox: ActorName,
    /// At most so many; [`LIMIT_DEFAULT`] if not given, [`TEXTS_MAX`] whatever is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Asks for dead letters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLettersQuery {
    /// Only those of this mailbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<ActorName>,
    /// Also those that were sent once more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redriven: bool,
    /// At most so many; [`LIMIT_DEFAULT`] if not given, [`TEXTS_MAX`] whatever is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Asks who is registered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActorsQuery {
    /// At most so many; [`LIMIT_DEFAULT`] if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only those whose names come after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<ActorName>,
}

/// Asks about one actor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActorQuery {
    /// Who.
    pub name: ActorName,
}

/// Asks for a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThreadQuery {
    /// Any message of it: a full or short id.
    pub message: String,
    /// At most so many, the newest; [`LIMIT_DEFAULT`] if not given, [`TEXTS_MAX`] whatever is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Which changes by their state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeFilter {
    /// Not ended.
    Live,
    /// Ended, well or not.
    Ended,
    /// A worker has it.
    Leased,
    /// Ready, or in its pause.
    Queued,
    /// A rule asks for more approvals.
    AwaitingApproval,
    /// On the target branch.
    Landed,
    /// It did not apply.
    Conflicted,
    /// It could not be what was asked for.
    Rejected,
    /// Given up.
    Dead,
    /// Withdrawn.
    Cancelled,
    /// Another one took its place.
    Superseded,
}

impl ChangeFilter {
    /// Whether a change in this state is asked for.
    #[must_use]
    pub fn accepts(self, state: ChangeState) -> bool {
        match self {
            Self::Live => !state.has_ended(),
            Self::Ended => state.has_ended(),
            Self::Leased => state == ChangeState::Leased,
            Self::Queued => state == ChangeState::Queued,
            Self::AwaitingApproval => state == ChangeState::AwaitingApproval,
            Self::Landed => state == ChangeState::Landed,
            Self::Conflicted => state == ChangeState::Conflicted,
            Self::Rejected => state == ChangeState::Rejected,
            Self::Dead => state == ChangeState::Dead,
            Self::Cancelled => state == ChangeState::Cancelled,
            Self::Superseded => state == ChangeState::Superseded,
        }
    }
}

/// Asks for changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangesQuery {
    /// Only those in such a state; all if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ChangeFilter>,
    /// Only those for this branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Only those of this agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<ActorName>,
    /// At most so many; [`LIMIT_DEFAULT`] if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only those that come after this one in the list: the last of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Asks how the queue does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueMetricsQuery {}
