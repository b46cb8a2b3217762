//! The rows of `specs/queue/`.

use super::{Action, Spec};

/// Its actions. A change that is put back is handed in, in the place of a dead one.
pub(super) const SPEC: Spec = Spec {
    module: "queue",
    actions: &[
        Action::of("ChangeSubmitted", &["change.submitted", "change.superseded"]),
        Action::of("ChangeRequeued", &["change.submitted"]),
        Action::of("ChangeApproved", &["change.approved"]),
        Action::of("ChangeDisapproved", &["change.disapproved"]),
        Action::of("ChangeLeased", &["change.leased"]),
        Action::of("ChangeLeaseExtended", &["change.lease_extended"]),
        Action::of("ChangeLeaseExpired", &["change.lease_expired"]),
        Action::of("ChangeReturned", &["change.returned"]),
        Action::of("ChangeLandingStarted", &["change.landing_started"]),
        Action::of("ChangeLanded", &["change.landed"]),
        Action::of("ChangeConflicted", &["change.conflicted"]),
        Action::of("ChangeRejected", &["change.rejected"]),
        Action::of("ChangeFailed", &["change.failed"]),
        Action::of("ChangeDied", &["change.died"]),
        Action::of("ChangeCancelled", &["change.cancelled"]),
        Action::of("ChangeSuperseded", &["change.superseded"]),
        Action::of("QueuePaused", &["queue.paused"]),
        Action::of("QueueResumed", &["queue.resumed"]),
        Action::environment("Advance"),
    ],
};
