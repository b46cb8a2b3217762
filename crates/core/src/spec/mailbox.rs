//! The rows of `specs/mailbox/`.

use super::Spec;

/// Its actions.
pub(super) const SPEC: Spec = Spec { module: "mailbox", actions: &[] };
