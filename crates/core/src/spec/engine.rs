//! The rows of `specs/engine/`.

use super::Spec;

/// Its actions.
pub(super) const SPEC: Spec = Spec { module: "engine", actions: &[] };
