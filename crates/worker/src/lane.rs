//! A lane: a thread with a worktree of its own, which runs the checks of one tree at a time.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use convoke_core::queue::GitHash;
use convoke_git::{
    GitError, Repository, Worktree,
    check::{self, Verdict},
};

/// A command that must end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Must {
    /// The shell command.
    pub command: String,
    /// How long it may take.
    pub limit: Duration,
}

/// What a lane is to do.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    /// In the tree of this commit,
    pub(crate) commit: GitHash,
    /// these checks, one after another, until one fails,
    pub(crate) checks: Vec<Must>,
    /// or until this says so.
    pub(crate) stop: Arc<AtomicBool>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// All passed, in so much time.
    Passed(Vec<(String, Duration)>),
    /// One failed.
    Failed { check: String, how: String, output: String },
    /// Nobody waits for it any more.
    Stopped,
    /// The machine is at fault.
    Broken(GitError),
}

/// A lane and its thread.
#[derive(Debug)]
pub(crate) struct Lane {
    work: Option<Sender<Work>>,
    thread: Option<JoinHandle<()>>,
}

/// How much of a check's output is kept.
const OUTPUT_BYTES_MAX: usize = convoke_core::limits::CHECK_OUTPUT_BYTES_MAX;

impl Lane {
    /// A lane whose worktree is in this folder. What comes of its work goes to `done`, with the lane's number.
    pub(crate) fn start(
        number: usize,
        repository: &Repository,
        folder: PathBuf,
        done: Sender<(usize, Outcome)>,
    ) -> Self {
        let (work, received) = channel();
        let repository = repository.clone();
        let thread = thread::spawn(move || run(number, &repository, folder, &received, &done));
        Self { work: Some(work), thread: Some(thread) }
    }

    /// Gives it work. Whether it could take it.
    pub(crate) fn take(&self, work: Work) -> bool {
        self.work.as_ref().is_some_and(|to| to.send(work).is_ok())
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        drop(self.work.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn run(
    number: usize,
    repository: &Repository,
    folder: PathBuf,
    works: &Receiver<Work>,
    done: &Sender<(usize, Outcome)>,
) {
    let mut worktree = None;
    for work in works {
        let outcome = perform(repository, &folder, &mut worktree, &work).unwrap_or_else(Outcome::Broken);
        if done.send((number, outcome)).is_err() {
            break;
        }
    }
    // The files are of no use any more; what is left of them, `cleanup` takes away.
    worktree.map(Worktree::remove).transpose().ok();
}

fn perform(
    repository: &Repository,
    folder: &std::path::Path,
    worktree: &mut Option<Worktree>,
    work: &Work,
) -> Result<Outcome, GitError> {
    if work.stop.load(Ordering::Relaxed) {
        return Ok(Outcome::Stopped);
    }
    // A check may have spoilt the worktree, or deleted it: then a new one is made.
    let is_ready = worktree.as_ref().is_some_and(|worktree| worktree.reset(&work.commit).is_ok());
    if !is_ready {
        *worktree = None;
        let opened = Worktree::open(repository, folder, &work.commit);
        *worktree = match opened.or_else(|_| Worktree::renew(repository, folder, &work.commit)) {
            Ok(worktree) => Some(worktree),
            // Not the machine's fault: no new worktree takes the files of this tree.
            Err(GitError::Failed { what, said }) if what == "checkout" && is_of_the_tree(&said) => {
                let (check, how) = ("git checkout".to_owned(), "could not write the files of its tree".to_owned());
                return Ok(Outcome::Failed { check, how, output: cut(&plain(&said), OUTPUT_BYTES_MAX) });
            }
            Err(error) => return Err(error),
        };
    }
    let mut passed: Vec<(String, Duration)> = Vec::new();
    for must in &work.checks {
        // The machine is not at fault if the check before this one took the files away.
        if let (Some((check, _)), false) = (passed.last(), worktree.as_ref().is_some_and(Worktree::is_there)) {
            let how = "took the worktree away".to_owned();
            return Ok(Outcome::Failed { check: check.clone(), how, output: String::new() });
        }
        let ended = check::run(&must.command, folder, must.limit, OUTPUT_BYTES_MAX, &work.stop)?;
        let how = match ended.verdict {
            Verdict::Passed => {
                passed.push((must.command.clone(), ended.took));
                continue;
            }
            Verdict::Stopped => return Ok(Outcome::Stopped),
            Verdict::Failed(code) => format!("ended with {code}"),
            Verdict::Killed(signal) => format!("was ended by signal {signal}"),
            Verdict::TimedOut => format!("took longer than {} s", must.limit.as_secs_f64()),
        };
        let output = output_kept(&ended.output, ended.dropped);
        return Ok(Outcome::Failed { check: must.command.clone(), how, output });
    }
    Ok(Outcome::Passed(passed))
}

/// Whether git could not write the files of a tree because of what the tree holds.
fn is_of_the_tree(said: &str) -> bool {
    ["File name too long", "smudge filter", "external filter"].iter().any(|words| said.contains(words))
}

/// What is kept of what a check printed last, after so many bytes that are not kept.
#[must_use]
pub fn output_kept(printed: &str, dropped: u64) -> String {
    let mut output = plain(printed);
    if dropped > 0 {
        output.insert_str(0, &format!("[{dropped} bytes before this]\n"));
    }
    cut(&output, OUTPUT_BYTES_MAX)
}

/// The end of a text that is too long.
pub(crate) fn cut(text: &str, bytes_max: usize) -> String {
    let from = text.len().saturating_sub(bytes_max);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    text[from..].to_owned()
}

/// A text without what steers a terminal. An event carries it, in which a control character takes six bytes.
fn plain(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            // A control sequence goes to its final letter.
            '\u{1b}' if rest.as_str().starts_with('[') => {
                rest.next();
                rest.find(|c| ('@'..='~').contains(c));
            }
            '\n' | '\t' => kept.push(c),
            c if c.is_control() => {}
            c => kept.push(c),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_control_characters_are_taken_out_of_an_output() {
        assert_eq!(plain("\u{1b}[31;1mred\u{1b}[0m\tä\r\n\u{7}\0end\u{1b}["), "red\tä\nend");
    }

    #[test]
    fn a_cut_keeps_the_end_and_no_half_letters() {
        assert_eq!(cut("aäb", 2), "b");
        assert_eq!(cut("aäb", 3), "äb");
        assert_eq!(cut("aäb", 10), "aäb");
    }
}
