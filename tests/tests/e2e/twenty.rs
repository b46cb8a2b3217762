//! Twenty processes at once, no daemon running at the start; then the same while the daemon is killed or stopped.

use std::sync::{
    Barrier,
    atomic::{AtomicBool, Ordering},
};

use convoke_tests::{
    chance,
    disturbance::{Disturbance, disturb},
    ledger::{Acknowledged, Ledger},
    workspace::{Ran, Workspace},
    written::Written,
};

use crate::workspace;

const ACTORS: usize = 20;

fn actor(index: usize) -> String {
    format!("agent-{:02}", index % ACTORS)
}

/// One of the twenty: process after process, each given its own key.
struct Sender<'t> {
    workspace: &'t Workspace,
    ledger: &'t Ledger,
    name: String,
    given: u32,
}

impl Sender<'_> {
    /// Runs one command. Exit codes besides 0 are answers only where `refusals` says so.
    fn act(&mut self, args: &[&str], refusals: &[i32]) -> Ran {
        self.given += 1;
        let key = format!("{}-{}", self.name, self.given);
        let args = [args, &["--idempotency-key", &key]].concat();
        let ran = self.workspace.run(&self.name, &args);
        let code = ran.code();
        assert!(code != "log_locked" && code != "daemon_unreachable", "a lock error reached a user: {ran}");
        assert!(ran.exit == 0 || refusals.contains(&ran.exit), "{ran}");
        if ran.exit == 0 {
            self.ledger.note(Acknowledged::of(&self.name, &key, &ran.envelope()));
        }
        ran
    }

    /// Sends, schedules, confirms, receives and acknowledges.
    fn round(&mut self, index: usize, round: usize) {
        let neighbour = actor(index + 1);
        let body = format!("{} in round {round}", self.name);
        self.act(&["send", &neighbour, &body], &[]);
        let countdown = format!("of {} {round}", self.name);
        let attendees = format!("{},{neighbour}", self.name);
        self.act(&["schedule", &countdown, "+30m", "--quorum", "2", "--attendees", &attendees], &[]);
        self.act(&["confirm", &countdown], &[]);
        // The neighbour on the other side may not be so far.
        self.act(&["confirm", &format!("of {} {round}", actor(index + ACTORS - 1))], &[3]);
        let received = self.act(&["recv"], &[8]);
        if received.exit == 0 {
            let token = received.data()["messages"][0]["token"].as_str().unwrap().to_owned();
            self.act(&["ack", &token], &[]);
        }
    }
}

/// Lets twenty act for some rounds while the daemon is disturbed, and compares the log with what they were told.
fn check(rounds: usize, disturbance: Option<Disturbance>) {
    let workspace = workspace();
    assert_eq!(workspace.daemon(), None, "no daemon runs at the start");
    let (ledger, ended, together) = (Ledger::default(), AtomicBool::new(false), Barrier::new(ACTORS));
    let met = std::thread::scope(|scope| {
        let disturbing = disturbance.map(|what| {
            let (workspace, ledger, ended) = (&workspace, &ledger, &ended);
            scope.spawn(move || disturb(workspace, what, 20..150, &mut chance::generator(1), ledger, ended))
        });
        let acting: Vec<_> = (0..ACTORS)
            .map(|index| {
                let (workspace, ledger, together) = (&workspace, &ledger, &together);
                scope.spawn(move || {
                    let mut sender = Sender { workspace, ledger, name: actor(index), given: 0 };
                    together.wait();
                    (0..rounds).for_each(|round| sender.round(index, round));
                })
            })
            .collect();
        let acted: Vec<_> = acting.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        ended.store(true, Ordering::Relaxed);
        let met = disturbing.map(|disturbing| disturbing.join().unwrap());
        acted.into_iter().for_each(|acted| acted.unwrap());
        met
    });
    if let Some(met) = met {
        assert!(met >= 3, "the daemon was met only {met} times");
    }
    let written = Written::in_workspace(&workspace);
    ledger.check(&written);
    let sent = written.of_kind("message.sent").filter(|sent| sent.actor.as_str().starts_with("agent-"));
    let by_hand = sent.filter(|sent| sent.causation.is_none()).count();
    assert_eq!(by_hand, ACTORS * rounds, "every message was sent once");
    assert_eq!(written.of_kind("countdown.scheduled").count(), ACTORS * rounds);
    let confirmed = written.of_kind("countdown.confirmed").count();
    let fired = written.of_kind("countdown.fired").count();
    assert_eq!(confirmed, ACTORS * rounds + fired, "each was confirmed by its organizer, and fired with the second go");
    let verified = workspace.ok("olga", &["verify"]);
    assert_eq!(verified["verified"]["checkpoint"]["size"], written.events.len());
    assert_eq!(workspace.ok("olga", &["replay"])["replayed"]["matches"], true);
}

#[test]
fn twenty_processes_act_at_once_and_each_acknowledged_command_is_in_the_log_once_and_in_order() {
    check(6, None);
}

#[test]
fn the_same_while_the_daemon_is_killed_again_and_again() {
    check(6, Some(Disturbance::Kill));
}

#[test]
fn the_same_while_the_daemon_is_told_to_stop_again_and_again() {
    check(6, Some(Disturbance::Stop));
}
