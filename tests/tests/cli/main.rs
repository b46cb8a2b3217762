//! The command line as its users meet it: transcripts of real sessions, and the reference that is made of them.
//!
//! A transcript is a Markdown file in `transcripts/`. Each command in it is run, in a workspace folder of its own, and what it prints is
//! compared: standard output as it is, lines of standard error after `! `, and an exit code other than 0 as `[exit N]`.
//! `UPDATE_TRANSCRIPTS=1 cargo test -p convoke-tests --test cli` writes down what is printed now; read the difference.

mod client;
mod codes;
mod daemon;
mod http;
mod place;
mod queue;
mod reference;
mod session;
mod transcript;

use std::{collections::BTreeSet, fs, path::PathBuf};

macro_rules! transcripts {
    ($($name:ident),+ $(,)?) => {
        /// In the order in which the reference shows them.
        const TRANSCRIPTS: &[&str] = &[$(stringify!($name)),+];

        $(#[test]
        fn $name() {
            transcript::check(stringify!($name));
        })+
    };
}

transcripts! {
    first_steps,
    countdowns,
    campaigns,
    mail,
    waiting,
    queue,
    queue_refusals,
    actors,
    the_log,
    without_the_daemon,
    bulk,
    bad_input,
    help,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cli/transcripts")
}

#[test]
fn no_transcript_is_forgotten() {
    let found: BTreeSet<_> =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(found, TRANSCRIPTS.iter().map(|name| format!("{name}.md")).collect());
}
