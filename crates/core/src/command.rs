//! Every command, in one table: what an actor can ask for. Each is decided into events, or refused.
//!
//! What a command says is a struct in its machine's `commands.rs`; a new one has a variant here.
//!
//! In JSON a command is an object with one member named after it: `{"confirm_countdown":{"countdown":"k7q2m9xa"}}`.
//! References are a full id, a short id or an exact name.

use serde::{Deserialize, Serialize};

pub use crate::{
    actors::commands::{AcceptClock, AddActor, CreateWorkspace, SetMembership},
    campaign::commands::{CancelCampaign, CreateCampaign, JoinCampaign, LinkCampaign, StartCampaign},
    countdown::commands::{
        ConfirmCountdown, DeclineCountdown, DeferCountdown, HoldCountdown, RescheduleCountdown, ResumeCountdown,
        ScheduleCountdown, ScrubCountdown,
    },
    mailbox::commands::{AckMessage, ExtendMessage, NackMessage, ReceiveMessages, RedriveMessage, SendMessage},
    queue::commands::{
        CancelChange, ClaimChanges, ConflictChange, ExtendChange, FailChange, LandChange, PauseQueue, RejectChange,
        RequeueChange, ResumeQueue, ReturnChange, ReviewChange, StartLanding, SubmitChange,
    },
};
use crate::{
    log::{Hash, Salt, fingerprint},
    name::{ActorName, Key},
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

/// Decides what is due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tick {}
