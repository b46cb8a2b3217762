//! What lanes and batches bring, with checks that only wait, so that the number of cores does not matter.

use std::{fs, path::Path};

use serde_json::json;

use super::bench::{Bench, Draft, numbered};
use crate::{
    Outcome,
    figures::{Figures, Target},
};

const CHANGES: usize = 200;
/// One lane would need more than three minutes for all of them.
const CHANGES_OF_ONE_LANE: usize = 25;
const LANES: usize = 8;

pub(crate) fn run(figures: &mut Figures) -> Outcome<()> {
    many_lanes(figures)?;
    guilty_changes(figures)
}

fn many_lanes(figures: &mut Figures) -> Outcome<()> {
    let rate = |lanes: usize, changes: usize| -> Outcome<f64> {
        let mut bench = Bench::new((0..changes).map(|file| (path(file), numbered(5))))?;
        bench.submit((0..changes).map(|number| draft(number, "sleep 1")))?;
        let took = bench.work(lanes, 1)?;
        match bench.ended("landed")? {
            landed if landed == changes as u64 => Ok(changes as f64 / took.as_secs_f64() * 60.0),
            landed => Err(format!("{landed} of {changes} changes landed").into()),
        }
    };
    let one = rate(1, CHANGES_OF_ONE_LANE)?;
    let many = rate(LANES, CHANGES)?;
    let from = format!(
        "{many:.0} a minute ({CHANGES} changes) beside {one:.0} with one lane ({CHANGES_OF_ONE_LANE} of them); the check sleeps for a second"
    );
    let what = "Changes that do not overlap landed with 8 lanes, beside one lane";
    figures.add(what, many / one, "×", Target::AtLeast(6.0), from);
    figures.keep("lanes, a minute", json!({ "one": one, "many": many }));
    Ok(())
}

/// One in ten turns the check red. Who counts the runs is the check itself.
fn guilty_changes(figures: &mut Figures) -> Outcome<()> {
    let mut bench = Bench::new((0..CHANGES).map(|file| (path(file), numbered(5))))?;
    let runs = bench.program.project().join("runs");
    let check = format!("echo run >> '{}'; ! grep -rqs guilty src", runs.display());
    let is_guilty = |number: usize| (number * 7_919 + 13) % 10 == 3;
    bench.submit((0..CHANGES).map(|number| Draft {
        diff: diff(number, if is_guilty(number) { "guilty" } else { "innocent" }),
        ..draft(number, &check)
    }))?;
    let took = bench.work(1, 8)?;
    let guilty = (0..CHANGES).filter(|number| is_guilty(*number)).count();
    let landed = bench.ended("landed")?;
    if landed != (CHANGES - guilty) as u64 {
        return Err(
            format!("{landed} changes landed of {} innocent ones: {:?}", CHANGES - guilty, bench.outcomes()?).into()
        );
    }
    let runs = lines(&runs)?;
    let from = format!(
        "{runs} runs of the check for {CHANGES} changes of which {guilty} were guilty, batches of up to 8, every attempt of a guilty one included; all innocent ones landed, in {:.0} s",
        took.as_secs_f64()
    );
    let what = "Runs of the check for a change, with one guilty change in ten";
    figures.add(what, runs as f64 / CHANGES as f64, "runs", Target::AtMost(0.9), from);
    Ok(())
}

fn lines(file: &Path) -> Outcome<usize> {
    Ok(fs::read_to_string(file)?.lines().count())
}

fn path(number: usize) -> String {
    format!("src/part{}/file{number}.txt", number % 10)
}

fn draft(number: usize, check: &str) -> Draft {
    Draft { agent: format!("agent-{}", number % 12), diff: diff(number, "changed"), check: Some(check.to_owned()) }
}

fn diff(number: usize, to: &str) -> String {
    let path = path(number);
    format!("--- a/{path}\n+++ b/{path}\n@@ -2,3 +2,3 @@\n line 1\n-line 2\n+line 2, {to}\n line 3\n")
}
