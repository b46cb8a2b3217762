//! Times as people say them: `in 4m`, `2h ago`.

use convoke_core::time::{Span, Timestamp};

/// How far a time is from another: one unit, the largest that fits, rounded down; two for hours and days while they are few.
pub(super) fn relative(at: Timestamp, now: Timestamp) -> String {
    let seconds = (i128::from(at.us()) - i128::from(now.us())) / 1_000_000;
    match u64::try_from(seconds.unsigned_abs()).unwrap_or(u64::MAX) {
        0 if at > now => "now".to_owned(),
        0 => "just now".to_owned(),
        distance if at > now => format!("in {}", rough(distance)),
        distance => format!("{} ago", rough(distance)),
    }
}

/// A duration in the same words.
pub(crate) fn length(span: Span) -> String {
    if span.ms() < 1000 { span.to_string() } else { rough(span.ms() / 1000) }
}

fn rough(seconds: u64) -> String {
    const UNITS: [(u64, &str, u64, &str); 3] = [(86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s")];
    for (unit, name, smaller, small_name) in UNITS {
        if seconds >= unit {
            let (many, rest) = (seconds / unit, seconds % unit / smaller);
            let worth_saying = many < 10 && rest > 0;
            return if worth_saying { format!("{many}{name}{rest}{small_name}") } else { format!("{many}{name}") };
        }
    }
    format!("{seconds}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_said_roughly() {
        let now = Timestamp::from_us(1_000_000_000_000_000).unwrap();
        let at = |text: &str| now.plus(Span::parse(text).unwrap());
        for (text, said) in [
            ("0s", "just now"),
            ("900ms", "now"),
            ("59s", "in 59s"),
            ("5m", "in 5m"),
            ("5m30s", "in 5m30s"),
            ("12m30s", "in 12m"),
            ("1h30m", "in 1h30m"),
            ("2d", "in 2d"),
            ("2d5h", "in 2d5h"),
            ("40d", "in 40d"),
        ] {
            assert_eq!(relative(at(text), now), said, "{text}");
        }
        assert_eq!(relative(now, at("2h")), "2h ago");
        assert_eq!(length(Span::parse("250ms").unwrap()), "250ms");
    }
}
