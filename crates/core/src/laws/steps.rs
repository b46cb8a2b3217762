//! What happens next: a command of somebody to one of the latest objects, time that passes, a command given again.

use proptest::prelude::*;
use serde_json::{Value, json};

/// Who acts. The last is the organizer, the only human.
pub const ACTORS: [&str; 6] = ["ann", "bob", "cy", "dan", "eve", "olga"];

/// One step.
#[derive(Debug, Clone)]
pub enum Step {
    /// Time passes.
    Advance {
        /// By how much.
        ms: u64,
    },
    /// Somebody asks for something, under a key of its own or under none.
    Give {
        /// Which of [`ACTORS`], unless another may more likely.
        actor: usize,
        /// Whether under a key.
        keyed: bool,
        /// What for.
        what: What,
    },
    /// The client of an earlier keyed command lost the answer, and asks again.
    Again {
        /// Which, counted from the latest.
        which: usize,
    },
    /// A client takes an old key for a new command.
    Reuse {
        /// Which, counted from the latest.
        which: usize,
    },
    /// The state is saved and loaded.
    Snapshot,
}

/// What is asked for. Objects are counted from the latest.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each stands for the command of its name, with that command's fields")]
pub enum What {
    Tick,
    AddActor { name: usize, human: bool },
    Membership { closed: bool },
    Schedule { in_ms: u64, attend: usize, quorum: u32, at_t0: bool, campaign: Option<usize>, after: Option<usize> },
    Confirm { countdown: usize },
    Decline { countdown: usize },
    Defer { countdown: usize, by_ms: u64 },
    Hold { countdown: usize },
    Resume { countdown: usize },
    Reschedule { countdown: usize, in_ms: u64 },
    Scrub { countdown: usize },
    CreateCampaign { go_on: bool },
    Join { campaign: usize, countdown: usize },
    Link { campaign: usize, before: usize, after: usize, away: bool },
    Start { campaign: usize },
    Cancel { campaign: usize },
    Send { to: usize, priority: usize, reply: Option<usize> },
    SendToAll,
    Receive { max: u32, lease_ms: u64, ack: bool },
    ReceiveForSupervisor,
    Ack { token: usize },
    Nack { token: usize },
    Extend { token: usize },
    Redrive { dead: usize },
    SubmitChange { task: usize, path: usize, priority: usize, review: bool, supersedes: Option<usize> },
    ClaimChanges { max: u32, lease_ms: u64 },
    ExtendChange { claim: usize, lease_ms: u64 },
    StartLanding { claim: usize, commit: u8, tree: u8 },
    LandChange { claim: usize, recovered: bool },
    ConflictChange { claim: usize },
    RejectChange { claim: usize },
    FailChange { claim: usize, class: usize },
    ReturnChange { claim: usize },
    ApproveChange { change: usize },
    DisapproveChange { change: usize },
    CancelChange { change: usize },
    RequeueChange { change: usize },
    PauseQueue,
    ResumeQueue,
}

/// The names of the objects that there are, the latest last.
#[derive(Debug, Clone, Copy)]
pub struct Known<'w> {
    /// Ids of countdowns.
    pub countdowns: &'w [String],
    /// Ids of campaigns.
    pub campaigns: &'w [String],
    /// Ids of messages.
    pub messages: &'w [String],
    /// Ids of messages that became dead letters.
    pub dead: &'w [String],
    /// Every token that was handed out.
    pub tokens: &'w [String],
    /// Ids of changes.
    pub changes: &'w [String],
    /// Every claim on a change: its id, a dot, and the fence.
    pub claims: &'w [String],
}

/// The files that changes touch, some below others.
const PATHS: [&[&str]; 5] = [&["src"], &["src/a"], &["src/a/b", "doc"], &["doc"], &["srca"]];

/// The one that is meant; round again from the latest where there are fewer.
#[must_use]
pub fn latest(names: &[String], which: usize) -> &str {
    names.iter().rev().nth(which % names.len().max(1)).map_or("nothing", String::as_str)
}

impl What {
    /// The command, in its JSON form.
    #[must_use]
    pub fn command(&self, known: &Known<'_>, serial: usize) -> Value {
        let countdown = |which: &usize| latest(known.countdowns, *which);
        let campaign = |which: &usize| latest(known.campaigns, *which);
        let token = |which: &usize| {
            Some(latest(known.tokens, *which)).filter(|token| *token != "nothing").unwrap_or("0000000000000.1")
        };
        match self {
            Self::Tick => json!({"tick": {}}),
            Self::AddActor { name, human } => {
                let kind = if *human { "human" } else { "agent" };
                json!({"add_actor": {"name": format!("extra-{name}"), "kind": kind}})
            }
            Self::Membership { closed } => {
                json!({"set_membership": {"membership": if *closed { "closed" } else { "open" }}})
            }
            Self::Schedule { in_ms, attend, quorum, at_t0, campaign: within, after } => {
                let mut schedule = json!({
                    "name": format!("countdown {serial}"),
                    "time": format!("+{in_ms}ms"),
                    "quorum": quorum,
                    "attendees": ACTORS[..*attend],
                    "policy": if *at_t0 { "at_t0" } else { "on_quorum" },
                    "hold_max_ms": 120_000,
                    "slip_max_ms": 300_000,
                    "payload": {"share": f64::from_bits((serial as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2)},
                });
                if let Some(within) = within {
                    schedule["campaign"] = campaign(within).into();
                    if let Some(after) = after {
                        schedule["after"] = json!([countdown(after)]);
                    }
                }
                json!({"schedule_countdown": schedule})
            }
            Self::Confirm { countdown: which } => json!({"confirm_countdown": {"countdown": countdown(which)}}),
            Self::Decline { countdown: which } => {
                json!({"decline_countdown": {"countdown": countdown(which), "reason": "not yet"}})
            }
            Self::Defer { countdown: which, by_ms } => {
                json!({"defer_countdown": {"countdown": countdown(which), "by_ms": by_ms}})
            }
            Self::Hold { countdown: which } => json!({"hold_countdown": {"countdown": countdown(which)}}),
            Self::Resume { countdown: which } => json!({"resume_countdown": {"countdown": countdown(which)}}),
            Self::Reschedule { countdown: which, in_ms } => {
                json!({"reschedule_countdown": {"countdown": countdown(which), "time": format!("+{in_ms}ms")}})
            }
            Self::Scrub { countdown: which } => json!({"scrub_countdown": {"countdown": countdown(which)}}),
            Self::CreateCampaign { go_on } => {
                let policy = if *go_on { "continue" } else { "block" };
                json!({"create_campaign": {"name": format!("campaign {serial}"), "policy": policy, "notice_ms": 1000}})
            }
            Self::Join { campaign: within, countdown: which } => {
                json!({"join_campaign": {"campaign": campaign(within), "countdown": countdown(which)}})
            }
            Self::Link { campaign: within, before, after, away } => {
                let link = json!({
                    "campaign": campaign(within), "before": countdown(before), "after": countdown(after),
                });
                if *away { json!({"unlink_campaign": link}) } else { json!({"link_campaign": link}) }
            }
            Self::Start { campaign: which } => json!({"start_campaign": {"campaign": campaign(which)}}),
            Self::Cancel { campaign: which } => json!({"cancel_campaign": {"campaign": campaign(which)}}),
            Self::Send { to, priority, reply } => {
                let to = ACTORS.get(*to).copied().unwrap_or("supervisor");
                let priority = ["critical", "high", "normal", "low"][*priority];
                let mut send = json!({"to": [to], "body": format!("message {serial}"), "priority": priority});
                if let Some(reply) = reply {
                    send["in_reply_to"] = latest(known.messages, *reply).into();
                }
                json!({"send_message": send})
            }
            Self::SendToAll => json!({"send_message": {"to": ["all"], "body": format!("to all {serial}")}}),
            Self::Receive { max, lease_ms, ack } => {
                json!({"receive_messages": {"max": max, "lease_ms": lease_ms, "ack": ack}})
            }
            Self::ReceiveForSupervisor => json!({"receive_messages": {"mailbox": "supervisor"}}),
            Self::Ack { token: which } => json!({"ack_message": {"token": token(which)}}),
            Self::Nack { token: which } => json!({"nack_message": {"token": token(which)}}),
            Self::Extend { token: which } => json!({"extend_message": {"token": token(which), "lease_ms": 90_000}}),
            Self::Redrive { dead } => json!({"redrive_message": {"message": latest(known.dead, *dead)}}),
            _ => self.queue_command(known),
        }
    }

    fn queue_command(&self, known: &Known<'_>) -> Value {
        let change = |which: &usize| latest(known.changes, *which);
        // With what else the command says.
        let under = |claim: &usize, and: Value| {
            let (change, fence) = latest(known.claims, *claim).split_once('.').unwrap_or(("nothing", "1"));
            let mut fields = json!({"change": change, "fence": fence.parse::<u32>().unwrap_or(1)});
            if let (Some(fields), Value::Object(and)) = (fields.as_object_mut(), and) {
                fields.extend(and);
            }
            fields
        };
        let git = |seed: u8| format!("{seed:02x}").repeat(20);
        match self {
            Self::SubmitChange { task, path, priority, review, supersedes } => {
                let mut submit = json!({
                    "task": format!("task-{task}"),
                    "target": if *task == 0 { "release" } else { "main" },
                    "content": {"operations": format!("{path:02x}").repeat(32)},
                    "paths": PATHS[*path],
                    "priority": (["critical", "high", "normal", "low"][*priority]),
                });
                if *review {
                    submit["approval"] = json!({"needed": 2, "of": ACTORS[..4]});
                }
                if let Some(supersedes) = supersedes {
                    submit["supersedes"] = change(supersedes).into();
                }
                json!({"submit_change": submit})
            }
            Self::ClaimChanges { max, lease_ms } => {
                json!({"claim_changes": {"target": "main", "max": max, "lease_ms": lease_ms}})
            }
            Self::ExtendChange { claim, lease_ms } => {
                json!({"extend_change": under(claim, json!({"lease_ms": lease_ms}))})
            }
            Self::StartLanding { claim, commit, tree } => {
                let receipt = json!({
                    "base": git(0), "tested_tree": git(7), "commit": git(*commit), "tree": git(*tree), "checks": [],
                });
                json!({"start_landing": under(claim, json!({"receipt": receipt}))})
            }
            Self::LandChange { claim, recovered } => {
                json!({"land_change": under(claim, json!({"recovered": recovered}))})
            }
            Self::ConflictChange { claim } => {
                json!({"conflict_change": under(claim, json!({"paths": ["src"], "detail": "both changed it"}))})
            }
            Self::RejectChange { claim } => {
                json!({"reject_change": under(claim, json!({"faults": ["a link leads out"]}))})
            }
            Self::FailChange { claim, class } => {
                let class = ["check", "machine", "final"][*class];
                json!({"fail_change": under(claim, json!({"class": class, "cause": "a test failed"}))})
            }
            Self::ReturnChange { claim } => json!({"return_change": under(claim, json!({"reason": "stopping"}))}),
            Self::ApproveChange { change: which } => json!({"approve_change": {"change": change(which)}}),
            Self::DisapproveChange { change: which } => {
                json!({"disapprove_change": {"change": change(which), "reason": "no tests"}})
            }
            Self::CancelChange { change: which } => json!({"cancel_change": {"change": change(which)}}),
            Self::RequeueChange { change: which } => json!({"requeue_change": {"change": change(which)}}),
            Self::PauseQueue => json!({"pause_queue": {"reason": "a release"}}),
            _ => json!({"resume_queue": {}}),
        }
    }
}

/// A random step.
pub fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        // Mostly a moment, now and then a minute, rarely a day.
        20 => prop_oneof![6 => 0..3_000_u64, 2 => 0..60_000_u64, 1 => 0..100_000_000_u64]
            .prop_map(|ms| Step::Advance { ms }),
        100 => (0..ACTORS.len(), any::<bool>(), what())
            .prop_map(|(actor, keyed, what)| Step::Give { actor, keyed, what }),
        8 => (0..40_usize).prop_map(|which| Step::Again { which }),
        3 => (0..40_usize).prop_map(|which| Step::Reuse { which }),
        1 => Just(Step::Snapshot),
    ]
}

fn what() -> impl Strategy<Value = What> {
    let (countdown, campaign, token) = (|| 0..6_usize, || 0..2_usize, || 0..6_usize);
    let in_ms = || prop_oneof![0..5_000_u64, 0..400_000_u64];
    let within = proptest::option::weighted(0.6, campaign());
    let schedule = (in_ms(), 0..ACTORS.len(), 0..4_u32, any::<bool>(), within, proptest::option::of(0..3_usize));
    let countdowns = prop_oneof![
        12 => schedule.prop_map(|(in_ms, attend, quorum, at_t0, campaign, after)| {
            What::Schedule { in_ms, attend, quorum, at_t0, campaign, after }
        }),
        20 => countdown().prop_map(|countdown| What::Confirm { countdown }),
        4 => countdown().prop_map(|countdown| What::Decline { countdown }),
        6 => (countdown(), 0..200_000_u64).prop_map(|(countdown, by_ms)| What::Defer { countdown, by_ms }),
        4 => countdown().prop_map(|countdown| What::Hold { countdown }),
        4 => countdown().prop_map(|countdown| What::Resume { countdown }),
        3 => (countdown(), in_ms()).prop_map(|(countdown, in_ms)| What::Reschedule { countdown, in_ms }),
        2 => countdown().prop_map(|countdown| What::Scrub { countdown }),
    ];
    let campaigns = prop_oneof![
        3 => any::<bool>().prop_map(|go_on| What::CreateCampaign { go_on }),
        3 => (campaign(), countdown()).prop_map(|(campaign, countdown)| What::Join { campaign, countdown }),
        5 => (campaign(), countdown(), countdown(), prop::bool::weighted(0.3))
            .prop_map(|(campaign, before, after, away)| What::Link { campaign, before, after, away }),
        4 => campaign().prop_map(|campaign| What::Start { campaign }),
        1 => campaign().prop_map(|campaign| What::Cancel { campaign }),
    ];
    let mail = prop_oneof![
        12 => (0..=ACTORS.len(), 0..4_usize, proptest::option::weighted(0.2, 0..5_usize))
            .prop_map(|(to, priority, reply)| What::Send { to, priority, reply }),
        1 => Just(What::SendToAll),
        14 => (0..4_u32, 0..90_000_u64, prop::bool::weighted(0.1))
            .prop_map(|(max, lease_ms, ack)| What::Receive { max, lease_ms, ack }),
        1 => Just(What::ReceiveForSupervisor),
        8 => token().prop_map(|token| What::Ack { token }),
        8 => token().prop_map(|token| What::Nack { token }),
        2 => token().prop_map(|token| What::Extend { token }),
        2 => (0..2_usize).prop_map(|dead| What::Redrive { dead }),
    ];
    let people = prop_oneof![
        2 => Just(What::Tick),
        2 => (0..4_usize, any::<bool>()).prop_map(|(name, human)| What::AddActor { name, human }),
        1 => prop::bool::weighted(0.2).prop_map(|closed| What::Membership { closed }),
    ];
    prop_oneof![12 => countdowns, 7 => campaigns, 10 => mail, 1 => people, 12 => queue()]
}

fn queue() -> impl Strategy<Value = What> {
    let (change, claim) = (|| 0..8_usize, || 0..5_usize);
    let lease_ms = || prop_oneof![0..5_000_u64, 0..200_000_u64];
    let submitted = (
        (0..6_usize, 0..PATHS.len(), 0..4_usize),
        prop::bool::weighted(0.3),
        proptest::option::weighted(0.1, change()),
    );
    prop_oneof![
        12 => submitted.prop_map(|((task, path, priority), review, supersedes)| {
            What::SubmitChange { task, path, priority, review, supersedes }
        }),
        14 => (0..4_u32, lease_ms()).prop_map(|(max, lease_ms)| What::ClaimChanges { max, lease_ms }),
        4 => (claim(), lease_ms()).prop_map(|(claim, lease_ms)| What::ExtendChange { claim, lease_ms }),
        10 => (claim(), 1..3_u8, prop_oneof![9 => Just(7_u8), 1 => Just(8_u8)])
            .prop_map(|(claim, commit, tree)| What::StartLanding { claim, commit, tree }),
        8 => (claim(), any::<bool>()).prop_map(|(claim, recovered)| What::LandChange { claim, recovered }),
        2 => claim().prop_map(|claim| What::ConflictChange { claim }),
        2 => claim().prop_map(|claim| What::RejectChange { claim }),
        8 => (claim(), prop_oneof![6 => 0..2_usize, 1 => Just(2_usize)])
            .prop_map(|(claim, class)| What::FailChange { claim, class }),
        3 => claim().prop_map(|claim| What::ReturnChange { claim }),
        6 => change().prop_map(|change| What::ApproveChange { change }),
        2 => change().prop_map(|change| What::DisapproveChange { change }),
        3 => change().prop_map(|change| What::CancelChange { change }),
        2 => change().prop_map(|change| What::RequeueChange { change }),
        1 => Just(What::PauseQueue),
        3 => Just(What::ResumeQueue),
    ]
}
