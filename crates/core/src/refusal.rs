//! Refusals: typed answers of the rules. A refusal writes nothing.
//!
//! Each has a stable code, a sentence of what, and a hint of what to do; [`crate::codes`] explains them at length and
//! gives each its exit code.

use crate::{
    id::{CampaignId, ChangeId, CountdownId, EventId},
    name::{ActorName, NameError},
    time::{Span, TimeError, Timestamp},
};

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    // --- who acts, and the form of the command
    /// A reserved name would act, register, attend or organize.
    #[error("{0} is a reserved name")]
    ReservedName(ActorName),
    /// Membership is closed and the name is not a member.
    #[error("{0} is not a member, and membership is closed")]
    NotAMember(ActorName),
    /// A name so like a known one that it is likely a misspelling.
    #[error("there is no {given}; did you mean {known}?")]
    DidYouMean {
        /// As given.
        given: ActorName,
        /// The one that exists.
        known: ActorName,
    },
    /// The named actor is not the one who acts.
    #[error("{acting} cannot answer for {named}")]
    NotYou {
        /// Who acts.
        acting: ActorName,
        /// Who was named.
        named: ActorName,
    },
    /// Not allowed for this actor.
    #[error("{0}")]
    NotPermitted(String),
    /// A name that is not one.
    #[error("{0}")]
    BadName(#[from] NameError),
    /// A time that is not one.
    #[error("{0}")]
    BadTime(#[from] TimeError),
    /// Something else about the command is malformed.
    #[error("{0}")]
    BadRequest(String),
    /// A bound was exceeded.
    #[error("{what} is {size}; the limit is {size_max}")]
    OverLimit {
        /// What is too large.
        what: &'static str,
        /// Its size.
        size: usize,
        /// The limit.
        size_max: usize,
    },

    // --- references
    /// Nothing there has this id or name.
    #[error("there is no {what} {reference:?}")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// As given.
        reference: String,
    },
    /// Several things have this id or name.
    #[error("{reference:?} may mean several {what}s: {}", candidates.join(", "))]
    Ambiguous {
        /// What kind of thing.
        what: &'static str,
        /// As given.
        reference: String,
        /// Their short ids and names.
        candidates: Vec<String>,
    },

    // --- the log
    /// The head is not where the command expects it.
    #[error("the log holds {actual} events, not {expected}")]
    HeadMoved {
        /// As given.
        expected: u64,
        /// As it is.
        actual: u64,
    },
    /// The key was used with another command.
    #[error("the idempotency key was used with another command, at position {first}")]
    KeyReused {
        /// Where.
        first: u64,
    },
    /// Nothing is decided until the clock is accepted.
    #[error("the clock jumped: the wall clock says {wall}, Convoke's time is {engine}")]
    ClockJumped {
        /// The wall clock.
        wall: Timestamp,
        /// Convoke's time.
        engine: Timestamp,
    },
    /// There is no jump to accept.
    #[error("the clock did not jump; there is nothing to accept")]
    ClockFine,

    // --- countdowns
    /// The quorum is larger than the number of attendees.
    #[error("a quorum of {quorum} cannot be reached by {attendees} attendees")]
    QuorumTooLarge {
        /// As given.
        quorum: u32,
        /// How many attend.
        attendees: usize,
    },
    /// T-0 is not in the future.
    #[error("T-0 would be {fire_at}, which is not after now ({now})")]
    InThePast {
        /// T-0.
        fire_at: Timestamp,
        /// The decision's time.
        now: Timestamp,
    },
    /// Only attendees answer.
    #[error("{actor} does not attend {name:?}")]
    NotAttendee {
        /// Who tried.
        actor: ActorName,
        /// The countdown's name.
        name: String,
    },
    /// Only the organizer may do this.
    #[error("only {organizer}, who organizes {name:?}, may do this")]
    NotOrganizer {
        /// Who may.
        organizer: ActorName,
        /// The countdown's or campaign's name.
        name: String,
    },
    /// It has fired.
    #[error("{name:?} has fired, at {at}")]
    AlreadyFired {
        /// The countdown's name.
        name: String,
        /// When.
        at: Timestamp,
    },
    /// It was missed.
    #[error("{name:?} was missed, at {at}")]
    AlreadyMissed {
        /// The countdown's name.
        name: String,
        /// When.
        at: Timestamp,
    },
    /// It was scrubbed.
    #[error("{name:?} was scrubbed, at {at}: {cause}")]
    AlreadyScrubbed {
        /// The countdown's name.
        name: String,
        /// When.
        at: Timestamp,
        /// Why.
        cause: String,
    },
    /// It is held by its campaign.
    #[error("{name:?} is held by its campaign")]
    Held {
        /// The countdown's name.
        name: String,
    },
    /// It is on hold.
    #[error("{name:?} is on hold until it is resumed, at the latest until {until}")]
    OnHold {
        /// The countdown's name.
        name: String,
        /// The hold's limit.
        until: Timestamp,
    },
    /// It is not on hold.
    #[error("{name:?} is not on hold")]
    NotOnHold {
        /// The countdown's name.
        name: String,
    },
    /// The deferral would exceed the total slip.
    #[error("a deferral by {asked} exceeds the slip of {name:?}; {remaining} of {slip_max} remain")]
    SlipExhausted {
        /// The countdown's name.
        name: String,
        /// As given.
        asked: Span,
        /// What is left.
        remaining: Span,
        /// The limit.
        slip_max: Span,
    },

    // --- campaigns
    /// A link from a countdown to itself.
    #[error("a countdown cannot wait for itself")]
    SelfLink,
    /// A link that closes a cycle.
    #[error("the link would close a cycle: {}", path.join(" -> "))]
    Cycle {
        /// The countdowns on it, by name, the first again at the end. Of a long one the middle is only counted.
        path: Vec<String>,
    },
    /// A countdown that is not in the campaign.
    #[error("{name:?} is not in campaign {campaign:?}")]
    OtherCampaign {
        /// The countdown's name.
        name: String,
        /// The campaign's name.
        campaign: String,
    },
    /// It is in a campaign already.
    #[error("{name:?} is in a campaign already")]
    InACampaign {
        /// The countdown's name.
        name: String,
    },
    /// After the start only a held countdown can get a predecessor.
    #[error("{name:?} is not held any more, so nothing can be put before it")]
    NotHeld {
        /// The countdown's name.
        name: String,
    },
    /// The campaign has started.
    #[error("campaign {name:?} has started")]
    AlreadyStarted {
        /// The campaign's name.
        name: String,
    },
    /// The campaign has ended.
    #[error("campaign {name:?} has ended: {outcome}")]
    CampaignEnded {
        /// The campaign's name.
        name: String,
        /// completed, failed or cancelled.
        outcome: &'static str,
    },
    /// A campaign without countdowns cannot start.
    #[error("campaign {name:?} has no countdowns")]
    EmptyCampaign {
        /// The campaign's name.
        name: String,
    },
    /// No such link.
    #[error("{before:?} is not linked before {after:?}")]
    NoSuchLink {
        /// The predecessor's name.
        before: String,
        /// The successor's name.
        after: String,
    },

    // --- mailboxes
    /// The token is not the delivery's current one.
    #[error("outdated: {why}")]
    StaleFence {
        /// What happened since.
        why: String,
    },
    /// Somebody else's mailbox.
    #[error("the mailbox of {mailbox} is not {actor}'s to take from")]
    NotYourMailbox {
        /// Whose.
        mailbox: ActorName,
        /// Who tried.
        actor: ActorName,
    },
    /// So much lies in the mailbox that nothing more comes in.
    #[error("{size_max} messages lie in the mailbox of {mailbox}, and that is the limit")]
    MailboxFull {
        /// Whose.
        mailbox: ActorName,
        /// The limit.
        size_max: usize,
    },
    /// The message is not a dead letter.
    #[error("message {} is not a dead letter of {mailbox}", message.short())]
    NotDead {
        /// Which.
        message: EventId,
        /// Whose.
        mailbox: ActorName,
    },
    /// `all` addresses nobody else.
    #[error("nobody but you is registered")]
    NobodyThere,

    // --- the queue
    /// A change that cannot be taken in.
    #[error("the change is not well formed: {}", faults.join("; "))]
    InvalidChange {
        /// Every fault.
        faults: Vec<String>,
    },
    /// The change has ended.
    #[error("change {} has ended: {outcome}", change.short())]
    ChangeEnded {
        /// Which.
        change: EventId,
        /// How.
        outcome: &'static str,
    },
    /// Only its author withdraws a change.
    #[error("change {} is {agent}'s", change.short())]
    NotYourChange {
        /// Which.
        change: EventId,
        /// Whose.
        agent: ActorName,
    },
    /// It may be on the branch already.
    #[error("the landing of change {} has begun", change.short())]
    LandingBegun {
        /// Which.
        change: EventId,
    },
    /// It was not announced that it lands.
    #[error("no landing of change {} was announced", change.short())]
    LandingNotBegun {
        /// Which.
        change: EventId,
    },
    /// What is to land is not what was tested.
    #[error("tree {landing} is to land, and {tested} was tested")]
    UntestedTree {
        /// The tree in which the checks ran.
        tested: String,
        /// The tree of the commit.
        landing: String,
    },
    /// Another change of the same files goes first.
    #[error("change {} goes before {}: both touch the same files", ahead.short(), change.short())]
    OutOfTurn {
        /// Which.
        change: EventId,
        /// The one that goes first.
        ahead: EventId,
    },
    /// Not one of those whose approval counts.
    #[error("{reviewer} is not one of those who approve change {}", change.short())]
    NotAReviewer {
        /// Which.
        change: EventId,
        /// Who.
        reviewer: ActorName,
    },
    /// The approvals it needed are given.
    #[error("change {} was approved and is queued", change.short())]
    AlreadyApproved {
        /// Which.
        change: EventId,
    },
    /// Only a dead change is put back.
    #[error("change {} is not dead", change.short())]
    ChangeNotDead {
        /// Which.
        change: EventId,
    },
    /// Nothing is leased for now.
    #[error("the queue is paused: {reason}")]
    QueuePaused {
        /// Why.
        reason: String,
    },
}

impl Refusal {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ReservedName(_) => "reserved_name",
            Self::NotAMember(_) => "not_a_member",
            Self::DidYouMean { .. } => "did_you_mean",
            Self::NotYou { .. } => "not_you",
            Self::NotPermitted(_) => "not_permitted",
            Self::BadName(NameError::LooksLikeAnId { .. }) => "name_looks_like_an_id",
            Self::BadName(_) => "bad_name",
            Self::BadTime(_) => "bad_time",
            Self::BadRequest(_) => "bad_request",
            Self::OverLimit { .. } | Self::MailboxFull { .. } => "over_limit",
            Self::NotFound { .. } => "not_found",
            Self::Ambiguous { .. } => "ambiguous",
            Self::HeadMoved { .. } => "head_moved",
            Self::KeyReused { .. } => "key_reused",
            Self::ClockJumped { .. } => "clock_jumped",
            Self::ClockFine => "clock_fine",
            Self::QuorumTooLarge { .. } => "quorum_too_large",
            Self::InThePast { .. } => "in_the_past",
            Self::NotAttendee { .. } => "not_attendee",
            Self::NotOrganizer { .. } => "not_organizer",
            Self::AlreadyFired { .. } => "already_fired",
            Self::AlreadyMissed { .. } => "already_missed",
            Self::AlreadyScrubbed { .. } => "already_scrubbed",
            Self::Held { .. } => "held",
            Self::OnHold { .. } => "on_hold",
            Self::NotOnHold { .. } => "not_on_hold",
            Self::SlipExhausted { .. } => "slip_exhausted",
            Self::SelfLink => "self_link",
            Self::Cycle { .. } => "cycle",
            Self::OtherCampaign { .. } => "other_campaign",
            Self::InACampaign { .. } => "in_a_campaign",
            Self::NotHeld { .. } => "not_held",
            Self::AlreadyStarted { .. } => "already_started",
            Self::CampaignEnded { .. } => "campaign_ended",
            Self::EmptyCampaign { .. } => "empty_campaign",
            Self::NoSuchLink { .. } => "no_such_link",
            Self::StaleFence { .. } => "stale_fence",
            Self::NotYourMailbox { .. } => "not_your_mailbox",
            Self::NotDead { .. } => "not_dead",
            Self::NobodyThere => "nobody_there",
            Self::InvalidChange { .. } => "invalid_change",
            Self::ChangeEnded { .. } => "change_ended",
            Self::NotYourChange { .. } => "not_your_change",
            Self::LandingBegun { .. } => "landing_begun",
            Self::LandingNotBegun { .. } => "landing_not_begun",
            Self::UntestedTree { .. } => "untested_tree",
            Self::OutOfTurn { .. } => "out_of_turn",
            Self::NotAReviewer { .. } => "not_a_reviewer",
            Self::AlreadyApproved { .. } => "already_approved",
            Self::ChangeNotDead { .. } => "change_not_dead",
            Self::QueuePaused { .. } => "queue_paused",
        }
    }

    /// A refusal for a countdown that is not there.
    #[must_use]
    pub fn no_countdown(id: CountdownId) -> Self {
        Self::NotFound { what: "countdown", reference: id.short() }
    }

    /// A refusal for a change that is not there.
    #[must_use]
    pub fn no_change(id: ChangeId) -> Self {
        Self::NotFound { what: "change", reference: id.short() }
    }

    /// A refusal for a campaign that is not there.
    #[must_use]
    pub fn no_campaign(id: CampaignId) -> Self {
        Self::NotFound { what: "campaign", reference: id.short() }
    }
}
