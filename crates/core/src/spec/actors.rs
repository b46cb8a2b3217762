//! The rows of `specs/actors/`.

use super::{Action, Spec};

/// Its actions. A registration stands for the whole command that needed it, whatever else that writes.
pub(super) const SPEC: Spec = Spec {
    module: "actors",
    actions: &[
        Action::of("WorkspaceCreated", &["workspace.created"]),
        Action::of("MembershipSet", &["workspace.membership_set"]),
        Action::of("ActorRegistered", &["actor.registered", "actor.kind_changed"]),
        Action::of("ActorKindChanged", &["actor.kind_changed"]),
    ],
};
