use clap::Args;
use convoke::api::Fault;
use convoke_core::{
    command::{Command, ReceiveMessages},
    name::ActorName,
    time::Span,
};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Take messages out of a mailbox, under a lease
///
/// Each comes with a token for `ack`, `nack` and `extend`. If its lease ends before the acknowledgement, the message is back in the
/// mailbox: none is lost when a receiver dies. Any command of the holder that writes an event
/// extends its leases.
///
/// Exit code 8 says that there is nothing, 7 that a --wait ran out.
#[derive(Debug, Args)]
pub(crate) struct Recv {
    /// Whose mailbox [default: who acts]
    #[arg(long, value_name = "ACTOR")]
    mailbox: Option<ActorName>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 1)]
    max: u32,
    /// How long the lease is [default: 30m]
    #[arg(long, value_name = "DURATION", value_parser = Span::parse)]
    lease: Option<Span>,
    /// Acknowledge while handing out: delivered at most once, and lost if the receiver dies
    #[arg(long)]
    ack: bool,
    /// Wait until there is something
    #[arg(long)]
    wait: bool,
    /// How long --wait waits [default: 10m]
    #[arg(long, value_name = "DURATION", requires = "wait", value_parser = Span::parse)]
    timeout: Option<Span>,
    #[command(flatten)]
    mutation: Mutation,
}

/// How long a wait lasts if it is not said.
pub(super) const TIMEOUT: Span = Span::from_ms_capped(10 * 60 * 1000);

impl Recv {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let actor = context.actor()?;
        let mailbox = self.mailbox.as_ref().unwrap_or(&actor).clone();
        let command =
            ReceiveMessages { mailbox: self.mailbox, max: Some(self.max), lease_ms: self.lease, ack: self.ack };
        let request = context.request(actor, &self.mutation, Command::ReceiveMessages(command))?;
        let answer = if self.wait {
            context.needs_daemon("--wait")?;
            context.session()?.receive(&request, self.timeout.unwrap_or(TIMEOUT))?
        } else {
            context.session()?.command(&request)?
        };
        context.note_done(&request);
        if answer.messages.is_empty() {
            let hint = "Wait for it: convoke recv --wait.".to_owned();
            let nothing = Fault::new("nothing_there", format!("there is nothing to take for {mailbox}"));
            return Err(Fault { hint, ..nothing }.into());
        }
        context.out.show(&answer, Some(answer.head))
    }
}
