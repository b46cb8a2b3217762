//! Times as people say them: `in 4m`, `2h ago`.

use convoke_core::time::{Span, Timestamp};

/// How far a time is from another: one unit, the largest that fits, and the next smaller one while it is few of them. Rounded to
/// what is shown: a moment after `+10m` it is still said to be 10 minutes away.
pub(super) fn relative(at: Timestamp, now: Timestamp) -> String {
    let us = (i128::from(at.us()) - i128::from(now.us())).unsigned_abs();
    // What has passed is counted in whole seconds, as clocks do.
    let us = if at > now { us + 500_000 } else { us };
    match u64::try_from(us / 1_000_000).unwrap_or(u64::MAX) {
        0 if at > now => "now".to_owned(),
        0 => "just now".to_owned(),
        distance if at > now => format!("in {}", rough(distance)),
        distance => format!("{} ago", rough(distance)),
    }
}

/// A duration in the same words.
pub(crate) fn length(span: Span) -> String {
    if span.ms() < 1000 { span.to_string() } else { rough(span.ms().saturating_add(500) / 1000) }
}

fn rough(seconds: u64) -> String {
    const UNITS: [(u64, &str, u64, &str); 3] = [(86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s")];
    // What is not shown is rounded.
    let shown = match seconds {
        0..600 => 1,
        600..36_000 => 60,
        36_000..864_000 => 3_600,
        _ => 86_400,
    };
    let seconds = (seconds + shown / 2) / shown * shown;
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
            ("400ms", "now"),
            ("900ms", "in 1s"),
            ("59s", "in 59s"),
            ("9m59s", "in 9m59s"),
            ("9m59s700ms", "in 10m"),
            ("5m", "in 5m"),
            ("5m30s", "in 5m30s"),
            ("12m29s", "in 12m"),
            ("59m59s", "in 1h"),
            ("9h59m40s", "in 10h"),
            ("23h59m59s", "in 1d"),
            ("1h30m", "in 1h30m"),
            ("2d", "in 2d"),
            ("2d5h", "in 2d5h"),
            ("40d", "in 40d"),
        ] {
            assert_eq!(relative(at(text), now), said, "{text}");
        }
        assert_eq!(relative(now, at("2h")), "2h ago");
        assert_eq!(relative(now, at("900ms")), "just now");
        assert_eq!(relative(now, at("1900ms")), "1s ago");
        assert_eq!(length(Span::parse("250ms").unwrap()), "250ms");
    }
}
