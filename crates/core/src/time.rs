//! Times and durations: UTC microseconds and whole milliseconds, with one accepted spelling each.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{limits::SPAN_MS_MAX, name::shorten};

/// A moment, in microseconds since 1970 (UTC). In JSON it is RFC 3339 text, in a snapshot that number. From 1970 to the
/// end of 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// Why a text is not a time or duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not a duration.
    #[error("{0:?} is not a duration; accepted: 90s, 5m, 1h30m, 2d, 500ms")]
    Span(String),
    /// Longer than anything may last.
    #[error("{0:?} is too long; a duration is at most ten years")]
    SpanTooLong(String),
    /// Not a time.
    #[error("{0:?} is not a time; accepted: RFC 3339 such as 2026-11-21T15:00:00Z, or +5m, +1h30m from now")]
    Time(String),
    /// Not a moment that has been.
    #[error("{0:?} is not a time in the past; accepted: RFC 3339 such as 2026-11-21T15:00:00Z, or 2h, 1d before now")]
    Past(String),
    /// Not a state of the log.
    #[error("{0:?} is not an earlier state; accepted: a number of events, or RFC 3339 such as 2026-11-21T15:00:00Z")]
    State(String),
    /// A duration where a time is needed.
    #[error("{0:?} is a duration, not a time; so long from now is +{0}")]
    Unsigned(String),
    /// Outside 1970 to 9999.
    #[error("the time lies outside the years 1970 to 9999")]
    Range,
}

impl Timestamp {
    /// The latest moment: the end of 9999.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// From microseconds since 1970.
    ///
    /// # Errors
    /// [`TimeError::Range`] outside the years 1970 to 9999.
    pub fn from_us(us: i64) -> Result<Self, TimeError> {
        if (0..=Self::MAX.0).contains(&us) { Ok(Self(us)) } else { Err(TimeError::Range) }
    }

    /// Microseconds since 1970.
    #[must_use]
    pub const fn us(self) -> i64 {
        self.0
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn ms(self) -> u64 {
        (self.0 / 1000) as u64
    }

    /// Later by a duration; the end of 9999 at the latest.
    #[must_use]
    pub fn plus(self, span: Span) -> Self {
        Self((self.0 + span.us()).min(Self::MAX.0))
    }

    /// Earlier by a duration; 1970 at the earliest.
    #[must_use]
    pub fn minus(self, span: Span) -> Self {
        Self((self.0 - span.us()).max(0))
    }

    /// How long after `earlier`, rounded up to milliseconds; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Span {
        Span::from_ms_capped(((self.0 - earlier.0).max(0) as u64).div_ceil(1000))
    }

    /// Reads RFC 3339 text.
    ///
    /// # Errors
    /// [`TimeError`] if it is something else or outside 1970 to 9999.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| TimeError::Time(shorten(text)))?;
        Self::from_us(time.timestamp_micros())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = DateTime::<Utc>::from_timestamp_micros(self.0).unwrap_or_default();
        f.pad(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return Self::from_us(i64::deserialize(deserializer)?).map_err(de::Error::custom);
        }
        let text = smol_str::SmolStr::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// A duration in whole milliseconds, at most ten years. In JSON it is that number; fields that hold one end in `_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Span(u64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From milliseconds.
    ///
    /// # Errors
    /// [`TimeError::SpanTooLong`] over ten years.
    pub fn from_ms(ms: u64) -> Result<Self, TimeError> {
        if ms <= SPAN_MS_MAX { Ok(Self(ms)) } else { Err(TimeError::SpanTooLong(format!("{ms}ms"))) }
    }

    /// From milliseconds; ten years at most.
    #[must_use]
    pub const fn from_ms_capped(ms: u64) -> Self {
        Self(if ms <= SPAN_MS_MAX { ms } else { SPAN_MS_MAX })
    }

    /// Milliseconds.
    #[must_use]
    pub const fn ms(self) -> u64 {
        self.0
    }

    /// Microseconds.
    #[must_use]
    pub const fn us(self) -> i64 {
        (self.0 * 1000) as i64
    }

    /// The sum; ten years at most.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self::from_ms_capped(self.0 + other.0)
    }

    /// Reads `90s`, `5m`, `1h30m`, `2d`, `500ms`: whole numbers with units from large to small, each at most once.
    ///
    /// # Errors
    /// [`TimeError`] if it is something else or over ten years.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let bad = || TimeError::Span(shorten(text));
        const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
        let mut rest = text;
        let mut next_unit = 0;
        let mut total: u64 = 0;
        while !rest.is_empty() || next_unit == 0 {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let letters = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
            let unit = &rest[digits..digits + letters];
            let index = UNITS.iter().position(|(name, _)| *name == unit).filter(|i| *i >= next_unit).ok_or_else(bad)?;
            if digits == 0 {
                return Err(bad());
            }
            let too_long = || TimeError::SpanTooLong(shorten(text));
            let number: u64 = rest[..digits].parse().map_err(|_| too_long())?;
            total = number.checked_mul(UNITS[index].1).and_then(|ms| ms.checked_add(total)).ok_or_else(too_long)?;
            next_unit = index + 1;
            rest = &rest[digits + letters..];
        }
        Self::from_ms(total).map_err(|_| TimeError::SpanTooLong(shorten(text)))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_ms(u64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.pad("0s");
        }
        let mut text = String::new();
        let mut rest = self.0;
        for (unit, ms) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
            if rest >= ms {
                text += &format!("{}{unit}", rest / ms);
                rest %= ms;
            }
        }
        f.pad(&text)
    }
}

/// A time as it was asked for: a moment, or a while from when the command is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimeSpec {
    /// At this moment.
    At(Timestamp),
    /// This long after the decision (or, in a campaign, after the release).
    In(Span),
}

impl TimeSpec {
    /// Reads RFC 3339 text or `+5m`.
    ///
    /// # Errors
    /// [`TimeError`] if it is neither.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        match text.strip_prefix('+') {
            Some(span) => Span::parse(span).map(Self::In).map_err(|error| match error {
                TimeError::SpanTooLong(_) => error,
                _ => TimeError::Time(shorten(text)),
            }),
            None if Span::parse(text).is_ok() => Err(TimeError::Unsigned(shorten(text))),
            None => Timestamp::parse(text).map(Self::At),
        }
    }
}

impl fmt::Display for TimeSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time) => time.fmt(f),
            Self::In(span) => write!(f, "+{span}"),
        }
    }
}

impl Serialize for TimeSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_one_spelling() {
        for (text, ms) in [("90s", 90_000), ("5m", 300_000), ("1h30m", 5_400_000), ("2d", 172_800_000), ("500ms", 500)]
        {
            assert_eq!(Span::parse(text).unwrap().ms(), ms, "{text}");
        }
        for text in
            ["", "5", "5mm", "m", "-5m", "5m1h", "5m5m", " 5m", "5 m", "1.5h", "5M", "5é", "99999999999999999999d"]
        {
            assert!(Span::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(Span::parse("1h30m").unwrap().to_string(), "1h30m");
    }

    #[test]
    fn times_are_rfc_3339_or_relative() {
        let time = Timestamp::parse("2026-11-21T15:00:00.000001Z").unwrap();
        assert_eq!(Timestamp::parse(&time.to_string()).unwrap(), time);
        assert_eq!(TimeSpec::parse("+5m").unwrap(), TimeSpec::In(Span(300_000)));
        for text in ["", "tomorrow", "5m", "+", "+5mm", "1969-12-31T23:59:59Z", "2026-11-21"] {
            assert!(TimeSpec::parse(text).is_err(), "{text:?}");
        }
    }
}
