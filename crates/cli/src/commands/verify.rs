mod git;

use std::{
    io::{BufReader, IsTerminal as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Args;
use convoke::api::{Fault, Question, Reply, Verified, VerifyAsk};
use convoke_core::{
    log::{Checkpoint, InclusionProof},
    refusal::Refusal,
};
use serde::Serialize;

use super::files::{bad_document, document, open, shown};
use crate::{
    context::Context,
    daemon::{Lock, connect_if_running},
    disk,
    output::Output,
    render::{Page, Show, many},
    stop::Stop,
    workspace::Workspace,
};

/// Read the whole log and check every hash and the root
///
/// Damage and any single edit are found by this alone. A rewrite of the whole log, or a return to an earlier state, is consistent in
/// itself: only --against, with a checkpoint that was kept elsewhere, finds it.
///
/// If no daemon has the log open, a copy of the files is read. A running daemon reads what it has in memory from there: to check
/// the files themselves, stop it first. Exit code 9 says that something does not hold.
///
/// With --git every change that landed is looked up in the git repository too: its commit is in the history of its branch, stands on
/// the base and has the tree that was tested, and says which change it is. What changes bring is read from beside the log.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Also check that the log extends this checkpoint (a file that `convoke checkpoint` wrote); with --proof, that it has the same root
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Check an export instead of the workspace's log; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "proof")]
    from: Option<PathBuf>,
    /// Check a proof (a file that `convoke prove` wrote), without the log
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// Also compare every receipt of the queue with the git repository
    #[arg(long, conflicts_with_all = ["from", "proof"])]
    git: bool,
}

impl Verify {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let against = self.against.as_deref().map(checkpoint).transpose()?;
        if let Some(file) = &self.proof {
            return check_proof(context, file, against);
        }
        if let Some(file) = &self.from {
            let mut progress = Progress::new(context.out);
            let input = BufReader::with_capacity(256 * 1024, open(file)?);
            let verified = convoke::verify_export(input, against, |done| progress.at(done))?;
            progress.end();
            return context.out.show(&Reply::Verified(verified), None);
        }
        if self.git {
            return with_git(context, against);
        }
        let workspace = context.workspace()?.clone();
        if connect_if_running(&workspace)?.is_none()
            && let Some(lock) = lock_to_read(&workspace)?
        {
            let verified = verify_closed(context.out, &workspace, against)?;
            drop(lock);
            let head = verified.checkpoint.head();
            return context.out.show(&Reply::Verified(verified), Some(head));
        }
        let (reply, head) = context.ask(Question::Verify(VerifyAsk { against }), None)?;
        context.out.show(&reply, Some(head))?;
        context.out.note(
            "note: the running daemon read its log, partly from memory; to check the files alone: convoke daemon stop, then verify",
        );
        Ok(())
    }
}

/// Verifies the log, and then what it says of changes.
fn with_git(context: &mut Context, against: Option<Checkpoint>) -> Result<(), Stop> {
    let (reply, head) = context.ask(Question::Verify(VerifyAsk { against }), None)?;
    let Reply::Verified(log) = reply else {
        return Err(Fault::new("bad_answer", "the answer is no verification").into());
    };
    let compared = git::compare(context)?;
    context.out.show(&Whole { log, git: compared }, Some(head))
}

/// A log that holds, and a repository that holds what it says.
#[derive(Serialize)]
struct Whole {
    log: Verified,
    git: git::Compared,
}

impl Show for Whole {
    fn show(&self, page: &mut Page) {
        self.log.show(page);
        self.git.show(page);
    }
}

/// The lock on a log that nobody has open; or why there is none, where nothing can be written and so nobody can alter the log.
/// `None` if another process has it open.
pub(super) fn lock_to_read(workspace: &Workspace) -> Result<Option<Result<Lock, Fault>>, Fault> {
    match Lock::try_take(workspace) {
        Err(fault) if disk::leaves_reading(&fault) => Ok(Some(Err(fault))),
        lock => Ok(lock?.map(Ok)),
    }
}

/// Verifies a log that nobody has open.
pub(super) fn verify_closed(
    out: Output,
    workspace: &Workspace,
    against: Option<Checkpoint>,
) -> Result<Verified, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::new("io", format!("the log cannot be read: {error}")))?;
    let mut progress = Progress::new(out);
    let progress = Box::new(move |done| progress.at(done));
    runtime.block_on(convoke::verify_closed(&workspace.folder(), against, progress))
}

fn checkpoint(file: &Path) -> Result<Checkpoint, Stop> {
    Checkpoint::from_json(&document(file)?).map_err(|error| bad_document(file, &error))
}

fn check_proof(context: &Context, file: &Path, against: Option<Checkpoint>) -> Result<(), Stop> {
    let proof = InclusionProof::from_json(&document(file)?).map_err(|error| bad_document(file, &error))?;
    proof.check().map_err(|error| Fault::new("proof_failed", format!("{}: {error}", shown(file))))?;
    if let Some(kept) = &against {
        compare(&proof, kept)?;
    }
    let payload = proof.payload().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    context.out.show(&Proven { proof, payload, against }, None)
}

/// Whether the proof's root is the one of a checkpoint that was kept elsewhere.
fn compare(proof: &InclusionProof, kept: &Checkpoint) -> Result<(), Stop> {
    let failed = |what: String| -> Stop { Fault::new("proof_failed", what).into() };
    if proof.log_id != kept.log_id {
        return Err(failed(format!("the proof is of log {}, the checkpoint of {}", proof.log_id, kept.log_id)));
    }
    if proof.size != kept.size {
        let what = format!(
            "the proof is of {} events and the checkpoint of {}; only equal sizes can be compared without the log: \
             convoke prove {} --as-of {} makes a proof that fits",
            proof.size, kept.size, proof.position, kept.size
        );
        return Err(Refusal::BadRequest(what).into());
    }
    if proof.root != kept.root {
        return Err(failed(format!("the proof's root is {}, the checkpoint's {}", proof.root, kept.root)));
    }
    Ok(())
}

/// A proof that holds.
#[derive(Serialize)]
struct Proven {
    proof: InclusionProof,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<Checkpoint>,
}

impl Show for Proven {
    fn show(&self, page: &mut Page) {
        page.line(format!(
            "the proof holds: event {} is in the log {} of {}",
            self.proof.position,
            self.proof.log_id,
            many(self.proof.size, "event")
        ));
        match &self.against {
            Some(kept) => page.line(format!("root {}, as in the checkpoint from {}", kept.root, page.when(kept.time))),
            None => {
                page.line(format!("root {}; compare it with --against a checkpoint that you trust", self.proof.root))
            }
        }
        match &self.payload {
            Some(payload) => page.quote(payload),
            None => page.line("its payload was erased"),
        }
    }
}

/// Says on a terminal how far a long reading has come.
pub(super) struct Progress {
    out: Output,
    next: Instant,
    shown: bool,
}

impl Progress {
    pub(super) fn new(out: Output) -> Self {
        Self { out, next: Instant::now() + Duration::from_secs(1), shown: false }
    }

    /// So many events were read.
    pub(super) fn at(&mut self, events: u64) {
        let now = Instant::now();
        if now >= self.next && std::io::stderr().is_terminal() {
            self.next = now + Duration::from_millis(200);
            self.shown = true;
            self.out.progress(&format!("{events} events"));
        }
    }

    /// Clears the line.
    pub(super) fn end(&mut self) {
        if std::mem::take(&mut self.shown) {
            self.out.progress("");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}
