//! The rows of `specs/countdown/`.

use super::{Action, Spec};

/// Its actions. What a campaign does to a countdown in the commit that schedules it is part of that step.
pub(super) const SPEC: Spec = Spec {
    module: "countdown",
    actions: &[
        Action::of("CountdownScheduled", &["countdown.scheduled", "countdown.released", "countdown.scrubbed"]),
        Action::of("CountdownJoined", &["countdown.joined"]),
        Action::of("CountdownReleased", &["countdown.released", "countdown.fired"]),
        Action::of("CountdownConfirmed", &["countdown.confirmed", "countdown.fired"]),
        Action::of("CountdownDeclined", &["countdown.declined", "countdown.scrubbed"]),
        Action::of("CountdownDeferred", &["countdown.deferred"]),
        Action::of("CountdownHoldStarted", &["countdown.hold_started"]),
        Action::of("CountdownResumed", &["countdown.resumed", "countdown.fired"]),
        Action::of("CountdownRescheduled", &["countdown.rescheduled"]),
        Action::of("CountdownScrubbed", &["countdown.scrubbed"]),
        Action::of("CountdownFired", &["countdown.fired"]),
        Action::of("CountdownMissed", &["countdown.missed"]),
        Action::environment("Advance"),
    ],
};
