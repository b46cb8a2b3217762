use clap::{Args, ValueEnum};
use convoke_core::{
    actors::events::ActorKind,
    command::{AddActor, Command},
    name::ActorName,
};

use crate::{args::Mutation, context::Context, stop::Stop};

/// Register an actor, or correct its kind
///
/// While membership is open this is not needed: a new name is registered, as an agent, when it is first mentioned.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The name: a-z 0-9 . _ -
    name: ActorName,
    /// A person or a program
    #[arg(long, value_enum, default_value = "agent")]
    kind: Kind,
    /// Although a very similar name is known
    #[arg(long)]
    create: bool,
    #[command(flatten)]
    mutation: Mutation,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Human,
    Agent,
}

impl Add {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let kind = match self.kind {
            Kind::Human => ActorKind::Human,
            Kind::Agent => ActorKind::Agent,
        };
        let command = Command::AddActor(AddActor { name: self.name, kind, create: self.create });
        let actor = context.actor()?;
        let answer = context.command(actor.clone(), &self.mutation, command)?;
        context.out.show(&answer, Some(answer.head))?;
        // Who counts as a human matters.
        let is_corrected = answer.events.iter().any(|event| event.kind == "actor.kind_changed");
        if is_corrected || kind == ActorKind::Human {
            context.note_claim(&actor);
        }
        Ok(())
    }
}
