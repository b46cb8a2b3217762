//! What the fold of the queue makes of events that no decision writes: nothing. An end is final and a fence only grows, whatever
//! a log holds.

use std::collections::BTreeSet;

use convoke_core::{
    event::{Event, Recorded},
    id::{ChangeId, EventId, IdSource},
    laws::CountingIds,
    name::ActorName,
    queue::{Change, Changes, Phase},
    time::Timestamp,
};
use serde_json::{Value, json};

/// One change of ann's.
struct Fold {
    changes: Changes,
    change: ChangeId,
    ids: CountingIds,
}

fn git(seed: char) -> String {
    seed.to_string().repeat(40)
}

fn receipt() -> Value {
    json!({"base": git('0'), "tested_tree": git('7'), "commit": git('c'), "tree": git('7'), "checks": []})
}

impl Fold {
    fn of(approval: Option<Value>) -> Self {
        let mut ids = CountingIds::default();
        let id = ids.fresh();
        let mut fold = Self { changes: Changes::default(), change: id.into(), ids };
        let content = json!({"operations": "07".repeat(32)});
        let mut submitted = json!({"task": "t1", "agent": "ann", "target": "main", "priority": "normal", "content": content, "paths": ["a"], "checks": []});
        if let Some(approval) = approval {
            submitted["approval"] = approval;
        }
        fold.take(id, "change.submitted", &submitted);
        fold
    }

    fn take(&mut self, id: EventId, kind: &str, payload: &Value) {
        let event = Event::decode(kind, 1, payload.to_string().as_bytes()).unwrap();
        let (time, actor) = (Timestamp::from_us(1_795_262_400_000_000).unwrap(), ActorName::parse("w1").unwrap());
        let recorded =
            Recorded { position: 1, id, time, actor, correlation: id, causation: None, idempotency: None, event };
        self.changes.evolve(&recorded);
    }

    /// An event of the change with this fence.
    fn then(&mut self, kind: &str, fence: u32) -> &mut Self {
        let mut payload = json!({"change": self.change, "fence": fence});
        let until = "2026-11-21T18:00:00Z";
        let more = match kind {
            "change.leased" => json!({"worker": format!("w{fence}"), "until": until}),
            "change.returned" => json!({"reason": "x"}),
            "change.landing_started" => json!({"receipt": receipt()}),
            "change.landed" => json!({"receipt": receipt(), "recovered": false}),
            "change.conflicted" => json!({"paths": ["a"], "detail": "x"}),
            "change.rejected" => json!({"faults": ["x"]}),
            "change.failed" => json!({"class": "check", "cause": "x", "not_before": until}),
            "change.died" => json!({"class": "check", "cause": "x"}),
            _ => json!({}),
        };
        payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let id = self.ids.fresh();
        self.take(id, kind, &payload);
        self
    }

    fn change(&self) -> Change {
        self.changes.get(self.change).unwrap().clone()
    }
}

/// What only the worker does that has the change.
const UNDER_A_CLAIM: [&str; 8] = [
    "change.lease_expired",
    "change.returned",
    "change.landing_started",
    "change.failed",
    "change.landed",
    "change.conflicted",
    "change.rejected",
    "change.died",
];

#[test]
fn what_comes_under_another_claim_changes_nothing() {
    for kind in UNDER_A_CLAIM {
        let mut fold = Fold::of(None);
        fold.then("change.leased", 1).then("change.lease_expired", 1).then("change.leased", 2);
        let before = fold.change();
        assert_eq!(fold.then(kind, 1).change(), before, "{kind}, outranked");
        assert_eq!(fold.then(kind, 3).change(), before, "{kind}, of nobody");
        assert_ne!(fold.then(kind, 2).change(), before, "{kind}");
    }
}

#[test]
fn what_comes_when_nobody_has_it_changes_nothing() {
    for kind in UNDER_A_CLAIM {
        let mut fold = Fold::of(None);
        fold.then("change.leased", 1).then("change.failed", 1);
        let before = fold.change();
        assert_eq!(fold.then(kind, 1).change(), before, "{kind}");
    }
}

#[test]
fn a_claim_counts_only_if_it_is_newer_and_nobody_has_the_change() {
    let mut fold = Fold::of(None);
    fold.then("change.leased", 2);
    let leased = fold.change();
    assert_eq!(fold.then("change.leased", 3).change(), leased, "somebody has it");
    let queued = fold.then("change.lease_expired", 2).change();
    assert_eq!(fold.then("change.leased", 1).change(), queued, "an older one");
    assert_eq!(fold.then("change.leased", 2).change(), queued, "the same one");
    assert_eq!(fold.then("change.leased", 3).change().fence, 3);
}

#[test]
fn a_rule_that_needs_nobody_holds_nothing_up() {
    let approval = json!({"needed": 0, "of": ["rae"]});
    assert_eq!(Fold::of(Some(approval)).change().phase, Phase::Queued { not_before: None });
}

#[test]
fn only_reviewers_who_are_not_the_author_count() {
    let mut fold = Fold::of(Some(json!({"needed": 1, "of": ["ann", "rae"]})));
    for reviewer in ["ann", "eve", "rae"] {
        assert_eq!(fold.change().phase, Phase::AwaitingApproval, "before {reviewer}");
        let id = fold.ids.fresh();
        fold.take(id, "change.approved", &json!({"change": fold.change, "reviewer": reviewer}));
    }
    let change = fold.change();
    assert_eq!(change.phase, Phase::Queued { not_before: None });
    let counted: BTreeSet<&str> = change.reviews.keys().map(ActorName::as_str).collect();
    assert_eq!(counted, BTreeSet::from(["rae"]));
}

#[test]
fn an_entry_of_what_is_due_can_be_dropped() {
    let mut fold = Fold::of(None);
    let other = Fold::of(None).change;
    fold.then("change.leased", 1);
    let due = fold.changes.next_due();
    assert!(due.is_some());
    fold.changes.drop_due(ChangeId::from(fold.ids.fresh()));
    assert_eq!(fold.changes.next_due(), due, "{other} is another one");
    fold.changes.drop_due(fold.change);
    assert_eq!(fold.changes.next_due(), None);
}
