use clap::Args;
use convoke::api::Fault;
use serde::Serialize;

use crate::{
    context::Context,
    daemon::{LOG_FILE, last_lines},
    render::{Page, Show, clean},
    stop::Stop,
};

/// Show what happened to the daemon: its last lines of `.convoke/daemon.log`
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// How many lines
    #[arg(long, value_name = "N", default_value_t = 20)]
    lines: usize,
}

impl Logs {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let workspace = context.workspace()?;
        let lines = last_lines(workspace, self.lines).map_err(|error| {
            Fault::new("io", format!("{} cannot be read: {error}", workspace.file(LOG_FILE).display()))
        })?;
        context.out.show(&Lines { lines }, None)
    }
}

#[derive(Serialize)]
struct Lines {
    lines: Vec<String>,
}

impl Show for Lines {
    fn show(&self, page: &mut Page) {
        for line in &self.lines {
            page.line(clean(line));
        }
    }
}
