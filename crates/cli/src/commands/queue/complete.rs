use clap::Args;
use convoke::api::Answer;
use convoke_core::{limits, queue::events::CheckResult, time::Span};
use serde::Serialize;

use crate::{
    context::Context,
    render::{Page, Show},
    stop::Stop,
    worker::Held,
};

/// Land a change that a worker of your own has tested
///
/// What lands is the tree of the commit that you tested, as a commit of Convoke's: with the agent as author, on the branch's tip. It is
/// announced in the log, then the branch is moved together with a look at the claim's fence, then the receipt is in the log. Convoke makes
/// sure that the claim is the newest (exit code 6 if not), that your commit stands on the branch as it is and touches only files that
/// the change names, and that every check that has to pass is among those you say passed. What is refused leaves the branch and the claim
/// as they are.
///
/// Interrupted, it may be repeated: it goes on where it was. A change that is landed answers so once more.
///
/// Example: convoke --as builder queue complete k7q2m9xa --fence 1 --commit $commit --passed '12s cargo test'
#[derive(Debug, Args)]
pub(crate) struct Complete {
    /// The change
    #[arg(value_name = "ID")]
    change: String,
    /// The number of the claim, as `convoke queue lease` printed it
    #[arg(long, value_name = "N")]
    fence: u32,
    /// The commit that was tested: a hash, or a branch of the repository
    #[arg(long, value_name = "REV")]
    commit: String,
    /// A check that passed in its tree, after the time that it took: '12s cargo test'; may be given several times
    #[arg(long, value_name = "TIME CMD", value_parser = passed)]
    passed: Vec<CheckResult>,
}

impl Complete {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        // As many as may be configured, and as many as a change may ask for.
        limits::check("the number of checks", self.passed.len(), 2 * limits::CHECKS_MAX)?;
        for result in &self.passed {
            limits::check("the bytes of a check's command", result.command.len(), limits::CHECK_BYTES_MAX)?;
        }
        let (actor, out) = (context.actor()?, context.out);
        let answer = Held::open(context, actor, self.change, self.fence)?.complete(&self.commit, self.passed)?;
        let head = answer.head;
        out.show(&Completed(answer), Some(head))
    }
}

/// A landing, of now or of an earlier call.
#[derive(Serialize)]
#[serde(transparent)]
struct Completed(Answer);

impl Show for Completed {
    fn show(&self, page: &mut Page) {
        if self.0.repeated {
            page.tell_again();
            page.line("it had landed before, and nothing is added:");
        }
        Answer { repeated: false, ..self.0.clone() }.show(page);
    }
}

fn passed(text: &str) -> Result<CheckResult, String> {
    let form = || format!("{text:?} is not a time and a command, such as '12s cargo test'");
    let (took, command) = text.split_once(' ').ok_or_else(form)?;
    let took_ms = Span::parse(took).map_err(|_| form())?;
    let command = command.trim();
    if command.is_empty() {
        return Err(form());
    }
    Ok(CheckResult { command: command.to_owned(), took_ms, runs: 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_passed_is_a_time_and_a_command() {
        let result = passed("1m5s cargo test -p 'a b'").unwrap();
        assert_eq!((result.took_ms.ms(), result.command.as_str(), result.runs), (65_000, "cargo test -p 'a b'", 1));
        for bad in ["", "12s", "12s ", "cargo test", "12 cargo test", "-1s true"] {
            assert!(passed(bad).is_err(), "{bad:?}");
        }
    }
}
