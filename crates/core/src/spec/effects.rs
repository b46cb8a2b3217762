//! The rows of `specs/effects/`.

use super::Spec;

/// Its actions.
pub(super) const SPEC: Spec = Spec { module: "effects", actions: &[] };
