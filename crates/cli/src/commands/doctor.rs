use std::{
    fs,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
};

use clap::Args;
use convoke::api::{Fault, Health, Question, Reply, VerifyAsk};
use serde::Serialize;

use super::verify::{lock_to_read, verify_closed};
use crate::{
    context::Context,
    daemon::{SOCKET_FILE, VERSION, held, last_lines},
    render::{Cell, Page, Show, Table, bytes, many},
    session::daemon_info,
    settings::Settings,
    stop::Stop,
    workspace::Workspace,
};

/// Check the workspace: settings, daemon, log, clock, disk
///
/// It reads and checks the whole log. A log that nobody has open is checked on a copy, as opening a store alters its files.
#[derive(Debug, Args)]
pub(crate) struct Doctor {}

/// With less room on the disk than this the next command may fail: the log's file grows by segments of 4 MiB.
const ROOM_BYTES_MIN: u64 = 8 * 1024 * 1024;

#[derive(Debug, Serialize)]
struct Findings {
    checks: Vec<Check>,
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<Health>,
}

#[derive(Debug, Serialize)]
struct Check {
    what: &'static str,
    ok: bool,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<Fault>,
}

impl Check {
    fn well(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, ok: true, found: found.into(), fault: None }
    }

    fn ill(what: &'static str, fault: Fault) -> Self {
        Self { what, ok: false, found: fault.message.clone(), fault: Some(fault) }
    }

    fn of(what: &'static str, result: Result<String, Fault>) -> Self {
        result.map_or_else(|fault| Self::ill(what, fault), |found| Self::well(what, found))
    }
}

impl Doctor {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let workspace = context.workspace()?.clone();
        let mut findings = Findings { checks: Vec::new(), health: None };
        let checks = &mut findings.checks;
        checks.push(Check::well("workspace", workspace.root().display().to_string()));
        checks.push(Check::of("settings", Settings::load(&workspace).map(|_| "can be read".to_owned())));
        checks.push(Check::of("folder", folder(&workspace)));
        checks.extend(no_room(&workspace));
        match daemon_info(&workspace) {
            Err(fault) => checks.push(Check::ill("daemon", fault)),
            Ok(Some((daemon, _))) => {
                checks.push(Check::of(
                    "daemon",
                    if daemon.version == VERSION {
                        Ok(format!("runs: process {}, version {}", daemon.pid, daemon.version))
                    } else {
                        let what = format!("is of version {}, this program of {VERSION}", daemon.version);
                        Err(Fault::new("bad_answer", what))
                    },
                ));
                let verified = context.ask(Question::Verify(VerifyAsk::default()), None);
                checks.push(Check::of("log", verified.map(|(reply, _)| held_events(&reply))));
                match context.ask(Question::Health, None) {
                    Ok((Reply::Health(health), _)) => {
                        checks.extend(clinical(&health));
                        findings.health = Some(health);
                    }
                    Ok(_) => {
                        checks.push(Check::ill("health", Fault::new("bad_answer", "the answer is not its health")))
                    }
                    Err(fault) => checks.push(Check::ill("health", fault)),
                }
            }
            Ok(None) => closed(context, &workspace, checks),
        }
        let ill = findings.checks.iter().find_map(|Check { what, fault, .. }| {
            fault.clone().map(|fault| Fault { message: format!("{what}: {}", fault.message), ..fault })
        });
        match ill {
            None => context.out.show(&findings, None),
            Some(fault) => context.out.show_ill(&findings, fault),
        }
    }
}

/// A log that no daemon serves.
fn closed(context: &Context, workspace: &Workspace, checks: &mut Vec<Check>) {
    match lock_to_read(workspace) {
        Err(fault) => checks.push(Check::ill("daemon", fault)),
        Ok(None) => checks.push(Check::ill("daemon", held(workspace))),
        Ok(Some(lock)) => {
            checks.push(Check::of(
                "daemon",
                lock.as_ref().map_or_else(
                    |fault| Err(fault.clone()),
                    |_| Ok("does not run; the next command starts it".to_owned()),
                ),
            ));
            let verified = verify_closed(context.out, workspace, None);
            drop(lock);
            checks.push(Check::of("log", verified.map(|verified| held_events(&Reply::Verified(verified)))));
        }
    }
}

fn held_events(reply: &Reply) -> String {
    match reply {
        Reply::Verified(verified) => {
            format!(
                "{} in {}, every hash and the root are right",
                many(verified.checkpoint.size, "event"),
                many(verified.commits, "commit")
            )
        }
        _ => String::new(),
    }
}

fn clinical(health: &Health) -> [Check; 3] {
    [
        if health.poisoned {
            let what = "takes no more writes after a failed one; the daemon must be started anew";
            Check::ill("writes", Fault::new("outcome_unknown", what))
        } else {
            Check::well("writes", "are taken")
        },
        if health.clock_jumped {
            Check::ill("clock", Fault::new("clock_jumped", format!("jumped; Convoke's time is {}", health.now)))
        } else {
            Check::well("clock", "is steady")
        },
        Check::well("disk", format!("{} in use", bytes(health.disk_bytes))),
    ]
}

/// A disk that is full, or nearly.
fn no_room(workspace: &Workspace) -> Option<Check> {
    let disk = rustix::fs::statvfs(workspace.folder()).ok()?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let what = || format!("only {} left on the disk", bytes(free));
    (free < ROOM_BYTES_MIN).then(|| Check::ill("room", Fault::new("disk_full", what())))
}

/// Whether the folder is this user's, and the socket nobody else's.
fn folder(workspace: &Workspace) -> Result<String, Fault> {
    let failed = |error: std::io::Error| Fault::new("io", error.to_string());
    let found = fs::metadata(workspace.folder()).map_err(failed)?;
    if found.permissions().readonly() {
        return Err(Fault::new("io", format!("{} is read-only", workspace.folder().display())));
    }
    let me = rustix::process::geteuid().as_raw();
    if found.uid() != me && me != 0 {
        let what = format!("belongs to the user with id {}, not to this one ({me})", found.uid());
        return Err(Fault::new("other_user", what));
    }
    if let Ok(socket) = fs::symlink_metadata(workspace.file(SOCKET_FILE))
        && socket.file_type().is_socket()
        && socket.permissions().mode() & 0o077 != 0
    {
        let what = format!("{} is open to other users; stop the daemon and start it again", SOCKET_FILE);
        return Err(Fault::new("other_user", what));
    }
    let quarrels = last_lines(workspace, 200).map_err(failed)?.iter().filter(|line| line.contains("internal:")).count();
    if quarrels > 0 {
        let what =
            format!("daemon.log tells of {}; see `convoke daemon logs`", many(quarrels as u64, "internal error"));
        return Err(Fault::new("internal", what));
    }
    Ok("is this user's".to_owned())
}

impl Show for Findings {
    fn show(&self, page: &mut Page) {
        let mut table = Table::new();
        for check in &self.checks {
            table.row([
                if check.ok { Cell::good("ok") } else { Cell::bad("BAD") },
                Cell::text(check.what),
                Cell::whole(&check.found),
            ]);
        }
        page.table(table);
    }
}
