use std::time::Duration;

use clap::Args;
use convoke::api::Fault;
use serde::Serialize;

use crate::{
    context::Context,
    daemon::wait_for_end,
    render::{Page, Show},
    session::{daemon_process, stop_daemon},
    stop::Stop as Ended,
    workspace::Workspace,
};

/// Stop the daemon in good order: what it was given is done, then the log is closed
///
/// The next command starts a new one; so does one that is waiting.
#[derive(Debug, Args)]
pub(crate) struct Stop {
    /// Kill it if it does not answer or does not end; what was acknowledged is safe
    #[arg(long)]
    force: bool,
}

const WAIT: Duration = Duration::from_secs(30);
/// With --force: it is killed after so long.
const SHORT_WAIT: Duration = Duration::from_secs(5);

impl Stop {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Ended> {
        let workspace = context.workspace()?;
        let process = if self.force { daemon_process(workspace)? } else { None };
        let stopped = match (self.in_good_order(workspace), process) {
            (Err(fault), Some(pid)) if matches!(fault.code.as_str(), "daemon_unreachable" | "daemon_busy") => {
                kill(workspace, pid)?;
                Stopped { stopped: Some(pid), killed: true }
            }
            (stopped, _) => Stopped { stopped: stopped?, killed: false },
        };
        context.out.show(&stopped, None)
    }

    fn in_good_order(&self, workspace: &Workspace) -> Result<Option<u32>, Fault> {
        let wait = if self.force { SHORT_WAIT } else { WAIT };
        let stopped = stop_daemon(workspace)?.map(|reply| reply.pid);
        if let Some(pid) = stopped
            && !wait_for_end(workspace, pid, wait)?
        {
            let what = format!("the daemon (process {pid}) has not ended within {} s", wait.as_secs());
            let hint = "Wait, or let convoke daemon stop --force kill it; what was acknowledged is safe.".to_owned();
            return Err(Fault { hint, ..Fault::new("daemon_busy", what) });
        }
        Ok(stopped)
    }
}

/// Ends the process that listens on the workspace's socket.
fn kill(workspace: &Workspace, pid: u32) -> Result<(), Fault> {
    use rustix::process::{Pid, Signal, kill_process};
    let failed =
        |why: &str| Fault::new("daemon_unreachable", format!("the daemon (process {pid}) cannot be killed: {why}"));
    let process = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(|| failed("that is no process"))?;
    kill_process(process, Signal::KILL).map_err(|error| failed(&std::io::Error::from(error).to_string()))?;
    match wait_for_end(workspace, pid, SHORT_WAIT)? {
        true => Ok(()),
        false => Err(failed("it is still there")),
    }
}

#[derive(Serialize)]
struct Stopped {
    stopped: Option<u32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    killed: bool,
}

impl Show for Stopped {
    fn show(&self, page: &mut Page) {
        match self.stopped {
            Some(pid) if self.killed => {
                page.line(format!("the daemon (process {pid}) did not end by itself and was killed"))
            }
            Some(pid) => page.line(format!("the daemon (process {pid}) has stopped")),
            None => page.line("the daemon does not run"),
        }
    }
}
