use std::time::Duration;

use clap::Args;
use convoke::api::Fault;
use serde::Serialize;

use crate::{
    context::Context,
    daemon::wait_for_end,
    render::{Page, Show},
    session::stop_daemon,
    stop::Stop as Ended,
};

/// Stop the daemon in good order: what it was given is done, then the log is closed
///
/// The next command starts a new one; so does one that is waiting.
#[derive(Debug, Args)]
pub(crate) struct Stop {}

const WAIT: Duration = Duration::from_secs(30);

impl Stop {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Ended> {
        let workspace = context.workspace()?;
        let stopped = stop_daemon(workspace)?.map(|reply| reply.pid);
        if let Some(pid) = stopped
            && !wait_for_end(workspace, pid, WAIT)?
        {
            let what = format!("the daemon (process {pid}) has not ended within {} s", WAIT.as_secs());
            return Err(Fault::new("daemon_busy", what).into());
        }
        context.out.show(&Stopped { stopped }, None)
    }
}

#[derive(Serialize)]
struct Stopped {
    stopped: Option<u32>,
}

impl Show for Stopped {
    fn show(&self, page: &mut Page) {
        match self.stopped {
            Some(pid) => page.line(format!("the daemon (process {pid}) has stopped")),
            None => page.line("the daemon does not run"),
        }
    }
}
