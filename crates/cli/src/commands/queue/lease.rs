use std::collections::BTreeSet;

use clap::Args;
use convoke::api::{Answer, Fault};
use convoke_core::{
    command::{ClaimChanges, Command},
    id::ChangeId,
    name::{ActorName, Name},
    queue::{
        RepoPath,
        events::{ChangeLeased, Check, Content},
    },
    refusal::Refusal,
    time::{Span, Timestamp},
};
use convoke_git::GitError;
use serde::Serialize;

use crate::{
    args::Mutation,
    context::Context,
    render::{Cell, Page, Show, Table, length},
    repository,
    settings::{QueueSettings, Settings},
    stop::Stop,
    worker::{Begun, Held},
};

/// Claim changes, for a worker of your own: a script that tests them itself
///
/// It prints each change with the number of the claim (the fence), which every later command
/// needs. Then, for each:
///
///   convoke queue build ID --fence N                    the commit to test, on the branch as it is
///   convoke queue heartbeat ID --fence N                keeps the claim while you test
///   convoke queue complete ID --fence N --commit REV    lands what you tested
///   convoke queue fail ID --fence N --cause TEXT        if a check failed
///   convoke queue return ID --fence N --reason TEXT     gives it back without blame
///
/// A claim that runs out goes to whoever asks next, and every command under it is refused then
/// (exit code 6). Exit code 8 says that there is nothing to claim.
///
/// Example: convoke --as builder queue lease --max 2 --lease 10m --json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Lease {
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    max: u32,
    /// How long the claims hold [default: lease in convoke.toml, or 2m]
    #[arg(long, value_name = "DURATION", value_parser = Span::parse)]
    lease: Option<Span>,
    /// The branch that they are to land on [default: target in convoke.toml, or main]
    #[arg(long, value_name = "BRANCH")]
    target: Option<String>,
    #[command(flatten)]
    mutation: Mutation,
}

/// What was claimed.
#[derive(Debug, Serialize)]
struct Leases {
    leases: Vec<Leased>,
    #[serde(skip)]
    now: Timestamp,
}

/// A change that is the caller's until its lease ends.
#[derive(Debug, Serialize)]
struct Leased {
    change: ChangeId,
    short: String,
    fence: u32,
    until: Timestamp,
    task: Name,
    agent: ActorName,
    target: Name,
    content: Option<Content>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<String>,
    paths: BTreeSet<RepoPath>,
    /// What has to pass: the configured checks and those that the change asks for.
    checks: Vec<Check>,
}

/// How often it is claimed anew where what was claimed had to be cleared up.
const CLAIMS_MAX: usize = 100;

impl Lease {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let actor = context.actor()?;
        let workspace = context.workspace()?.clone();
        let settings = Settings::load(&workspace)?.queue;
        let target = Name::parse(self.target.as_ref().unwrap_or(&settings.target)).map_err(Refusal::BadName)?;
        // What keeps it from landing is said before anything is claimed.
        let repository = repository::open(&settings, &workspace)?;
        repository.tip(target.as_str()).map_err(|error| repository::fault(&error))?;
        if let Some(at) = repository.checked_out_at(target.as_str()).map_err(|error| repository::fault(&error))? {
            return Err(repository::fault(&GitError::CheckedOut { branch: target.to_string(), at }).into());
        }
        let lease_ms = Some(self.lease.unwrap_or_else(|| settings.lease()));
        let claim = || ClaimChanges { target: target.to_string(), max: Some(self.max), lease_ms };
        let mut answer = context.command(actor.clone(), &self.mutation, Command::ClaimChanges(claim()))?;
        for _ in 0..CLAIMS_MAX {
            let claims = claims_of(&answer)?;
            let leases = taken_up(context, &actor, &settings, &claims, answer.repeated).inspect_err(|_| {
                // Nobody would know of the others: they go back, and the error is told.
                if !answer.repeated {
                    claims.iter().for_each(|claim| let_go(context, &actor, claim));
                }
            })?;
            if !leases.is_empty() {
                let (now, head) = (time_of(&answer), answer.head);
                return context.out.show(&Leases { leases, now }, Some(head));
            }
            if claims.is_empty() || answer.repeated {
                break;
            }
            // All that was claimed had to be cleared up. It may be there again.
            answer = context.command(actor.clone(), &Mutation::default(), Command::ClaimChanges(claim()))?;
        }
        let hint = "Wait until something happens to a change: convoke wait event:change; or let convoke queue worker do it all.";
        let nothing = Fault::new("nothing_there", format!("no change for {target} is ready to be claimed"));
        Err(Fault { hint: hint.to_owned(), ..nothing }.into())
    }
}

/// The claims that an answer tells of.
fn claims_of(answer: &Answer) -> Result<Vec<ChangeLeased>, Fault> {
    let leased = answer.events.iter().filter(|event| event.kind == "change.leased");
    leased
        .map(|event| serde_json::from_str(event.payload.get()))
        .collect::<Result<_, _>>()
        .map_err(|error| Fault::new("bad_answer", format!("a claim cannot be read: {error}")))
}

/// Takes up what was claimed: the fence goes into the repository, and a landing that somebody else began is cleared up.
fn taken_up(
    context: &mut Context,
    actor: &ActorName,
    settings: &QueueSettings,
    claims: &[ChangeLeased],
    is_repeated: bool,
) -> Result<Vec<Leased>, Fault> {
    let mut leases = Vec::new();
    for claim in claims {
        let out = context.out;
        let reference = claim.change.to_string();
        let mut held = Held::open(context, actor.clone(), reference, claim.fence)?;
        // One that was cancelled since, or of a claim that was remembered and is over.
        if !held.is_current() {
            continue;
        }
        held.raise()?;
        // A remembered claim may be in the middle of its own landing, which `complete` goes on with.
        if !is_repeated {
            let id = claim.change.short();
            match held.clear_up()? {
                Begun::Nothing => {}
                Begun::Landed => {
                    out.note(&format!("note: change {id} had landed; its worker was gone, and the log says so now"));
                    continue;
                }
                Begun::Returned => continue,
            }
            if let Some(check) = held.view().checks.iter().find(|check| !settings.allows_check(&check.command)) {
                let cause = format!("the check {:?} is not one that may run here (allowed_checks)", check.command);
                out.note(&format!("note: change {id} is given up: {cause}"));
                held.fail_for_good(cause)?;
                continue;
            }
        }
        leases.push(leased(&held, claim));
    }
    Ok(leases)
}

/// Gives a claim back that nothing was done under; if that fails too, its lease ends by itself.
fn let_go(context: &mut Context, actor: &ActorName, claim: &ChangeLeased) {
    if let Ok(mut held) = Held::open(context, actor.clone(), claim.change.to_string(), claim.fence)
        && held.view().receipt.is_none()
    {
        held.let_go("it was claimed together with one that could not be taken up").ok();
    }
}

fn leased(held: &Held<'_>, claim: &ChangeLeased) -> Leased {
    let view = held.view();
    let intent = view.metadata.as_ref().and_then(|metadata| Some(metadata.get("intent")?.as_str()?.to_owned()));
    let limit = |command: &String| {
        let own = view.checks.iter().find(|check| check.command == *command).and_then(|check| check.limit_ms);
        Some(own.unwrap_or_else(|| held.settings.check_limit()))
    };
    Leased {
        change: claim.change,
        short: claim.change.short(),
        fence: claim.fence,
        until: view.line.until.unwrap_or(claim.until),
        task: view.line.task.clone(),
        agent: view.line.agent.clone(),
        target: view.line.target.clone(),
        content: view.content.clone(),
        intent,
        paths: view.paths.clone(),
        checks: held.checks().into_iter().map(|command| Check { limit_ms: limit(&command), command }).collect(),
    }
}

fn time_of(answer: &Answer) -> Timestamp {
    answer.events.last().map_or_else(crate::output::wall_clock, |event| event.time)
}

impl Show for Leases {
    fn show(&self, page: &mut Page) {
        page.as_at(self.now);
        for lease in &self.leases {
            let mut head = Table::new();
            head.row([
                Cell::id(page.id(lease.change)),
                Cell::live(format!("fence {}", lease.fence)),
                Cell::whole(&lease.task),
                Cell::whole(&lease.agent),
                Cell::whole(format!("for {}", lease.target)),
                Cell::whole(format!("lease ends {}", page.when(lease.until))),
            ]);
            page.table(head);
            let mut facts = Table::indented();
            if let Some(intent) = &lease.intent {
                facts.row([Cell::faint("intent"), Cell::whole(intent)]);
            }
            let paths: Vec<&str> = lease.paths.iter().map(RepoPath::as_str).collect();
            facts.row([Cell::faint("files"), Cell::whole(paths.join(", "))]);
            for check in &lease.checks {
                let limit = check.limit_ms.map_or_else(String::new, |limit| format!("  (at most {})", length(limit)));
                facts.row([Cell::faint("check"), Cell::whole(format!("{}{limit}", check.command))]);
            }
            page.table(facts);
        }
    }
}
