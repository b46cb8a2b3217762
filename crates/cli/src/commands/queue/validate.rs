use std::path::PathBuf;

use clap::Args;
use convoke::api::Fault;
use convoke_worker::request::ChangeRequest;
use serde::Serialize;

use super::{
    super::files::shown,
    intake::{Brought, Gate},
    submit::read,
};
use crate::{
    context::Context,
    render::{Cell, Page, Show, Table, many},
    repository,
    settings::Settings,
    stop::Stop,
};

/// Check a change request, and list every fault
///
/// In a workspace its settings are asked too: which branches are protected, and which checks are allowed. Exit code 1 says that there
/// are faults. Whether it applies to its branch is seen when it lands.
#[derive(Debug, Args)]
pub(crate) struct Validate {
    /// The change request (JSON); - reads standard input
    #[arg(value_name = "FILE")]
    request: PathBuf,
}

impl Validate {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        repository::git_is_there()?;
        let parsed = ChangeRequest::parse(&read(&self.request)?);
        let file = shown(&self.request);
        let workspace = match context.workspace() {
            Ok(workspace) => Some((workspace, Settings::load(workspace)?.queue)),
            Err(fault) if fault.code == "no_workspace" => None,
            Err(fault) => return Err(fault.into()),
        };
        let gate = workspace.as_ref().map(|(workspace, settings)| Gate { settings, workspace });
        let found = match parsed {
            Err(malformed) => {
                let more = gate.map(|gate| gate.faults_of_malformed(&malformed)).unwrap_or_default();
                Found { file, request: None, faults: [malformed.faults, more].concat() }
            }
            Ok((request, checked)) => {
                let files = checked.paths.len() as u64;
                let (brought, agent) = Brought::of_request(request, checked);
                let faults = gate.map(|gate| gate.faults(&agent, &brought)).unwrap_or_default();
                Found { file, request: Some(Gist { task: brought.task, agent: agent.to_string(), files }), faults }
            }
        };
        match found.faults.len() {
            0 => context.out.show(&found, None),
            count => {
                let what = format!("{} has {}", found.file, many(count as u64, "fault"));
                let hint = "Correct them all; convoke queue schema describes change requests.".to_owned();
                context.out.show_ill(&found, Fault { hint, ..Fault::new("invalid_change", what) })
            }
        }
    }
}

/// What was found.
#[derive(Serialize)]
struct Found {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Gist>,
    faults: Vec<String>,
}

#[derive(Serialize)]
struct Gist {
    task: String,
    agent: String,
    files: u64,
}

impl Show for Found {
    fn show(&self, page: &mut Page) {
        let mut table = Table::new();
        for fault in &self.faults {
            table.row([Cell::bad("fault"), Cell::whole(fault)]);
        }
        if let (Some(request), true) = (&self.request, self.faults.is_empty()) {
            let what = format!("{} by {}: {}", request.task, request.agent, many(request.files, "file"));
            table.row([Cell::good("ok"), Cell::whole(what)]);
        }
        page.table(table);
    }
}
