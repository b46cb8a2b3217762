//! What the queue adds to a landing: the same changes landed by a plain shell script with git.

use std::{fs, io::Write as _, process::Command, time::Instant};

use serde_json::json;

use super::bench::{Bench, Draft, TARGET, git, make_repository, numbered};
use crate::{
    Outcome,
    figures::{Figures, Target, median},
    machine,
};

const CHANGES: usize = 150;
const TURNS: usize = 3;

/// Each step of a landing as somebody would write it: reset the worktree, apply, commit, move the branch.
const SCRIPT: &str = r#"set -eu
cd "$1"
for patch in "$2"/*.patch; do
  tip=$(git rev-parse refs/heads/main)
  git reset --quiet --hard "$tip"
  git clean --quiet -ffdx
  git apply --index "$patch"
  git commit --quiet --author "Agent <agent@example.com>" --message "Land $patch"
  new=$(git rev-parse HEAD)
  printf 'start\nupdate refs/heads/main %s %s\nprepare\ncommit\n' "$new" "$tip" | git update-ref --stdin >/dev/null
done
"#;

pub(crate) fn run(figures: &mut Figures) -> Outcome<()> {
    let (mut ours, mut theirs, mut ratios) = (vec![], vec![], vec![]);
    for _ in 0..TURNS {
        let took = script()?;
        let mut bench = Bench::new(files())?;
        bench.submit((0..CHANGES).map(|number| Draft {
            agent: format!("agent-{}", number % 7),
            diff: diff(number),
            check: None,
        }))?;
        let worked = bench.work(1, 1)?.as_secs_f64() * 1e3 / CHANGES as f64;
        let landed = bench.ended("landed")?;
        if landed != CHANGES as u64 {
            return Err(format!("{landed} of {CHANGES} changes landed").into());
        }
        ratios.push(worked / took);
        ours.push(worked);
        theirs.push(took);
    }
    let from = format!(
        "{:.1} ms beside {:.1} ms of a shell script, {CHANGES} changes one after another",
        median(&ours),
        median(&theirs)
    );
    figures.add(
        "A landing without checks, beside a shell script with git",
        median(&ratios),
        "×",
        Target::AtMost(1.5),
        from,
    );
    figures.keep("landing, ms", json!({ "convoke": ours, "script": theirs }));
    Ok(())
}

fn files() -> impl Iterator<Item = (String, String)> {
    (0..50).map(|file| (format!("src/part{}/file{file}.txt", file % 5), numbered(40)))
}

/// One line of one file; no two changes touch the same line.
fn diff(number: usize) -> String {
    let (file, line) = (number % 50, number / 50 * 8 + 4);
    let path = format!("src/part{}/file{file}.txt", file % 5);
    let context = |line: usize| format!(" line {line}\n");
    format!(
        "--- a/{path}\n+++ b/{path}\n@@ -{first},3 +{first},3 @@\n{}-line {line}\n+line {line}, changed\n{}",
        context(line - 1),
        context(line + 1),
        first = line,
    )
}

/// Milliseconds a landing.
fn script() -> Outcome<f64> {
    let folder = machine::scratch()?;
    let repository = folder.path().join("repository.git");
    make_repository(&repository, files())?;
    let (worktree, patches) = (folder.path().join("worktree"), folder.path().join("patches"));
    git(Some(&repository), &["worktree", "add", "--quiet", "--detach", &worktree.to_string_lossy(), TARGET])?;
    for (key, value) in [("user.name", "Bench"), ("user.email", "bench@example.com")] {
        git(Some(&repository), &["config", key, value])?;
    }
    fs::create_dir(&patches)?;
    for number in 0..CHANGES {
        fs::File::create(patches.join(format!("{number:05}.patch")))?.write_all(diff(number).as_bytes())?;
    }
    let began = Instant::now();
    let status = Command::new("sh").args(["-c", SCRIPT, "sh"]).arg(&worktree).arg(&patches).status()?;
    let took = began.elapsed();
    let landed = git(Some(&repository), &["rev-list", "--count", TARGET])?;
    if !status.success() || landed != (CHANGES + 1).to_string() {
        return Err(format!("the script ended with {status} after {landed} commits").into());
    }
    Ok(took.as_secs_f64() * 1e3 / CHANGES as f64)
}
