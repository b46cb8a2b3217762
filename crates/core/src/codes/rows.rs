//! The table of codes: a new one is a row here.

use super::{
    Exit::{
        self, Failure, Fenced, Integrity, NotFound, NotPermitted, NothingThere, Refused, TryAgain, Usage, WaitRanOut,
    },
    Row,
};

const fn row(code: &'static str, exit: Exit, what: &'static str, remedy: &'static str) -> Row {
    Row { code, exit, retryable: matches!(exit, Exit::TryAgain), what, remedy }
}

/// Not [`Exit::TryAgain`], and yet the same call may succeed later: what it waits for may come.
const fn later(code: &'static str, exit: Exit, what: &'static str, remedy: &'static str) -> Row {
    Row { code, exit, retryable: true, what, remedy }
}

/// Every code, once, by what it is about.
pub const ROWS: &[Row] = &[
    // --- who acts
    row(
        "actor_required",
        Usage,
        "Nobody says who acts, and standard input is not a terminal.",
        "Give --as NAME, or set CONVOKE_ACTOR.",
    ),
    row(
        "reserved_name",
        Refused,
        "supervisor, conductor, all and system are Convoke's own; nobody acts, attends or registers as one of them, and system has no mailbox.",
        "Use another name.",
    ),
    row(
        "not_a_member",
        NotPermitted,
        "Membership is closed, and the name is not registered.",
        "Check the spelling, or let the workspace's organizer register it: convoke actor add NAME.",
    ),
    row(
        "did_you_mean",
        Refused,
        "The name is new and so like a registered one that it is likely a misspelling of it.",
        "Use the name proposed, or repeat with --create if it is somebody new.",
    ),
    row(
        "not_you",
        NotPermitted,
        "The actor named in the command is not the one who acts.",
        "Answer for yourself: leave the name out, or act as that actor with --as.",
    ),
    row(
        "not_permitted",
        NotPermitted,
        "The act is not this actor's to do.",
        "Let the actor do it whom the message names.",
    ),
    row(
        "other_user",
        NotPermitted,
        "The workspace's daemon or files belong to another user of this machine.",
        "Act as the user who owns the workspace's folder.",
    ),
    // --- the form of a command
    row("usage", Usage, "The command line is not well formed.", "See convoke help, or --help after the command."),
    row(
        "bad_name",
        Usage,
        "A name, kind or key is empty, too long, or holds a character that does not belong there.",
        "Give one that is not empty and has the form that the message describes; names are like alice or build-2.",
    ),
    row(
        "name_looks_like_an_id",
        Usage,
        "The name could be read as an id, which would make references to it ambiguous.",
        "Choose one that is no run of 8 to 12 letters and digits; a dash in it is enough.",
    ),
    row(
        "bad_time",
        Usage,
        "A time or duration is not one that Convoke reads.",
        "Write times as 2026-11-21T15:00:00Z or +5m, and durations as 90s, 5m, 1h30m or 2d.",
    ),
    row(
        "bad_request",
        Usage,
        "The command is malformed.",
        "Give it in the form that the message asks for; --help after the command shows the forms.",
    ),
    row(
        "over_limit",
        Refused,
        "Something is larger than its limit; nothing was written.",
        "Make it smaller, or split it; a full mailbox has room again when its owner acknowledges.",
    ),
    row(
        "needs_daemon",
        Usage,
        "The command waits for what others do, which needs the daemon.",
        "Leave --no-daemon out.",
    ),
    row(
        "bad_settings",
        Failure,
        "convoke.toml cannot be read, or holds a setting that does not exist.",
        "Correct the line that the message names.",
    ),
    row(
        "bad_document",
        Failure,
        "The file is not the document it should be: an export, a proof, a checkpoint.",
        "Give the file as Convoke wrote it.",
    ),
    row(
        "unknown_code",
        NotFound,
        "There is no such code.",
        "Give a code as an error shows it; convoke explain lists them all.",
    ),
    // --- references
    row(
        "not_found",
        NotFound,
        "Nothing there has this id, name or position.",
        "List what there is, and use its id or exact name.",
    ),
    row("ambiguous", Refused, "Several things have this id or name.", "Use the longer id of the one you mean."),
    // --- the log and the clock
    row(
        "head_moved",
        Refused,
        "The log does not hold as many events as --expect-head says.",
        "Read what was added since, and decide again.",
    ),
    row(
        "key_reused",
        Refused,
        "The idempotency key was used by this actor with another command.",
        "Use a new key for a new command.",
    ),
    row(
        "clock_jumped",
        TryAgain,
        "The wall clock is far from Convoke's time, and nothing is decided until somebody says that it is right.",
        "Set the machine's clock, or let a human accept it: convoke clock accept --reason TEXT.",
    ),
    row("clock_fine", Refused, "The clock did not jump, so there is nothing to accept.", "Nothing has to be done."),
    // --- countdowns
    row(
        "quorum_too_large",
        Refused,
        "More confirmations are asked for than there are attendees.",
        "Lower the quorum, or name more attendees.",
    ),
    row(
        "in_the_past",
        Refused,
        "T-0 would not be in the future.",
        "Give a later time or a shorter lead, or --allow-past.",
    ),
    row(
        "not_attendee",
        NotPermitted,
        "Only its attendees answer a countdown.",
        "Let an attendee answer; convoke status ID lists them.",
    ),
    row(
        "not_organizer",
        NotPermitted,
        "Only the organizer holds, resumes, reschedules or scrubs a countdown, or changes a campaign.",
        "Ask the organizer whom the message names.",
    ),
    row("already_fired", Refused, "The countdown has fired, which is final.", "Schedule another one if one is needed."),
    row(
        "already_missed",
        Refused,
        "The countdown was missed, which is final.",
        "Schedule another one if one is needed.",
    ),
    row(
        "already_scrubbed",
        Refused,
        "The countdown was scrubbed, which is final.",
        "Schedule another one if one is needed.",
    ),
    later(
        "held",
        Refused,
        "The countdown is held by its campaign until that has started and what comes before it has ended.",
        "Wait for its release, or start the campaign.",
    ),
    later(
        "on_hold",
        Refused,
        "The countdown is on hold, and its clock stands still.",
        "Wait until its organizer resumes it.",
    ),
    row("not_on_hold", Refused, "The countdown is not on hold, so it cannot be resumed.", "Nothing has to be done."),
    row(
        "slip_exhausted",
        Refused,
        "The deferral would move T-0 by more, in total, than the countdown may slip.",
        "Defer by no more than what remains, or let the organizer reschedule.",
    ),
    // --- campaigns
    row("self_link", Refused, "A countdown cannot wait for itself.", "Link two different countdowns."),
    row(
        "cycle",
        Refused,
        "The link would make countdowns wait for one another in a circle.",
        "Take away one of the links on the cycle that the message names.",
    ),
    row(
        "other_campaign",
        Refused,
        "The countdown is not in this campaign.",
        "Link countdowns of one campaign; convoke campaign status ID lists them.",
    ),
    row(
        "in_a_campaign",
        Refused,
        "The countdown is in a campaign already, and can be in one only.",
        "Schedule another countdown for this campaign.",
    ),
    row(
        "not_held",
        Refused,
        "The countdown is not held any more, so nothing can be put before it.",
        "Link only into countdowns that are still held.",
    ),
    row("already_started", Refused, "The campaign has started.", "Do this while a campaign is planned."),
    row("campaign_ended", Refused, "The campaign has ended, which is final.", "Create another one."),
    row("empty_campaign", Refused, "A campaign without countdowns cannot start.", "Add a countdown first."),
    row(
        "no_such_link",
        Refused,
        "The two countdowns are not linked in this order.",
        "See the links: convoke campaign graph ID.",
    ),
    // --- mailboxes
    row(
        "stale_fence",
        Fenced,
        "The token or claim is not the current one, or not the actor's: what it was for was finished, handed back or taken again since.",
        "Drop the work on this claim, and take what is there now: convoke recv, or convoke queue lease.",
    ),
    row(
        "not_your_mailbox",
        NotPermitted,
        "Messages are taken only from one's own mailbox, and from supervisor by the workspace's organizer.",
        "Look into it without taking: convoke inbox NAME.",
    ),
    row("not_dead", Refused, "Only a dead letter can be redriven.", "List them: convoke inbox --dead."),
    later(
        "nobody_there",
        Refused,
        "all addresses everybody but the sender, and nobody else is registered.",
        "Name the recipient; a new name is registered by it.",
    ),
    // --- the queue
    row(
        "invalid_change",
        Failure,
        "The change request is not well formed; the message lists every fault.",
        "Correct them all, and check the file first: convoke queue validate FILE.",
    ),
    row(
        "change_ended",
        Refused,
        "The change has landed or ended otherwise, and an end is final.",
        "See convoke queue show; hand in a new one.",
    ),
    row("not_your_change", NotPermitted, "Only its author cancels or supersedes a change.", "Let its author do it."),
    later(
        "landing_begun",
        Refused,
        "The landing of the change was announced, so it may be on the branch already; only a worker that looks into the repository can tell.",
        "Wait for a worker, or run one: convoke queue worker --once.",
    ),
    row(
        "landing_not_begun",
        Refused,
        "A landing is announced before the branch is moved, and this one was not.",
        "Announce it first; convoke queue worker does.",
    ),
    row(
        "untested_tree",
        Refused,
        "Only the tree in which the checks ran may land.",
        "Run the checks in the tree that is to land.",
    ),
    later(
        "out_of_turn",
        Refused,
        "Another change that touches the same files goes first, so that what overlaps keeps its order.",
        "Let the other one land or end.",
    ),
    row(
        "base_moved",
        Refused,
        "The tree was not built on the branch as it is now: to land it would take back what landed since.",
        "Build it anew and test that: convoke queue build. The claim holds.",
    ),
    row(
        "paths_not_named",
        Refused,
        "The commit touches files that the change does not name, or holds a submodule or a symlink that leads out.",
        "Commit what the change brings and nothing else; convoke queue show lists its files.",
    ),
    row(
        "checks_missing",
        Refused,
        "A change lands when every check that it has to pass has passed in the tree that lands.",
        "Run them all, and name each with the time that it took: --passed '12s cargo test'.",
    ),
    row(
        "not_a_reviewer",
        NotPermitted,
        "The change does not ask for this actor's approval; its author's never counts.",
        "See who may: convoke queue show.",
    ),
    row("already_approved", Refused, "The approvals that the change needed are given.", "Ask its author to cancel it."),
    row("change_not_dead", Refused, "Only a dead change can be put back.", "List them: convoke queue dead."),
    row(
        "protected_branch",
        NotPermitted,
        "The settings let nobody submit to this branch.",
        "Name another --target; [queue] protected in convoke.toml lists the patterns.",
    ),
    row(
        "check_not_allowed",
        NotPermitted,
        "A request may ask for the checks that are configured, and for those that [queue] allowed_checks in convoke.toml allows.",
        "Leave the check out, or let whoever keeps convoke.toml allow it.",
    ),
    row(
        "no_git",
        Failure,
        "There is no git on this machine, or not in PATH.",
        "Install git, or correct PATH; then repeat.",
    ),
    row(
        "no_repository",
        NotFound,
        "The folder that [queue] repository in convoke.toml names is not in a git repository.",
        "Correct the setting, or make the repository: git init.",
    ),
    row(
        "no_branch",
        NotFound,
        "The repository has no such branch or commit.",
        "Check the spelling, and that it was fetched; a target branch needs at least one commit.",
    ),
    row(
        "branch_checked_out",
        Refused,
        "The branch is checked out in a worktree; moving it under somebody would make their files look changed.",
        "Let the queue land on a branch that nobody works in, or detach that worktree: git switch --detach.",
    ),
    later(
        "worker_runs",
        Refused,
        "A worker of this name works in this workspace already.",
        "Give another one a name of its own: --as NAME.",
    ),
    row(
        "git_failed",
        Failure,
        "Git refused, for the reason that the message gives.",
        "Put right what git complains about, then repeat.",
    ),
    row(
        "receipt_wrong",
        Integrity,
        "The repository does not hold what a receipt in the log says that landed: commits were rewritten or lost.",
        "Do not build on the branch; find out who moved it, and bring the commit back from a clone.",
    ),
    row(
        "content_damaged",
        Integrity,
        "What a change brings lies beside the log under its hash, and is missing or is not what its hash says.",
        "Hand the change in again, or bring the file back from a copy of .convoke/blobs.",
    ),
    later(
        "queue_paused",
        TryAgain,
        "The queue is paused: nothing is leased until it goes on.",
        "Wait, or let it go on: convoke queue resume.",
    ),
    later(
        "nothing_there",
        NothingThere,
        "There is nothing to take now.",
        "Try again later; convoke recv --wait waits for messages.",
    ),
    later(
        "wait_timeout",
        WaitRanOut,
        "The wait ended before anything it waited for came.",
        "Wait again; for events, give --from the cursor that the message names.",
    ),
    row(
        "wait_in_vain",
        Refused,
        "What was waited for has ended otherwise, so that it cannot happen any more.",
        "Look at what became of it: convoke history ID.",
    ),
    // --- the workspace and its log
    row(
        "no_workspace",
        NotFound,
        "There is no Convoke workspace here or in a folder above.",
        "Make one: convoke init.",
    ),
    row("workspace_exists", Refused, "There is a workspace already.", "Use it, or choose another folder."),
    row(
        "newer_format",
        Failure,
        "The workspace or file was written by a newer version, in a form that this one does not read.",
        "Use a newer convoke.",
    ),
    row(
        "unknown_event_kind",
        Failure,
        "The log holds events of a kind that this version does not know; a newer one wrote them.",
        "Use a newer convoke.",
    ),
    row(
        "log_locked",
        TryAgain,
        "Another process has the log open.",
        "Wait until it ends, or let the daemon do the work by leaving --no-daemon out.",
    ),
    row(
        "log_truncated",
        Integrity,
        "The log holds fewer events than were acknowledged: its end was lost.",
        "Write nothing; bring the folder back from a copy, or import the latest export into a new workspace.",
    ),
    row(
        "log_exchanged",
        Integrity,
        "The log is not the one that was acknowledged: at the recorded size it has another root.",
        "Write nothing; find out who exchanged the files, and bring them back from a copy.",
    ),
    row(
        "log_damaged",
        Integrity,
        "Stored bytes are not what their hashes say, from the position that the message names.",
        "Write nothing; bring the folder back from a copy, or import the latest export into a new workspace.",
    ),
    row(
        "verify_failed",
        Integrity,
        "The log or export does not verify, or is not the continuation of the checkpoint.",
        "Do not trust it; compare with a copy or another checkpoint.",
    ),
    row(
        "proof_failed",
        Integrity,
        "The proof does not show what it claims.",
        "Do not trust it; ask for another from the log itself.",
    ),
    row(
        "snapshot_wrong",
        Integrity,
        "The state that was served was not the fold of the log; the snapshot behind it is deleted.",
        "Restart the daemon, which folds from zero, and report this with the output of convoke doctor.",
    ),
    row(
        "payload_erased",
        NotFound,
        "The event's payload was erased; its hash is all that is left.",
        "It cannot be brought back from this log; an older export may hold it.",
    ),
    later(
        "outcome_unknown",
        TryAgain,
        "A write failed, or its answer was lost, and it is not known whether it is in the log.",
        "Repeat it with the same idempotency key: it takes effect once.",
    ),
    row(
        "disk_full",
        Failure,
        "The disk is full; nothing was acknowledged.",
        "Make room, then repeat the command; what only reads works meanwhile, from a copy in TMPDIR.",
    ),
    row(
        "read_only",
        Failure,
        "The workspace is on a read-only filesystem; nothing was written.",
        "Make the filesystem writable, or import an export elsewhere; what only reads works here, from a copy in TMPDIR.",
    ),
    row(
        "io",
        Failure,
        "A file or folder could not be read or written.",
        "Check that the path is right, that you may read and write there, and that the disk has room; then repeat.",
    ),
    // --- the daemon
    row(
        "daemon_unreachable",
        TryAgain,
        "The daemon could not be started or reached.",
        "See convoke daemon logs, or convoke doctor.",
    ),
    row(
        "daemon_stopping",
        TryAgain,
        "The daemon is stopping and takes no more work.",
        "Try again: the next command starts a new one.",
    ),
    row("daemon_busy", TryAgain, "The daemon has more requests waiting than it takes.", "Try again in a moment."),
    row(
        "bad_answer",
        Failure,
        "The daemon's answer cannot be read; it may be of another version.",
        "Stop it, so that the next command starts one of this version: convoke daemon stop.",
    ),
    row(
        "demo_failed",
        Failure,
        "A claim of the demo did not hold.",
        "Report it, with what the demo printed and the folder that it kept.",
    ),
    row(
        "internal",
        Failure,
        "Something happened that cannot happen: a defect of Convoke.",
        "Report it, with the command and the message.",
    ),
];
