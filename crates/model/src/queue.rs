//! The changes to one branch as `specs/queue/Queue.tla` sees them, and which step a group of events is for them.

use convoke_core::{
    event::{Event, Recorded},
    id::ChangeId,
    name::{ActorName, Name},
    queue::{
        Change, Changes, GitHash, Phase, RepoPath,
        events::{ChangeSubmitted, Content, FailureClass, Receipt},
        subject, turn_at,
    },
    time::{Span, Timestamp},
    workspace::State,
};

use crate::{
    lens::Lens,
    slices::Times,
    value::{Step, Value},
};

mod slices;

pub use slices::{Memory, Slices};

/// What names look like to the spec, those of the queue included.
pub trait Look: Lens {
    /// A change.
    fn change(&mut self, change: ChangeId) -> String;
    /// What a change is there for: its task, with what it brings. Of two live changes it differs.
    fn work(&mut self, task: &Name, content: &Content) -> String;
    /// A file or a folder, without those that it lies in.
    fn part(&mut self, part: &str) -> String;
    /// An object of the repository.
    fn object(&mut self, hash: &GitHash) -> String;
}

/// The branch that the spec speaks of, and the names of its changes in the order in which they were handed in.
#[derive(Debug, Clone, Copy)]
pub struct Branch<'a> {
    /// Its name.
    pub target: &'a Name,
    /// Its changes.
    pub members: &'a [ChangeId],
}

/// The variables `changes`, `order` and `paused`.
pub fn observe(changes: &Changes, branch: Branch<'_>, look: &mut impl Look) -> [(&'static str, Value); 3] {
    let order: Vec<String> = branch.members.iter().map(|id| look.change(*id)).collect();
    let there = branch.members.iter().filter_map(|id| changes.get(*id));
    let seen: Vec<Value> = there.map(|change| observe_one(changes, change, look)).collect();
    [
        ("changes", Value::record(order.iter().cloned().zip(seen))),
        ("order", Value::sequence(order)),
        ("paused", changes.paused().is_some().into()),
    ]
}

fn observe_one(changes: &Changes, change: &Change, look: &mut impl Look) -> Value {
    let zero = look.span(Span::ZERO);
    let (mut worker, mut until, mut class, mut next) = ("none".to_owned(), zero, "none", None);
    let status = match &change.phase {
        Phase::AwaitingApproval => "awaiting_approval",
        Phase::Queued { not_before } => {
            until = not_before.map_or(until, |time| look.at(time));
            "queued"
        }
        Phase::Leased { worker: who, until: end } => {
            worker = look.actor(who);
            until = look.at(*end);
            "leased"
        }
        Phase::Landed { .. } => "landed",
        Phase::Conflicted { .. } => "conflicted",
        Phase::Rejected { .. } => "rejected",
        Phase::Dead { class: why, requeued, .. } => {
            class = class_text(*why);
            next = *requeued;
            "dead"
        }
        Phase::Cancelled { .. } => "cancelled",
        Phase::Superseded { by, .. } => {
            next = Some(*by);
            "superseded"
        }
    };
    let next = match next.map(|id| changes.get(id).filter(|other| other.target == change.target)) {
        None => "none".to_owned(),
        Some(None) => "elsewhere".to_owned(),
        Some(Some(other)) => look.change(other.id),
    };
    let reviewed = |agreed: bool, look: &mut dyn FnMut(&ActorName) -> String| {
        Value::set(change.reviews.iter().filter(|(_, agrees)| **agrees == agreed).map(|(who, _)| look(who)))
    };
    let approved = reviewed(true, &mut |who| look.actor(who));
    let disapproved = reviewed(false, &mut |who| look.actor(who));
    let rule = change.approval.as_ref();
    Value::record([
        ("agent", look.actor(&change.agent).into()),
        ("work", look.work(&change.task, &change.content).into()),
        ("priority", change.priority.as_str().into()),
        ("paths", paths(change.paths.iter(), look)),
        ("turn", look.at(turn_at(change.submitted_at, change.priority))),
        ("needed", Value::count(rule.map_or(0, |rule| rule.needed))),
        ("reviewers", Value::set(rule.into_iter().flat_map(|rule| &rule.of).map(|who| look.actor(who)))),
        ("approved", approved),
        ("disapproved", disapproved),
        ("failures", Value::count(change.failures)),
        ("fence", Value::count(change.fence)),
        ("status", status.into()),
        ("worker", worker.into()),
        ("until", until),
        ("landing", landing(change.landing.as_ref(), look)),
        ("class", class.into()),
        ("next", next.into()),
    ])
}

/// The step that a group of events is for the changes of this branch; `None` if it does not concern them. `before` is the state
/// before.
pub fn step(group: &[Recorded], before: &Changes, target: &Name, look: &mut impl Look) -> Option<Step> {
    group.iter().find_map(|recorded| step_of(recorded, group, before, target, look))
}

fn step_of(
    recorded: &Recorded,
    group: &[Recorded],
    before: &Changes,
    target: &Name,
    look: &mut impl Look,
) -> Option<Step> {
    if let Event::ChangeSubmitted(submitted) = &recorded.event {
        let is_here = submitted.target == *target;
        return is_here.then(|| submission(recorded, submitted, group, before, look));
    }
    let nothing: [(&str, Value); 0] = [];
    match &recorded.event {
        Event::QueuePaused(_) => return Some(Step::new("QueuePaused", nothing)),
        Event::QueueResumed(_) => return Some(Step::new("QueueResumed", nothing)),
        _ => {}
    }
    let id = subject(&recorded.event).filter(|id| before.get(*id).is_some_and(|change| change.target == *target))?;
    let by = ("by", Value::from(look.actor(&recorded.actor)));
    let change = ("change", Value::from(look.change(id)));
    let under = |fence: u32| ("fence", Value::count(fence));
    Some(match &recorded.event {
        Event::ChangeApproved(_) => Step::new("ChangeApproved", [by, change]),
        Event::ChangeDisapproved(_) => Step::new("ChangeDisapproved", [by, change]),
        Event::ChangeCancelled(_) => Step::new("ChangeCancelled", [by, change]),
        Event::ChangeSuperseded(_) => Step::new("ChangeSuperseded", [by, change]),
        Event::ChangeLeased(leased) => {
            let claimed = group.iter().filter_map(|other| match &other.event {
                Event::ChangeLeased(leased) => Some(look.change(leased.change)),
                _ => None,
            });
            let claimed = ("changes", Value::sequence(claimed.collect::<Vec<_>>()));
            Step::new("ChangeLeased", [by, claimed, ("lease", look.span(leased.until.since(recorded.time)))])
        }
        Event::ChangeLeaseExtended(extended) => {
            let lease = ("lease", look.span(extended.until.since(recorded.time)));
            Step::new("ChangeLeaseExtended", [by, change, under(extended.fence), lease])
        }
        Event::ChangeLeaseExpired(_) => Step::new("ChangeLeaseExpired", [change]),
        Event::ChangeReturned(returned) => Step::new("ChangeReturned", [by, change, under(returned.fence)]),
        Event::ChangeLandingStarted(started) => {
            let receipt = ("receipt", landing(Some(&started.receipt), look));
            Step::new("ChangeLandingStarted", [by, change, under(started.fence), receipt])
        }
        Event::ChangeLanded(landed) => {
            let receipt = ("receipt", landing(Some(&landed.receipt), look));
            Step::new("ChangeLanded", [by, change, under(landed.fence), receipt])
        }
        Event::ChangeConflicted(conflicted) => Step::new("ChangeConflicted", [by, change, under(conflicted.fence)]),
        Event::ChangeRejected(rejected) => Step::new("ChangeRejected", [by, change, under(rejected.fence)]),
        Event::ChangeFailed(failed) => {
            let class = ("class", class_text(failed.class).into());
            let pause = ("pause", look.span(failed.not_before.since(recorded.time)));
            Step::new("ChangeFailed", [by, change, under(failed.fence), class, pause])
        }
        Event::ChangeDied(died) => {
            let class = ("class", class_text(died.class).into());
            Step::new("ChangeDied", [by, change, under(died.fence), class])
        }
        _ => return None,
    })
}

fn submission(
    recorded: &Recorded,
    submitted: &ChangeSubmitted,
    group: &[Recorded],
    before: &Changes,
    look: &mut impl Look,
) -> Step {
    let change = ("change", Value::from(look.change(recorded.id.into())));
    if let Some(dead) = submitted.previous {
        return Step::new("ChangeRequeued", [("dead", look.change(dead).into()), change]);
    }
    let replaced = group.iter().find_map(|other| match &other.event {
        Event::ChangeSuperseded(superseded) => before.get(superseded.change),
        _ => None,
    });
    let supersedes = replaced.filter(|old| old.target == submitted.target).map(|old| look.change(old.id));
    let rule = submitted.approval.as_ref();
    let request = Value::record([
        ("work", look.work(&submitted.task, &submitted.content).into()),
        ("priority", submitted.priority.as_str().into()),
        ("paths", paths(submitted.paths.iter(), look)),
        ("needed", Value::count(rule.map_or(0, |rule| rule.needed))),
        ("reviewers", Value::set(rule.into_iter().flat_map(|rule| &rule.of).map(|who| look.actor(who)))),
        ("supersedes", supersedes.unwrap_or_else(|| "none".to_owned()).into()),
    ]);
    Step::new("ChangeSubmitted", [("by", look.actor(&recorded.actor).into()), change, ("request", request)])
}

/// A path as the spec has it: the sequence of its parts.
fn paths<'p>(paths: impl Iterator<Item = &'p RepoPath>, look: &mut impl Look) -> Value {
    Value::set(paths.map(|path| {
        let parts: Vec<String> = path.as_str().split('/').map(|part| look.part(part)).collect();
        Value::sequence(parts)
    }))
}

fn landing(receipt: Option<&Receipt>, look: &mut impl Look) -> Value {
    let mut object =
        |of: fn(&Receipt) -> &GitHash| receipt.map_or_else(|| "none".to_owned(), |receipt| look.object(of(receipt)));
    Value::record([
        ("base", object(|receipt| &receipt.base)),
        ("tested", object(|receipt| &receipt.tested_tree)),
        ("commit", object(|receipt| &receipt.commit)),
        ("tree", object(|receipt| &receipt.tree)),
    ])
}

fn class_text(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Check => "check",
        FailureClass::Machine => "machine",
        FailureClass::Final => "final",
    }
}
