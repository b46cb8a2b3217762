mod approve;
mod build;
mod cancel;
mod cleanup;
mod complete;
mod dead;
mod fail;
mod give_back;
mod heartbeat;
mod intake;
mod lease;
mod list;
mod metrics;
mod pause;
mod reject;
mod requeue;
mod resume;
mod schema;
mod show;
mod submit;
mod validate;
mod watch_dir;
mod worker;

use clap::Subcommand;

use crate::{context::Context, stop::Stop};

/// Changes on their way to a git branch
#[derive(Debug, Subcommand)]
pub(crate) enum Queue {
    Submit(submit::Submit),
    Supersede(submit::Supersede),
    List(list::List),
    Show(show::Show),
    Approve(approve::Approve),
    Reject(reject::Reject),
    Cancel(cancel::Cancel),
    Dead(dead::Dead),
    Requeue(requeue::Requeue),
    Pause(pause::Pause),
    Resume(resume::Resume),
    Metrics(metrics::Metrics),
    Worker(worker::Worker),
    Lease(lease::Lease),
    Build(build::Build),
    Heartbeat(heartbeat::Heartbeat),
    Complete(complete::Complete),
    Fail(fail::Fail),
    Return(give_back::Return),
    Cleanup(cleanup::Cleanup),
    Validate(validate::Validate),
    Schema(schema::Schema),
    WatchDir(watch_dir::WatchDir),
}

impl Queue {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        match self {
            Self::Submit(command) => command.run(context),
            Self::Supersede(command) => command.run(context),
            Self::List(command) => command.run(context),
            Self::Show(command) => command.run(context),
            Self::Approve(command) => command.run(context),
            Self::Reject(command) => command.run(context),
            Self::Cancel(command) => command.run(context),
            Self::Dead(command) => command.run(context),
            Self::Requeue(command) => command.run(context),
            Self::Pause(command) => command.run(context),
            Self::Resume(command) => command.run(context),
            Self::Metrics(command) => command.run(context),
            Self::Worker(command) => command.run(context),
            Self::Lease(command) => command.run(context),
            Self::Build(command) => command.run(context),
            Self::Heartbeat(command) => command.run(context),
            Self::Complete(command) => command.run(context),
            Self::Fail(command) => command.run(context),
            Self::Return(command) => command.run(context),
            Self::Cleanup(command) => command.run(context),
            Self::Validate(command) => command.run(context),
            Self::Schema(command) => command.run(context),
            Self::WatchDir(command) => command.run(context),
        }
    }
}
