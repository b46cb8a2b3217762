//! Convoke's time: never backwards, and a jump of the wall clock is not believed blindly.
//!
//! Pure: the shell reads the two clocks and hands their values in.

use crate::time::{Span, Timestamp};

/// By how much the wall clock may run ahead of the steady one, in all since opening or the latest acceptance, before it is
/// a jump: an hour, and what it may drift.
pub const AHEAD_MAX: Span = Span::from_ms_capped(60 * 60 * 1000);
/// What the wall clock may drift ahead besides: a thousandth of the time that passed, more than any sound clock does.
const DRIFT_PART: i64 = 1000;
/// By how much the wall clock may be behind the last event on opening before it is a jump: a minute.
pub const BEHIND_MAX: Span = Span::from_ms_capped(60 * 1000);

/// What the two clocks of the machine say at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readings {
    /// The wall clock.
    pub wall: Timestamp,
    /// Microseconds on a clock that only ever advances, also while the machine sleeps.
    pub steady_us: i64,
}

/// A jump that waits to be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jump {
    /// What the wall clock says.
    pub wall: Timestamp,
    /// What Convoke's time is.
    pub engine: Timestamp,
}

/// Convoke's clock: anchored to the wall clock or the last event, whichever is later, and advanced by the steady one. It
/// follows a wall clock that runs ahead; how far in all is measured from the anchor of opening or acceptance, so that
/// many small steps are no way around a large one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SteadyClock {
    /// Where the clock was opened or a jump was accepted.
    believed: Anchor,
    /// The latest time that was given.
    latest: Anchor,
    jump: Option<Jump>,
}

/// A time, and what the steady clock said then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Anchor {
    time: Timestamp,
    steady_us: i64,
}

impl Anchor {
    fn elapsed_us(self, readings: Readings) -> i64 {
        readings.steady_us.saturating_sub(self.steady_us).max(0)
    }

    /// The time by the steady clock alone.
    fn steady(self, readings: Readings) -> Timestamp {
        later(self.time, self.elapsed_us(readings))
    }

    /// The latest wall clock that is no jump.
    fn wall_max(self, readings: Readings) -> Timestamp {
        later(self.steady(readings).plus(AHEAD_MAX), self.elapsed_us(readings) / DRIFT_PART)
    }
}

fn later(time: Timestamp, by_us: i64) -> Timestamp {
    let us = time.us().saturating_add(by_us).min(Timestamp::MAX.us());
    Timestamp::from_us(us).unwrap_or(Timestamp::MAX)
}

impl SteadyClock {
    /// A clock for a log whose last event has this time.
    #[must_use]
    pub fn open(last_event: Timestamp, readings: Readings) -> Self {
        let behind = readings.wall.plus(BEHIND_MAX) < last_event;
        let jump = behind.then_some(Jump { wall: readings.wall, engine: last_event });
        Self { jump, ..Self::anchored(readings.wall.max(last_event), readings) }
    }

    /// The time now, or the jump that has to be accepted first. Later readings give later or equal times.
    ///
    /// # Errors
    /// The [`Jump`], until [`SteadyClock::accept`].
    pub fn now(&mut self, readings: Readings) -> Result<Timestamp, Jump> {
        let steady = self.latest.steady(readings);
        if self.jump.is_some() || readings.wall > self.believed.wall_max(readings) {
            let jump = Jump { wall: readings.wall, engine: steady };
            self.jump = Some(jump);
            return Err(jump);
        }
        let now = steady.max(readings.wall);
        self.latest = Anchor { time: now, steady_us: readings.steady_us };
        Ok(now)
    }

    /// The jump that waits to be accepted, if there is one.
    #[must_use]
    pub fn jump(&self) -> Option<Jump> {
        self.jump
    }

    /// Accepts the jump: the wall clock counts from here on if it is ahead; if it is behind, time goes on from the last
    /// event. Gives the time now.
    pub fn accept(&mut self, readings: Readings) -> Timestamp {
        let now = self.latest.steady(readings).max(readings.wall);
        *self = Self::anchored(now, readings);
        now
    }

    fn anchored(time: Timestamp, readings: Readings) -> Self {
        let anchor = Anchor { time, steady_us: readings.steady_us };
        Self { believed: anchor, latest: anchor, jump: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall_s: i64, steady_s: i64) -> Readings {
        Readings { wall: Timestamp::from_us(wall_s * 1_000_000).unwrap(), steady_us: steady_s * 1_000_000 }
    }

    fn time(s: i64) -> Timestamp {
        Timestamp::from_us(s * 1_000_000).unwrap()
    }

    #[test]
    fn time_goes_on_when_the_wall_clock_is_set_back() {
        let mut clock = SteadyClock::open(time(0), at(10_000, 0));
        assert_eq!(clock.now(at(10_010, 10)), Ok(time(10_010)));
        assert_eq!(clock.now(at(5_000, 20)), Ok(time(10_020)));
    }

    #[test]
    fn an_hour_ahead_is_a_jump_until_it_is_accepted() {
        let mut clock = SteadyClock::open(time(0), at(10_000, 0));
        assert_eq!(clock.now(at(10_000 + 3600, 0)), Ok(time(13_600)));
        let jumped = clock.now(at(10_000 + 3 * 3600, 10));
        assert_eq!(jumped, Err(Jump { wall: time(20_800), engine: time(13_610) }));
        assert!(clock.now(at(10_000 + 3600, 20)).is_err(), "a jump is not forgotten when the clock comes back");
        assert_eq!(clock.accept(at(20_810, 20)), time(20_810));
        assert_eq!(clock.now(at(20_811, 21)), Ok(time(20_811)));
    }

    #[test]
    fn a_wall_clock_behind_the_last_event_is_a_jump_on_opening() {
        let behind = i64::try_from(BEHIND_MAX.ms() / 1000).unwrap();
        let wall = 1000 - behind;
        assert_eq!(SteadyClock::open(time(1000), at(wall, 0)).now(at(wall, 1)), Ok(time(1001)));
        assert_eq!(SteadyClock::open(time(1000), at(wall, 0)).jump(), None);
        let mut clock = SteadyClock::open(time(1000), at(900, 0));
        assert!(clock.now(at(900, 0)).is_err());
        assert_eq!(clock.jump(), Some(Jump { wall: time(900), engine: time(1000) }));
        assert_eq!(clock.accept(at(901, 1)), time(1001));
    }

    #[test]
    fn many_small_steps_ahead_are_a_jump_once_they_come_to_an_hour() {
        let mut clock = SteadyClock::open(time(0), at(10_000, 0));
        let step = 59 * 60;
        assert_eq!(clock.now(at(10_005 + step, 5)), Ok(time(10_005 + step)));
        let second = clock.now(at(10_010 + 2 * step, 10));
        assert_eq!(second, Err(Jump { wall: time(10_010 + 2 * step), engine: time(10_010 + step) }));
        // What was accepted is not held against the clock.
        assert_eq!(clock.accept(at(10_010 + 2 * step, 10)), time(10_010 + 2 * step));
        assert_eq!(clock.now(at(10_015 + 3 * step, 15)), Ok(time(10_015 + 3 * step)));
    }

    #[test]
    fn a_clock_that_drifts_for_years_is_no_jump() {
        let mut clock = SteadyClock::open(time(0), at(10_000, 0));
        let day = 86_400;
        for days in 1..3_000 {
            // 200 millionths fast: 17 s a day, 14 hours in all.
            let now = 10_000 + days * day + days * 17;
            assert_eq!(clock.now(at(now, days * day)), Ok(time(now)));
        }
    }
}
