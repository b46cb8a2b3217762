//! The rows of `specs/campaign/`.

use super::Spec;

/// Its actions.
pub(super) const SPEC: Spec = Spec { module: "campaign", actions: &[] };
