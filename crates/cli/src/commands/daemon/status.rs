use clap::Args;
use convoke_core::time::Span;
use serde::Serialize;

use crate::{
    context::Context,
    daemon::DaemonInfo,
    render::{Page, Show, length, many},
    session::daemon_info,
    stop::Stop,
};

/// Say whether the daemon runs; this does not start it
#[derive(Debug, Args)]
pub(crate) struct Status {}

impl Status {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let (daemon, head) = daemon_info(context.workspace()?)?.unzip();
        context.out.show(&Running { daemon }, head.flatten())
    }
}

/// The daemon, if it runs.
#[derive(Serialize)]
pub(super) struct Running {
    pub(super) daemon: Option<DaemonInfo>,
}

impl Show for Running {
    fn show(&self, page: &mut Page) {
        match &self.daemon {
            None => page.line("the daemon does not run; the next command starts it"),
            Some(DaemonInfo { pid, version, uptime_ms, requests }) => page.line(format!(
                "the daemon runs: process {pid}, version {version}, up {}, {}",
                length(Span::from_ms_capped(*uptime_ms)),
                many(*requests, "request")
            )),
        }
    }
}
