//! The rows of `specs/log/`. To a log every event is bytes: of what kind it is says nothing about its steps.

use super::{Action, Spec};

/// Its actions.
pub(super) const SPEC: Spec = Spec {
    module: "log",
    actions: &[
        Action::environment("Ask"),
        Action::environment("Refuse"),
        Action::environment("Write"),
        Action::environment("Sync"),
        Action::environment("Record"),
        Action::environment("RecordFail"),
        Action::environment("Acknowledge"),
        Action::environment("FailToWrite"),
        Action::environment("LoseAcknowledgement"),
        Action::environment("TakeSnapshot"),
        Action::environment("Crash"),
        Action::environment("PowerCut"),
        Action::environment("LoseTail"),
        Action::environment("Exchange"),
        Action::environment("Open"),
        Action::environment("OpenRefused"),
    ],
};
