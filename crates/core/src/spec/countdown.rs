//! The rows of `specs/countdown/`.

use super::Spec;

/// Its actions.
pub(super) const SPEC: Spec = Spec { module: "countdown", actions: &[] };
