//! Running a transcript, and comparing what is printed with what is written down.

use std::{fmt::Write as _, fs};

use crate::{folder, place::Place, session::Session};

/// A piece of a transcript's file.
pub(crate) enum Piece {
    /// Text between the commands' blocks.
    Prose(String),
    /// A block of commands with what they print.
    Console(Vec<Step>),
}

/// A command with what it prints.
pub(crate) struct Step {
    pub(crate) command: String,
    pub(crate) printed: String,
}

/// Reads a transcript.
pub(crate) fn read(name: &str) -> Vec<Piece> {
    let text = fs::read_to_string(folder().join(format!("{name}.md"))).unwrap();
    let mut pieces = Vec::new();
    let mut rest = text.as_str();
    while let Some((prose, block)) = rest.split_once("```console\n") {
        let (block, after) = block.split_once("```\n").expect("a block ends");
        pieces.push(Piece::Prose(prose.to_owned()));
        pieces.push(Piece::Console(steps(block)));
        rest = after;
    }
    pieces.push(Piece::Prose(rest.to_owned()));
    pieces
}

fn steps(block: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), line.strip_prefix("> "), steps.last_mut()) {
            (Some(command), _, _) => steps.push(Step { command: command.to_owned(), printed: String::new() }),
            (None, Some(more), Some(step)) if step.printed.is_empty() => {
                step.command.push('\n');
                step.command.push_str(more);
            }
            (None, _, Some(step)) => {
                step.printed.push_str(line);
                step.printed.push('\n');
            }
            (None, _, None) => panic!("a block begins with a command, not with {line:?}"),
        }
    }
    steps
}

/// The block as it stands in the file.
pub(crate) fn block(steps: &[Step]) -> String {
    let mut text = "```console\n".to_owned();
    for step in steps {
        let _ = writeln!(text, "$ {}", step.command.replace('\n', "\n> "));
        text.push_str(&step.printed);
    }
    text.push_str("```\n");
    text
}

/// Whether what is printed is to be written down.
pub(crate) fn updating() -> bool {
    std::env::var_os("UPDATE_TRANSCRIPTS").is_some()
}

/// Runs a transcript's commands and compares. When updating, the reference's test writes them all, so that it comes last.
pub(crate) fn check(name: &str) {
    if !updating() {
        run(name);
    }
}

/// Runs a transcript's commands, and compares or writes down.
pub(crate) fn run(name: &str) {
    let place = Place::new();
    let mut session = Session::new(&place);
    let mut text = String::new();
    let mut differences = String::new();
    for piece in read(name) {
        match piece {
            Piece::Prose(prose) => text.push_str(&prose),
            Piece::Console(mut steps) => {
                for step in &mut steps {
                    let printed = session.run(&step.command);
                    if collapsed(&printed) != collapsed(&step.printed) {
                        let _ = write!(
                            differences,
                            "$ {}\n--- expected\n{}--- printed\n{printed}\n",
                            step.command, step.printed
                        );
                        step.printed = printed;
                    }
                }
                text.push_str(&block(&steps));
            }
        }
    }
    if updating() {
        fs::write(folder().join(format!("{name}.md")), text).unwrap();
    } else {
        assert!(differences.is_empty(), "{name}.md differs:\n{differences}");
    }
}

/// Widths of columns depend on ids and times, which are not the same twice: alignment has tests of its own.
fn collapsed(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        out.push_str(&line[..indent]);
        let words: Vec<_> = line[indent..].split("  ").map(str::trim).filter(|word| !word.is_empty()).collect();
        out.push_str(&words.join("  "));
        out.push('\n');
    }
    out
}
