//! What happens next: a command of somebody to one of the latest objects, time that passes, a command given again.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::queueing::{Queueing, queueing};

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
    Queue(Queueing),
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
    /// Every claim on a change, with its fence.
    pub claims: &'w [(String, u32)],
}

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
            Self::Queue(queueing) => queueing.command(known, serial),
            Self::Redrive { dead } => json!({"redrive_message": {"message": latest(known.dead, *dead)}}),
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
        5 => (campaign(), countdown(), countdown(), prop::bool::weighted(0.35))
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
    prop_oneof![12 => countdowns, 6 => campaigns, 10 => mail, 1 => people, 9 => queueing().prop_map(What::Queue)]
}
