//! The latest acked claims, so that a repeated ack is a success and an outdated token can be told why.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Token;
use crate::{limits::ENDED_DELIVERIES_KEPT, name::ActorName};

/// The latest [`ENDED_DELIVERIES_KEPT`] acked claims, oldest first. Looking one up reads through them, latest first:
/// that is needed only for a token that is not current, which is rare, and an index would cost every ack.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Ended(VecDeque<Acked>);

/// A claim that was acked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Acked {
    pub(super) token: (u64, u32),
    pub(super) by: ActorName,
}

impl Ended {
    pub(super) fn push(&mut self, token: Token, by: ActorName) {
        if self.0.len() >= ENDED_DELIVERIES_KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Acked { token: (token.tail, token.fence), by });
    }

    /// The claims on this message that were acked, latest first.
    pub(super) fn of(&self, token: Token) -> impl Iterator<Item = &Acked> {
        self.0.iter().rev().filter(move |acked| acked.token.0 == token.tail)
    }
}
