//! What may be asked of the queue.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::steps::{ACTORS, Known, latest};

/// A command to the queue. Changes and claims are counted from the latest.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each stands for the command of its name, with that command's fields")]
pub enum Queueing {
    Submit { task: usize, paths: Vec<usize>, priority: usize, approvals: u32, supersedes: Option<usize> },
    Claim { max: u32, lease_ms: u64 },
    Extend { claim: usize, lease_ms: u64 },
    StartLanding { claim: usize, tested: bool },
    Land { claim: usize, recovered: bool },
    Conflict { claim: usize },
    Reject { claim: usize },
    Fail { claim: usize, forever: bool },
    Return { claim: usize },
    Approve { change: usize, agrees: bool },
    Cancel { change: usize },
    Requeue { change: usize },
    Pause { on: bool },
}

const TARGET: &str = "main";

impl Queueing {
    /// The command, in its JSON form.
    pub(super) fn command(&self, known: &Known<'_>, serial: usize) -> Value {
        let change = |which: &usize| latest(known.changes, *which);
        let claim = |which: &usize| {
            let claims = known.claims;
            let claim = claims.iter().rev().nth(which % claims.len().max(1));
            claim.map_or(("nothing", 1), |(change, fence)| (change.as_str(), *fence))
        };
        match self {
            Self::Submit { task, paths, priority, approvals, supersedes } => {
                let priority = ["critical", "high", "normal", "low"][*priority];
                let paths: Vec<String> = paths.iter().map(|path| format!("src/{path}")).collect();
                let mut submit = json!({
                    "task": format!("task {}", serial / 3 * 10 + task), "target": TARGET, "paths": paths,
                    "priority": priority,
                    "content": {"commit": git(*task)}, "checks": [{ "command": "make test" }],
                });
                if *approvals > 0 {
                    submit["approval"] = json!({"needed": approvals, "of": ACTORS[..3]});
                }
                if let Some(old) = supersedes {
                    submit["supersedes"] = change(old).into();
                }
                json!({"submit_change": submit})
            }
            Self::Claim { max, lease_ms } => {
                json!({"claim_changes": {"target": TARGET, "max": max, "lease_ms": lease_ms}})
            }
            Self::Extend { claim: which, lease_ms } => {
                let (change, fence) = claim(which);
                json!({"extend_change": {"change": change, "fence": fence, "lease_ms": lease_ms}})
            }
            Self::StartLanding { claim: which, tested } => {
                let (change, fence) = claim(which);
                let tree = git(serial);
                let tested_tree = if *tested { tree.clone() } else { git(serial + 1) };
                let checks = [json!({"command": "make test", "took_ms": 1200, "runs": 1})];
                let receipt = json!({
                    "base": git(0), "tested_tree": tested_tree, "commit": git(serial + 2), "tree": tree, "checks": checks,
                });
                json!({"start_landing": {"change": change, "fence": fence, "receipt": receipt}})
            }
            Self::Land { claim: which, recovered } => {
                let (change, fence) = claim(which);
                json!({"land_change": {"change": change, "fence": fence, "recovered": recovered}})
            }
            Self::Conflict { claim: which } => {
                let (change, fence) = claim(which);
                json!({"conflict_change": {
                    "change": change, "fence": fence, "paths": ["src/1"], "detail": "patch failed: src/1:3",
                }})
            }
            Self::Reject { claim: which } => {
                let (change, fence) = claim(which);
                json!({"reject_change": {"change": change, "fence": fence, "faults": ["it touches src/9"]}})
            }
            Self::Fail { claim: which, forever } => {
                let (change, fence) = claim(which);
                let class = if *forever { "final" } else { "check" };
                let (cause, output) = ("make test ended with 1", "1 failed");
                json!({"fail_change": {
                    "change": change, "fence": fence, "class": class, "cause": cause, "output": output,
                }})
            }
            Self::Return { claim: which } => {
                let (change, fence) = claim(which);
                json!({"return_change": {"change": change, "fence": fence, "reason": "the worker stops"}})
            }
            Self::Approve { change: which, agrees } => {
                let command = if *agrees { "approve_change" } else { "disapprove_change" };
                json!({command: {"change": change(which), "reason": "seen"}})
            }
            Self::Cancel { change: which } => json!({"cancel_change": {"change": change(which)}}),
            Self::Requeue { change: which } => json!({"requeue_change": {"change": change(which)}}),
            Self::Pause { on: true } => json!({"pause_queue": {"reason": "the tests are moved"}}),
            Self::Pause { on: false } => json!({"resume_queue": {}}),
        }
    }

    /// Which claim it names.
    pub(super) fn claim(&self) -> Option<usize> {
        match self {
            Self::Extend { claim, .. }
            | Self::StartLanding { claim, .. }
            | Self::Land { claim, .. }
            | Self::Conflict { claim }
            | Self::Reject { claim }
            | Self::Fail { claim, .. }
            | Self::Return { claim } => Some(*claim),
            _ => None,
        }
    }
}

fn git(number: usize) -> String {
    format!("{number:040x}")
}

/// A random command to the queue.
pub(super) fn queueing() -> impl Strategy<Value = Queueing> {
    let (claim, change) = (|| 0..4_usize, || 0..6_usize);
    let lease_ms = || prop_oneof![3 => 1_000..200_000_u64, 1 => 0..3_000_u64];
    let paths = prop::collection::vec(0..8_usize, 0..4);
    let submit = (0..4_usize, paths, 0..4_usize, 0..3_u32, prop::option::weighted(0.15, change()));
    prop_oneof![
        14 => submit.prop_map(|(task, paths, priority, approvals, supersedes)| {
            Queueing::Submit { task, paths, priority, approvals: approvals.saturating_sub(1), supersedes }
        }),
        14 => (0..5_u32, lease_ms()).prop_map(|(max, lease_ms)| Queueing::Claim { max, lease_ms }),
        3 => (claim(), lease_ms()).prop_map(|(claim, lease_ms)| Queueing::Extend { claim, lease_ms }),
        14 => (claim(), prop::bool::weighted(0.95))
            .prop_map(|(claim, tested)| Queueing::StartLanding { claim, tested }),
        12 => (claim(), prop::bool::weighted(0.2)).prop_map(|(claim, recovered)| Queueing::Land { claim, recovered }),
        2 => claim().prop_map(|claim| Queueing::Conflict { claim }),
        1 => claim().prop_map(|claim| Queueing::Reject { claim }),
        6 => (claim(), prop::bool::weighted(0.3)).prop_map(|(claim, forever)| Queueing::Fail { claim, forever }),
        3 => claim().prop_map(|claim| Queueing::Return { claim }),
        6 => (change(), prop::bool::weighted(0.8)).prop_map(|(change, agrees)| Queueing::Approve { change, agrees }),
        2 => change().prop_map(|change| Queueing::Cancel { change }),
        3 => change().prop_map(|change| Queueing::Requeue { change }),
        2 => prop::bool::weighted(0.3).prop_map(|on| Queueing::Pause { on }),
    ]
}
