//! A hundred workers that ask at once: who gets what, and how soon.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::bench::{Bench, Draft, TARGET, numbered};
use crate::{
    Outcome,
    clients::{Http, at_once},
    figures::{Figures, Target},
};

const WORKERS: u64 = 100;
const ROUNDS: u64 = 10;

pub(crate) fn run(figures: &mut Figures) -> Outcome<()> {
    let changes = (WORKERS * ROUNDS) as usize;
    let mut bench = Bench::new([("first".to_owned(), numbered(3))])?;
    bench.submit((0..changes).map(|number| Draft {
        agent: format!("agent-{}", number % 40),
        diff: format!("--- /dev/null\n+++ b/src/new{number}.txt\n@@ -0,0 +1 @@\n+new {number}\n"),
        check: None,
    }))?;
    let body = |number: u64| {
        json!({
            "as": format!("worker-{}", number % WORKERS),
            "key": format!("claim-{number}"),
            "command": { "claim_changes": { "target": TARGET, "max": 1 } },
        })
        .to_string()
    };
    let http = Http { address: "/v1/command", body };
    let mut latencies_us = Vec::new();
    for round in 0..ROUNDS {
        latencies_us.extend(at_once(&bench.program.socket(), WORKERS, round * WORKERS, &http)?);
    }
    latencies_us.sort_by(f64::total_cmp);
    let mut leases: BTreeMap<String, u64> = BTreeMap::new();
    let log = bench.program.json(&["log", "--kind", "change.leased", "--limit", "10000"])?;
    for event in log["data"]["log"]["events"].as_array().into_iter().flatten() {
        let change = event["payload"]["change"].as_str().ok_or_else(|| format!("no lease: {event}"))?;
        *leases.entry(change.to_owned()).or_default() += 1;
    }
    let double = leases.values().filter(|claims| **claims > 1).count();
    if double > 0 || leases.len() != changes {
        return Err(format!("{double} double claims; {} of {changes} changes claimed", leases.len()).into());
    }
    let at =
        |share: f64| latencies_us.get((latencies_us.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN) / 1e3;
    let from = format!(
        "p50 {:.1} ms of {} claims, {WORKERS} at once, {ROUNDS} times; each of {changes} changes claimed exactly once",
        at(0.5),
        latencies_us.len()
    );
    figures.add("A claim, 100 workers asking at once, p99", at(0.99), "ms", Target::AtMost(50.0), from);
    figures.keep("claims, µs", Value::from(latencies_us));
    Ok(())
}
