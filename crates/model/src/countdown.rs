//! One countdown, as `specs/countdown/` sees it.

use std::collections::BTreeSet;

use convoke_core::{
    countdown::{
        Answer, Countdown, Phase,
        events::{CountdownScheduled, Plan, ReleasePolicy, ScrubCause},
        subject,
    },
    event::{Event, Recorded},
    id::CountdownId,
    name::ActorName,
    time::Span,
    workspace::State,
};

use crate::{
    lens::Lens,
    slices::{Group, Slice, Slicer},
    value::{Step, Value},
};

/// How the spec sees a countdown; `None` before it is scheduled.
pub fn observe(lens: &mut impl Lens, countdown: Option<&Countdown>) -> Value {
    let zero = lens.span(Span::ZERO);
    let Some(countdown) = countdown else {
        return Value::record([
            ("phase", "none".into()),
            ("terms", terms("nobody".to_owned(), 0, ReleasePolicy::OnQuorum, [&zero, &zero, &zero])),
            ("inCampaign", false.into()),
            ("answers", Value::record::<&str, Value>([])),
            ("relative", false.into()),
            ("t0", zero.clone()),
            ("slipped", zero.clone()),
            ("since", zero.clone()),
            ("until", zero),
            ("cause", "none".into()),
        ]);
    };
    let (mut relative, mut since, mut until, mut cause) = (false, zero.clone(), zero.clone(), "none");
    let (phase, t0) = match &countdown.phase {
        Phase::Held { plan: Plan::At(at) } => ("held", lens.at(at.minus(countdown.lead))),
        Phase::Held { plan: Plan::AfterReleaseMs(offset) } => {
            relative = true;
            ("held", lens.span(*offset))
        }
        Phase::Counting { fire_at, .. } => ("counting", lens.at(*fire_at)),
        Phase::OnHold { fire_at, since: stopped, until: limit, .. } => {
            (since, until) = (lens.at(*stopped), lens.at(*limit));
            ("on_hold", lens.at(*fire_at))
        }
        Phase::Fired { .. } => ("fired", zero.clone()),
        Phase::Missed { .. } => ("missed", zero.clone()),
        Phase::Scrubbed { cause: why, .. } => {
            cause = cause_text(why);
            ("scrubbed", zero.clone())
        }
    };
    let slipped = if countdown.has_ended() { zero } else { lens.span(countdown.slipped) };
    let organizer = lens.actor(&countdown.organizer);
    let answers: Vec<_> =
        countdown.attendees.iter().map(|(name, answer)| (lens.actor(name), answer_text(*answer))).collect();
    let spans = [countdown.lead, countdown.slip_max, countdown.hold_max].map(|span| lens.span(span));
    Value::record([
        ("phase", phase.into()),
        ("terms", terms(organizer, countdown.quorum, countdown.policy, [&spans[0], &spans[1], &spans[2]])),
        ("inCampaign", countdown.campaign.is_some().into()),
        ("answers", Value::record(answers)),
        ("relative", relative.into()),
        ("t0", t0),
        ("slipped", slipped),
        ("since", since),
        ("until", until),
        ("cause", cause.into()),
    ])
}

/// What a step's events do not say of the command, or of the campaign, that brought them about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// What the campaign leaves at least between a release and T-0.
    pub notice: Span,
    /// Whether a T-0 in the past was to be accepted.
    pub allow_past: bool,
}

/// The step of a group of events: those of one countdown, in order. `None` if there are none.
pub fn step(
    lens: &mut impl Lens,
    events: &[&Event],
    by: &ActorName,
    before: Option<&Countdown>,
    asked: Asked,
) -> Option<Step> {
    let nothing: [(&str, Value); 0] = [];
    let lead = before.map_or(Span::ZERO, |countdown| countdown.lead);
    let allow_past = Value::Bool(asked.allow_past);
    Some(match events.first()? {
        Event::CountdownScheduled(event) => {
            let zero = Span::ZERO;
            let (campaign, notice) = match (event.campaign, events.get(1)) {
                (None, _) => ("none", zero),
                (Some(_), Some(Event::CountdownReleased(_))) => ("releases", asked.notice),
                (Some(_), Some(Event::CountdownScrubbed(_))) => ("blocks", zero),
                (Some(_), _) => ("holds", zero),
            };
            Step::new(
                "CountdownScheduled",
                [
                    ("terms", terms_of(lens, event)),
                    ("attendees", Value::set(event.attendees.iter().map(|name| lens.actor(name)))),
                    ("plan", plan(lens, event.plan, event.lead_ms)),
                    ("allowPast", allow_past),
                    ("campaign", campaign.into()),
                    ("notice", lens.span(notice)),
                ],
            )
        }
        Event::CountdownJoined(_) => Step::new("CountdownJoined", [("by", lens.actor(by))]),
        Event::CountdownReleased(_) => Step::new("CountdownReleased", [("notice", lens.span(asked.notice))]),
        Event::CountdownConfirmed(event) => Step::new("CountdownConfirmed", [("by", lens.actor(&event.attendee))]),
        Event::CountdownDeclined(event) => Step::new("CountdownDeclined", [("by", lens.actor(&event.attendee))]),
        Event::CountdownDeferred(event) => {
            let (by, span) = (lens.actor(&event.attendee).into(), lens.span(event.by_ms));
            Step::new("CountdownDeferred", [("by", by), ("span", span)])
        }
        Event::CountdownHoldStarted(_) => Step::new("CountdownHoldStarted", [("by", lens.actor(by))]),
        Event::CountdownResumed(_) => Step::new("CountdownResumed", [("by", lens.actor(by))]),
        Event::CountdownRescheduled(event) => {
            let (by, plan) = (lens.actor(by).into(), plan(lens, event.plan, lead));
            Step::new("CountdownRescheduled", [("by", by), ("plan", plan), ("allowPast", allow_past)])
        }
        Event::CountdownScrubbed(event) => {
            let by = match event.cause {
                ScrubCause::Organizer | ScrubCause::NoGo => lens.actor(by),
                ScrubCause::HoldExpired => "time".to_owned(),
                ScrubCause::Predecessor(_) | ScrubCause::CampaignCancelled => "campaign".to_owned(),
            };
            Step::new("CountdownScrubbed", [("by", by), ("cause", cause_text(&event.cause).to_owned())])
        }
        Event::CountdownFired(_) => Step::new("CountdownFired", nothing),
        Event::CountdownMissed(_) => Step::new("CountdownMissed", nothing),
        _ => return None,
    })
}

fn terms_of(lens: &mut impl Lens, event: &CountdownScheduled) -> Value {
    let spans = [event.lead_ms, event.slip_max_ms, event.hold_max_ms].map(|span| lens.span(span));
    terms(lens.actor(&event.organizer), event.quorum, event.policy, [&spans[0], &spans[1], &spans[2]])
}

fn terms(organizer: String, quorum: u32, policy: ReleasePolicy, [lead, slip_max, hold_max]: [&Value; 3]) -> Value {
    let policy = match policy {
        ReleasePolicy::OnQuorum => "on_quorum",
        ReleasePolicy::AtT0 => "at_t0",
    };
    Value::record([
        ("organizer", organizer.into()),
        ("quorum", Value::count(quorum)),
        ("policy", policy.into()),
        ("lead", lead.clone()),
        ("slipMax", slip_max.clone()),
        ("holdMax", hold_max.clone()),
    ])
}

fn plan(lens: &impl Lens, plan: Plan, lead: Span) -> Value {
    let (relative, at, t0) = match plan {
        Plan::At(at) => (false, lens.at(at), lens.at(at.minus(lead))),
        Plan::AfterReleaseMs(offset) => (true, lens.span(offset), lens.span(offset)),
    };
    Value::record([("relative", relative.into()), ("at", at), ("t0", t0)])
}

fn answer_text(answer: Answer) -> &'static str {
    match answer {
        Answer::Pending => "pending",
        Answer::Confirmed => "confirmed",
        Answer::Declined => "declined",
        Answer::Missed => "missed",
    }
}

fn cause_text(cause: &ScrubCause) -> &'static str {
    match cause {
        ScrubCause::Organizer => "organizer",
        ScrubCause::NoGo => "no_go",
        ScrubCause::HoldExpired => "hold_expired",
        ScrubCause::Predecessor(_) => "predecessor",
        ScrubCause::CampaignCancelled => "campaign_cancelled",
    }
}

/// A slice for each countdown.
///
/// A plan that is more than forty years away is cut off by [`Times`](crate::slices::Times), and what is added to it then
/// is not exact any more: such a countdown is left out.
#[derive(Debug, Default)]
pub struct CountdownSlicer {
    far: BTreeSet<CountdownId>,
}

const NEAR_S: i64 = 40 * 365 * 24 * 3600;

impl Slicer for CountdownSlicer {
    type Memory = Option<CountdownId>;

    fn module(&self) -> &'static str {
        "countdown"
    }

    fn concerned(&mut self, group: &Group<'_>, _before: &State) -> Vec<String> {
        let mut concerned = BTreeSet::new();
        for recorded in group.events {
            let Some(id) = subject(recorded) else { continue };
            if let Event::CountdownScheduled(CountdownScheduled { plan: Plan::At(at), .. }) = &recorded.event
                && (at.us() - recorded.time.us()).abs() > NEAR_S * 1_000_000
            {
                self.far.insert(id);
            }
            if !self.far.contains(&id) {
                concerned.insert(id);
            }
        }
        concerned.iter().map(ToString::to_string).collect()
    }

    fn step(&self, slice: &mut Slice<Self::Memory>, group: &Group<'_>, before: &State) -> Option<Step> {
        let of_this = |recorded: &&Recorded| subject(recorded).is_some_and(|id| id.to_string() == slice.key);
        let recorded: Vec<&Recorded> = group.events.iter().filter(of_this).collect();
        let id = subject(recorded.first()?)?;
        slice.memory = Some(id);
        let known = before.countdowns.get(id);
        let events: Vec<&Event> = recorded.iter().map(|recorded| &recorded.event).collect();
        let (campaign, plan) = match events.first()? {
            Event::CountdownScheduled(event) => (event.campaign, Some((event.plan, event.lead_ms))),
            Event::CountdownRescheduled(event) => (None, known.map(|countdown| (event.plan, countdown.lead))),
            _ => (known.and_then(|countdown| countdown.campaign), None),
        };
        let notice = campaign.and_then(|id| before.campaigns.get(id)).map_or(Span::ZERO, |campaign| campaign.notice);
        // That it was asked for is seen where it was needed.
        let allow_past = matches!(plan, Some((Plan::At(at), lead)) if at.minus(lead) <= group.time());
        step(slice, &events, &group.first().actor, known, Asked { notice, allow_past })
    }

    fn observe(&self, slice: &mut Slice<Self::Memory>, state: &State) -> Value {
        let countdown = slice.memory.and_then(|id| state.countdowns.get(id));
        observe(slice, countdown)
    }

    fn has_ended(&self, slice: &Slice<Self::Memory>, state: &State) -> bool {
        slice.memory.and_then(|id| state.countdowns.get(id)).is_some_and(Countdown::has_ended)
    }
}
