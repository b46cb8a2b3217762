mod folder;

use std::{path::PathBuf, time::Duration};

use clap::Args;
use convoke::api::Fault;
use convoke_core::{
    command::{Command, Request},
    log::blob_hash,
    name::Key,
    refusal::Refusal,
};
use convoke_worker::request::ChangeRequest;
use serde::Serialize;

use self::folder::{Dropped, Folder, Look};
use super::intake::{Brought, Gate};
use crate::{
    context::Context,
    render::{Cell, Page, Show, Table, many},
    repository,
    settings::{QueueSettings, Settings},
    stop::Stop,
    workspace::Workspace,
};

/// Take in the change requests that are dropped into a folder, each once
///
/// Every file whose name ends in .json is a change request, handed in by the agent that it names. What was taken in moves to
/// DIR/taken, what was refused to DIR/rejected, with the reason beside it in a file that ends in .why. A file is taken when it is
/// whole: when it has stayed the same between two looks, and is JSON to its end. Best written beside its place (as a name that begins
/// with a dot, or ends in .tmp) and then renamed.
///
/// What is refused for a reason that lies with the machine and not with the file (no room, no repository) ends the command, and the
/// file stays. Where the same call may succeed later (the daemon is busy), it is tried again, unless --once was given.
#[derive(Debug, Args)]
pub(crate) struct WatchDir {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Take in what lies there now, and end
    #[arg(long)]
    once: bool,
}

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

impl WatchDir {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let workspace = context.workspace()?.clone();
        let mut folder = Folder::open(&self.folder)?;
        let mut trouble = None;
        loop {
            for name in folder.look()? {
                // One after another: a file may be large.
                let done = match folder.read(&name)? {
                    Look::Whole(dropped) => take(context, &workspace, &folder, &dropped),
                    Look::Broken(dropped, why) => reject(context, &folder, &dropped, vec![why]),
                    Look::Growing => Ok(()),
                };
                match done {
                    // The file stays, and is tried again at the next look.
                    Err(Stop::Fault(fault)) if fault.retryable && !self.once => {
                        if trouble.as_ref() != Some(&fault.message) {
                            context.out.note(&format!("note: {name} waits: {}", fault.message));
                        }
                        trouble = Some(fault.message);
                    }
                    done => done?,
                }
            }
            if self.once && folder.looks() > 1 {
                for name in folder.left() {
                    context.out.note(&format!("note: {name} is not whole yet and stays"));
                }
                return Ok(());
            }
            context.out.is_read()?;
            std::thread::sleep(PAUSE);
        }
    }
}

fn take(context: &mut Context, workspace: &Workspace, folder: &Folder, dropped: &Dropped) -> Result<(), Stop> {
    // Read anew for each, so that whoever changes them need not start this again.
    let settings = Settings::load(workspace)?.queue;
    match hand_in(context, workspace, &settings, dropped) {
        Ok((change, repeated)) => {
            folder.taken(dropped)?;
            let file = dropped.name.clone();
            context.out.item(&Taken { file, taken: true, change: Some(change), repeated, why: Vec::new() })
        }
        Err(No::File(faults)) => reject(context, folder, dropped, faults),
        Err(No::Fault(fault)) if is_about_the_file(&fault) => reject(context, folder, dropped, vec![fault.message]),
        Err(No::Fault(fault)) => Err(fault.into()),
    }
}

/// Why a file is not taken in.
enum No {
    /// Every fault of it.
    File(Vec<String>),
    /// Something else.
    Fault(Fault),
}

impl<F: Into<Fault>> From<F> for No {
    fn from(fault: F) -> Self {
        Self::Fault(fault.into())
    }
}

/// Hands a file's request in under a key that follows from the file: after a crash before it was moved away, the same file is the
/// same request.
fn hand_in(
    context: &mut Context,
    workspace: &Workspace,
    settings: &QueueSettings,
    dropped: &Dropped,
) -> Result<(String, bool), No> {
    // First of all: patches are read by git, and without it nothing can be said of them.
    let repository = repository::open(settings, workspace)?;
    let gate = Gate { settings, workspace };
    let (request, checked) = ChangeRequest::parse(&dropped.bytes).map_err(|malformed| {
        let more = gate.faults_of_malformed(&malformed);
        No::File([malformed.faults, more].concat())
    })?;
    let (brought, actor) = Brought::of_request(request, checked);
    let command = gate.admit(context, &repository, &actor, brought)?;
    let named = [dropped.name.as_bytes(), b"\0", &dropped.bytes].concat();
    let key = Key::parse(&format!("dropped-{}", &blob_hash(&named).to_string()[..40])).map_err(Refusal::BadName)?;
    let request = Request { actor, key: Some(key), expect_head: None, command: Command::SubmitChange(command) };
    let answer = context.session()?.command(&request)?;
    let submitted = answer.events.iter().find(|event| event.kind == "change.submitted");
    Ok((submitted.map_or_else(String::new, |event| event.id.short()), answer.repeated))
}

fn reject(context: &mut Context, folder: &Folder, dropped: &Dropped, why: Vec<String>) -> Result<(), Stop> {
    folder.rejected(dropped, &why.join("\n"))?;
    context.out.item(&Taken { file: dropped.name.clone(), taken: false, change: None, repeated: false, why })
}

/// Whether a fault would come again with the same file anywhere: then it is the file that is put aside.
fn is_about_the_file(fault: &Fault) -> bool {
    const CODES: [&str; 12] = [
        "invalid_change",
        "check_not_allowed",
        "protected_branch",
        "no_branch",
        "bad_request",
        "bad_name",
        "name_looks_like_an_id",
        "reserved_name",
        "not_a_member",
        "did_you_mean",
        "over_limit",
        "key_reused",
    ];
    CODES.contains(&fault.code.as_str())
}

/// What became of a file.
#[derive(Serialize)]
struct Taken {
    file: String,
    taken: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<String>,
    /// The same change was handed in before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    repeated: bool,
    /// Every fault of one that was not taken in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    why: Vec<String>,
}

impl Show for Taken {
    fn show(&self, page: &mut Page) {
        let mut table = Table::new();
        let word = if self.taken { Cell::good("taken") } else { Cell::bad("rejected") };
        let said = match self.why.as_slice() {
            [] if self.repeated => "handed in before".to_owned(),
            [] => String::new(),
            [why] => why.clone(),
            [why, more @ ..] => format!("{why}, and {}", many(more.len() as u64, "more fault")),
        };
        table.row([Cell::id(self.change.as_deref().unwrap_or("-")), word, Cell::text(&self.file), Cell::whole(said)]);
        page.table(table);
    }
}
