//! What countdowns, a campaign and mailboxes of the real workspace do together, searched whole in a tiny world, is what
//! `specs/effects/Effects.tla` says.

mod tiny;

use std::collections::BTreeMap;

use convoke_core::{
    actors::events::ActorKind,
    campaign::events::FailurePolicy,
    command::{
        AddActor, CancelCampaign, Command, ConfirmCountdown, CreateCampaign, CreateWorkspace, DeclineCountdown,
        DeferCountdown, JoinCampaign, LinkCampaign, RescheduleCountdown, ScheduleCountdown, ScrubCountdown,
        SendMessage, StartCampaign,
    },
    countdown::{Countdowns, Phase, events::Plan},
    id::CampaignId,
    priority::Priority,
    time::{Span, TimeSpec, Timestamp},
    workspace::State,
};
use convoke_model::{
    Graph, Machine, Step, Value,
    effects::{self, Scope},
    explore,
    slices::{Cutter, Limits, row},
};
use tiny::{Concrete, Group, Kinds, Move, Plainly, Refusals, actor, at, countdown_id, event_id};

const CAMPAIGN: u64 = 11;
/// Every countdown is to happen so long after its release: none is due in the commit that lets it go.
const OFFSET: Span = Span::from_ms_capped(60_000);

/// Ann organizes everything. A countdown by itself invites her and cyd, one in the campaign cyd and dan, who are unknown at first;
/// one yes is enough. Cyd answers, and tries in vain what only ann may do.
#[derive(Default)]
struct TinyWorld {
    refusals: Refusals,
    kinds: Kinds,
}

fn scope() -> Scope {
    Scope::Whole(CampaignId::from(event_id(CAMPAIGN)))
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

fn create(policy: FailurePolicy) -> Move {
    let (name, notice_ms) = ("campaign".to_owned(), Some(OFFSET));
    creates("ann", CAMPAIGN, Command::CreateCampaign(CreateCampaign { name, policy, notice_ms }))
}

fn schedule(who: &'static str, id: u64, inside: bool, after: &[u64]) -> Move {
    let schedule = ScheduleCountdown {
        attendees: if inside { vec![actor("cyd"), actor("dan")] } else { vec![actor("ann"), actor("cyd")] },
        campaign: inside.then(|| text(CAMPAIGN)),
        after: after.iter().map(|id| text(*id)).collect(),
        ..ScheduleCountdown::new(&format!("step-{id}"), TimeSpec::In(OFFSET))
    };
    creates(who, id, Command::ScheduleCountdown(schedule))
}

fn to_all(who: &'static str) -> Move {
    let send = SendMessage {
        to: vec![actor("all")],
        body: "look".to_owned(),
        subject: None,
        kind: None,
        priority: Priority::Normal,
        in_reply_to: None,
        references: Vec::new(),
        data: None,
        create: false,
    };
    by(who, Command::SendMessage(send))
}

/// What both try, in every state.
fn tried_by(who: &'static str) -> Vec<Move> {
    let mut moves = vec![
        to_all(who),
        by(who, Command::AddActor(AddActor { name: actor("cyd"), kind: ActorKind::Agent, create: false })),
        by(who, Command::StartCampaign(StartCampaign { campaign: text(CAMPAIGN) })),
        by(who, Command::CancelCampaign(CancelCampaign { campaign: text(CAMPAIGN), reason: None })),
        by(who, Command::JoinCampaign(JoinCampaign { campaign: text(CAMPAIGN), countdown: text(1) })),
        schedule(who, 1, true, &[]),
        schedule(who, 1, true, &[2]),
        schedule(who, 2, true, &[]),
        schedule(who, 2, true, &[1]),
    ];
    for (before, after) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
        let link = || LinkCampaign { campaign: text(CAMPAIGN), before: text(before), after: text(after) };
        moves.push(by(who, Command::LinkCampaign(link())));
        moves.push(by(who, Command::UnlinkCampaign(link())));
    }
    for countdown in [1, 2] {
        let (time, allow_past) = (TimeSpec::In(OFFSET), false);
        let moved = RescheduleCountdown { countdown: text(countdown), time, allow_past };
        moves.push(by(who, Command::RescheduleCountdown(moved)));
        moves.push(by(who, Command::ScrubCountdown(ScrubCountdown { countdown: text(countdown), reason: None })));
    }
    moves
}

fn t0(state: &State, countdown: u64) -> Option<Timestamp> {
    match state.countdowns.get(countdown_id(countdown))?.phase {
        Phase::Counting { fire_at, .. } => Some(fire_at),
        _ => None,
    }
}

/// T-0 of a countdown comes. The other one, were it due by then, is deferred before, which nobody is told.
fn missed(state: &State, countdown: u64) -> Option<Vec<Move>> {
    let other = 3 - countdown;
    let (t0, others) = (t0(state, countdown)?, t0(state, other));
    let too_early = others.filter(|others| *others <= t0);
    let deferred = too_early.map(|others| {
        let by_ms = t0.since(others).plus(Span::from_ms_capped(1000));
        by(
            "cyd",
            Command::DeferCountdown(DeferCountdown { countdown: text(other), attendee: None, by_ms, reason: None }),
        )
    });
    Some(deferred.into_iter().chain([Move::Time(t0)]).collect())
}

impl TinyWorld {
    /// As a state is kept: what was put into the mailboxes is looked at right away, and taken out. The clock is turned back, with
    /// every time in the state: nobody names a time of day here, so only how far it is to a time matters.
    fn at_rest(mut state: State) -> State {
        let passed = state.time.since(at(0));
        let earlier = state.countdowns.iter().cloned().map(|mut countdown| {
            match &mut countdown.phase {
                Phase::Counting { plan, fire_at } => {
                    *fire_at = fire_at.minus(passed);
                    *plan = Plan::At(*fire_at);
                }
                Phase::Held { plan: Plan::At(time) } => *time = time.minus(passed),
                Phase::Held { plan: Plan::AfterReleaseMs(_) } => {}
                Phase::OnHold { .. } => unreachable!("nobody puts a countdown on hold"),
                Phase::Fired { .. } | Phase::Missed { .. } | Phase::Scrubbed { .. } => {}
            }
            (countdown.id, countdown)
        });
        state.countdowns = Countdowns::from(earlier.collect::<BTreeMap<_, _>>());
        state.time = at(0);
        state.size = 100;
        state.mailboxes = Default::default();
        state
    }

    fn seen(group: Group) -> Option<(Step, (Concrete, Value))> {
        let step = effects::step(&group.before, &group.events, scope(), &Plainly)?;
        let notices = effects::notices(&group.before, &group.events, scope());
        let told = effects::told(&notices, &group.after, &Plainly);
        Some((step, (Concrete::of(Self::at_rest(group.after)), told)))
    }

    fn play(&self, copy: &mut State, state: &State, moves: &[Move]) -> Option<(Step, (Concrete, Value))> {
        let (last, first) = moves.split_last()?;
        let mut now: Option<State> = None;
        for doing in first {
            let from = now.as_ref().unwrap_or(state);
            let group = self.refusals.play(from, at(0), doing).pop()?;
            now = Some(Self::at_rest(group.after.clone()));
            assert_eq!(Self::seen(group), None, "only the last move is a step: {moves:?}");
        }
        let mut groups = match &now {
            Some(now) => self.refusals.play(now, at(0), last),
            None => self.refusals.play_on(copy, state, at(0), last),
        };
        let group = groups.pop()?;
        assert!(groups.is_empty(), "one thing at a time: {moves:?}");
        let (step, next) = Self::seen(group.clone())?;
        self.kinds.of(&step, &group.events, |_| true);
        Some((step, next))
    }
}

impl Machine for TinyWorld {
    type State = (Concrete, Value);

    fn initial(&self) -> Vec<Self::State> {
        let doing = by("ann", Command::CreateWorkspace(CreateWorkspace { organizer: actor("ann") }));
        let group = self.refusals.play(&State::default(), at(0), &doing).pop().expect("it begins");
        vec![(Concrete::of(Self::at_rest(group.after)), Value::record::<&str, Value>([]))]
    }

    fn steps(&self, (Concrete { state, .. }, _): &Self::State) -> Vec<(Step, Self::State)> {
        let mut moves: Vec<Vec<Move>> =
            ["ann", "cyd"].into_iter().flat_map(tried_by).map(|doing| vec![doing]).collect();
        moves.push(vec![schedule("ann", 1, false, &[])]);
        if state.campaigns.iter().next().is_none() {
            moves.push(vec![create(FailurePolicy::Block)]);
            moves.push(vec![create(FailurePolicy::Continue)]);
        }
        // An id is given once: what is there is not scheduled again.
        moves.retain(|doing| match &doing[0] {
            Move::Command { creates: Some(id), .. } => state.countdowns.get((*id).into()).is_none(),
            _ => true,
        });
        for countdown in [1, 2] {
            let confirm = ConfirmCountdown { countdown: text(countdown), attendee: None };
            let decline = DeclineCountdown { countdown: text(countdown), attendee: None, reason: None };
            moves.push(vec![by("cyd", Command::ConfirmCountdown(confirm))]);
            moves.push(vec![by("cyd", Command::DeclineCountdown(decline))]);
            moves.extend(missed(state, countdown));
        }
        let mut copy = state.clone();
        moves.iter().filter_map(|doing| self.play(&mut copy, state, doing)).collect()
    }

    fn observe(&self, (Concrete { state, .. }, told): &Self::State) -> Value {
        effects::observe(state, scope(), told.clone(), &Plainly)
    }
}

#[test]
fn what_the_code_causes_is_what_the_spec_says() {
    let world = TinyWorld::default();
    let code = explore(&world, 60_000).unwrap();
    let spec = Graph::parse(include_str!("../../../specs/effects/graph.txt")).unwrap();
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
        "no_such_link",
        "nobody_there",
        "not_found",
        "not_held",
        "not_organizer",
        "other_campaign",
        "self_link",
    ];
    assert_eq!(world.refusals.met(), refusals);
    // The workspace is there from the beginning, ann creates the campaign, nobody puts a countdown on hold, and there is nobody
    // whose no alone ends one.
    let not_in_this_world = [
        ("ActorRegistered", "workspace.created"),
        ("CampaignCreated", "actor.registered"),
        ("CountdownFired", "countdown.resumed"),
        ("CountdownScrubbed", "countdown.declined"),
    ];
    world.kinds.are_those_of("effects", &not_in_this_world);
}

/// What the traces of a log are, by key: the actions, each with what it told.
fn traces(moves: &[Move]) -> BTreeMap<String, Vec<String>> {
    let (refusals, mut state, mut traces) = (Refusals::default(), State::default(), BTreeMap::new());
    let mut cutter = Cutter::new(vec![row(effects::Slices)], Limits { slices_max: 10, lines_max: 20 }, |_, trace| {
        let lines = trace.lines.iter().skip(1).map(|line| {
            let Value::Record(fields) = &line.state else { return "no record".to_owned() };
            format!("{} {}", line.step.action, fields["told"])
        });
        traces.insert(trace.key, lines.collect());
    });
    for doing in moves {
        for group in refusals.play(&state, state.time.max(at(0)), doing) {
            cutter.commit(&group.events);
            state = group.after;
        }
    }
    cutter.finish();
    assert!(refusals.met().is_empty(), "{:?}", refusals.met());
    traces
}

#[test]
fn a_trace_follows_a_campaign_a_countdown_while_it_is_in_none_and_everybody() {
    let confirm = ConfirmCountdown { countdown: text(2), attendee: None };
    let join = JoinCampaign { campaign: text(CAMPAIGN), countdown: text(1) };
    let link = LinkCampaign { campaign: text(CAMPAIGN), before: text(1), after: text(2) };
    let traces = traces(&[
        by("ann", Command::CreateWorkspace(CreateWorkspace { organizer: actor("ann") })),
        schedule("ann", 1, false, &[]),
        create(FailurePolicy::Continue),
        by("ann", Command::JoinCampaign(join)),
        schedule("ann", 2, true, &[]),
        by("ann", Command::LinkCampaign(link)),
        by("cyd", Command::ConfirmCountdown(confirm)),
        by("ann", Command::StartCampaign(StartCampaign { campaign: text(CAMPAIGN) })),
        to_all("cyd"),
        schedule("ann", 3, true, &[]),
        Move::Time(at(60)),
    ]);
    let lines = |key: String| traces[&key].clone();
    let (ann, cyd) = ("a1", "a2");
    assert_eq!(traces.len(), 3);
    assert_eq!(
        lines(format!("campaign {}", text(CAMPAIGN))),
        [
            "CampaignCreated <<>>".to_owned(),
            "CountdownJoined <<>>".to_owned(),
            "CountdownScheduled <<>>".to_owned(),
            "CampaignLinked <<>>".to_owned(),
            "MemberAnswered <<>>".to_owned(),
            "CampaignStarted <<>>".to_owned(),
            // Let go in the same commit: it belongs to the campaign all the same.
            "CountdownScheduled <<>>".to_owned(),
            // The miss of the first lets the second go, which fires: one commit, two notices for cyd.
            format!(
                "CountdownMissed [{ann} |-> [c1 |-> \"missed\", c2 |-> \"fired\"], \
                 {cyd} |-> [c1 |-> \"missed\", c2 |-> \"fired\"], a3 |-> [c2 |-> \"fired\"]]"
            ),
            format!(
                "CountdownMissed [{}]",
                [ann, cyd, "a3"].map(|name| format!("{name} |-> [c3 |-> \"missed\"]")).join(", ")
            ),
        ]
    );
    assert_eq!(lines(format!("countdown {}", text(1))), ["CountdownScheduled <<>>"], "until it joins");
    let registered = ["ActorRegistered <<>>", "ActorRegistered <<>>", "ActorRegistered <<>>"].map(str::to_owned);
    let all = format!("MessageSent [{ann} |-> [all |-> \"{cyd}\"], a3 |-> [all |-> \"{cyd}\"]]");
    assert_eq!(lines("everybody".to_owned()), registered.into_iter().chain([all]).collect::<Vec<_>>());
}
