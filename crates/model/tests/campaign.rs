//! The campaigns of the real workspace, searched whole in a tiny world, are those of `specs/campaign/Campaign.tla`.

mod tiny;

use convoke_core::{
    campaign::events::FailurePolicy,
    command::{
        AddActor, CancelCampaign, Command, ConfirmCountdown, CreateCampaign, CreateWorkspace, DeclineCountdown,
        JoinCampaign, LinkCampaign, RescheduleCountdown, ScheduleCountdown, ScrubCountdown, StartCampaign,
    },
    countdown::{Phase, events::ReleasePolicy},
    id::{CampaignId, CountdownId},
    time::{Span, TimeSpec, Timestamp},
    workspace::State,
};
use convoke_model::{Graph, Machine, Step, Value, campaign, explore};
use tiny::{Concrete, Kinds, Move, Plainly, Refusals, actor, at, countdown_id, event_id};

/// The campaign that is looked at; another one, with a countdown of its own.
const CAMPAIGN: u64 = 11;
const OTHER: u64 = 12;
const OTHERS_COUNTDOWN: u64 = 13;

/// Ann organizes, bob attends every countdown and tries everything else in vain. `c1` and `c2` are scheduled in the campaign and
/// fire once bob says go; `c3` is there from the beginning, can join, and waits for its T-0 whatever bob says.
#[derive(Default)]
struct TinyWorld {
    refusals: Refusals,
    kinds: Kinds,
}

fn campaign_id() -> CampaignId {
    event_id(CAMPAIGN).into()
}

fn text(id: u64) -> String {
    event_id(id).to_string()
}

fn by(by: &'static str, command: Command) -> Move {
    Move::Command { by, creates: None, command: Box::new(command) }
}

fn creates(by: &'static str, id: u64, command: Command) -> Move {
    Move::Command { by, creates: Some(event_id(id)), command: Box::new(command) }
}

/// T-0 of `c3`, and that of the others, long after it.
const SOON: u64 = 3_600;
const FAR: u64 = 86_400;

/// A countdown for which one yes of bob is enough.
fn asks_bob(name: &str, time: Timestamp) -> ScheduleCountdown {
    ScheduleCountdown { attendees: vec![actor("bob")], ..ScheduleCountdown::new(name, TimeSpec::At(time)) }
}

fn link(before: u64, after: u64) -> LinkCampaign {
    LinkCampaign { campaign: text(CAMPAIGN), before: text(before), after: text(after) }
}

fn confirm(countdown: u64) -> Move {
    by("bob", Command::ConfirmCountdown(ConfirmCountdown { countdown: text(countdown), attendee: None }))
}

fn reschedule(countdown: u64, seconds: u64) -> Move {
    let (time, allow_past) = (TimeSpec::At(at(seconds)), true);
    by("ann", Command::RescheduleCountdown(RescheduleCountdown { countdown: text(countdown), time, allow_past }))
}

/// Every command on the campaign, by somebody.
fn on_the_campaign(who: &'static str) -> Vec<Move> {
    let mut moves = vec![
        by(who, Command::StartCampaign(StartCampaign { campaign: text(CAMPAIGN) })),
        by(who, Command::CancelCampaign(CancelCampaign { campaign: text(CAMPAIGN), reason: None })),
    ];
    for countdown in [3, OTHERS_COUNTDOWN] {
        let join = JoinCampaign { campaign: text(CAMPAIGN), countdown: text(countdown) };
        moves.push(by(who, Command::JoinCampaign(join)));
    }
    for after in [vec![], vec![1], vec![2], vec![3], vec![1, 3], vec![2, 3], vec![OTHERS_COUNTDOWN]] {
        for new in [1, 2] {
            let (campaign, after) = (Some(text(CAMPAIGN)), after.iter().map(|id| text(*id)).collect());
            let schedule = ScheduleCountdown { campaign, after, ..asks_bob(&format!("step-{new}"), at(FAR)) };
            moves.push(creates(who, new, Command::ScheduleCountdown(schedule)));
        }
    }
    for before in [1, 2, 3, OTHERS_COUNTDOWN] {
        for after in [1, 2, 3, OTHERS_COUNTDOWN] {
            moves.push(by(who, Command::LinkCampaign(link(before, after))));
            moves.push(by(who, Command::UnlinkCampaign(link(before, after))));
        }
    }
    moves
}

/// What happens to a countdown of the campaign. Only the last of the moves is a step for the campaign.
fn on_a_countdown(countdown: u64) -> Vec<Vec<Move>> {
    let decline = DeclineCountdown { countdown: text(countdown), attendee: None, reason: None };
    let scrub = |who| by(who, Command::ScrubCountdown(ScrubCountdown { countdown: text(countdown), reason: None }));
    let mut moves = vec![
        vec![confirm(countdown)],
        vec![by("bob", Command::DeclineCountdown(decline))],
        vec![scrub("ann")],
        vec![scrub("bob")],
    ];
    if countdown == 3 {
        // T-0 comes, and bob has said go or not. It is the only one that is due so soon.
        moves.push(vec![Move::Time(at(SOON))]);
        moves.push(vec![confirm(countdown), Move::Time(at(SOON))]);
    } else {
        // Clears what bob said; then T-0 is now.
        moves.push(vec![reschedule(countdown, FAR)]);
        moves.push(vec![reschedule(countdown, 0), Move::Time(at(0))]);
    }
    moves
}

impl TinyWorld {
    /// As a state is kept: the time stands still, and nobody looks into a mailbox.
    fn at_rest(mut state: State) -> State {
        state.time = at(0);
        state.size = 100;
        state.mailboxes = Default::default();
        state
    }

    /// The step that some moves are together: only the last of them is one for the campaign.
    fn step(&self, copy: &mut State, state: &State, moves: &[Move]) -> Option<(Step, State)> {
        let (last, first) = moves.split_last()?;
        let mut now: Option<State> = None;
        for doing in first {
            let from = now.as_ref().unwrap_or(state);
            let group = self.refusals.play(from, at(0), doing).pop()?;
            let step = campaign::step(&group.before, &group.events, campaign_id(), &Plainly);
            assert_eq!(step, None, "only the last move is a step: {moves:?}");
            now = Some(Self::at_rest(group.after));
        }
        let mut groups = match &now {
            Some(now) => self.refusals.play(now, at(0), last),
            None => self.refusals.play_on(copy, state, at(0), last),
        };
        let group = groups.pop()?;
        assert!(groups.is_empty(), "one thing at a time: {moves:?}");
        let step = campaign::step(&group.before, &group.events, campaign_id(), &Plainly)?;
        self.kinds.of(&step, &group.events, |kind| kind.starts_with("campaign.") || kind.starts_with("countdown."));
        Some((step, Self::at_rest(group.after)))
    }

    fn is_member(state: &State, countdown: CountdownId) -> bool {
        state.campaigns.get(campaign_id()).is_some_and(|campaign| campaign.members.contains_key(&countdown))
    }

    /// A held countdown is rescheduled to its own time; T-0 of one that counts can be moved to now.
    fn makes_sense(state: &State, countdown: u64, moves: &[Move]) -> bool {
        let held = matches!(state.countdowns.get(countdown_id(countdown)), Some(one) if matches!(one.phase, Phase::Held { .. }));
        !(held && moves.len() > 1 && countdown != 3)
    }
}

impl Machine for TinyWorld {
    type State = Concrete;

    fn initial(&self) -> Vec<Concrete> {
        let late = ScheduleCountdown { policy: ReleasePolicy::AtT0, ..asks_bob("step-3", at(SOON)) };
        let elsewhere = ScheduleCountdown { campaign: Some(text(OTHER)), ..asks_bob("elsewhere", at(FAR)) };
        let bob = AddActor { name: actor("bob"), kind: convoke_core::actors::events::ActorKind::Agent, create: false };
        let moves = [
            by("ann", Command::CreateWorkspace(CreateWorkspace { organizer: actor("ann") })),
            by("ann", Command::AddActor(bob)),
            creates("ann", 3, Command::ScheduleCountdown(late)),
            creates("ann", OTHER, create("other", FailurePolicy::Block)),
            creates("ann", OTHERS_COUNTDOWN, Command::ScheduleCountdown(elsewhere)),
        ];
        let mut state = State::default();
        for doing in &moves {
            state = self.refusals.play(&state, at(0), doing).pop().expect("each is a step").after;
        }
        assert!(self.refusals.met().is_empty());
        vec![Concrete::of(Self::at_rest(state))]
    }

    fn steps(&self, Concrete { state, .. }: &Concrete) -> Vec<(Step, Concrete)> {
        let mut moves: Vec<Vec<Move>> =
            ["ann", "bob"].into_iter().flat_map(on_the_campaign).map(|doing| vec![doing]).collect();
        if state.campaigns.get(campaign_id()).is_none() {
            for policy in [FailurePolicy::Block, FailurePolicy::Continue] {
                moves.push(vec![creates("ann", CAMPAIGN, create("campaign", policy))]);
            }
        }
        // An id is given once: what is there is not scheduled again.
        moves.retain(|doing| match &doing[0] {
            Move::Command { creates: Some(id), .. } => state.countdowns.get((*id).into()).is_none(),
            _ => true,
        });
        for countdown in (1..=3).filter(|id| Self::is_member(state, countdown_id(*id))) {
            let theirs = on_a_countdown(countdown);
            moves.extend(theirs.into_iter().filter(|doing| Self::makes_sense(state, countdown, doing)));
        }
        let mut copy = state.clone();
        let steps = moves.iter().filter_map(|doing| self.step(&mut copy, state, doing));
        steps.map(|(step, next)| (step, Concrete::of(next))).collect()
    }

    fn observe(&self, Concrete { state, .. }: &Concrete) -> Value {
        campaign::observe(state, campaign_id(), &Plainly)
    }
}

fn create(name: &str, policy: FailurePolicy) -> Command {
    Command::CreateCampaign(CreateCampaign { name: name.to_owned(), policy, notice_ms: Some(Span::ZERO) })
}

#[test]
fn the_campaigns_of_the_code_are_those_of_the_spec() {
    let world = TinyWorld::default();
    let code = explore(&world, 60_000).unwrap();
    let spec = Graph::parse(include_str!("../../../specs/campaign/graph.txt")).unwrap();
    let difference = code.difference(&spec);
    assert!(difference.is_empty(), "{difference}");
    let refusals = [
        "already_fired",
        "already_missed",
        "already_scrubbed",
        "already_started",
        "campaign_ended",
        "cycle",
        "empty_campaign",
        "in_a_campaign",
        "no_such_link",
        "not_found",
        "not_held",
        "not_organizer",
        "other_campaign",
        "self_link",
    ];
    assert_eq!(world.refusals.met(), refusals);
    // Nobody puts a countdown on hold here, and the no of the only attendee ends it.
    let not_in_this_world = [("CountdownFired", "countdown.resumed"), ("MemberAnswered", "countdown.declined")];
    world.kinds.are_those_of("campaign", &not_in_this_world);
}
