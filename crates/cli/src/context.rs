//! What a command needs to do its work: who acts, where, and how to answer.

use std::{cell::OnceCell, io::IsTerminal as _};

use convoke::api::{Answer, AsOf, Ask, Fault, Question, Reply};
use convoke_core::{
    command::{Command, Request},
    id,
    log::Head,
    name::{ActorName, Key},
    refusal::Refusal,
};
use convoke_projections::{Query, View, query::ActorQuery};
use rand::{TryRng as _, rngs::SysRng};

use crate::{
    args::{Global, Look, Mutation},
    output::Output,
    session::Session,
    settings::Settings,
    workspace::Workspace,
};

/// Names who acts where `--as` does not.
const ACTOR_VARIABLE: &str = "CONVOKE_ACTOR";

/// One run of the program.
pub(crate) struct Context {
    pub(crate) global: Global,
    pub(crate) out: Output,
    workspace: OnceCell<Workspace>,
    session: Option<Session>,
    /// The key of the command that was done last.
    done: Option<Key>,
}

impl Context {
    /// As the global options say. Nothing is looked for yet.
    pub(crate) fn new(global: Global) -> Self {
        let out = Output::new(global.json, global.verbose);
        Self { global, out, workspace: OnceCell::new(), session: None, done: None }
    }

    /// The workspace.
    pub(crate) fn workspace(&self) -> Result<&Workspace, Fault> {
        if let Some(workspace) = self.workspace.get() {
            return Ok(workspace);
        }
        let found = Workspace::find(self.global.workspace.as_deref())?;
        Ok(self.workspace.get_or_init(|| found))
    }

    /// The conversation with the engine.
    pub(crate) fn session(&mut self) -> Result<&mut Session, Fault> {
        if self.session.is_none() {
            let workspace = self.workspace()?;
            self.session =
                Some(if self.global.no_daemon { Session::direct(workspace)? } else { Session::remote(workspace)? });
        }
        self.session.as_mut().ok_or_else(|| Fault::new("internal", "there is no session"))
    }

    /// Refuses what only the daemon can do, before anything is opened.
    pub(crate) fn needs_daemon(&self, what: &str) -> Result<(), Fault> {
        if self.global.no_daemon {
            return Err(Fault::new("needs_daemon", format!("{what} needs the daemon, and --no-daemon was given")));
        }
        Ok(())
    }

    /// Ends the conversation.
    pub(crate) fn close(&mut self) -> Result<(), Fault> {
        self.session.take().map_or(Ok(()), Session::close)
    }

    /// Who acts: `--as`, then `CONVOKE_ACTOR`, then at a terminal the workspace's default actor. An agent that forgets its name must
    /// not pass for the human.
    pub(crate) fn actor(&self) -> Result<ActorName, Fault> {
        self.actor_or(None)
    }

    /// The same for a command that names who answers (`confirm ID alice`): that is who acts if nobody else is named.
    pub(crate) fn actor_or(&self, named: Option<&ActorName>) -> Result<ActorName, Fault> {
        if let Some(actor) = self.named_actor()? {
            return Ok(actor);
        }
        if let Some(actor) = named {
            return Ok(actor.clone());
        }
        if std::io::stdin().is_terminal()
            && let Some(actor) = Settings::load(self.workspace()?)?.workspace.default_actor
        {
            return Ok(actor);
        }
        Err(Fault::new("actor_required", "nobody was named who acts"))
    }

    /// Who was named by `--as` or `CONVOKE_ACTOR`, if anybody.
    pub(crate) fn named_actor(&self) -> Result<Option<ActorName>, Fault> {
        if let Some(actor) = &self.global.acting {
            return Ok(Some(actor.clone()));
        }
        match std::env::var_os(ACTOR_VARIABLE).filter(|value| !value.is_empty()) {
            None => Ok(None),
            Some(value) => ActorName::parse(&value.to_string_lossy())
                .map(Some)
                .map_err(|error| Fault::new("bad_name", format!("{ACTOR_VARIABLE}: {error}"))),
        }
    }

    /// A command as a request, with a key of its own if none was given, so that it can be given again after a lost connection.
    pub(crate) fn request(&self, actor: ActorName, options: &Mutation, command: Command) -> Result<Request, Fault> {
        let key = match &options.idempotency_key {
            Some(key) => key.clone(),
            None => random_key()?,
        };
        Ok(Request { actor, key: Some(key), expect_head: options.expect_head, command })
    }

    /// Gives a command and shows what came of it.
    pub(crate) fn act(
        &mut self,
        actor: ActorName,
        options: &Mutation,
        command: Command,
    ) -> Result<(), crate::stop::Stop> {
        let answer = self.command(actor, options, command)?;
        self.out.show(&answer, Some(answer.head))
    }

    /// Gives a command.
    pub(crate) fn command(&mut self, actor: ActorName, options: &Mutation, command: Command) -> Result<Answer, Fault> {
        let request = self.request(actor, options, command)?;
        let answer = self.session()?.command(&request)?;
        self.note_done(&request);
        Ok(answer)
    }

    /// Remembers what was done, for an answer that cannot be shown.
    pub(crate) fn note_done(&mut self, request: &Request) {
        self.done.clone_from(&request.key);
    }

    /// The fault of an answer that could not be shown: of a command it says that it was done.
    pub(crate) fn not_shown(&self, fault: Fault) -> Fault {
        let Some(key) = &self.done else { return fault };
        let message = format!("{}; the command was done all the same", fault.message);
        let hint = format!(
            "Do not just repeat it: with --idempotency-key {key} the answer is given again, and nothing is done twice."
        );
        Fault { message, hint, ..fault }
    }

    /// Says whose word was taken for an act that is a human's.
    pub(crate) fn note_claim(&self, actor: &ActorName) {
        self.out.note(&format!("note: on the word of {actor}; without tokens, who acts is a claim"));
    }

    /// Says that a name was given that another live thing has, so that it does not name one of them any more.
    pub(crate) fn note_same_name(&mut self, named: Query) {
        if let Err(fault) = self.view(Look::default(), named)
            && fault.code == "ambiguous"
        {
            self.out.note(&format!("note: {}; from now on only the ids tell them apart", fault.message));
        }
    }

    /// Says that nobody has a name which was asked about: nothing found is then no answer, but a misspelling.
    pub(crate) fn note_unknown(&mut self, name: &ActorName, look: Look) {
        if name.is_reserved() {
            return;
        }
        let asked = self.view(look, Query::Actor(ActorQuery { name: name.clone() }));
        if asked.is_err_and(|fault| fault.code == "not_found") {
            self.out.note(&format!("note: nobody is registered as {name}"));
        }
    }

    /// Asks a question about the state and shows the answer.
    pub(crate) fn look(&mut self, options: Look, query: Query) -> Result<(), crate::stop::Stop> {
        let (view, head) = self.view(options, query)?;
        self.out.show(&view, Some(head))
    }

    /// Asks a question about the state.
    pub(crate) fn view(&mut self, options: Look, query: Query) -> Result<(View, Head), Fault> {
        match self.ask(Question::State(query), options.as_of)? {
            (Reply::State(view), head) => Ok((view, head)),
            _ => Err(Fault::new("bad_answer", "the answer is not a view")),
        }
    }

    /// Asks a question.
    pub(crate) fn ask(&mut self, question: Question, as_of: Option<AsOf>) -> Result<(Reply, Head), Fault> {
        self.session()?.ask(&Ask { question, as_of })
    }
}

/// 130 random bits as text.
fn random_key() -> Result<Key, Fault> {
    let random = || SysRng.try_next_u64().map_err(|error| Fault::new("io", format!("no random numbers: {error}")));
    let (high, low) = (random()?, random()?);
    let text = id::text(high, 13) + &id::text(low, 13);
    Key::parse(&text).map_err(|error| Refusal::BadName(error).into())
}
