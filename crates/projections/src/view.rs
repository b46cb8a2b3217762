//! What is shown: plain data with one JSON form, rendered by the command line, HTTP and whoever embeds the engine.
//!
//! Ids are given whole, and short as people type them. Times are RFC 3339, durations milliseconds. Lists are in a stable order; one that
//! was cut says in `more` how many items it leaves out. Texts of messages and payloads of countdowns are not kept by the fold:
//! [`View::positions_needed`] names the events to read from the log, and [`Views::fill`](crate::Views::fill) puts them in.

use convoke_core::{
    actors::events::{ActorKind, Membership},
    campaign::events::FailurePolicy,
    countdown::events::{Plan, ReleasePolicy, ScrubCause},
    id::{CampaignId, CountdownId, EventId, MessageId},
    mailbox::{
        Token,
        events::{DeadReason, Priority},
    },
    name::{ActorName, Name, Word},
    time::{Span, Timestamp},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The answer to a [`Query`](crate::query::Query), under the same name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// One screenful.
    Status(Box<StatusView>),
    /// Some countdowns.
    Countdowns(CountdownsView),
    /// One countdown.
    Countdown(Box<CountdownView>),
    /// Some campaigns.
    Campaigns(CampaignsView),
    /// One campaign.
    Campaign(Box<CampaignView>),
    /// Its levels.
    Order(OrderView),
    /// Its graph.
    Graph(GraphView),
    /// A mailbox.
    Inbox(InboxView),
    /// Messages that were given up.
    DeadLetters(DeadLettersView),
    /// Some actors.
    Actors(ActorsView),
    /// One actor.
    Actor(Box<ActorView>),
    /// A thread.
    Thread(ThreadView),
    /// Where the events about one thing are.
    History(HistoryView),
}

/// A list that was cut: how many items it leaves out; absent in JSON if none.
pub type More = u64;

fn none(more: &More) -> bool {
    *more == 0
}

// --- countdowns

/// Where a countdown stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountdownState {
    /// Held by a campaign that has not started, or by predecessors that have not ended.
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

impl CountdownState {
    /// Whether it is final.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Fired | Self::Missed | Self::Scrubbed)
    }

    /// Its word, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Counting => "counting",
            Self::OnHold => "on_hold",
            Self::Fired => "fired",
            Self::Missed => "missed",
            Self::Scrubbed => "scrubbed",
        }
    }
}

/// How an attendee answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerState {
    /// Not yet, or not again after a deferral.
    Pending,
    /// Go.
    Confirmed,
    /// No-go.
    Declined,
    /// Not in time.
    Missed,
}

/// A campaign, named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignRef {
    /// Its id.
    pub id: CampaignId,
    /// The id's short form.
    pub short: String,
    /// Its name.
    pub name: Name,
}

/// A countdown, named, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountdownRef {
    /// Its id.
    pub id: CountdownId,
    /// The id's short form.
    pub short: String,
    /// Its name.
    pub name: Name,
    /// Where it stands.
    pub state: CountdownState,
}

/// A countdown, in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountdownLine {
    /// Its id.
    pub id: CountdownId,
    /// The id's short form.
    pub short: String,
    /// Its name.
    pub name: Name,
    /// Its kind.
    pub kind: Word,
    /// Where it stands.
    pub state: CountdownState,
    /// T-0, or what it was at the end or before the hold; absent while a campaign holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fire_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// While on hold: when the hold's limit scrubs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_until: Option<Timestamp>,
    /// How many must confirm; 0 is a plain timer.
    pub quorum: u32,
    /// How many have confirmed.
    pub confirmed: u32,
    /// How many have declined.
    pub declined: u32,
    /// How many attend.
    pub attendees: u32,
    /// Who organizes it.
    pub organizer: ActorName,
    /// The campaign it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignRef>,
}

/// Some countdowns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountdownsView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// The countdowns.
    pub countdowns: Vec<CountdownLine>,
    /// How many more there are after the last one.
    #[serde(default, skip_serializing_if = "none")]
    pub more: More,
}

/// An attendee's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttendeeView {
    /// Who.
    pub name: ActorName,
    /// The answer that counts.
    pub answer: AnswerState,
    /// When it was given (or the last deferral, or the end that made it missed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Why, if said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How often this attendee moved T-0 since the last reschedule.
    pub deferrals: u32,
    /// By how much in total.
    pub deferred_ms: Span,
}

/// A hold that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldView {
    /// Since when.
    pub since: Timestamp,
    /// When its limit scrubs the countdown.
    pub until: Timestamp,
    /// Who stopped the clock.
    pub by: ActorName,
    /// Why, if said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How a countdown ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndView {
    /// When.
    pub at: Timestamp,
    /// Who acted: whose confirmation reached the quorum, who scrubbed it; `system` at T-0 or at a hold's limit.
    pub by: ActorName,
    /// The position of the event.
    pub position: u64,
    /// Why it was scrubbed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<ScrubCause>,
    /// In words, if said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Everything about a countdown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CountdownView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// What its line says.
    #[serde(flatten)]
    pub line: CountdownLine,
    /// When it is to happen.
    pub plan: Plan,
    /// How long before that T-0 is.
    pub lead_ms: Span,
    /// Whether it fires on quorum or at T-0.
    pub policy: ReleasePolicy,
    /// Who attends, by name.
    pub answers: Vec<AttendeeView>,
    /// By how much deferrals have moved T-0.
    pub slipped_ms: Span,
    /// By how much they may.
    pub slip_max_ms: Span,
    /// How long it may be on hold at a time.
    pub hold_max_ms: Span,
    /// The hold, while it is on hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldView>,
    /// When it was scheduled.
    pub scheduled_at: Timestamp,
    /// Where in the log that was.
    pub position: u64,
    /// When its campaign let it go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_at: Option<Timestamp>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<EndView>,
    /// What it waits for in its campaign.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<CountdownRef>,
    /// What waits for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<CountdownRef>,
    /// What is handed to everybody when it ends; read from the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    /// Whether there is a payload to read.
    #[serde(skip)]
    pub(crate) payload_at: Option<u64>,
}

// --- campaigns

/// Where a campaign stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CampaignState {
    /// Its countdowns are released as their predecessors end.
    Running,
    /// Not started yet; everything in it is held.
    Planned,
    /// Every countdown fired.
    Completed,
    /// Every countdown ended, and not all of them well.
    Failed,
    /// Called off.
    Cancelled,
}

impl CampaignState {
    /// Whether it is final.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Its word, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Planned => "planned",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How many countdowns stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountdownCounts {
    /// Held by a campaign.
    pub held: u64,
    /// On the way to T-0.
    pub counting: u64,
    /// The clock stands still.
    pub on_hold: u64,
    /// Gone.
    pub fired: u64,
    /// T-0 came without quorum.
    pub missed: u64,
    /// Called off.
    pub scrubbed: u64,
}

/// A campaign, in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignLine {
    /// Its id.
    pub id: CampaignId,
    /// The id's short form.
    pub short: String,
    /// Its name.
    pub name: Name,
    /// Where it stands.
    pub state: CampaignState,
    /// Who organizes it.
    pub organizer: ActorName,
    /// How many countdowns it has.
    pub members: u64,
    /// Where they stand.
    pub progress: CountdownCounts,
    /// The soonest T-0 among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When it was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

/// Some campaigns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignsView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// The campaigns.
    pub campaigns: Vec<CampaignLine>,
    /// How many more there are after the last one.
    #[serde(default, skip_serializing_if = "none")]
    pub more: More,
}

/// A countdown in its campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberView {
    /// The countdown.
    #[serde(flatten)]
    pub countdown: CountdownLine,
    /// Its level, from 0: what has the same may run together.
    pub level: u32,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<CountdownId>,
}

/// Everything about a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// What its line says.
    #[serde(flatten)]
    pub line: CampaignLine,
    /// What a failure does.
    pub policy: FailurePolicy,
    /// The least time between a countdown's release and its T-0.
    pub notice_ms: Span,
    /// Why it was called off, if said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where in the log it was planned.
    pub position: u64,
    /// How many links there are.
    pub links: u64,
    /// Its countdowns, by level and then by when they were scheduled.
    pub countdowns: Vec<MemberView>,
}

/// The levels of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    /// Which.
    pub campaign: CampaignRef,
    /// Level after level; what is in one may run together. In one level by when they were scheduled.
    pub levels: Vec<Vec<CountdownRef>>,
}

/// A countdown in the graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphNode {
    /// Its id.
    pub id: CountdownId,
    /// The id's short form.
    pub short: String,
    /// Its name.
    pub name: Name,
    /// Where it stands.
    pub state: CountdownState,
    /// Its level, from 0.
    pub level: u32,
}

/// A link: `after` is held until `before` has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphEdge {
    /// The predecessor.
    pub before: CountdownId,
    /// The successor.
    pub after: CountdownId,
}

/// The graph of a campaign; [`crate::graph`] renders it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphView {
    /// Which.
    pub campaign: CampaignRef,
    /// Where it stands.
    pub state: CampaignState,
    /// Its countdowns, by level and then by when they were scheduled.
    pub nodes: Vec<GraphNode>,
    /// Its links, in the order of the nodes.
    pub edges: Vec<GraphEdge>,
}

// --- mailboxes

/// Where a delivery (one message in one mailbox) stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DeliveryState {
    /// It can be taken.
    Ready,
    /// It was handed back and can be taken again later.
    Paused {
        /// When.
        until: Timestamp,
    },
    /// Somebody has it under a lease.
    Taken {
        /// Who.
        holder: ActorName,
        /// The claim.
        fence: u32,
        /// What `ack`, `nack` and `extend` need.
        token: Token,
        /// When the lease ends, unless its holder acts before.
        until: Timestamp,
    },
    /// Done with.
    Acked,
    /// Given up.
    Dead {
        /// Why.
        reason: DeadReason,
        /// When.
        at: Timestamp,
        /// The message that took its place, if it was sent once more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        redriven: Option<MessageId>,
    },
}

/// How many deliveries of a mailbox stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailCounts {
    /// Can be taken.
    pub ready: u64,
    /// Handed back, waiting.
    pub paused: u64,
    /// Under a lease.
    pub taken: u64,
    /// Given up, and not sent once more.
    pub dead: u64,
    /// Done with, ever.
    pub acked: u64,
}

/// One message in one mailbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeliveryLine {
    /// The message.
    pub message: MessageId,
    /// Its id's short form.
    pub short: String,
    /// The position of its `message.sent`.
    pub position: u64,
    /// Whose mailbox.
    pub mailbox: ActorName,
    /// Whose message it is.
    pub from: ActorName,
    /// What it is.
    pub kind: Word,
    /// How urgent.
    pub priority: Priority,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// How often it was handed out.
    pub deliveries: u32,
    /// Where it stands.
    #[serde(flatten)]
    pub state: DeliveryState,
    /// Why it was last handed back, if said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nack_reason: Option<String>,
    /// A line; read from the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The text; read from the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The message it answers; read from the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<MessageId>,
    /// Whether the log was read for this line.
    #[serde(skip)]
    pub(crate) filled: bool,
}

/// What lies in a mailbox; dead letters are only counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InboxView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// Whose.
    pub mailbox: ActorName,
    /// How many stand where.
    pub counts: MailCounts,
    /// The messages: priority, then position.
    pub messages: Vec<DeliveryLine>,
    /// How many more there are after the last one.
    #[serde(default, skip_serializing_if = "none")]
    pub more: More,
}

/// Messages that were given up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLettersView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// The dead letters, by position and mailbox.
    pub messages: Vec<DeliveryLine>,
    /// How many more there are after the last one.
    #[serde(default, skip_serializing_if = "none")]
    pub more: More,
}

/// How a message stands in one of its mailboxes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientView {
    /// Whose mailbox.
    pub mailbox: ActorName,
    /// Where it stands there.
    #[serde(flatten)]
    pub state: DeliveryState,
}

/// A message of a thread, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageView {
    /// Its id.
    pub message: MessageId,
    /// The id's short form.
    pub short: String,
    /// The position of its `message.sent`.
    pub position: u64,
    /// Whose it is.
    pub from: ActorName,
    /// Whom it was sent to, as given: names, or `all`.
    pub to: Vec<ActorName>,
    /// What it is.
    pub kind: Word,
    /// How urgent.
    pub priority: Priority,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// A line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The text.
    pub body: String,
    /// Data for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// The message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<MessageId>,
    /// What it refers to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// The dead letter it takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redrive_of: Option<MessageId>,
    /// How it stands in each of its mailboxes, by name.
    pub recipients: Vec<RecipientView>,
}

/// A thread: its first message and all replies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThreadView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// Its first message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<MessageId>,
    /// The messages, oldest first.
    pub messages: Vec<MessageView>,
    /// How many more there are before the first one shown.
    #[serde(default, skip_serializing_if = "none")]
    pub more: More,
    /// How far it was read.
    #[serde(skip)]
    pub(crate) search: crate::fill::Search,
}

/// Where the events about one thing are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryView {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<EventId>,
    /// The positions, in order.
    pub positions: Vec<u64>,
    /// How far it was read.
    #[serde(skip)]
    pub(crate) search: crate::fill::Search,
}

// --- actors

/// An actor, in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorLine {
    /// The name.
    pub name: ActorName,
    /// The kind.
    pub kind: ActorKind,
    /// Registered when.
    pub since: Timestamp,
    /// The time of the last event this actor caused, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// Whether it organizes the workspace.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub organizer: bool,
}

/// Some actors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorsView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// Whether an unknown name may act or be addressed.
    pub membership: Membership,
    /// The actors, by name.
    pub actors: Vec<ActorLine>,
    /// How many more there are after the last one.
    #[serde(default, skip_serializing_if = "none")]
    pub more: More,
}

/// Everything about an actor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// What its line says.
    #[serde(flatten)]
    pub line: ActorLine,
    /// Where in the log it was registered.
    pub position: u64,
    /// Its mailbox.
    pub mail: MailCounts,
    /// What it has taken and not acknowledged, soonest end first.
    pub leases: Vec<LeaseLine>,
    /// How many more leases it has.
    #[serde(default, skip_serializing_if = "none")]
    pub more_leases: More,
    /// Live countdowns that wait for its answer, soonest first.
    pub awaiting: Vec<CountdownLine>,
    /// How many more wait.
    #[serde(default, skip_serializing_if = "none")]
    pub more_awaiting: More,
}

// --- status

/// A mailbox, in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxLine {
    /// Whose.
    pub mailbox: ActorName,
    /// How many deliveries stand where.
    pub counts: MailCounts,
}

/// A lease, in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseLine {
    /// The message.
    pub message: MessageId,
    /// Its id's short form.
    pub short: String,
    /// From whose mailbox.
    pub mailbox: ActorName,
    /// Who has it.
    pub holder: ActorName,
    /// What `ack`, `nack` and `extend` need.
    pub token: Token,
    /// When the lease ends, unless its holder acts before.
    pub until: Timestamp,
}

/// How many actors there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorCounts {
    /// People.
    pub human: u64,
    /// Programs.
    pub agent: u64,
    /// Convoke itself.
    pub system: u64,
}

/// One screenful. With an actor in the query every list holds only what concerns that actor; the counts are of the whole workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusView {
    /// The time that the view is of.
    pub now: Timestamp,
    /// How many events it is the fold of.
    pub size: u64,
    /// The time of the last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_event_at: Option<Timestamp>,
    /// Whose workspace it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organizer: Option<ActorName>,
    /// Whether an unknown name may act or be addressed.
    pub membership: Membership,
    /// How many actors there are.
    pub actors: ActorCounts,
    /// How many countdowns stand where.
    pub countdown_counts: CountdownCounts,
    /// Live countdowns, soonest first.
    pub countdowns: Vec<CountdownLine>,
    /// How many more are live.
    #[serde(default, skip_serializing_if = "none")]
    pub more_countdowns: More,
    /// Running campaigns, the newest first.
    pub campaigns: Vec<CampaignLine>,
    /// How many more are running.
    #[serde(default, skip_serializing_if = "none")]
    pub more_campaigns: More,
    /// All mailboxes together.
    pub mail_counts: MailCounts,
    /// Mailboxes with something in them, by name.
    pub mail: Vec<MailboxLine>,
    /// How many more have something in them.
    #[serde(default, skip_serializing_if = "none")]
    pub more_mail: More,
    /// Leases, soonest end first.
    pub leases: Vec<LeaseLine>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "none")]
    pub more_leases: More,
}
