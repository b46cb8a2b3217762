use clap::Args;
use convoke::api::Fault;
use convoke_core::{
    command::{Command, RedriveMessage},
    id::IdReference,
    name::ActorName,
};
use convoke_projections::{
    Query, View,
    query::{DeadLettersQuery, LIMIT_MAX},
    view::DeliveryLine,
};

use crate::{
    args::{Look, Mutation},
    context::Context,
    stop::Stop,
};

/// Send a dead letter once more, as a new message that refers to it
///
/// `convoke inbox --dead` lists them.
#[derive(Debug, Args)]
pub(crate) struct Redrive {
    /// The dead letter
    #[arg(value_name = "ID")]
    message: String,
    /// In whose mailbox it died [default: who acts]
    #[arg(long, value_name = "ACTOR")]
    mailbox: Option<ActorName>,
    #[command(flatten)]
    mutation: Mutation,
}

impl Redrive {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let named = self.mailbox.is_some();
        let command = RedriveMessage { message: self.message.clone(), mailbox: self.mailbox };
        match context.act(context.actor()?, &self.mutation, Command::RedriveMessage(command)) {
            Err(Stop::Fault(fault)) if !named && ["not_found", "not_dead"].contains(&fault.code.as_str()) => {
                Err(elsewhere(context, &self.message, fault).into())
            }
            done => done,
        }
    }
}

/// The fault with a better hint, if the dead letter lies in the mailbox of somebody else.
fn elsewhere(context: &mut Context, message: &str, fault: Fault) -> Fault {
    let query = DeadLettersQuery { mailbox: None, redriven: false, limit: Some(LIMIT_MAX) };
    let found = context.view(Look::default(), Query::DeadLetters(query));
    let (Some(wanted), Ok((View::DeadLetters(dead), _))) = (IdReference::parse(message), found) else { return fault };
    let is_meant = |line: &&DeliveryLine| wanted.matches(line.message.into());
    let mailboxes: Vec<_> = dead.messages.iter().filter(is_meant).map(|line| line.mailbox.as_str()).collect();
    match mailboxes.first() {
        Some(first) => {
            let how = if *first == ActorName::SUPERVISOR { "--mailbox" } else { "--as" };
            let hint = format!(
                "It is a dead letter in the mailbox of {}, and for whose mailbox it is to send again: convoke redrive {message} {how} {first}.",
                mailboxes.join(", ")
            );
            Fault { hint, ..fault }
        }
        None => fault,
    }
}
