//! The rows of `specs/engine/`. What a command or a due item writes is a matter of the other specs; here it is one entry, of
//! whatever kinds. Named are those that no other spec has, how a log begins and that a jump of the clock is accepted, and those
//! that what is due begins with.

use super::{Action, Spec};

/// Its actions.
pub(super) const SPEC: Spec = Spec {
    module: "engine",
    actions: &[
        Action::environment("Ask"),
        Action::environment("Retry"),
        Action::environment("Disconnect"),
        Action::of(
            "BecameDue",
            &[
                "countdown.fired",
                "countdown.missed",
                "countdown.scrubbed",
                "message.lease_expired",
                "message.dead_lettered",
            ],
        ),
        Action::environment("RepeatAnswered"),
        Action::environment("NothingWritten"),
        Action::of("CommandDecided", &["workspace.created"]),
        Action::of("ClockAccepted", &["clock.accepted"]),
        Action::environment("EndBatch"),
        Action::environment("BatchDurable"),
        Action::environment("Publish"),
        Action::environment("AnswerAll"),
        Action::environment("Crash"),
        Action::environment("Recover"),
        Action::environment("Advance"),
        Action::environment("ClockJumps"),
    ],
};
