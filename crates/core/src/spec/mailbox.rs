//! The rows of `specs/mailbox/`.

use super::{Action, Spec};

/// Its actions. A redrive begins with the message that it sends; what it is a step of is the dead letter.
pub(super) const SPEC: Spec = Spec {
    module: "mailbox",
    actions: &[
        Action::of("MessageSent", &["message.sent"]),
        Action::of("MessageTaken", &["message.taken", "message.acked"]),
        Action::of("MessageAcked", &["message.acked"]),
        Action::of("MessageNacked", &["message.nacked", "message.dead_lettered"]),
        Action::of("MessageLeaseExtended", &["message.lease_extended"]),
        Action::of("MessageLeaseExpired", &["message.lease_expired", "message.dead_lettered"]),
        Action::of("MessageRedriven", &["message.sent", "message.redriven"]),
        Action::environment("HolderActed"),
        Action::environment("Advance"),
    ],
};
