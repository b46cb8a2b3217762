//! Mixed load: senders that write without a pause, over the socket or process by process, and note what they were told.

use std::sync::atomic::{AtomicBool, Ordering};

use rand::{RngExt as _, rngs::StdRng};
use serde_json::{Value, json};

use crate::{
    ledger::{Acknowledged, Ledger},
    socket::Client,
    workspace::Workspace,
    written::Written,
};

/// Who takes part; each name is one sender.
pub const SENDERS: [&str; 6] = ["ada", "ben", "cleo", "dmitri", "eva", "farid"];

/// Acts over the socket until told to end. Gives how many commands were acknowledged.
pub fn over_the_socket(
    workspace: &Workspace,
    ledger: &Ledger,
    name: &str,
    chance: &mut StdRng,
    ended: &AtomicBool,
) -> u64 {
    let mut client = Client::new(workspace);
    let mut given = 0;
    let mut act = |command: Value| {
        given += 1;
        let key = format!("{name}-{given}");
        let envelope = client.command(name, &key, &command);
        assert_eq!(envelope["ok"], true, "{command} was refused: {envelope}");
        ledger.note(Acknowledged::of(name, &key, &envelope));
        envelope
    };
    let mut countdowns = 0;
    while !ended.load(Ordering::Relaxed) {
        let other = SENDERS[chance.random_range(0..SENDERS.len())];
        match chance.random_range(0..10) {
            0 => {
                // One commit of three events and more: confirmed, fired, and everybody told.
                countdowns += 1;
                let countdown = format!("{name}'s {countdowns}");
                let schedule = json!({"name": countdown, "time": "+1h", "attendees": [name, "olga"]});
                act(json!({"schedule_countdown": schedule}));
                act(json!({"confirm_countdown": {"countdown": countdown}}));
            }
            1..4 => {
                let received = act(json!({"receive_messages": {"max": 3}}));
                for taken in received["data"]["messages"].as_array().into_iter().flatten() {
                    act(json!({"ack_message": {"token": taken["token"]}}));
                }
            }
            _ => {
                let bytes = if chance.random_ratio(1, 20) { 30_000 } else { 300 };
                let body = "x".repeat(chance.random_range(1..bytes));
                act(json!({"send_message": {"to": [other], "body": body}}));
            }
        }
    }
    given
}

/// Acts process by process until told to end. Gives how many commands were acknowledged.
pub fn by_processes(workspace: &Workspace, ledger: &Ledger, name: &str, ended: &AtomicBool) -> u64 {
    let mut given = 0;
    while !ended.load(Ordering::Relaxed) {
        given += 1;
        let key = format!("{name}-{given}");
        let ran = workspace.run(name, &["send", SENDERS[0], "by a process", "--idempotency-key", &key]);
        assert_eq!(ran.exit, 0, "{ran}");
        ledger.note(Acknowledged::of(name, &key, &ran.envelope()));
    }
    given
}

/// No commit was cut in half: what one command wrote stands in one commit, without a gap.
///
/// # Panics
/// If one was.
pub fn check_commits_are_whole(written: &Written) {
    for (first, end) in &written.commits {
        let (first, end) = (usize::try_from(*first).unwrap_or(usize::MAX), usize::try_from(*end).unwrap_or(usize::MAX));
        let before = first.checked_sub(1).map(|before| written.events[before].correlation);
        assert_ne!(before, Some(written.events[first].correlation), "a command's events are in one commit");
        let commit = &written.events[first..end];
        for confirmed in commit.iter().filter(|recorded| recorded.event.kind() == "countdown.confirmed") {
            let same_command = commit.iter().filter(|other| other.correlation == confirmed.correlation);
            let kinds: Vec<_> = same_command.map(|recorded| recorded.event.kind()).collect();
            assert_eq!(kinds, ["countdown.confirmed", "countdown.fired", "message.sent"], "one whole cascade");
        }
    }
}
