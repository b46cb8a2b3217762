//! Every bound in one place. Over a limit is a refusal that names the limit, before anything is written.

use serde_json::Value;

use crate::refusal::Refusal;

/// Bytes of one event's payload as stored (JSON). One event always fits one record of the store.
pub const PAYLOAD_BYTES_MAX: usize = 48 * 1024;
/// Bytes of a message's text.
pub const MESSAGE_BODY_BYTES_MAX: usize = 32 * 1024;
/// Bytes of a message's subject.
pub const SUBJECT_BYTES_MAX: usize = 200;
/// References one message may carry.
pub const REFERENCES_MAX: usize = 32;
/// Bytes of one reference.
pub const REFERENCE_BYTES_MAX: usize = 200;
/// Recipients one message may name (`all` is not counted).
pub const RECIPIENTS_MAX: usize = 65;
/// Bytes of the JSON payload attached to a countdown or a message.
pub const ATTACHED_JSON_BYTES_MAX: usize = 8 * 1024;
/// Arrays and objects inside one another in that JSON. A reader that gives up at some depth must never meet it in a log.
pub const ATTACHED_JSON_DEPTH_MAX: usize = 32;
/// Attendees of one countdown.
pub const ATTENDEES_MAX: usize = 64;
/// Bytes of a countdown's or campaign's name.
pub const NAME_BYTES_MAX: usize = 100;
/// Bytes of a kind word (of a countdown or a message).
pub const WORD_BYTES_MAX: usize = 32;
/// Bytes of a reason.
pub const REASON_BYTES_MAX: usize = 1000;
/// Bytes of an idempotency key.
pub const KEY_BYTES_MAX: usize = 64;
/// Countdowns in one campaign.
pub const CAMPAIGN_MEMBERS_MAX: usize = 1_000;
/// Links in one campaign.
pub const CAMPAIGN_LINKS_MAX: usize = 10_000;
/// Registered actors.
pub const ACTORS_MAX: usize = 10_000;
/// Messages that lie in one mailbox, dead letters included, those that were sent once more not. Past it only what the
/// system itself tells, and what is for `all`, comes in.
pub const MAILBOX_LIVE_MAX: usize = 100_000;
/// Messages that lie in all mailboxes, one for `all` counted once for each recipient. Some 300 MB of memory.
pub const DELIVERIES_LIVE_MAX: usize = 1_000_000;
/// Messages one `recv` may take. Their texts come in one answer: some 3 MiB at most.
pub const RECEIVE_MAX: usize = 100;
/// Events in one commit. A batch of commands stops filling before it.
pub const COMMIT_EVENTS_MAX: usize = 8_192;
/// Bytes of one commit's frames.
pub const COMMIT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Due items decided in one commit; commands wait for the rest.
pub const DUE_PER_COMMIT_MAX: usize = 1_000;
/// The longest duration anywhere: ten years, in milliseconds.
pub const SPAN_MS_MAX: u64 = 10 * 366 * 24 * 60 * 60 * 1000;
/// Idempotency keys remembered, oldest out: 24 hours at more than one keyed command a second, without a pause.
pub const KEYS_KEPT_MAX: usize = 100_000;
/// Default limit of the total slip of one countdown by deferrals: 24 hours.
pub const MAX_SLIP_MS: u64 = 24 * 60 * 60 * 1000;
/// Default limit of a hold: 24 hours.
pub const HOLD_LIMIT_MS: u64 = 24 * 60 * 60 * 1000;
/// Default time between the release of a countdown in a campaign and its T-0: 60 seconds.
pub const NOTICE_MS: u64 = 60 * 1000;
/// Default lease on a taken message: 30 minutes.
pub const LEASE_MS: u64 = 30 * 60 * 1000;
/// Deliveries of a message without acknowledgement before it is a dead letter.
pub const DELIVERIES_MAX: u32 = 5;
/// First pause after a `nack`; doubles with each further one.
pub const NACK_PAUSE_MS: u64 = 1_000;
/// Deliveries that ended and are still recognised when their token comes again.
pub const ENDED_DELIVERIES_KEPT: usize = 100_000;
/// Bytes of a path in a change.
pub const PATH_BYTES_MAX: usize = 1_024;
/// Paths one change may name.
pub const CHANGE_PATHS_MAX: usize = 1_000;
/// Bytes of all paths that one change names, so that its event fits one record of the store.
pub const CHANGE_PATH_BYTES_MAX: usize = 20 * 1024;
/// Checks of one change.
pub const CHECKS_MAX: usize = 16;
/// Bytes of the command of one check.
pub const CHECK_BYTES_MAX: usize = 1_000;
/// Bytes of a check's output that an event carries: its end.
pub const CHECK_OUTPUT_BYTES_MAX: usize = 16 * 1024;
/// Bytes of the cause of a failure, a conflict or a rejection.
pub const CAUSE_BYTES_MAX: usize = 8 * 1024;
/// Changes one claim may take.
pub const CLAIM_MAX: usize = 100;
/// Attempts at a change before it is dead.
pub const QUEUE_ATTEMPTS_MAX: u32 = 5;
/// First pause after a failed attempt; doubles with each further one.
pub const QUEUE_PAUSE_MS: u64 = 2_000;
/// The longest pause after a failed attempt: ten minutes.
pub const QUEUE_PAUSE_MS_MAX: u64 = 10 * 60 * 1000;
/// Default lease on a claimed change: two minutes; a worker extends it while it works.
pub const QUEUE_LEASE_MS: u64 = 2 * 60 * 1000;
/// Events after which a commit takes no further due item. Even if all of them are notices at their limits, the rest of a
/// commit and one whole cascade still fit.
pub const DUE_EVENTS_FULL: usize = 1_024;
/// Events after which a commit takes no further command; one whole cascade still fits.
pub const COMMIT_EVENTS_FULL: usize = 4_096;
/// Bytes after which a commit takes no further command.
pub const COMMIT_BYTES_FULL: usize = 2 * 1024 * 1024;

/// Refuses what is larger than its limit.
///
/// # Errors
/// [`Refusal::OverLimit`], naming what, its size and the limit.
pub fn check(what: &'static str, size: usize, size_max: usize) -> Result<(), Refusal> {
    if size <= size_max { Ok(()) } else { Err(Refusal::OverLimit { what, size, size_max }) }
}

/// Refuses attached JSON that is too large or nests too deep.
///
/// # Errors
/// [`Refusal::OverLimit`] for its bytes, [`Refusal::BadRequest`] for its depth.
pub fn check_json(what: &str, size_of: &'static str, json: &Value) -> Result<(), Refusal> {
    fn nests_within(json: &Value, depth_max: usize) -> bool {
        match json {
            Value::Array(items) => depth_max > 0 && items.iter().all(|item| nests_within(item, depth_max - 1)),
            Value::Object(members) => depth_max > 0 && members.values().all(|item| nests_within(item, depth_max - 1)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        }
    }
    if !nests_within(json, ATTACHED_JSON_DEPTH_MAX) {
        return Err(Refusal::BadRequest(format!("{what} nests deeper than {ATTACHED_JSON_DEPTH_MAX} levels")));
    }
    check(size_of, json.to_string().len(), ATTACHED_JSON_BYTES_MAX)
}
