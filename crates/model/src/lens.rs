//! How a spec is shown the names and times of the code: as they are in a tiny world, short and counted in a trace.

use convoke_core::{
    name::ActorName,
    time::{Span, Timestamp},
};

use crate::{
    slices::{Slice, Times},
    value::Value,
};

/// What names and times look like to a spec.
pub trait Lens {
    /// An actor.
    fn actor(&mut self, actor: &ActorName) -> String;
    /// A moment.
    fn at(&self, time: Timestamp) -> Value;
    /// A duration.
    fn span(&self, span: Span) -> Value;
}

/// In a trace: names in the order of their appearance, times as pairs (`specs/lib/wide`).
impl<M> Lens for Slice<M> {
    fn actor(&mut self, actor: &ActorName) -> String {
        self.names.actor(actor)
    }

    fn at(&self, time: Timestamp) -> Value {
        self.times.at(time)
    }

    fn span(&self, span: Span) -> Value {
        Times::span(span)
    }
}

/// In a tiny world: names as they are, times in whole seconds (`specs/lib/small`).
#[derive(Debug, Clone, Copy, Default)]
pub struct Seconds;

impl Seconds {
    /// Second 0 of every tiny world: noon of 21 November 2026, UTC.
    const ORIGIN_US: i64 = 1_795_262_400_000_000;

    /// The moment that a spec calls by this number; 1970 if it is before that.
    #[must_use]
    pub fn moment(second: i32) -> Timestamp {
        Timestamp::from_us(Self::ORIGIN_US + i64::from(second) * 1_000_000).unwrap_or_default()
    }

    /// The duration that a spec calls by this number.
    #[must_use]
    pub fn duration(seconds: u32) -> Span {
        Span::from_ms_capped(u64::from(seconds) * 1000)
    }
}

impl Lens for Seconds {
    fn actor(&mut self, actor: &ActorName) -> String {
        actor.to_string()
    }

    /// What is no whole second of a tiny world is shown as no second of it, so that it is seen.
    fn at(&self, time: Timestamp) -> Value {
        let us = time.us() - Self::ORIGIN_US;
        whole(us).map_or_else(|| Value::Text(format!("{us} us")), Value::Int)
    }

    fn span(&self, span: Span) -> Value {
        whole(span.us()).map_or_else(|| Value::Text(format!("{} us", span.us())), Value::Int)
    }
}

fn whole(us: i64) -> Option<i32> {
    if us % 1_000_000 == 0 { i32::try_from(us / 1_000_000).ok() } else { None }
}
