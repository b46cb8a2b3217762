//! The commands: one file each. A command's doc comment is its help; its work is one call of the engine.

mod ack;
mod actor;
mod batch;
mod campaign;
mod checkpoint;
mod clock;
mod completions;
mod confirm;
mod daemon;
mod decline;
mod defer;
mod demo;
mod doctor;
mod explain;
mod export;
mod extend;
mod files;
mod history;
mod hold;
mod import;
mod inbox;
mod init;
mod list;
mod log;
mod man;
mod nack;
mod prove;
mod queue;
mod recv;
mod redrive;
mod replay;
mod reschedule;
mod resume;
mod schedule;
mod scrub;
mod send;
mod show;
mod status;
mod thread;
mod tick;
mod trace;
mod verify;
mod wait;

use std::process::ExitCode;

use clap::Subcommand;

use crate::{args::Cli, context::Context, output::exit_code, stop::Stop};

/// What can be asked of the program.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(demo::Demo),
    Init(init::Init),
    Status(status::Status),
    Doctor(doctor::Doctor),
    Schedule(schedule::Schedule),
    List(list::List),
    Confirm(confirm::Confirm),
    Decline(decline::Decline),
    Defer(defer::Defer),
    Hold(hold::Hold),
    Resume(resume::Resume),
    Reschedule(reschedule::Reschedule),
    Scrub(scrub::Scrub),
    Tick(tick::Tick),
    #[command(subcommand)]
    Campaign(campaign::Campaign),
    Send(send::Send),
    Inbox(inbox::Inbox),
    Recv(recv::Recv),
    Ack(ack::Ack),
    Nack(nack::Nack),
    Extend(extend::Extend),
    Redrive(redrive::Redrive),
    Thread(thread::Thread),
    Wait(wait::Wait),
    #[command(subcommand)]
    Queue(queue::Queue),
    #[command(subcommand)]
    Actor(actor::Actor),
    Log(log::Log),
    Show(show::Show),
    History(history::History),
    Verify(verify::Verify),
    Replay(replay::Replay),
    Prove(prove::Prove),
    Checkpoint(checkpoint::Checkpoint),
    Export(export::Export),
    Import(import::Import),
    Trace(trace::Trace),
    Batch(batch::Batch),
    #[command(subcommand)]
    Clock(clock::Clock),
    #[command(subcommand)]
    Daemon(daemon::Daemon),
    Explain(explain::Explain),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Runs a command, reports what went wrong, and says with which code the process ends.
pub(crate) fn run(cli: Cli) -> ExitCode {
    let mut context = Context::new(cli.global);
    let done = cli.command.run(&mut context);
    let closed = context.close().map_err(Stop::from);
    match done.and(closed) {
        Ok(()) | Err(Stop::OutputClosed) => ExitCode::SUCCESS,
        Err(Stop::Reported(exit)) => exit_code(exit),
        Err(Stop::NotShown(fault)) => {
            let fault = context.not_shown(fault);
            context.out.fault(&fault);
            exit_code(fault.exit())
        }
        Err(Stop::Fault(fault)) => {
            context.out.fault(&fault);
            exit_code(fault.exit())
        }
    }
}

impl Command {
    fn run(self, context: &mut Context) -> Result<(), Stop> {
        match self {
            Self::Demo(command) => command.run(context),
            Self::Init(command) => command.run(context),
            Self::Status(command) => command.run(context),
            Self::Doctor(command) => command.run(context),
            Self::Schedule(command) => command.run(context),
            Self::List(command) => command.run(context),
            Self::Confirm(command) => command.run(context),
            Self::Decline(command) => command.run(context),
            Self::Defer(command) => command.run(context),
            Self::Hold(command) => command.run(context),
            Self::Resume(command) => command.run(context),
            Self::Reschedule(command) => command.run(context),
            Self::Scrub(command) => command.run(context),
            Self::Tick(command) => command.run(context),
            Self::Campaign(command) => command.run(context),
            Self::Send(command) => command.run(context),
            Self::Inbox(command) => command.run(context),
            Self::Recv(command) => command.run(context),
            Self::Ack(command) => command.run(context),
            Self::Nack(command) => command.run(context),
            Self::Extend(command) => command.run(context),
            Self::Redrive(command) => command.run(context),
            Self::Thread(command) => command.run(context),
            Self::Wait(command) => command.run(context),
            Self::Queue(command) => command.run(context),
            Self::Actor(command) => command.run(context),
            Self::Log(command) => command.run(context),
            Self::Show(command) => command.run(context),
            Self::History(command) => command.run(context),
            Self::Verify(command) => command.run(context),
            Self::Replay(command) => command.run(context),
            Self::Prove(command) => command.run(context),
            Self::Checkpoint(command) => command.run(context),
            Self::Export(command) => command.run(context),
            Self::Import(command) => command.run(context),
            Self::Trace(command) => command.run(context),
            Self::Batch(command) => command.run(context),
            Self::Clock(command) => command.run(context),
            Self::Daemon(command) => command.run(context),
            Self::Explain(command) => command.run(context),
            Self::Completions(command) => command.run(context),
            Self::Man(command) => command.run(context),
        }
    }
}
