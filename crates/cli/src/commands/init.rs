use std::{
    env, fs,
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use clap::Args;
use convoke::{Engine, api::Fault};
use convoke_core::{log::Head, name::ActorName};
use serde::Serialize;

use crate::{
    context::Context,
    daemon::Lock,
    output::Output,
    render::{Page, Show},
    settings,
    stop::Stop,
    workspace::{SETTINGS, Workspace, in_the_way},
};

/// Make a workspace in this folder
///
/// It makes .convoke/ with the log (git ignores it) and convoke.toml with the settings. A block about Convoke can be written into
/// AGENTS.md, for the agents that work here; it stands between markers and is replaced when written again.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The human whose workspace it is [default: --as, CONVOKE_ACTOR, or this user's name]
    #[arg(long, value_name = "NAME")]
    organizer: Option<ActorName>,
    /// Write the block about Convoke into AGENTS.md; also in a workspace that exists
    #[arg(long)]
    agents_md: bool,
    /// Do not, and do not ask
    #[arg(long, conflicts_with = "agents_md")]
    no_agents_md: bool,
}

const AGENTS_FILE: &str = "AGENTS.md";
const BLOCK: &str = include_str!("agents.md");
const BLOCK_BEGIN: &str = "<!-- convoke:begin -->";
const BLOCK_END: &str = "<!-- convoke:end -->";

#[derive(Debug, Serialize)]
struct Made {
    workspace: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    organizer: Option<ActorName>,
    agents_md: bool,
}

impl Init {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let workspace = Workspace::to_make(context.global.workspace.as_deref())?;
        let root = workspace.root().display().to_string();
        if self.agents_md && workspace.folder().is_dir() {
            Block::look(workspace.root())?.write()?;
            context.out.show(&Made { workspace: root, organizer: None, agents_md: true }, None)?;
            if let Some(organizer) = &self.organizer {
                context
                    .out
                    .note(&format!("note: the workspace was there already; --organizer {organizer} changes nothing"));
            }
            return Ok(());
        }
        // Refused before anything is made.
        let block = if self.agents_md { Some(Block::look(workspace.root())?) } else { None };
        let organizer = self.organizer(context)?;
        let made = prepare(&workspace)?;
        let head = match create(&workspace, &organizer) {
            Ok(head) => head,
            Err(fault) => {
                made.undo();
                return Err(fault.into());
            }
        };
        let settings = workspace.settings();
        if !settings.exists() {
            fs::write(&settings, settings::first_file(&organizer))
                .map_err(|error| Fault::new("io", format!("{SETTINGS} cannot be written: {error}")))?;
        }
        let but_made =
            |fault: Fault| Fault { message: format!("the workspace is made, but {}", fault.message), ..fault };
        let agents_md = match block {
            Some(block) => {
                block.write().map_err(but_made)?;
                true
            }
            None if !self.no_agents_md && offered(context.out)? => {
                Block::look(workspace.root()).and_then(Block::write).map_err(but_made)?;
                true
            }
            None => false,
        };
        let claimed = organizer.clone();
        context.out.show(&Made { workspace: root, organizer: Some(organizer), agents_md }, Some(head))?;
        if self.organizer.is_none() {
            context.out.note(&format!(
                "note: {claimed} is registered as a human and the organizer, on its own word; --organizer would name another"
            ));
        }
        if let Some(outer) = workspace.outer() {
            context.out.note(&format!(
                "note: {} is a workspace, too; in this folder and below, commands now use the new one",
                outer.root().display()
            ));
        }
        Ok(())
    }

    fn organizer(&self, context: &Context) -> Result<ActorName, Fault> {
        if let Some(name) = self.organizer.clone().map_or_else(|| context.named_actor(), |name| Ok(Some(name)))? {
            return Ok(name);
        }
        match user_name().as_deref().map(ActorName::parse) {
            Some(Ok(name)) if !name.is_reserved() => Ok(name),
            _ => Err(Fault::new("actor_required", "the workspace needs an organizer: convoke init --organizer NAME")),
        }
    }
}

/// This user's name, as the environment or the machine's list of users gives it.
fn user_name() -> Option<String> {
    let named = |variable| env::var(variable).ok().filter(|name| !name.is_empty());
    named("USER").or_else(|| named("LOGNAME")).or_else(|| {
        let uid = rustix::process::geteuid().as_raw().to_string();
        let users = fs::read_to_string("/etc/passwd").ok()?;
        let mut entries = users.lines().map(|line| line.split(':'));
        entries.find_map(|mut entry| {
            let name = entry.next()?;
            (entry.nth(1)? == uid).then(|| name.to_owned())
        })
    })
}

fn create(workspace: &Workspace, organizer: &ActorName) -> Result<Head, Fault> {
    let _lock = take_lock(workspace)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::new("io", format!("the log cannot be made: {error}")))?;
    runtime.block_on(async {
        let settings = convoke::Settings::default();
        let engine = Engine::create(&workspace.folder(), organizer.clone(), settings).await?;
        let head = engine.head();
        engine.close().await;
        Ok(head)
    })
}

/// The log's lock, for what makes a log. Whoever has it has a workspace here.
pub(super) fn take_lock(workspace: &Workspace) -> Result<Lock, Fault> {
    Lock::take(workspace).map_err(|fault| match fault.code.as_str() {
        "log_locked" => {
            let what = format!("there is a workspace in {} already", workspace.folder().display());
            Fault::new("workspace_exists", what)
        }
        _ => fault,
    })
}

/// What `prepare` made, to be taken away again if the rest fails.
pub(super) struct Prepared {
    folder: Option<PathBuf>,
}

impl Prepared {
    pub(super) fn undo(self) {
        if let Some(folder) = self.folder {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// Makes `.convoke/` with its own `.gitignore`, if it is not there.
pub(super) fn prepare(workspace: &Workspace) -> Result<Prepared, Fault> {
    let folder = workspace.folder();
    let new = match fs::DirBuilder::new().mode(0o700).create(&folder) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match in_the_way(workspace.root()) {
            None => false,
            Some(fault) => return Err(fault),
        },
        Err(error) => return Err(Fault::new("io", format!("{} cannot be made: {error}", folder.display()))),
    };
    let prepared = Prepared { folder: new.then(|| folder.clone()) };
    let ignore = folder.join(".gitignore");
    if !ignore.exists()
        && let Err(error) = fs::write(&ignore, "# Convoke's log and its daemon's files: not for git.\n*\n")
    {
        prepared.undo();
        return Err(Fault::new("io", format!("{} cannot be written: {error}", ignore.display())));
    }
    Ok(prepared)
}

/// Asks a person at a terminal; nobody else is asked anything.
fn offered(out: Output) -> Result<bool, Fault> {
    if out.is_json() || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(false);
    }
    let failed = |error: io::Error| Fault::new("io", format!("the answer cannot be read: {error}"));
    let mut err = io::stderr();
    err.write_all(b"Write a block about Convoke into AGENTS.md, for the agents that work here? [y/N] ")
        .map_err(failed)?;
    err.flush().map_err(failed)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(failed)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// The file for agents as it is to be.
struct Block {
    place: PathBuf,
    /// None if it is so already.
    text: Option<String>,
}

impl Block {
    /// Looks whether the block can be put there; this changes nothing.
    fn look(root: &Path) -> Result<Self, Fault> {
        let place = root.join(AGENTS_FILE);
        let bad = |what: &str| Fault::new("bad_document", format!("{}: {what}", place.display()));
        let failed =
            |what: &str, error: io::Error| Fault::new("io", format!("{} cannot be {what}: {error}", place.display()));
        let before = match fs::read(&place) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|error| {
                bad(&format!("it is not UTF-8 (byte {}), and is left as it is", error.utf8_error().valid_up_to()))
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed("read", error)),
        };
        let after = with_block(&before).map_err(bad)?;
        if after == before {
            return Ok(Self { place, text: None });
        }
        match fs::File::options().write(true).open(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("written", error)),
            _ => Ok(Self { place, text: Some(after) }),
        }
    }

    fn write(self) -> Result<(), Fault> {
        let Some(text) = self.text else { return Ok(()) };
        fs::write(&self.place, text)
            .map_err(|error| Fault::new("io", format!("{} cannot be written: {error}", self.place.display())))
    }
}

/// The text with the block in its place: where the markers are, or at the end.
fn with_block(text: &str) -> Result<String, &'static str> {
    let block = format!("{BLOCK_BEGIN}\n{}\n{BLOCK_END}", BLOCK.trim_end());
    match (text.find(BLOCK_BEGIN), text.find(BLOCK_END)) {
        (None, None) if text.is_empty() => Ok(block + "\n"),
        (None, None) => Ok(format!("{}\n\n{block}\n", text.trim_end())),
        (Some(begin), Some(end)) if begin < end => {
            Ok(format!("{}{block}{}", &text[..begin], &text[end + BLOCK_END.len()..]))
        }
        (Some(_), Some(_)) => Err("the two markers of Convoke's block stand in the wrong order"),
        _ => Err("only one of the two markers of Convoke's block is there"),
    }
}

impl Show for Made {
    fn show(&self, page: &mut Page) {
        if let Some(organizer) = &self.organizer {
            page.line(format!("made a workspace in {}, organized by {organizer}", self.workspace));
        }
        if self.agents_md {
            page.line(format!("wrote the block about Convoke into {AGENTS_FILE}"));
        }
        if self.organizer.is_some() {
            page.line("next: convoke schedule review +5m --quorum 2 --attendees alice,bob,carol");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_is_written_once_and_replaced_in_its_place() {
        let fresh = with_block("").unwrap();
        assert_eq!(with_block(&fresh).unwrap(), fresh);
        let added = with_block("# Mine\n\nText.\n").unwrap();
        assert!(added.starts_with("# Mine\n\nText.\n\n<!-- convoke:begin -->\n"));
        let edited = added.replace("Convoke", "Other") + "\nmore of mine\n";
        let again = with_block(&edited).unwrap();
        assert!(again.ends_with("<!-- convoke:end -->\n\nmore of mine\n") && again.contains("Convoke"));
        assert!(with_block(BLOCK_BEGIN).is_err());
    }

    #[test]
    fn the_block_costs_an_agent_at_most_700_tokens() {
        // A token of such a text has some four characters; three is a safe bound.
        assert!(BLOCK.len() / 3 <= 700, "{} bytes", BLOCK.len());
    }
}
