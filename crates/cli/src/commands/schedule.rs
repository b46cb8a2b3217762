use clap::Args;
use convoke_core::{
    command::{Command, ScheduleCountdown},
    countdown::events::ReleasePolicy,
    name::ActorName,
    time::{Span, TimeSpec},
};
use convoke_projections::{Query, query::Reference};

use super::files::json;
use crate::{args::Mutation, context::Context, stop::Stop};

/// Schedule a countdown
///
/// It fires as soon as its quorum of attendees has confirmed (or, with --at-t0, when T-0 comes and the quorum is there). Without
/// attendees it is a plain timer. At T-0 without a quorum it is missed. Attendees and organizer get a message when it ends.
///
/// In a campaign it is held until the campaign has started and what comes before it has ended; `+5m` then counts from that moment.
#[derive(Debug, Args)]
pub(crate) struct Schedule {
    /// A name
    name: String,
    /// When it is to happen: RFC 3339, or +5m from now
    #[arg(value_parser = TimeSpec::parse, allow_hyphen_values = true)]
    time: TimeSpec,
    #[command(flatten)]
    pub(super) terms: Terms,
    /// The campaign that holds it
    #[arg(long, value_name = "ID")]
    campaign: Option<String>,
    #[command(flatten)]
    mutation: Mutation,
}

/// What a countdown may be given besides its name and time.
#[derive(Debug, Args)]
pub(super) struct Terms {
    /// meeting, checkpoint, review, deploy or any other word [default: meeting]
    #[arg(long, value_name = "WORD")]
    kind: Option<String>,
    /// T-0 is this long before the time [default: 0s]
    #[arg(long, value_name = "DURATION", value_parser = Span::parse, allow_hyphen_values = true)]
    lead: Option<Span>,
    /// How many must confirm [default: 1 with attendees, else 0]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    quorum: Option<u32>,
    /// Who answers: names, separated by commas
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    attendees: Vec<ActorName>,
    /// Fire at T-0 if the quorum is there by then, not as soon as it is reached
    #[arg(long)]
    at_t0: bool,
    /// By how much deferrals may move T-0 in total [default: 24h]
    #[arg(long, value_name = "DURATION", value_parser = Span::parse)]
    max_slip: Option<Span>,
    /// How long it may be on hold at a time [default: 24h]
    #[arg(long, value_name = "DURATION", value_parser = Span::parse)]
    max_hold: Option<Span>,
    /// Handed to everybody when it ends
    #[arg(long, value_name = "JSON")]
    payload: Option<String>,
    /// In a campaign: what it waits for, separated by commas
    #[arg(long, value_name = "ID,ID", value_delimiter = ',')]
    after: Vec<String>,
    /// Accept a T-0 that is not in the future
    #[arg(long)]
    allow_past: bool,
    /// Register attendees although very similar names are known
    #[arg(long)]
    create: bool,
}

impl Terms {
    /// The command.
    pub(super) fn schedule(self, name: String, time: TimeSpec, campaign: Option<String>) -> Result<Command, Stop> {
        Ok(Command::ScheduleCountdown(ScheduleCountdown {
            name,
            time,
            kind: self.kind,
            lead_ms: self.lead,
            quorum: self.quorum,
            attendees: self.attendees,
            policy: if self.at_t0 { ReleasePolicy::AtT0 } else { ReleasePolicy::OnQuorum },
            slip_max_ms: self.max_slip,
            hold_max_ms: self.max_hold,
            payload: self.payload.map(|text| json("--payload", &text)).transpose()?,
            campaign,
            after: self.after,
            allow_past: self.allow_past,
            create: self.create,
        }))
    }

    /// Whether nothing was given: then it is an existing countdown that is meant.
    pub(super) fn is_empty(&self) -> bool {
        self.kind.is_none()
            && self.lead.is_none()
            && self.quorum.is_none()
            && self.attendees.is_empty()
            && !self.at_t0
            && self.max_slip.is_none()
            && self.max_hold.is_none()
            && self.payload.is_none()
            && self.after.is_empty()
            && !self.allow_past
            && !self.create
    }
}

impl Schedule {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let command = self.terms.schedule(self.name.clone(), self.time, self.campaign)?;
        context.act(context.actor()?, &self.mutation, command)?;
        context.note_same_name(Query::Countdown(Reference { reference: self.name }));
        Ok(())
    }
}
