//! The rows of `specs/actors/`.

use super::Spec;

/// Its actions.
pub(super) const SPEC: Spec = Spec { module: "actors", actions: &[] };
