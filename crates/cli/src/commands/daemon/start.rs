use clap::Args;

use super::status::Running;
use crate::{
    context::Context,
    daemon::{Patience, connect},
    session::daemon_info,
    stop::Stop,
};

/// Start the daemon, if it does not run
#[derive(Debug, Args)]
pub(crate) struct Start {}

impl Start {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let workspace = context.workspace()?;
        drop(connect(workspace, Patience::new())?);
        let (daemon, head) = daemon_info(workspace)?.unzip();
        context.out.show(&Running { daemon }, head.flatten())
    }
}
