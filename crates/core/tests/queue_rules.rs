//! The rules of the queue, one sentence each: given what was asked before, when this is asked, then these events or this
//! refusal. Commands are the JSON that clients send; the change of the task `t1` has number 1.

use convoke_core::{
    command::{Command, Request},
    event::{Event, Recorded},
    id::ChangeId,
    laws::CountingIds,
    limits,
    mailbox::events::MessageSent,
    name::ActorName,
    refusal::Refusal,
    time::{Span, Timestamp},
    workspace::{Context, Handled, NoPast, State, handle, handle_due},
};
use serde_json::{Value, json};

/// A workspace of olga's in which ann and bob hand in, and the workers w1 and w2 land.
struct World {
    state: State,
    now: Timestamp,
    ids: CountingIds,
    /// What was sent, in order.
    letters: Vec<MessageSent>,
}

const LEASE_S: u64 = limits::QUEUE_LEASE_MS / 1000;

impl World {
    fn new() -> Self {
        let now = Timestamp::from_us(1_795_262_400_000_000).unwrap();
        let mut world = Self { state: State::default(), now, ids: CountingIds::default(), letters: Vec::new() };
        world.does("olga", json!({"create_workspace": {"organizer": "olga"}}));
        for name in ["ann", "bob", "rae", "w1", "w2"] {
            world.does("olga", json!({"add_actor": {"name": name, "kind": "agent"}}));
        }
        world
    }

    /// With these changes, each of ann's, on main, of these paths.
    fn with(changes: &[(&str, &[&str])]) -> Self {
        let mut world = Self::new();
        for (task, paths) in changes {
            world.does("ann", submit(task, paths));
        }
        world
    }

    /// What is written: the kinds, without notices and with what matters of each.
    fn asks(&mut self, actor: &str, command: Value) -> Result<Vec<String>, Refusal> {
        let request: Request = serde_json::from_value(json!({"as": actor, "command": command})).unwrap();
        let due = handle_due(&mut self.state, self.now, &mut self.ids);
        let mut context = Context { now: self.now, jump: None, ids: &mut self.ids, past: &NoPast };
        let events = match handle(&mut self.state, &request, &mut context)? {
            Handled::Wrote(events) => events,
            Handled::Repeated { first, count } => return Ok(vec![format!("as before: {first}+{count}")]),
        };
        self.letters.extend(due.iter().chain(&events).filter_map(|recorded| match &recorded.event {
            Event::MessageSent(sent) => Some(sent.clone()),
            _ => None,
        }));
        Ok(due.iter().chain(&events).filter_map(|recorded| self.told(recorded)).collect())
    }

    #[track_caller]
    fn does(&mut self, actor: &str, command: Value) -> Vec<String> {
        self.asks(actor, command).unwrap()
    }

    #[track_caller]
    fn refused(&mut self, actor: &str, command: Value) -> &'static str {
        let before = self.state.clone();
        let due_size = before.size;
        let code = self.asks(actor, command).unwrap_err().code();
        assert!(self.state.size >= due_size, "a refusal writes nothing but what was due");
        code
    }

    fn task(&self, id: ChangeId) -> String {
        self.state.changes.get(id).map_or_else(|| "?".to_owned(), |change| change.task.to_string())
    }

    fn told(&self, recorded: &Recorded) -> Option<String> {
        let kind = recorded.event.kind();
        Some(match &recorded.event {
            Event::ActorRegistered(_) => return None,
            Event::MessageSent(sent) => format!("{} to {}", sent.kind, sent.to[0]),
            Event::ChangeLeased(event) => format!("{} leased {}", self.task(event.change), event.fence),
            Event::ChangeLeaseExpired(event) => format!("{} expired {}", self.task(event.change), event.fence),
            Event::ChangeLanded(event) if event.recovered => format!("{} recovered", self.task(event.change)),
            Event::ChangeLanded(event) => format!("{} landed", self.task(event.change)),
            _ => kind.to_owned(),
        })
    }

    fn waits(&mut self, seconds: u64) {
        self.now = self.now.plus(Span::from_ms(seconds * 1000).unwrap());
    }

    fn change(&self, task: &str) -> ChangeId {
        self.state.changes.iter().filter(|change| change.task.as_str() == task).last().unwrap().id
    }

    fn phase(&self, task: &str) -> String {
        let change = self.state.changes.get(self.change(task)).unwrap();
        format!("{:?}", change.phase).split(' ').next().unwrap().to_owned()
    }
}

fn submit(task: &str, paths: &[&str]) -> Value {
    json!({"submit_change": {"task": task, "target": "main", "content": {"operations": hash(task)}, "paths": paths}})
}

fn hash(seed: &str) -> String {
    seed.bytes().cycle().take(32).map(|byte| format!("{byte:02x}")).collect()
}

fn git(seed: char) -> String {
    seed.to_string().repeat(40)
}

fn claim(max: u32) -> Value {
    json!({"claim_changes": {"target": "main", "max": max}})
}

fn receipt(commit: char) -> Value {
    json!({"base": git('0'), "tested_tree": git('7'), "commit": git(commit), "tree": git('7'), "checks": []})
}

fn start(task: &str, fence: u32) -> Value {
    json!({"start_landing": {"change": task, "fence": fence, "receipt": receipt('c')}})
}

fn land(task: &str, fence: u32) -> Value {
    json!({"land_change": {"change": task, "fence": fence}})
}

fn fail(task: &str, fence: u32, class: &str) -> Value {
    json!({"fail_change": {"change": task, "fence": fence, "class": class, "cause": "tests/a failed"}})
}

#[test]
fn a_change_is_claimed_tested_announced_and_landed_and_its_author_is_told() {
    let mut world = World::with(&[("t1", &["a"])]);
    assert_eq!(world.does("w1", claim(1)), ["t1 leased 1"]);
    assert_eq!(world.does("w1", start("t1", 1)), ["change.landing_started"]);
    assert_eq!(world.does("w1", land("t1", 1)), ["t1 landed", "change.landed to ann"]);
    assert_eq!(world.refused("w1", land("t1", 1)), "change_ended");
}

#[test]
fn its_author_is_told_where_a_change_conflicts_and_why_it_is_rejected() {
    let mut world = World::with(&[("t1", &["a"]), ("t2", &["b"]), ("t3", &["c"]), ("t4", &["d"])]);
    world.does("w1", claim(4));
    let first = world.change("t1");
    let conflict = |task: &str, count: usize, against: Option<String>| {
        let paths: Vec<String> = (0..count).map(|n| format!("f{n}")).collect();
        let mut conflict = json!({"change": task, "fence": 1, "paths": paths, "detail": "both changed line 3"});
        conflict["against"] = json!(against);
        json!({"conflict_change": conflict})
    };
    let told = |world: &mut World, command: Value| -> String {
        world.does("w1", command);
        let body = world.letters.last().unwrap().body.clone();
        body.split_once(": ").unwrap().1.to_owned()
    };
    let six = told(&mut world, conflict("t2", 6, Some(first.to_string())));
    assert_eq!(six, format!("in f0, f1, f2, f3, f4 and 1 more, against change {} of t1", first.short()));
    assert_eq!(told(&mut world, conflict("t3", 5, None)), "in f0, f1, f2, f3, f4");
    let reject = json!({"reject_change": {"change": "t4", "fence": 1, "faults": ["no file e", "no file f"]}});
    assert_eq!(told(&mut world, reject), "no file e; no file f");
}

#[test]
fn two_workers_never_hold_one_change() {
    let mut world = World::with(&[("t1", &["a"]), ("t2", &["b"])]);
    assert_eq!(world.does("w1", claim(1)), ["t1 leased 1"]);
    assert_eq!(world.does("w2", claim(9)), ["t2 leased 1"]);
    assert_eq!(world.does("w2", claim(9)), [""; 0]);
    assert_eq!(world.refused("w2", start("t1", 1)), "stale_fence");
}

#[test]
fn a_worker_whose_lease_moved_on_cannot_land_the_change() {
    let mut world = World::with(&[("t1", &["a"])]);
    world.does("w1", claim(1));
    world.waits(LEASE_S);
    assert_eq!(world.does("w2", claim(1)), ["t1 expired 1", "t1 leased 2"]);
    for late in
        [start("t1", 1), land("t1", 1), fail("t1", 1, "check"), json!({"extend_change": {"change": "t1", "fence": 1}})]
    {
        assert_eq!(world.refused("w1", late), "stale_fence");
    }
    world.does("w2", start("t1", 2));
}

#[test]
fn a_heartbeat_keeps_the_claim() {
    let mut world = World::with(&[("t1", &["a"])]);
    world.does("w1", claim(1));
    world.waits(LEASE_S - 1);
    assert_eq!(world.does("w1", json!({"extend_change": {"change": "t1", "fence": 1}})), ["change.lease_extended"]);
    world.waits(LEASE_S - 1);
    assert_eq!(world.does("w2", claim(1)), [""; 0]);
    world.waits(1);
    assert_eq!(world.does("w2", claim(1)), ["t1 expired 1", "t1 leased 2"]);
}

#[test]
fn a_duplicate_of_a_live_change_is_answered_with_the_first() {
    let mut world = World::new();
    world.does("ann", submit("t1", &["a"]));
    let first = world.state.size - 1;
    assert_eq!(world.does("bob", submit("t1", &["a"])), [format!("as before: {first}+1")]);
    assert_eq!(world.does("bob", submit("t2", &["a"])), ["change.submitted"], "another task");
    world.does("ann", json!({"cancel_change": {"change": "t1"}}));
    assert_eq!(world.does("bob", submit("t1", &["a"])), ["change.submitted"], "the first has ended");
}

#[test]
fn a_worker_learns_why_its_claim_is_no_good() {
    let mut world = World::with(&[("t1", &["a"]), ("t2", &["b"])]);
    let why =
        |world: &mut World, worker: &str, fence: u32| world.asks(worker, land("t1", fence)).unwrap_err().to_string();
    assert!(why(&mut world, "w1", 1).ends_with("there was no claim 1 yet"));
    world.does("w1", claim(1));
    assert!(why(&mut world, "w2", 1).ends_with("w1 has the change"));
    assert!(why(&mut world, "w1", 2).ends_with("there was no claim 2 yet"));
    assert!(why(&mut world, "w2", 2).ends_with("there was no claim 2 yet"));
    world.waits(LEASE_S);
    assert!(why(&mut world, "w1", 1).ends_with("the lease of claim 1 has ended"));
    assert!(why(&mut world, "w2", 1).ends_with("the lease of claim 1 has ended"));
    world.does("w2", claim(1));
    let sentence = why(&mut world, "w1", 1);
    assert!(sentence.ends_with("claim 1 was outranked by claim 2 of w2"), "{sentence}");
}

#[test]
fn a_branch_is_one_that_git_accepts() {
    let mut world = World::new();
    let mut asks = |branch: &str| {
        let mut command = submit(&format!("t-{branch}"), &["a"]);
        command["submit_change"]["task"] = json!("t1");
        command["submit_change"]["target"] = json!(branch);
        world.asks("ann", command).map(|_| ()).map_err(|refusal| refusal.code())
    };
    for bad in [
        "-x", "a..b", "a@{b", "@", "a b", "a\u{7}b", "a~b", "a^", "a:b", "a?", "a*", "a[b", "a\\b", "a//b", ".a",
        "a/.b", "a.lock", "a.", "a/",
    ] {
        assert_eq!(asks(bad), Err("invalid_change"), "{bad:?}");
    }
    for good in ["refs/heads/main", "release/1.2", "a@b", "a-b", "ä"] {
        assert_eq!(asks(good), Ok(()), "{good:?}");
    }
}

#[test]
fn the_limits_of_a_change_can_be_reached_and_not_passed() {
    let mut world = World::new();
    let mut asks = |key: &str, value: Value| {
        let mut command = submit("t1", &["a"]);
        command["submit_change"][key] = value;
        world.asks("ann", command).map(|_| ()).map_err(|refusal| refusal.to_string())
    };
    let checks = |count: usize| json!(vec![json!({"command": "true"}); count]);
    let over = asks("checks", checks(limits::CHECKS_MAX + 1)).unwrap_err();
    let sentence = format!("it has {} checks; the limit is {}", limits::CHECKS_MAX + 1, limits::CHECKS_MAX);
    assert!(over.contains(&sentence), "{over}");
    let none = asks("checks", json!([{"command": "true", "limit_ms": 0}])).unwrap_err();
    assert!(none.contains("a check may take no time at all"), "{none}");
    asks("checks", checks(limits::CHECKS_MAX)).unwrap();
    asks("checks", json!([{"command": "true", "limit_ms": 1}])).unwrap();
}

#[test]
fn a_rule_that_needs_nobody_is_no_rule_and_one_names_who_is_not_known_yet() {
    let mut world = World::new();
    let with = |task: &str, needed: u32| {
        let mut command = submit(task, &["a"]);
        command["submit_change"]["approval"] = json!({"needed": needed, "of": ["zoe"]});
        command
    };
    world.does("ann", with("t1", 0));
    assert_eq!(world.state.changes.get(world.change("t1")).unwrap().approval, None);
    let is_known = |world: &World| world.state.actors.get(&ActorName::parse("zoe").unwrap()).is_some();
    assert!(!is_known(&world));
    world.does("ann", with("t2", 1));
    assert!(is_known(&world));
}

#[test]
fn a_dead_change_is_put_back_once() {
    let mut world = World::with(&[("t1", &["a"])]);
    world.does("w1", claim(1));
    world.does("w1", fail("t1", 1, "final"));
    let dead = world.change("t1").to_string();
    let requeue = || json!({"requeue_change": {"change": dead}});
    world.does("olga", requeue());
    assert_eq!(world.refused("olga", requeue()), "change_ended");
}

#[test]
fn every_fault_of_a_change_is_listed() {
    let mut world = World::new();
    let bad = json!({"submit_change": {
        "task": "t1", "target": "a..b", "content": {"operations": hash("x")}, "paths": ["/etc/passwd", "ok", "a/../b", ".git/hooks/x"],
        "checks": [{"command": "  "}], "approval": {"needed": 2, "of": ["ann", "rae"]},
    }});
    let Err(Refusal::InvalidChange { faults }) = world.asks("ann", bad) else { panic!("taken in") };
    assert_eq!(faults.len(), 6, "{faults:#?}");
    assert_eq!(world.refused("ann", submit("t1", &[])), "invalid_change");
}

#[test]
fn what_overlaps_keeps_its_order_and_what_does_not_goes_side_by_side() {
    let mut world = World::with(&[("t1", &["src/a"]), ("t2", &["src"]), ("t3", &["doc"])]);
    assert_eq!(world.does("w1", claim(1)), ["t1 leased 1"]);
    assert_eq!(world.does("w2", claim(9)), ["t3 leased 1"], "t2 waits for t1");
    assert_eq!(world.does("w1", claim(9)), ["t2 leased 1"], "whoever has t1 builds on it");
    assert_eq!(world.refused("w1", start("t2", 1)), "out_of_turn");
    world.does("w1", start("t1", 1));
    world.does("w1", land("t1", 1));
    assert_eq!(world.does("w1", start("t2", 1)), ["change.landing_started"]);
}

#[test]
fn changes_that_overlap_are_announced_together_only_for_one_and_the_same_commit() {
    let mut world = World::with(&[("t1", &["a"]), ("t2", &["a"])]);
    world.does("w1", claim(9));
    world.does("w1", start("t1", 1));
    let other = json!({"start_landing": {"change": "t2", "fence": 1, "receipt": receipt('d')}});
    assert_eq!(world.refused("w1", other), "out_of_turn", "the branch may not hold t1 when it is moved to that commit");
    assert_eq!(world.does("w1", start("t2", 1)), ["change.landing_started"]);
}

#[test]
fn a_change_in_its_pause_holds_nobody_up() {
    let mut world = World::with(&[("t1", &["a"]), ("t2", &["a"])]);
    world.does("w1", claim(1));
    assert_eq!(world.does("w1", fail("t1", 1, "check")), ["change.failed"]);
    assert_eq!(world.does("w2", claim(9)), ["t2 leased 1"]);
    assert_eq!(world.does("w2", start("t2", 1)), ["change.landing_started"]);
}

#[test]
fn after_the_last_attempt_a_change_is_dead_with_its_cause_and_can_be_put_back() {
    let mut world = World::with(&[("t1", &["a"])]);
    for attempt in 1..limits::QUEUE_ATTEMPTS_MAX {
        world.does("w1", claim(1));
        assert_eq!(world.does("w1", fail("t1", attempt, "check")), ["change.failed"]);
        assert_eq!(world.does("w1", claim(1)), [""; 0], "it pauses");
        world.waits(600);
    }
    world.does("w1", claim(1));
    let last = limits::QUEUE_ATTEMPTS_MAX;
    assert_eq!(world.does("w1", fail("t1", last, "check")), ["change.died", "change.died to ann"]);
    assert_eq!(world.does("bob", json!({"requeue_change": {"change": "t1"}})), ["change.submitted"]);
    assert_eq!(world.does("w1", claim(1)), ["t1 leased 1"], "a new change of ann's");
}

#[test]
fn a_failure_that_cannot_heal_is_not_tried_again() {
    let mut world = World::with(&[("t1", &["a"])]);
    world.does("w1", claim(1));
    assert_eq!(world.does("w1", fail("t1", 1, "final")), ["change.died", "change.died to ann"]);
    world.does("rae", json!({"requeue_change": {"change": "t1"}}));
    assert_eq!(world.phase("t1"), "Queued");
}

#[test]
fn a_dead_change_that_was_handed_in_again_is_not_put_back_beside_it() {
    let mut world = World::with(&[("t1", &["a"])]);
    let dead = world.state.changes.find("t1").unwrap();
    world.does("w1", claim(1));
    world.does("w1", fail("t1", 1, "final"));
    world.does("ann", submit("t1", &["a"]));
    let again = world.state.size - 1;
    let requeue = json!({"requeue_change": {"change": dead}});
    assert_eq!(world.does("rae", requeue.clone()), [format!("as before: {again}+1")]);
    world.does("ann", json!({"cancel_change": {"change": "t1"}}));
    assert_eq!(world.does("rae", requeue), ["change.submitted"], "the other has ended");
}

#[test]
fn what_is_given_back_without_blame_costs_no_attempt() {
    let mut world = World::with(&[("t1", &["a"])]);
    for fence in 1..20 {
        world.does("w1", claim(1));
        let back = json!({"return_change": {"change": "t1", "fence": fence, "reason": "stopping"}});
        assert_eq!(world.does("w1", back), ["change.returned"]);
    }
    assert_eq!(world.phase("t1"), "Queued");
}

#[test]
fn from_the_announcement_on_only_the_repository_says_whether_it_landed() {
    let mut world = World::with(&[("t1", &["a"])]);
    world.does("w1", claim(1));
    assert_eq!(world.refused("w1", land("t1", 1)), "landing_not_begun");
    world.does("w1", start("t1", 1));
    assert_eq!(world.refused("ann", json!({"cancel_change": {"change": "t1"}})), "landing_begun");
    assert_eq!(world.refused("w1", fail("t1", 1, "check")), "landing_begun");
    world.waits(LEASE_S);
    assert_eq!(
        world.refused("ann", json!({"cancel_change": {"change": "t1"}})),
        "landing_begun",
        "also without a lease"
    );
    world.does("w2", claim(1));
    let found = json!({"land_change": {"change": "t1", "fence": 2, "recovered": true}});
    assert_eq!(world.does("w2", found), ["t1 recovered", "change.landed to ann"]);
}

#[test]
fn a_landing_that_did_not_happen_is_given_back_and_built_anew() {
    let mut world = World::with(&[("t1", &["a"])]);
    world.does("w1", claim(1));
    world.does("w1", start("t1", 1));
    world.waits(LEASE_S);
    world.does("w2", claim(1));
    let another = json!({"start_landing": {"change": "t1", "fence": 2, "receipt": receipt('d')}});
    assert_eq!(world.refused("w2", another.clone()), "landing_begun");
    world.does("w2", json!({"return_change": {"change": "t1", "fence": 2, "reason": "not on main"}}));
    world.does("w2", claim(1));
    let another = json!({"start_landing": {"change": "t1", "fence": 3, "receipt": receipt('d')}});
    assert_eq!(world.does("w2", another.clone()), ["change.landing_started"]);
    assert_eq!(world.does("w2", another), [""; 0], "the same announcement twice is one");
}

#[test]
fn only_the_tested_tree_lands() {
    let mut world = World::with(&[("t1", &["a"])]);
    world.does("w1", claim(1));
    let mut other = start("t1", 1);
    other["start_landing"]["receipt"]["tree"] = json!(git('8'));
    assert_eq!(world.refused("w1", other), "untested_tree");
}

#[test]
fn a_change_waits_for_its_approvals_and_the_author_never_counts() {
    let mut world = World::new();
    let mut asking = submit("t1", &["a"]);
    asking["submit_change"]["approval"] = json!({"needed": 2, "of": ["ann", "bob", "rae"]});
    world.does("ann", asking);
    let approve = json!({"approve_change": {"change": "t1"}});
    assert_eq!(world.does("w1", claim(1)), [""; 0]);
    assert_eq!(world.refused("ann", approve.clone()), "not_a_reviewer");
    assert_eq!(world.refused("w1", approve.clone()), "not_a_reviewer");
    assert_eq!(world.does("bob", approve.clone()), ["change.approved"]);
    assert_eq!(world.does("bob", approve.clone()), [""; 0]);
    let against = json!({"disapprove_change": {"change": "t1", "reason": "no tests"}});
    assert_eq!(world.does("bob", against.clone()), ["change.disapproved", "change.disapproved to ann"]);
    assert_eq!(world.does("rae", approve.clone()), ["change.approved"]);
    assert_eq!(world.phase("t1"), "AwaitingApproval");
    world.does("bob", approve);
    assert_eq!(world.refused("bob", against), "already_approved");
    assert_eq!(world.does("w1", claim(1)), ["t1 leased 1"]);
}

#[test]
fn an_urgent_change_overtakes_those_of_the_last_half_hour_and_no_others() {
    let urgent = |task: &str| {
        let mut submit = submit(task, &[task]);
        submit["submit_change"]["priority"] = json!("critical");
        submit
    };
    let mut world = World::with(&[("old", &["o"])]);
    world.waits(29 * 60);
    world.does("ann", submit("new", &["n"]));
    world.does("ann", urgent("u1"));
    assert_eq!(world.does("w1", claim(1)), ["u1 leased 1"]);
    world.waits(2 * 60 - 1);
    world.does("ann", urgent("u2"));
    assert_eq!(world.does("w2", claim(9)), ["old leased 1", "u2 leased 1", "new leased 1"]);
}

#[test]
fn a_superseded_change_gives_way_even_while_a_worker_has_it() {
    let mut world = World::with(&[("t1", &["a"])]);
    world.does("w1", claim(1));
    let mut better = submit("t2", &["a"]);
    better["submit_change"]["supersedes"] = json!("t1");
    assert_eq!(world.refused("bob", better.clone()), "not_your_change");
    assert_eq!(world.does("ann", better), ["change.submitted", "change.superseded"]);
    assert_eq!(world.refused("w1", start("t1", 1)), "change_ended");
    assert_eq!(world.does("w1", claim(9)), ["t2 leased 1"]);
}

#[test]
fn a_change_may_be_superseded_by_the_same_change_with_another_priority() {
    let mut world = World::with(&[("t1", &["a"]), ("t2", &["a"])]);
    let mut sooner = submit("t2", &["a"]);
    sooner["submit_change"]["priority"] = json!("critical");
    sooner["submit_change"]["supersedes"] = json!("t2");
    assert_eq!(world.refused("bob", sooner.clone()), "not_your_change");
    assert_eq!(world.does("ann", sooner), ["change.submitted", "change.superseded"]);
    assert_eq!(world.does("w1", claim(1)), ["t2 leased 1"]);

    // It is a duplicate of every other one that lives.
    let first = world.state.changes.iter().find(|change| change.task.as_str() == "t1").unwrap().position;
    let mut twin = submit("t1", &["a"]);
    twin["submit_change"]["supersedes"] = json!("t2");
    assert_eq!(world.does("ann", twin), [format!("as before: {first}+1")]);
    assert_eq!(world.phase("t2"), "Leased");
}

#[test]
fn a_paused_queue_leases_nothing_and_lets_what_is_leased_land() {
    let mut world = World::with(&[("t1", &["a"]), ("t2", &["b"])]);
    world.does("w1", claim(1));
    assert_eq!(world.does("olga", json!({"pause_queue": {"reason": "release"}})), ["queue.paused"]);
    assert_eq!(world.does("olga", json!({"pause_queue": {"reason": "again"}})), [""; 0]);
    assert_eq!(world.refused("w1", claim(1)), "queue_paused");
    world.does("w1", start("t1", 1));
    world.does("w1", land("t1", 1));
    assert_eq!(world.does("olga", json!({"resume_queue": {}})), ["queue.resumed"]);
    assert_eq!(world.does("w1", claim(1)), ["t2 leased 1"]);
}

#[test]
fn what_a_change_says_of_itself_is_kept_as_it_was_said_or_refused() {
    let command = |metadata: &str| {
        let text = format!(
            r#"{{"submit_change": {{"task": "T-1", "target": "main", "content": {{"commit": "{}"}},
            "paths": ["a"], "metadata": {metadata}}}}}"#,
            "1".repeat(40)
        );
        serde_json::from_str::<Command>(&text).map_err(|error| error.to_string())
    };
    for altered in [r#"{"intent": "a", "intent": "b"}"#, r#"{"size": 123456789012345678901234}"#] {
        let error = command(altered).unwrap_err();
        assert!(error.contains("intent") || error.contains("too large"), "{error}");
    }
    let Command::SubmitChange(kept) = command(r#"{"intent": "a"}"#).unwrap() else { panic!("another command") };
    assert_eq!(kept.metadata, Some(serde_json::json!({"intent": "a"})));
}
