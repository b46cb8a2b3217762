//! Every code a caller can meet, with its exit code: what `convoke explain CODE` knows.
//!
//! Codes and exit codes are fixed for ever. A refusal's code is [`crate::refusal::Refusal::code`]; the others are of the
//! store, the engine and the command line.

mod rows;

pub use rows::ROWS;
use serde::Serialize;

/// The exit code of a process that ends with a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "u8")]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// A failure, or an invalid document.
    Failure = 1,
    /// The command is not well formed.
    Usage = 2,
    /// What it names is not there.
    NotFound = 3,
    /// Refused, or in conflict with what happened before.
    Refused = 4,
    /// Not this actor's to do.
    NotPermitted = 5,
    /// The lease or token is outdated.
    Fenced = 6,
    /// A wait ran out.
    WaitRanOut = 7,
    /// Nothing there to take.
    NothingThere = 8,
    /// A verification or proof fails.
    Integrity = 9,
    /// The same call may succeed later.
    TryAgain = 75,
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for u8 {
    fn from(exit: Exit) -> Self {
        exit.code()
    }
}

/// What is known of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The code.
    pub code: &'static str,
    /// How a process ends that meets it.
    pub exit: Exit,
    /// Whether the same call, unchanged, may succeed later.
    pub retryable: bool,
    /// What it means, in a sentence.
    pub what: &'static str,
    /// What to do about it, in a sentence.
    pub remedy: &'static str,
}

/// The row of a code.
#[must_use]
pub fn find(code: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.code == code)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        id::EventId,
        name::{ActorName, NameError},
        refusal::Refusal,
        time::{Span, TimeError, Timestamp},
    };

    /// One of each refusal. The patterns are those of one `match`, so that a new variant must be added here.
    macro_rules! one_of_each {
        ($($pattern:pat => $example:expr),+ $(,)?) => {{
            let exhaustive = |refusal: &Refusal| match refusal { $($pattern => {})+ };
            let examples = vec![$({
                let example: Refusal = $example;
                exhaustive(&example);
                assert!(matches!(example, $pattern), "{example:?} stands beside another's pattern");
                example
            }),+];
            examples
        }};
    }

    fn refusals() -> Vec<Refusal> {
        use Refusal as R;
        let actor = ActorName::system;
        let text = String::new;
        let (at, span) = (Timestamp::default(), Span::ZERO);
        let change = EventId::from_bytes([0; 16]);
        let looks_like_an_id = NameError::LooksLikeAnId { what: "", text: text() };
        one_of_each! {
            R::ReservedName(_) => R::ReservedName(actor()),
            R::NotAMember(_) => R::NotAMember(actor()),
            R::DidYouMean { .. } => R::DidYouMean { given: actor(), known: actor() },
            R::NotYou { .. } => R::NotYou { acting: actor(), named: actor() },
            R::NotPermitted(_) => R::NotPermitted(text()),
            R::BadName(NameError::LooksLikeAnId { .. }) => R::BadName(looks_like_an_id),
            R::BadName(_) => R::BadName(NameError::Empty { what: "" }),
            R::BadTime(_) => R::BadTime(TimeError::Range),
            R::BadRequest(_) => R::BadRequest(text()),
            R::OverLimit { .. } => R::OverLimit { what: "", size: 1, size_max: 0 },
            R::NotFound { .. } => R::NotFound { what: "", reference: text() },
            R::Ambiguous { .. } => R::Ambiguous { what: "", reference: text(), candidates: Vec::new() },
            R::HeadMoved { .. } => R::HeadMoved { expected: 0, actual: 1 },
            R::KeyReused { .. } => R::KeyReused { first: 0 },
            R::ClockJumped { .. } => R::ClockJumped { wall: at, engine: at },
            R::ClockFine => R::ClockFine,
            R::QuorumTooLarge { .. } => R::QuorumTooLarge { quorum: 1, attendees: 0 },
            R::InThePast { .. } => R::InThePast { fire_at: at, now: at },
            R::NotAttendee { .. } => R::NotAttendee { actor: actor(), name: text() },
            R::NotOrganizer { .. } => R::NotOrganizer { organizer: actor(), name: text() },
            R::AlreadyFired { .. } => R::AlreadyFired { name: text(), at },
            R::AlreadyMissed { .. } => R::AlreadyMissed { name: text(), at },
            R::AlreadyScrubbed { .. } => R::AlreadyScrubbed { name: text(), at, cause: text() },
            R::Held { .. } => R::Held { name: text() },
            R::OnHold { .. } => R::OnHold { name: text(), until: at },
            R::NotOnHold { .. } => R::NotOnHold { name: text() },
            R::SlipExhausted { .. } => {
                R::SlipExhausted { name: text(), asked: span, remaining: span, slip_max: span }
            },
            R::SelfLink => R::SelfLink,
            R::Cycle { .. } => R::Cycle { path: Vec::new() },
            R::OtherCampaign { .. } => R::OtherCampaign { name: text(), campaign: text() },
            R::InACampaign { .. } => R::InACampaign { name: text() },
            R::NotHeld { .. } => R::NotHeld { name: text() },
            R::AlreadyStarted { .. } => R::AlreadyStarted { name: text() },
            R::CampaignEnded { .. } => R::CampaignEnded { name: text(), outcome: "" },
            R::EmptyCampaign { .. } => R::EmptyCampaign { name: text() },
            R::NoSuchLink { .. } => R::NoSuchLink { before: text(), after: text() },
            R::StaleFence { .. } => R::StaleFence { why: text() },
            R::NotYourMailbox { .. } => R::NotYourMailbox { mailbox: actor(), actor: actor() },
            R::MailboxFull { .. } => R::MailboxFull { mailbox: actor(), size_max: 0 },
            R::NotDead { .. } => R::NotDead { message: EventId::from_bytes([0; 16]), mailbox: actor() },
            R::NobodyThere => R::NobodyThere,
            R::InvalidChange { .. } => R::InvalidChange { faults: Vec::new() },
            R::ChangeEnded { .. } => R::ChangeEnded { change, outcome: "" },
            R::NotYourChange { .. } => R::NotYourChange { change, agent: actor() },
            R::LandingBegun { .. } => R::LandingBegun { change },
            R::LandingNotBegun { .. } => R::LandingNotBegun { change },
            R::UntestedTree { .. } => R::UntestedTree { tested: text(), landing: text() },
            R::OutOfTurn { .. } => R::OutOfTurn { change, ahead: change },
            R::NotAReviewer { .. } => R::NotAReviewer { change, reviewer: actor() },
            R::AlreadyApproved { .. } => R::AlreadyApproved { change },
            R::ChangeNotDead { .. } => R::ChangeNotDead { change },
            R::QueuePaused { .. } => R::QueuePaused { reason: text() },
        }
    }

    #[test]
    fn every_code_stands_once() {
        let codes: BTreeSet<_> = ROWS.iter().map(|row| row.code).collect();
        assert_eq!(codes.len(), ROWS.len());
    }

    #[test]
    fn every_refusal_is_explained() {
        for refusal in refusals() {
            let row = find(refusal.code());
            assert!(row.is_some_and(|row| row.code == refusal.code()), "{} is not in the catalogue", refusal.code());
        }
        assert_eq!(find("no_such_code"), None);
    }

    #[test]
    fn every_row_is_whole() {
        for Row { code, exit, retryable, what, remedy } in ROWS {
            let well_formed = code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            assert!(well_formed && !code.is_empty(), "{code}");
            assert!(what.ends_with('.') && remedy.ends_with('.'), "{code}: sentences");
            assert_ne!(*exit, Exit::Ok, "{code}");
            assert!(*exit != Exit::TryAgain || *retryable, "{code}: exit 75 means that it may be tried again");
        }
    }

    #[test]
    fn exit_codes_are_fixed_for_ever() {
        let exits = [
            (Exit::Ok, 0),
            (Exit::Failure, 1),
            (Exit::Usage, 2),
            (Exit::NotFound, 3),
            (Exit::Refused, 4),
            (Exit::NotPermitted, 5),
            (Exit::Fenced, 6),
            (Exit::WaitRanOut, 7),
            (Exit::NothingThere, 8),
            (Exit::Integrity, 9),
            (Exit::TryAgain, 75),
        ];
        for (exit, code) in exits {
            assert_eq!(exit.code(), code);
        }
        for (code, exit) in [
            ("stale_fence", 6),
            ("not_you", 5),
            ("actor_required", 2),
            ("wait_timeout", 7),
            ("nothing_there", 8),
            ("clock_jumped", 75),
            ("log_locked", 75),
            ("outcome_unknown", 75),
            ("verify_failed", 9),
            ("proof_failed", 9),
            ("log_truncated", 9),
            ("not_found", 3),
            ("head_moved", 4),
            ("bad_document", 1),
        ] {
            assert_eq!(find(code).map(|row| row.exit.code()), Some(exit), "{code}");
        }
    }
}
