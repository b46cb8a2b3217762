use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::Args;
use convoke::api::{Answer, Fault};
use convoke_core::{command::Command, refusal::Refusal};
use convoke_worker::request::{ChangeRequest, of_diff};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    super::files::{json, open, shown},
    intake::{Brings, Brought, Gate},
};
use crate::{
    args::{Mutation, Priority},
    context::Context,
    render::{Page, Show},
    repository,
    settings::Settings,
    stop::Stop,
};

/// The most that a request or a patch may have: what changes it may bring, and as much again for how they are written down.
pub(super) const REQUEST_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Hand in a change: a patch, a branch or commit of the repository, or a change request in a file
///
/// A worker lands it: builds it on the target's tip, runs the checks, and moves the branch to exactly the tree that was tested. The
/// same change of the same task is taken in once: while the first one lives, handing it in again answers with that one.
///
/// `convoke queue schema` describes change requests, `convoke queue validate` checks one.
#[derive(Debug, Args)]
pub(crate) struct Submit {
    #[command(flatten)]
    handed_in: HandedIn,
}

/// Hand in a change that takes the place of one of yours
///
/// Both happen at once: the old one ends, and no worker lands it any more. Only a change whose landing has begun can no longer be
/// replaced.
#[derive(Debug, Args)]
pub(crate) struct Supersede {
    /// The change that it takes the place of
    #[arg(value_name = "ID")]
    change: String,
    #[command(flatten)]
    handed_in: HandedIn,
}

impl Submit {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        self.handed_in.submit(context, None)
    }
}

impl Supersede {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        self.handed_in.submit(context, Some(self.change))
    }
}

/// A change, as options say it.
#[derive(Debug, Args)]
struct HandedIn {
    #[command(flatten)]
    what: What,
    /// The task that it belongs to [default: the branch's name]
    #[arg(long, value_name = "NAME", conflicts_with = "request")]
    task: Option<String>,
    /// The branch that it is to land on [default: the configured one]
    #[arg(long, value_name = "BRANCH")]
    target: Option<String>,
    /// How urgent it is [default: what the request says, or normal]
    #[arg(long, value_enum)]
    priority: Option<Priority>,
    /// A command that must pass, besides the configured ones; the settings say which are allowed; may be given several times
    #[arg(long = "check", value_name = "CMD")]
    checks: Vec<String>,
    /// What it is for, in a sentence
    #[arg(long, value_name = "TEXT", conflicts_with = "request")]
    intent: Option<String>,
    /// How complex it is, from 1 to 10: rules for approval may ask
    #[arg(long, value_name = "N", conflicts_with = "request", value_parser = clap::value_parser!(u8).range(1..=10))]
    complexity: Option<u8>,
    /// What else is to be known of it
    #[arg(long, value_name = "JSON", conflicts_with = "request")]
    meta: Option<String>,
    #[command(flatten)]
    mutation: Mutation,
}

/// What it changes: one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// A change request (JSON); - reads standard input
    #[arg(value_name = "FILE")]
    request: Option<PathBuf>,
    /// A unified diff; - reads standard input
    #[arg(long, value_name = "FILE")]
    patch: Option<PathBuf>,
    /// A branch of the repository: what it changed since it left the target
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// A commit of the repository: what it and those before it changed since they left the target
    #[arg(long, value_name = "REV")]
    commit: Option<String>,
}

impl HandedIn {
    fn submit(self, context: &mut Context, supersedes: Option<String>) -> Result<(), Stop> {
        let workspace = context.workspace()?.clone();
        let settings = Settings::load(&workspace)?.queue;
        // First of all: patches are read by git, and without it nothing can be said of them.
        let repository = repository::open(&settings, &workspace)?;
        let (mut brought, agent) = match &self.what.request {
            Some(file) => {
                let (request, checked) = read_request(&read(file)?, file)?;
                let (brought, agent) = Brought::of_request(request, checked);
                (brought, Some(agent))
            }
            None => (self.brought()?, None),
        };
        brought.target = self.target.or(brought.target);
        brought.priority = self.priority.map_or(brought.priority, Into::into);
        brought.checks.extend(self.checks);
        brought.supersedes = supersedes;
        let actor = context.actor_or(agent.as_ref())?;
        if let Some(named) = agent.filter(|agent| *agent != actor) {
            return Err(Refusal::NotYou { acting: actor, named }.into());
        }
        let gate = Gate { settings: &settings, workspace: &workspace };
        let command = gate.admit(context, &repository, &actor, brought)?;
        let answer = context.command(actor, &self.mutation, Command::SubmitChange(command))?;
        let head = answer.head;
        context.out.show(&Submitted(answer), Some(head))
    }

    fn brought(&self) -> Result<Brought, Stop> {
        let task = self.task.clone().or_else(|| self.what.branch.clone()).ok_or_else(|| {
            let hint = "Name it: convoke queue submit --task NAME ….".to_owned();
            Fault { hint, ..Fault::new("usage", "--task is missing: a patch or a commit does not name its task") }
        })?;
        let brings = match (&self.what.patch, &self.what.branch, &self.what.commit) {
            (Some(file), ..) => patch(file)?,
            (_, Some(branch), _) => Brings::Revision(format!("refs/heads/{branch}")),
            (_, _, Some(revision)) => Brings::Revision(revision.clone()),
            _ => return Err(Fault::new("usage", "nothing is handed in").into()),
        };
        Ok(Brought {
            task,
            target: None,
            priority: convoke_core::priority::Priority::default(),
            checks: Vec::new(),
            metadata: self.metadata()?,
            supersedes: None,
            brings,
        })
    }

    fn metadata(&self) -> Result<Option<Value>, Stop> {
        let mut members = match self.meta.as_deref().map(|text| json("--meta", text)).transpose()? {
            None => Map::new(),
            Some(Value::Object(members)) => members,
            Some(_) => return Err(Refusal::BadRequest("--meta is not a JSON object".to_owned()).into()),
        };
        members.extend(self.intent.clone().map(|intent| ("intent".to_owned(), intent.into())));
        members.extend(self.complexity.map(|complexity| ("complexity".to_owned(), complexity.into())));
        Ok((!members.is_empty()).then_some(Value::Object(members)))
    }
}

fn patch(file: &Path) -> Result<Brings, Stop> {
    let invalid = |faults| Stop::from(Refusal::InvalidChange { faults });
    let text = String::from_utf8(read(file)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        invalid(vec![format!("the patch is not UTF-8 at byte {at}; hand such a change in as a branch: --branch")])
    })?;
    let (paths, content) = of_diff(&text).map_err(invalid)?;
    Ok(Brings::Operations { paths: paths.iter().map(ToString::to_string).collect(), content })
}

/// A file that is handed in; `-` is standard input.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, Stop> {
    let mut bytes = Vec::new();
    open(file)?
        .take(REQUEST_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Fault::new("io", format!("{} cannot be read: {error}", shown(file))))?;
    if bytes.len() as u64 > REQUEST_BYTES_MAX {
        let what = format!("{} has more than {REQUEST_BYTES_MAX} bytes, which is the limit", shown(file));
        let hint = "Hand it in as a branch: convoke queue submit --branch NAME.".to_owned();
        return Err(Fault { hint, ..Fault::new("over_limit", what) }.into());
    }
    Ok(bytes)
}

fn read_request(bytes: &[u8], file: &Path) -> Result<(ChangeRequest, convoke_worker::request::Checked), Stop> {
    ChangeRequest::parse(bytes).map_err(|malformed| {
        let refusal = Fault::from(Refusal::InvalidChange { faults: malformed.faults });
        Fault { message: format!("{}: {}", shown(file), refusal.message), ..refusal }.into()
    })
}

/// What became of a change that was handed in.
#[derive(Serialize)]
#[serde(transparent)]
struct Submitted(Answer);

impl Show for Submitted {
    fn show(&self, page: &mut Page) {
        if self.0.repeated {
            page.tell_again();
            page.line("the same change was handed in before, and nothing is added:");
        }
        Answer { repeated: false, ..self.0.clone() }.show(page);
    }
}
