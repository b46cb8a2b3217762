//! The demo's claims about the queue: a landing with its receipt, and a worker that slept through its lease.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
};

use super::{
    claims::expect,
    stage::{Broken, Stage, ended},
};

/// What is said where there is no git.
const NO_GIT: &str = "not shown: there is no git on this machine";

/// A repository with one commit, and a queue that lands on its main branch.
pub(super) fn lands(stage: &Stage) -> Result<String, Broken> {
    if !has_git() {
        return Ok(NO_GIT.to_owned());
    }
    let repository = repository(stage);
    let folder = repository.display().to_string();
    git(None, &["init", "--quiet", "--initial-branch", "trunk", &folder])?;
    for arguments in [
        &[
            "-c",
            "user.name=olga",
            "-c",
            "user.email=olga@example.com",
            "commit",
            "--quiet",
            "--allow-empty",
            "-m",
            "first",
        ][..],
        &["branch", "main"],
    ] {
        git(Some(&repository), arguments)?;
    }
    let settings = stage.path("convoke.toml");
    let queue = format!(
        "\n[queue]\nrepository = \"repository\"\ntarget = \"main\"\nlease = \"1s\"\nchecks = [\"while test -e '{}'; do sleep 0.05; done; test -s greeting\"]\n",
        stage.path("busy")
    );
    let text = fs::read_to_string(&settings).map_err(|error| error.to_string())?;
    fs::write(&settings, text + &queue).map_err(|error| error.to_string())?;
    hand_in(stage, "greet", "greeting", "hello")?;
    stage.run("builder", &["queue", "worker", "--until-empty"])?.done()?;
    let shown = stage.run("alice", &["queue", "show", "greet"])?.data()?["change"].take();
    let receipt = shown["receipt"].clone();
    let (commit, tree) =
        (git(Some(&repository), &["rev-parse", "main"])?, git(Some(&repository), &["rev-parse", "main^{tree}"])?);
    expect(shown["state"] == "landed" && receipt["commit"] == *commit, || {
        format!("main is at {commit}, and the receipt says {receipt}")
    })?;
    expect(receipt["tree"] == *tree && receipt["tested_tree"] == *tree, || {
        format!("the tree is {tree}, and the receipt says {receipt}")
    })?;
    stage.run("olga", &["verify", "--git"])?.data()?;
    let author = git(Some(&repository), &["log", "-1", "--format=%an", "main"])?;
    expect(author == "alice", || format!("the author is {author}"))?;
    Ok(format!(
        "commit {} by {author} on main; its tree {} is the one in which the check ran",
        &commit[..12],
        &tree[..12]
    ))
}

/// One worker is stopped in the middle of a check, its lease runs out, another lands the change; then the first wakes up.
pub(super) fn is_fenced(stage: &Stage) -> Result<String, Broken> {
    if !has_git() {
        return Ok(NO_GIT.to_owned());
    }
    let repository = repository(stage);
    let before = commits(&repository)?;
    let busy = stage.path("busy");
    fs::write(&busy, "").map_err(|error| error.to_string())?;
    let cursor = hand_in(stage, "wave", "wave", "goodbye")?;
    let sleeper = stage.start("sleeper", &["queue", "worker", "--once"])?;
    wait(stage, &["event:change.leased", "--by", "sleeper", "--from", &cursor])?;
    signal(&sleeper, "STOP")?;
    wait(stage, &["event:change.lease_expired", "--from", &cursor])?;
    fs::remove_file(&busy).map_err(|error| error.to_string())?;
    let landed = stage.run("builder", &["queue", "worker", "--until-empty"]).and_then(|worker| worker.done());
    signal(&sleeper, "CONT")?;
    landed?;
    let refusal = ended(sleeper)?.refused(6, "stale_fence")?;
    let shown = stage.run("alice", &["queue", "show", "wave"])?.data()?["change"].take();
    expect(shown["state"] == "landed", || format!("the change is {}", shown["state"]))?;
    let landings = commits(&repository)? - before;
    expect(landings == 1, || format!("it landed {landings} times"))?;
    let fence = shown["fence"].to_string();
    expect(fence != "1", || "the second worker had no newer claim".to_owned())?;
    stage.run("olga", &["verify", "--git"])?.data()?;
    Ok(format!(
        "SIGSTOP past its lease; builder landed it under claim {fence}, once; the sleeper: {refusal} (exit code 6)"
    ))
}

/// Hands a new file in, and says how long the log was before.
fn hand_in(stage: &Stage, task: &str, file: &str, text: &str) -> Result<String, Broken> {
    let patch = stage.path("patch");
    let diff = format!("--- /dev/null\n+++ b/{file}\n@@ -0,0 +1 @@\n+{text}\n");
    fs::write(&patch, diff).map_err(|error| error.to_string())?;
    let submitted = stage.run("alice", &["queue", "submit", "--patch", &patch, "--task", task])?;
    let size = submitted.envelope["head"]["size"].to_string();
    submitted.data()?;
    Ok(size)
}

fn wait(stage: &Stage, condition: &[&str]) -> Result<(), Broken> {
    stage.run("olga", &[&["wait"], condition, &["--timeout", "20s"]].concat())?.data().map(drop)
}

fn repository(stage: &Stage) -> PathBuf {
    stage.folder().join("repository")
}

fn commits(repository: &Path) -> Result<u64, Broken> {
    git(Some(repository), &["rev-list", "--count", "main"])?.parse().map_err(|_| "git counts no commits".to_owned())
}

fn has_git() -> bool {
    Command::new("git").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Runs git, which has to succeed, and gives what it prints.
fn git(folder: Option<&Path>, arguments: &[&str]) -> Result<String, Broken> {
    let mut git = Command::new("git");
    git.args(folder.map(|folder| ["-C".into(), folder.as_os_str().to_owned()]).into_iter().flatten());
    let output = git.args(arguments).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(format!("git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

fn signal(process: &Child, name: &str) -> Result<(), Broken> {
    let sent = Command::new("kill").args([format!("-{name}"), process.id().to_string()]).status();
    expect(sent.is_ok_and(|status| status.success()), || format!("SIG{name} cannot be sent"))
}
