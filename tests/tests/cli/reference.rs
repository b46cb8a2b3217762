//! `docs/commands.md` is made of the transcripts and of the program's own help, so that it cannot drift from either.

use std::{fmt::Write as _, fs, path::PathBuf};

use clap::Command;

use crate::{
    TRANSCRIPTS,
    transcript::{self, Piece},
};

const INTRODUCTION: &str = "# The command line

Made by `UPDATE_TRANSCRIPTS=1 cargo test -p convoke-tests --test cli` from real sessions and from the program's own help; do not edit it.
In the sessions, a line of standard error begins with `! `, and an exit code other than 0 stands in brackets.

";

#[test]
fn the_reference_is_what_the_program_says() {
    if transcript::updating() {
        TRANSCRIPTS.iter().for_each(|name| transcript::run(name));
    }
    let mut text = INTRODUCTION.to_owned();
    for name in TRANSCRIPTS.iter().filter(|name| **name != "help") {
        for piece in transcript::read(name) {
            match piece {
                Piece::Prose(prose) => text.push_str(&prose),
                Piece::Console(steps) => text.push_str(&transcript::block(&steps)),
            }
        }
        text.push('\n');
    }
    text.push_str("# Reference\n");
    let mut definition = convoke_cli::definition().term_width(100);
    definition.build();
    describe(&definition, &mut text);

    let place = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/commands.md");
    if transcript::updating() {
        fs::write(&place, &text).unwrap();
    }
    let written = fs::read_to_string(&place).unwrap_or_default();
    assert!(written == text, "docs/commands.md is not what the program says: run with UPDATE_TRANSCRIPTS=1");
}

fn describe(command: &Command, text: &mut String) {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let help = command.clone().render_long_help().to_string();
    // The options that every command has are shown once.
    let help = match help.split_once("\nGlobal options:") {
        Some((own, _)) if name != "convoke" => own.trim_end(),
        _ => help.trim_end(),
    };
    let _ = write!(text, "\n## `{name}`\n\n```text\n{}\n```\n", lines(help));
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        describe(sub, text);
    }
}

fn lines(help: &str) -> String {
    help.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}
