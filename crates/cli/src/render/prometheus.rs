//! The queue's metrics in the text format of Prometheus: <https://prometheus.io/docs/instrumenting/exposition_formats/>
//!
//! Durations are in seconds, as its conventions ask for.

use std::fmt::Write as _;

use convoke_projections::view::{Quantiles, QueueMetricsView};

/// The metrics as text.
pub(crate) fn text(metrics: &QueueMetricsView) -> String {
    let mut text = String::new();
    head(&mut text, "changes", "gauge", "Changes by the state in which they stand.");
    for (state, count) in &metrics.counts {
        line(&mut text, &format!("changes{{state=\"{state}\"}}"), count);
    }
    head(&mut text, "ready", "gauge", "Changes that a worker could claim now.");
    line(&mut text, "ready", metrics.ready);
    head(&mut text, "oldest_ready_seconds", "gauge", "How long the oldest of them waits; 0 if there is none.");
    line(&mut text, "oldest_ready_seconds", seconds(metrics.oldest_ready_ms.map_or(0, |age| age.ms())));
    for (name, help, count) in [
        ("leases_expired_total", "Claims whose worker fell silent.", metrics.leases_expired),
        ("attempts_failed_total", "Attempts that failed and were tried again.", metrics.attempts_failed),
        ("landings_recovered_total", "Landings found after their worker was gone.", metrics.recovered),
    ] {
        counter(&mut text, name, help, count);
    }
    // Of what is not counted there is no sample: 0 would say that there was none.
    if let Some(count) = metrics.duplicates_answered {
        let help = "Changes handed in again while they lived; counted by the daemon since its start.";
        counter(&mut text, "duplicates_total", help, count);
    }
    summary(&mut text, "in_queue_seconds", "From handed in to the end.", metrics.in_queue);
    summary(&mut text, "build_seconds", "From the claim to the announcement of the landing.", metrics.build);
    summary(&mut text, "check_seconds", "Each check of what landed.", metrics.checks);
    text
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = write!(text, "# HELP convoke_queue_{name} {help}\n# TYPE convoke_queue_{name} {kind}\n");
}

fn counter(text: &mut String, name: &str, help: &str, count: u64) {
    head(text, name, "counter", help);
    line(text, name, count);
}

fn line(text: &mut String, name: &str, value: impl std::fmt::Display) {
    let _ = writeln!(text, "convoke_queue_{name} {value}");
}

fn summary(text: &mut String, name: &str, help: &str, taken: Quantiles) {
    head(text, name, "summary", help);
    for (quantile, ms) in [("0.5", taken.p50_ms), ("0.95", taken.p95_ms), ("0.99", taken.p99_ms)] {
        // A quantile of nothing is not a number.
        let value = if taken.count == 0 { "NaN".to_owned() } else { seconds(ms) };
        line(text, &format!("{name}{{quantile=\"{quantile}\"}}"), value);
    }
    line(text, &format!("{name}_sum"), seconds(taken.sum_ms));
    line(text, &format!("{name}_count"), taken.count);
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use convoke_core::time::{Span, Timestamp};

    use super::*;

    #[test]
    fn every_sample_stands_below_its_help_and_type() {
        let taken = Quantiles { count: 3, sum_ms: 4_500, p50_ms: 1_000, p95_ms: 2_500, p99_ms: 2_500 };
        let text = text(&QueueMetricsView {
            now: Timestamp::default(),
            counts: BTreeMap::from([("landed".to_owned(), 3), ("queued".to_owned(), 1)]),
            ready: 1,
            oldest_ready_ms: Span::parse("1m1s").ok(),
            leases_expired: 2,
            attempts_failed: 4,
            recovered: 1,
            duplicates_answered: Some(5),
            in_queue: taken,
            build: Quantiles::default(),
            checks: taken,
        });
        let mut described = String::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                described = rest.split(' ').next().unwrap().to_owned();
            } else if !line.starts_with('#') {
                let (name, value) = line.rsplit_once(' ').unwrap();
                assert!(name.starts_with(&described), "{line}");
                assert!(value.parse::<f64>().is_ok(), "{line}");
            }
        }
        for expected in [
            "convoke_queue_changes{state=\"landed\"} 3",
            "convoke_queue_oldest_ready_seconds 61.000",
            "convoke_queue_leases_expired_total 2",
            "convoke_queue_duplicates_total 5",
            "convoke_queue_in_queue_seconds{quantile=\"0.95\"} 2.500",
            "convoke_queue_in_queue_seconds_sum 4.500",
            "convoke_queue_build_seconds{quantile=\"0.5\"} NaN",
            "convoke_queue_check_seconds_count 3",
        ] {
            assert!(text.lines().any(|line| line == expected), "{expected}\n{text}");
        }
    }
}
