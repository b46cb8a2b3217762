//! Workers that are killed or stopped at every step of a landing: whatever they had done, each change lands once.

use convoke_tests::queue::{Queue, count, patch};
use convoke_worker::probe::POINTS;
use rustix::process::Signal;
use serde_json::json;

use crate::program;

fn queue(settings: &str) -> Queue {
    Queue::new(program(), &format!("lease = \"1s\"\n{settings}"))
}

#[test]
fn a_worker_killed_at_any_step_of_a_landing_loses_nothing_and_lands_nothing_twice() {
    for point in POINTS {
        let queue = queue("batch = 4\nchecks = [\"true\"]");
        let changes = [0, 1, 2].map(|number| queue.submit("ann", &format!("T-{number}"), &patch(number, 2, "x")));
        let killed = queue.start("walter", &["--until-empty", "--lanes", "1"], Some(&format!("kill:{point}")));
        assert_eq!(killed.end().0, None, "it was killed at {point}");
        let on_branch = queue.landed().len();
        assert_eq!(on_branch, if matches!(point, "moved" | "recorded") { 3 } else { 0 }, "{point}");
        let outcomes = queue.work_all("wanda", &[]);
        let recovered = outcomes.iter().filter(|outcome| outcome["recovered"] == true).count();
        assert_eq!(recovered, if point == "moved" { 3 } else { 0 }, "{point}: {outcomes:#?}");
        assert_eq!(count(&outcomes, "landed"), if point == "recorded" { 0 } else { 3 }, "{point}: {outcomes:#?}");
        for change in &changes {
            assert_eq!(queue.state(change), "landed", "{point}");
        }
        // The killed one's worktrees.
        queue.workspace.ok("olga", &["queue", "cleanup"]);
        queue.is_sound();
        assert_eq!(queue.git(&["for-each-ref", "refs/convoke/fence"]), "", "{point}");
    }
}

#[test]
fn a_worker_that_wakes_up_after_its_lease_is_refused_in_the_log() {
    for point in ["claimed", "fenced", "built"] {
        let queue = queue("");
        let change = queue.submit("ann", "T-1", &patch(0, 2, "x"));
        let late = queue.start("walter", &["--once"], Some(&format!("stop:{point}")));
        late.wait_until_stopped();
        assert_eq!(count(&queue.work_all("wanda", &[]), "landed"), 1, "{point}");
        late.signal(Signal::CONT);
        let (exit, out, err) = late.end();
        assert_eq!(exit, Some(6), "{point}: {out}{err}");
        assert!(out.contains("stale_fence"), "{point}: {out}");
        assert_eq!(queue.landed(), [change], "{point}");
        queue.is_sound();
    }
}

#[test]
fn a_worker_that_wakes_up_after_its_lease_is_refused_at_the_ref_where_the_branch_is_as_it_left_it() {
    let queue = queue("");
    let change = queue.submit("ann", "T-1", &patch(0, 2, "x"));
    let first = queue.git(&["rev-parse", "main"]);
    let late = queue.start("walter", &["--once"], Some("stop:announced"));
    late.wait_until_stopped();
    // The next one has raised the fence and done nothing else yet when the late one wakes up.
    let next = queue.start("wanda", &["--until-empty"], Some("stop:fenced"));
    next.wait_until_stopped();
    late.signal(Signal::CONT);
    let (exit, out, err) = late.end();
    assert_eq!(exit, Some(6), "{out}{err}");
    assert_eq!(queue.git(&["rev-parse", "main"]), first, "the late one did not move the branch");
    next.signal(Signal::CONT);
    // It may be stopped there again, with the claim that follows.
    let (exit, out, err) = loop {
        std::thread::sleep(std::time::Duration::from_millis(200));
        next.signal(Signal::CONT);
        if queue.state(&change) == "landed" {
            break next.end();
        }
    };
    assert_eq!(exit, Some(0), "{out}{err}");
    assert_eq!(queue.landed(), std::slice::from_ref(&change));
    assert_eq!(queue.show(&change)["fence"].as_u64().map(|fence| fence >= 2), Some(true));
    queue.is_sound();
}

#[test]
fn cleanup_takes_away_what_a_killed_worker_left_and_nothing_that_is_needed() {
    let queue = queue("checks = [\"true\"]");
    queue.submit("ann", "T-1", &patch(0, 2, "x"));
    let killed = queue.start("walter", &["--once"], Some("kill:moved"));
    assert_eq!(killed.end().0, None);
    let left = std::fs::read_dir(queue.workspace.inside("worktrees/walter")).unwrap().next().unwrap().unwrap().path();
    assert!(left.join("lane-1/f0").exists());
    let kept = queue.workspace.ok("olga", &["queue", "cleanup"]);
    assert_eq!((&kept["worktrees"], &kept["fences"]), (&json!(1), &json!(0)), "the change lives: its fence stays");
    assert!(!queue.workspace.inside("worktrees/walter").exists());
    assert_eq!(queue.git(&["worktree", "list"]).lines().count(), 1);
    let outcomes = queue.work_all("wanda", &[]);
    assert_eq!(outcomes[0]["recovered"], true);
    queue.is_sound();
}
