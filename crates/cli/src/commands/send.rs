use clap::Args;
use convoke::api::Fault;
use convoke_core::{
    command::{Command, SendMessage},
    limits,
    name::{ActorName, NameError},
};

use super::files::{json, standard_input};
use crate::{
    args::{Mutation, Priority},
    context::Context,
    stop::Stop,
};

/// Send a message
///
/// It lies in the recipient's mailbox until somebody takes and acknowledges it. `supervisor` reaches the workspace's organizer, `all`
/// everybody but the sender.
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// To whom: names, separated by commas
    #[arg(value_parser = Recipients::parse)]
    to: Recipients,
    /// The text; - reads it from standard input
    text: String,
    /// What belongs to no option and is too much
    #[arg(hide = true)]
    more: Vec<String>,
    /// A line that says what it is about
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// task, query, info, ack or any other word [default: info]
    #[arg(long, value_name = "WORD")]
    kind: Option<String>,
    /// How urgent it is
    #[arg(long, value_enum, default_value = "normal", hide_possible_values = false)]
    priority: Priority,
    /// The message that it answers
    #[arg(long, value_name = "ID")]
    reply_to: Option<String>,
    /// Something that it refers to: a hash, an id, a path; may be given several times
    #[arg(long = "ref", value_name = "HASH")]
    references: Vec<String>,
    /// Data for programs
    #[arg(long, value_name = "JSON")]
    data: Option<String>,
    /// Register recipients although very similar names are known
    #[arg(long)]
    create: bool,
    #[command(flatten)]
    mutation: Mutation,
}

/// Names, separated by commas, as one argument: what comes after it is the text, wherever options stand.
#[derive(Debug, Clone)]
struct Recipients(Vec<ActorName>);

impl Recipients {
    fn parse(text: &str) -> Result<Self, NameError> {
        text.split(',').map(ActorName::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl Send {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        if let Some(word) = self.more.first() {
            let what =
                format!("after the text comes {word:?}; the text is one argument, and several recipients are one");
            let hint = "quote the text: convoke send alice,bob \"please review this\"".to_owned();
            return Err(Fault { hint, ..Fault::new("usage", what) }.into());
        }
        let actor = context.actor()?;
        let body = match self.text.as_str() {
            "-" => standard_input("a message's text", limits::MESSAGE_BODY_BYTES_MAX)?,
            _ => self.text,
        };
        let command = SendMessage {
            to: self.to.0,
            body,
            subject: self.subject,
            kind: self.kind,
            priority: self.priority.into(),
            in_reply_to: self.reply_to,
            references: self.references,
            data: self.data.map(|text| json("--data", &text)).transpose()?,
            create: self.create,
        };
        context.act(actor, &self.mutation, Command::SendMessage(command))
    }
}
