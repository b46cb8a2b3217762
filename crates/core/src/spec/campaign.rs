//! The rows of `specs/campaign/`.

use super::{Action, Spec};

/// Its actions. The last four are what its countdowns do by themselves: for a campaign they come from the environment.
pub(super) const SPEC: Spec = Spec {
    module: "campaign",
    actions: &[
        Action::of("CampaignCreated", &["campaign.created"]),
        Action::of(
            "CountdownScheduled",
            &["countdown.scheduled", "campaign.linked", "countdown.released", "countdown.scrubbed"],
        ),
        Action::of("CountdownJoined", &["countdown.joined"]),
        Action::of("CampaignLinked", &["campaign.linked", "countdown.scrubbed"]),
        Action::of("CampaignUnlinked", &["campaign.unlinked", "countdown.released", "countdown.fired"]),
        Action::of(
            "CampaignStarted",
            &["campaign.started", "countdown.released", "countdown.fired", "campaign.completed", "campaign.failed"],
        ),
        Action::of("CampaignCancelled", &["campaign.cancelled", "countdown.scrubbed"]),
        Action::of("MemberAnswered", &["countdown.confirmed", "countdown.declined", "countdown.rescheduled"]),
        Action::of(
            "CountdownFired",
            &[
                "countdown.confirmed",
                "countdown.resumed",
                "countdown.fired",
                "countdown.released",
                "campaign.completed",
                "campaign.failed",
            ],
        ),
        Action::of(
            "CountdownMissed",
            &["countdown.missed", "countdown.scrubbed", "countdown.released", "countdown.fired", "campaign.failed"],
        ),
        Action::of(
            "CountdownScrubbed",
            &["countdown.declined", "countdown.scrubbed", "countdown.released", "countdown.fired", "campaign.failed"],
        ),
    ],
};
