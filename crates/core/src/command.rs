//! Commands: what an actor asks for. Each is decided into events, or refused.
//!
//! In JSON a command is an object with one member named after it: `{"confirm_countdown":{"countdown":"k7q2m9xa"}}`.
//! References are a full id, a short id or an exact name.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    actors::events::{ActorKind, Membership},
    campaign::events::FailurePolicy,
    countdown::events::ReleasePolicy,
    exact_json,
    log::{Hash, Salt, fingerprint},
    mailbox::Token,
    name::{ActorName, Key},
    priority::Priority,
    queue::events::{ApprovalRule, Check, Content, FailureClass, Receipt},
    time::{Span, TimeSpec},
};

/// A command with who gives it and under what conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Who acts.
    #[serde(rename = "as")]
    pub actor: ActorName,
    /// Makes a retry recognisable: the same key with the same command has one effect, and the same answer each time; with
    /// another command it is refused.
    ///
    /// Only what writes is remembered. A command that changed nothing, or was refused, leaves no trace in the log: given
    /// again with its key it is decided anew, by how things stand then, and the key is free for another command. So a
    /// client that lost the answer to a confirmation that was the second of its kind may be told `already_missed`.
    /// The latest [`KEYS_KEPT_MAX`](crate::limits::KEYS_KEPT_MAX) keys are remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// Refuse unless the log holds this many events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_head: Option<u64>,
    /// What is asked.
    pub command: Command,
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Begins a log; only possible on an empty one.
    CreateWorkspace(CreateWorkspace),
    /// Opens or closes membership.
    SetMembership(SetMembership),
    /// Registers an actor, or corrects its kind.
    AddActor(AddActor),
    /// Accepts a jump of the wall clock.
    AcceptClock(AcceptClock),
    /// Decides what is due, and nothing else.
    Tick(Tick),
    /// Schedules a countdown.
    ScheduleCountdown(ScheduleCountdown),
    /// Says go.
    ConfirmCountdown(ConfirmCountdown),
    /// Says no-go.
    DeclineCountdown(DeclineCountdown),
    /// Asks for more time.
    DeferCountdown(DeferCountdown),
    /// Stops the clock.
    HoldCountdown(HoldCountdown),
    /// Lets the clock run again.
    ResumeCountdown(ResumeCountdown),
    /// Sets a new time.
    RescheduleCountdown(RescheduleCountdown),
    /// Calls a countdown off.
    ScrubCountdown(ScrubCountdown),
    /// Plans a campaign.
    CreateCampaign(CreateCampaign),
    /// Puts an existing countdown into a planned campaign.
    JoinCampaign(JoinCampaign),
    /// Lets one countdown wait for another.
    LinkCampaign(LinkCampaign),
    /// Takes a link away.
    UnlinkCampaign(LinkCampaign),
    /// Starts a campaign.
    StartCampaign(StartCampaign),
    /// Calls a campaign off.
    CancelCampaign(CancelCampaign),
    /// Sends a message.
    SendMessage(SendMessage),
    /// Takes messages under a lease.
    ReceiveMessages(ReceiveMessages),
    /// Acknowledges a taken message.
    AckMessage(AckMessage),
    /// Hands a taken message back.
    NackMessage(NackMessage),
    /// Extends the lease of a taken message.
    ExtendMessage(ExtendMessage),
    /// Sends a dead letter once more.
    RedriveMessage(RedriveMessage),
    /// Hands a change in.
    SubmitChange(SubmitChange),
    /// Claims changes under a lease.
    ClaimChanges(ClaimChanges),
    /// Extends the lease of a claimed change.
    ExtendChange(ExtendChange),
    /// Announces that the target is about to be moved.
    StartLanding(StartLanding),
    /// Says that a change is on its target.
    LandChange(LandChange),
    /// Says that a change does not apply.
    ConflictChange(ConflictChange),
    /// Says that a change is not what it claims to be.
    RejectChange(RejectChange),
    /// Says that an attempt failed.
    FailChange(FailChange),
    /// Gives a claimed change back without blame.
    ReturnChange(ReturnChange),
    /// Agrees to a change.
    ApproveChange(ReviewChange),
    /// Does not agree to a change.
    DisapproveChange(ReviewChange),
    /// Withdraws a change.
    CancelChange(CancelChange),
    /// Puts a dead change back.
    RequeueChange(RequeueChange),
    /// Stops leasing.
    PauseQueue(PauseQueue),
    /// Lets leasing go on.
    ResumeQueue(ResumeQueue),
}

impl Command {
    /// The fingerprint of the command as it was given: what tells a retry from another command under the same key.
    #[must_use]
    pub fn fingerprint(&self, salt: &Salt) -> Hash {
        let mut json = Vec::with_capacity(512);
        // Plain data into a vector: there is nothing to fail.
        let _ = serde_json::to_writer(&mut json, self);
        fingerprint(salt, &json)
    }
}

/// Begins a log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateWorkspace {
    /// The human whose workspace it is.
    pub organizer: ActorName,
}

/// Opens or closes membership; organizer only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetMembership {
    /// From now on.
    pub membership: Membership,
}

/// Registers an actor, or corrects its kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddActor {
    /// The name.
    pub name: ActorName,
    /// `human` or `agent`.
    pub kind: ActorKind,
    /// Although a very similar name is known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create: bool,
}

/// Accepts a jump of the wall clock; human only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptClock {
    /// Why it is right.
    pub reason: String,
}

/// Decides what is due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tick {}

/// Schedules a countdown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleCountdown {
    /// Its name, as given.
    pub name: String,
    /// When it is to happen; in a campaign `+5m` counts from its release.
    pub time: TimeSpec,
    /// Its kind; `meeting` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How long before `time` T-0 is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_ms: Option<Span>,
    /// How many must confirm; 1 with attendees, 0 without, if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u32>,
    /// Who answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attendees: Vec<ActorName>,
    /// Whether it fires on quorum or at T-0.
    #[serde(default)]
    pub policy: ReleasePolicy,
    /// By how much deferrals may move T-0 in total.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slip_max_ms: Option<Span>,
    /// How long it may be on hold at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_max_ms: Option<Span>,
    /// Handed to everybody when it ends.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "exact_json::optional")]
    pub payload: Option<Value>,
    /// The campaign that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// In a campaign: the countdowns it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// Accept a T-0 that is not in the future.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_past: bool,
    /// Register attendees although very similar names are known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create: bool,
}

impl ScheduleCountdown {
    /// A plain timer; the fields say what more it can be.
    #[must_use]
    pub fn new(name: &str, time: TimeSpec) -> Self {
        Self {
            name: name.to_owned(),
            time,
            kind: None,
            lead_ms: None,
            quorum: None,
            attendees: Vec::new(),
            policy: ReleasePolicy::default(),
            slip_max_ms: None,
            hold_max_ms: None,
            payload: None,
            campaign: None,
            after: Vec::new(),
            allow_past: false,
            create: false,
        }
    }
}

/// Says go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfirmCountdown {
    /// Which.
    pub countdown: String,
    /// Who, if it is to be checked against who acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attendee: Option<ActorName>,
}

/// Says no-go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclineCountdown {
    /// Which.
    pub countdown: String,
    /// Who, if it is to be checked against who acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attendee: Option<ActorName>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Asks for more time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeferCountdown {
    /// Which.
    pub countdown: String,
    /// Who, if it is to be checked against who acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attendee: Option<ActorName>,
    /// By how much T-0 moves.
    pub by_ms: Span,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Stops the clock; organizer only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldCountdown {
    /// Which.
    pub countdown: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Lets the clock run again; organizer only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResumeCountdown {
    /// Which.
    pub countdown: String,
}

/// Sets a new time; organizer only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RescheduleCountdown {
    /// Which.
    pub countdown: String,
    /// When it is to happen.
    pub time: TimeSpec,
    /// Accept a T-0 that is not in the future.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_past: bool,
}

/// Calls a countdown off; organizer only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScrubCountdown {
    /// Which.
    pub countdown: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Plans a campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateCampaign {
    /// Its name, as given.
    pub name: String,
    /// What a failure does.
    #[serde(default)]
    pub policy: FailurePolicy,
    /// The least time between a countdown's release and its T-0; 60 seconds if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_ms: Option<Span>,
}

/// Puts an existing counting countdown into a planned campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinCampaign {
    /// Which campaign.
    pub campaign: String,
    /// Which countdown.
    pub countdown: String,
}

/// Lets `after` wait for `before`, or no longer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkCampaign {
    /// Which campaign.
    pub campaign: String,
    /// The predecessor.
    pub before: String,
    /// The successor.
    pub after: String,
}

/// Starts a campaign; organizer only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartCampaign {
    /// Which.
    pub campaign: String,
}

/// Calls a campaign off; organizer only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancelCampaign {
    /// Which.
    pub campaign: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Sends a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendMessage {
    /// The mailboxes, or `all` alone.
    pub to: Vec<ActorName>,
    /// The text.
    pub body: String,
    /// A line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What it is; `info` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How urgent.
    #[serde(default)]
    pub priority: Priority,
    /// The message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<String>,
    /// What it refers to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// Data for programs.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "exact_json::optional")]
    pub data: Option<Value>,
    /// Register recipients although very similar names are known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create: bool,
}

/// Takes messages under a lease.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiveMessages {
    /// Whose mailbox; one's own if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<ActorName>,
    /// How many at most; 1 if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// How long the lease is; 30 minutes if not given. It counts from the holder's latest command that wrote an event, of
    /// whatever kind: what is refused, changes nothing or only looks is not in the log, and extends nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_ms: Option<Span>,
    /// Acknowledge while handing out: at most once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ack: bool,
}

/// Acknowledges a taken message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AckMessage {
    /// The delivery's token.
    pub token: Token,
}

/// Hands a taken message back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NackMessage {
    /// The delivery's token.
    pub token: Token,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Extends the lease of a taken message: it then ends this long after now, unless it ends later anyway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtendMessage {
    /// The delivery's token.
    pub token: Token,
    /// How long from now; the lease's own length if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_ms: Option<Span>,
}

/// Sends a dead letter once more, as a new message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedriveMessage {
    /// The dead letter.
    pub message: String,
    /// Whose mailbox; one's own if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<ActorName>,
}

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })+) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }
    )+ };
}

commands! {
    /// Hands a change in. What it brings was put beside the log before, under its hash.
    SubmitChange {
        /// The task it belongs to.
        task: String,
        /// The branch it is to land on.
        target: String,
        /// How urgent.
        #[serde(default)]
        priority: Priority,
        /// What it brings.
        content: Content,
        /// The files it touches.
        paths: Vec<String>,
        /// What must pass.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        checks: Vec<Check>,
        /// Who has to agree.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<ApprovalRule>,
        /// Intent, complexity and what else the agent says of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata: Option<Value>,
        /// The change that it takes the place of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        supersedes: Option<String>,
    }
    /// Claims changes under a lease.
    ClaimChanges {
        /// Of this branch.
        target: String,
        /// At most so many; 1 if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<u32>,
        /// For how long; two minutes if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lease_ms: Option<Span>,
    }
    /// Extends the lease of a claimed change.
    ExtendChange {
        /// Which.
        change: String,
        /// Under which claim.
        fence: u32,
        /// For how long from now; two minutes if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lease_ms: Option<Span>,
    }
    /// Announces that the target is about to be moved.
    StartLanding {
        /// Which.
        change: String,
        /// Under which claim.
        fence: u32,
        /// What was tested, and what is to land.
        receipt: Receipt,
    }
    /// Says that a change is on its target.
    LandChange {
        /// Which.
        change: String,
        /// Under which claim.
        fence: u32,
        /// Found there after the worker that moved the branch was gone.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        recovered: bool,
    }
    /// Says that a change does not apply.
    ConflictChange {
        /// Which.
        change: String,
        /// Under which claim.
        fence: u32,
        /// In these files.
        paths: Vec<String>,
        /// The landed change it collides with, if one is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        against: Option<String>,
        /// What git said.
        detail: String,
    }
    /// Says that a change is not what it claims to be.
    RejectChange {
        /// Which.
        change: String,
        /// Under which claim.
        fence: u32,
        /// What is wrong with it.
        faults: Vec<String>,
    }
    /// Says that an attempt failed.
    FailChange {
        /// Which.
        change: String,
        /// Under which claim.
        fence: u32,
        /// Why.
        class: FailureClass,
        /// In a sentence.
        cause: String,
        /// The end of the check's output.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<String>,
    }
    /// Gives a claimed change back without blame.
    ReturnChange {
        /// Which.
        change: String,
        /// Under which claim.
        fence: u32,
        /// Why.
        reason: String,
    }
    /// Agrees to a change, or does not.
    ReviewChange {
        /// Which.
        change: String,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
    /// Withdraws a change.
    CancelChange {
        /// Which.
        change: String,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
    /// Puts a dead change back.
    RequeueChange {
        /// Which.
        change: String,
    }
    /// Stops leasing.
    PauseQueue {
        /// Why.
        reason: String,
    }
    /// Lets leasing go on.
    ResumeQueue {}
}
