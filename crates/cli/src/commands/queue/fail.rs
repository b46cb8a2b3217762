use std::{
    collections::VecDeque,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use convoke::api::Fault;
use convoke_core::{
    command::{Command, FailChange},
    limits,
    queue::events::FailureClass,
};
use convoke_worker::output_kept;

use super::super::files::{open, shown};
use crate::{args::Mutation, context::Context, stop::Stop};

/// Say that an attempt at a claimed change failed, for a worker of your own
///
/// It is tried again after a pause that doubles, five times in all; with --class final it is given up at once. Its author is told
/// when it is given up, with the cause and the end of the output.
///
/// Run a check that fails once more before you blame the change. What the machine is at fault for is no failure of a check: --class
/// machine, or convoke queue return.
///
/// Example: convoke --as builder queue fail k7q2m9xa --fence 1 --cause 'cargo test ended with 101' --output test.log
#[derive(Debug, Args)]
pub(crate) struct Fail {
    /// The change
    #[arg(value_name = "ID")]
    change: String,
    /// The number of the claim, as `convoke queue lease` printed it
    #[arg(long, value_name = "N")]
    fence: u32,
    /// What kind of failure it is
    #[arg(long, value_enum, default_value = "check")]
    class: Class,
    /// Why, in a sentence
    #[arg(long, value_name = "TEXT")]
    cause: String,
    /// What the check printed; its end is kept. - reads standard input
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    mutation: Mutation,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Class {
    /// A check did not pass: tried again
    Check,
    /// The machine's fault (no space, no network): tried again
    Machine,
    /// It can never succeed: given up
    Final,
}

impl From<Class> for FailureClass {
    fn from(class: Class) -> Self {
        match class {
            Class::Check => Self::Check,
            Class::Machine => Self::Machine,
            Class::Final => Self::Final,
        }
    }
}

impl Fail {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let actor = context.actor()?;
        let output = self.output.as_deref().map(end_of_file).transpose()?;
        let (change, fence, class, cause) = (self.change, self.fence, self.class.into(), self.cause);
        let failed = FailChange { change, fence, class, cause, output };
        context.act(actor, &self.mutation, Command::FailChange(failed)).map_err(|stop| match stop {
            Stop::Fault(fault) if fault.code == "landing_begun" => {
                let hint =
                    "Repeat convoke queue complete, or give it back: convoke queue return clears up what happened.";
                Fault { hint: hint.to_owned(), ..fault }.into()
            }
            stop => stop,
        })
    }
}

/// The end of what a check printed, as an event carries it.
fn end_of_file(file: &Path) -> Result<String, Stop> {
    let cannot = |error: std::io::Error| Fault::new("io", format!("{} cannot be read: {error}", shown(file)));
    let (mut source, mut end, mut dropped) = (open(file)?, VecDeque::new(), 0_u64);
    let mut piece = vec![0; 64 * 1024];
    loop {
        let length = source.read(&mut piece).map_err(cannot)?;
        if length == 0 {
            break;
        }
        end.write_all(&piece[..length]).map_err(cannot)?;
        let surplus = end.len().saturating_sub(limits::CHECK_OUTPUT_BYTES_MAX);
        end.drain(..surplus);
        dropped += surplus as u64;
    }
    Ok(output_kept(&String::from_utf8_lossy(end.make_contiguous()), dropped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_output_the_end_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        std::fs::write(&file, "\u{1b}[31mred\u{1b}[0m\n").unwrap();
        assert_eq!(end_of_file(&file).unwrap(), "red\n");
        std::fs::write(&file, "x".repeat(200_000) + "the end\n").unwrap();
        let end = end_of_file(&file).unwrap();
        assert!(end.len() <= limits::CHECK_OUTPUT_BYTES_MAX && end.ends_with("xxthe end\n"), "{} bytes", end.len());
    }
}
