//! The rows of `specs/effects/`.

use super::{Action, Spec};

/// Its actions: those of a campaign and its countdowns, with what they register and whom they tell.
pub(super) const SPEC: Spec = Spec {
    module: "effects",
    actions: &[
        Action::of("ActorRegistered", &["workspace.created", "actor.registered"]),
        Action::of("MessageSent", &["actor.registered", "message.sent"]),
        Action::of("CampaignCreated", &["actor.registered", "campaign.created"]),
        Action::of(
            "CountdownScheduled",
            &[
                "actor.registered",
                "countdown.scheduled",
                "campaign.linked",
                "countdown.released",
                "countdown.scrubbed",
                "message.sent",
            ],
        ),
        Action::of("CountdownJoined", &["countdown.joined"]),
        Action::of("CampaignLinked", &["campaign.linked", "countdown.scrubbed", "message.sent"]),
        Action::of("CampaignUnlinked", &["campaign.unlinked", "countdown.released", "countdown.fired", "message.sent"]),
        Action::of(
            "CampaignStarted",
            &[
                "campaign.started",
                "countdown.released",
                "countdown.fired",
                "campaign.completed",
                "campaign.failed",
                "message.sent",
            ],
        ),
        Action::of("CampaignCancelled", &["campaign.cancelled", "countdown.scrubbed", "message.sent"]),
        Action::of("CountdownRescheduled", &["countdown.rescheduled", "message.sent"]),
        Action::of("MemberAnswered", &["countdown.confirmed", "countdown.declined"]),
        Action::of(
            "CountdownFired",
            &[
                "countdown.confirmed",
                "countdown.resumed",
                "countdown.fired",
                "countdown.released",
                "campaign.completed",
                "campaign.failed",
                "message.sent",
            ],
        ),
        Action::of(
            "CountdownMissed",
            &[
                "countdown.missed",
                "countdown.scrubbed",
                "countdown.released",
                "countdown.fired",
                "campaign.failed",
                "message.sent",
            ],
        ),
        Action::of(
            "CountdownScrubbed",
            &[
                "countdown.declined",
                "countdown.scrubbed",
                "countdown.released",
                "countdown.fired",
                "campaign.failed",
                "message.sent",
            ],
        ),
    ],
};
