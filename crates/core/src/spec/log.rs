//! The rows of `specs/log/`.

use super::Spec;

/// Its actions.
pub(super) const SPEC: Spec = Spec { module: "log", actions: &[] };
