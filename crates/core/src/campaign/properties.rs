//! Invariants of campaigns on random commands, under the names that the specification uses, and the laws of the fold.
//!
//! Countdowns are played by their ends alone; what an end causes is carried out until nothing follows, as in one commit.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*};

use super::{
    Campaign, Campaigns, Outcome, Phase, Progress, blocked, conclude, decide,
    events::{
        CampaignCancelled, CampaignCompleted, CampaignCreated, CampaignFailed, CampaignLinked, CampaignStarted,
        CampaignUnlinked, FailurePolicy,
    },
    levels, releasable,
};
use crate::{
    event::{Event, Recorded},
    id::{CampaignId, CountdownId, EventId},
    name::{ActorName, Name},
    refusal::Refusal,
    time::{Span, Timestamp},
};

/// What happens next. Countdowns are numbered as they were added.
#[derive(Debug, Clone)]
enum Step {
    Add,
    Link { before: usize, after: usize },
    Unlink { nth: usize },
    Start,
    Cancel,
    End { which: usize, well: bool },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => Just(Step::Add),
        24 => (0..14_usize, 0..14_usize).prop_map(|(before, after)| Step::Link { before, after }),
        3 => (0..40_usize).prop_map(|nth| Step::Unlink { nth }),
        2 => Just(Step::Start),
        1 => (0..12_u8).prop_map(|dice| if dice == 0 { Step::Cancel } else { Step::Add }),
        14 => (0..14_usize, 0..10_u8).prop_map(|(which, dice)| Step::End { which, well: dice > 1 }),
    ]
}

fn campaign_id() -> CampaignId {
    CampaignId::from_bytes([99; 16])
}

fn nth(n: usize) -> CountdownId {
    CountdownId::from_bytes((n as u128 + 1).to_be_bytes())
}

fn step_name() -> Name {
    Name::parse("step").unwrap()
}

fn organizer() -> ActorName {
    ActorName::parse("olga").unwrap()
}

fn recorded(id: EventId, event: Event) -> Recorded {
    let (actor, time) = (organizer(), Timestamp::default());
    Recorded { position: 0, id, time, actor, correlation: id, causation: None, idempotency: None, event }
}

struct World {
    campaigns: Campaigns,
    added: usize,
    releases: BTreeMap<CountdownId, u32>,
}

impl World {
    fn new(policy: FailurePolicy) -> Self {
        let created = CampaignCreated { name: step_name(), organizer: organizer(), policy, notice_ms: Span::ZERO };
        let mut campaigns = Campaigns::default();
        campaigns.evolve(&recorded(campaign_id().into(), created.into()));
        Self { campaigns, added: 0, releases: BTreeMap::new() }
    }

    fn campaign(&self) -> &Campaign {
        self.campaigns.get(campaign_id()).unwrap()
    }

    /// What is counted as events come is what counting the members gives.
    fn counts_agree(&self) {
        let campaign = self.campaign();
        let count = |counts: fn(Progress) -> bool| campaign.members.values().filter(|m| counts(m.progress)).count();
        assert_eq!(campaign.open, count(|progress| !progress.has_ended()));
        assert_eq!(campaign.failed, count(|progress| progress == Progress::EndedBadly));
        assert_eq!(campaign.clone().counted(), *campaign);
    }

    fn take(&mut self, step: &Step) {
        let before = self.campaign().clone();
        self.carry_out(step);
        self.settle();
        self.counts_agree();
        self.check(&before);
    }

    fn carry_out(&mut self, step: &Step) {
        let (campaign, olga) = (self.campaign(), organizer());
        let decided = match step {
            Step::Add => {
                if decide::admit(campaign, &olga).is_ok() {
                    self.campaigns.member_added(campaign_id(), nth(self.added), step_name());
                    self.added += 1;
                }
                return;
            }
            Step::End { which, well } => {
                let Some(member) = campaign.members.get(&nth(*which)) else { return };
                match member.progress {
                    Progress::Released => self.campaigns.member_ended(nth(*which), *well),
                    // While held it can only be scrubbed.
                    Progress::Held if !well => self.campaigns.member_ended(nth(*which), false),
                    _ => {}
                }
                return;
            }
            Step::Link { before, after } => {
                let name = step_name();
                let decided = decide::link(campaign, (nth(*before), &name), (nth(*after), &name), &olga);
                if let Err(Refusal::Cycle { path }) = &decided {
                    assert!(path.len() >= 3, "{path:?}");
                    assert!(reaches(campaign, nth(*after), nth(*before)), "OnlyCyclesAreRefusedAsCycles");
                }
                decided
            }
            Step::Unlink { nth: wanted } => {
                let links =
                    campaign.members.iter().flat_map(|(id, member)| member.after.iter().map(move |to| (id, to)));
                let Some((before, after)) = links.collect::<Vec<_>>().get(*wanted).copied() else { return };
                let name = step_name();
                decide::unlink(campaign, (*before, &name), (*after, &name), &olga)
            }
            Step::Start => decide::start(campaign, &olga),
            Step::Cancel => decide::cancel(campaign, &olga, None),
        };
        decided.into_iter().flatten().for_each(|event| self.write(event));
    }

    fn write(&mut self, event: Event) {
        let was_over = matches!(self.campaign().phase, Phase::Ended(_));
        assert!(!was_over, "TerminalIsFinal: {event:?}");
        self.campaigns.evolve(&recorded(EventId::from_bytes([1; 16]), event.clone()));
        if let Event::CampaignCancelled(_) = event {
            let all: Vec<_> = self.campaign().members.keys().copied().collect();
            all.into_iter().for_each(|id| self.campaigns.member_ended(id, false));
        }
    }

    /// One cascade.
    fn settle(&mut self) {
        loop {
            let (blocked, releasable) = (blocked(self.campaign()), releasable(self.campaign()));
            if blocked.is_empty() && releasable.is_empty() {
                break;
            }
            for (held, by) in blocked {
                assert_eq!(self.campaign().members[&by].progress, Progress::EndedBadly, "BlockedByAFailure");
                self.campaigns.member_ended(held, false);
            }
            for id in releasable {
                self.check_release(id);
                self.campaigns.member_released(id);
                *self.releases.entry(id).or_default() += 1;
            }
        }
        if let Some(end) = conclude(self.campaign()) {
            self.write(end);
        }
    }

    fn check_release(&self, id: CountdownId) {
        let campaign = self.campaign();
        assert_eq!(campaign.phase, Phase::Running, "NothingRunsBeforeTheStart");
        for before in &campaign.members[&id].before {
            let progress = campaign.members[before].progress;
            match campaign.policy {
                FailurePolicy::Block => assert_eq!(progress, Progress::EndedWell, "NothingFiresBeforeItsPredecessors"),
                FailurePolicy::Continue => assert!(progress.has_ended(), "NothingFiresBeforeItsPredecessors"),
            }
        }
    }

    fn check(&self, before: &Campaign) {
        let campaign = self.campaign();

        let levels = levels(campaign);
        let level_of: BTreeMap<_, _> =
            levels.iter().enumerate().flat_map(|(level, ids)| ids.iter().map(move |id| (*id, level))).collect();
        assert_eq!(level_of.len(), campaign.members.len(), "every countdown has one level");
        assert_eq!(levels.iter().map(Vec::len).sum::<usize>(), campaign.members.len(), "and only one");
        for (id, member) in &campaign.members {
            let earliest = member.before.iter().map(|before| level_of[before] + 1).max().unwrap_or(0);
            assert_eq!(level_of[id], earliest, "Acyclic: each stands right after the last that it waits for");
            assert!(member.before.iter().all(|before| campaign.members[before].after.contains(id)));
            assert!(member.after.iter().all(|after| campaign.members[after].before.contains(id)));
        }

        assert!(self.releases.values().all(|times| *times == 1), "ReleasedExactlyOnce: {:?}", self.releases);
        for (id, member) in &before.members {
            if member.progress.has_ended() {
                assert_eq!(campaign.members[id].progress, member.progress, "TerminalIsFinal");
            }
        }
        let failed_before = |held: &CountdownId| {
            let before = &campaign.members[held].before;
            before.iter().any(|id| campaign.members[id].progress == Progress::EndedBadly)
        };
        for (id, member) in campaign.members.iter().filter(|(_, member)| member.progress == Progress::Held) {
            let blocks = campaign.policy == FailurePolicy::Block;
            assert!(!(blocks && failed_before(id)), "FailureBlocksWhatDependsOnIt");
            let waits = member.before.iter().any(|before| !campaign.members[before].progress.has_ended());
            assert!(waits || campaign.phase == Phase::Planned, "NobodyWaitsForNothing: {id:?}");
        }

        let ended = |progress: fn(Progress) -> bool| campaign.members.values().all(|member| progress(member.progress));
        match campaign.phase {
            Phase::Ended(Outcome::Completed) => assert!(ended(|progress| progress == Progress::EndedWell)),
            Phase::Ended(Outcome::Failed | Outcome::Cancelled) => assert!(ended(Progress::has_ended)),
            Phase::Running => assert!(!ended(Progress::has_ended), "EndsWithItsLastCountdown"),
            Phase::Planned => assert!(self.releases.is_empty(), "NothingRunsBeforeTheStart"),
        }
    }
}

/// Whether links lead from one countdown to another, found independently of `decide`.
fn reaches(campaign: &Campaign, from: CountdownId, to: CountdownId) -> bool {
    let mut reached = BTreeSet::from([from]);
    loop {
        let next: BTreeSet<_> = reached.iter().flat_map(|id| &campaign.members[id].after).copied().collect();
        let known = reached.len();
        reached.extend(next);
        if reached.len() == known {
            return reached.contains(&to);
        }
    }
}

fn any_policy() -> impl Strategy<Value = FailurePolicy> {
    prop_oneof![Just(FailurePolicy::Block), Just(FailurePolicy::Continue)]
}

fn reloaded(campaigns: &Campaigns) -> Campaigns {
    serde_json::from_str(&serde_json::to_string(campaigns).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn every_invariant_holds_on_random_commands(policy in any_policy(), steps in vec(step(), 1..200)) {
        let mut world = World::new(policy);
        steps.iter().for_each(|step| world.take(step));
        prop_assert_eq!(&reloaded(&world.campaigns), &world.campaigns, "a snapshot is the state");

        // EveryCampaignEndsIfItsCountdownsDo: once started, the ends of what was released carry it to its own end.
        world.take(&Step::Start);
        for _ in 0..=world.added {
            (0..world.added).for_each(|which| world.take(&Step::End { which, well: true }));
        }
        let phase = world.campaign().phase;
        prop_assert!(matches!(phase, Phase::Ended(_)) || world.added == 0, "{:?}", world.campaign());
    }

    #[test]
    fn the_fold_is_total_on_any_events(events in vec(any_event(), 1..80)) {
        let mut campaigns = Campaigns::default();
        let mut over: BTreeMap<CampaignId, Phase> = BTreeMap::new();
        for (id, happening) in events {
            match happening {
                Happening::Event(event) => campaigns.evolve(&recorded(EventId::from_bytes([id; 16]), event)),
                Happening::Added(campaign, countdown) => campaigns.member_added(campaign, countdown, step_name()),
                Happening::Released(countdown) => campaigns.member_released(countdown),
                Happening::Ended(countdown, well) => campaigns.member_ended(countdown, well),
            }
            for campaign in campaigns.iter() {
                let placed: usize = levels(campaign).iter().map(Vec::len).sum();
                prop_assert_eq!(placed, campaign.members.len(), "whatever was linked, every countdown has its level");
                let _ = (releasable(campaign), blocked(campaign), conclude(campaign));
                if let Some(end) = over.get(&campaign.id) {
                    prop_assert_eq!(&campaign.phase, end, "TerminalIsFinal");
                }
            }
            over.extend(campaigns.iter().filter(|one| matches!(one.phase, Phase::Ended(_))).map(|one| (one.id, one.phase)));
            prop_assert_eq!(&reloaded(&campaigns), &campaigns, "the indexes follow the campaigns");
        }
    }
}

#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "short-lived, in a test")]
enum Happening {
    Event(Event),
    Added(CampaignId, CountdownId),
    Released(CountdownId),
    Ended(CountdownId, bool),
}

/// Anything, sensible or not, of three campaigns and six countdowns, and some that are not there.
fn any_event() -> impl Strategy<Value = (u8, Happening)> {
    let campaign = || (0..4_u8).prop_map(|byte| CampaignId::from_bytes([byte; 16]));
    let countdown = || (0..6_usize).prop_map(nth);
    let created = any_policy().prop_map(|policy| {
        CampaignCreated { name: step_name(), organizer: organizer(), policy, notice_ms: Span::ZERO }.into()
    });
    let event = prop_oneof![
        6 => created,
        12 => (campaign(), countdown(), countdown())
            .prop_map(|(campaign, before, after)| CampaignLinked { campaign, before, after }.into()),
        2 => (campaign(), countdown(), countdown())
            .prop_map(|(campaign, before, after)| CampaignUnlinked { campaign, before, after }.into()),
        2 => campaign().prop_map(|campaign| CampaignStarted { campaign }.into()),
        1 => campaign().prop_map(|campaign| CampaignCompleted { campaign }.into()),
        1 => campaign().prop_map(|campaign| CampaignFailed { campaign }.into()),
        1 => campaign().prop_map(|campaign| CampaignCancelled { campaign, reason: None }.into()),
    ];
    let happening = prop_oneof![
        6 => event.prop_map(Happening::Event),
        4 => (campaign(), countdown()).prop_map(|(campaign, countdown)| Happening::Added(campaign, countdown)),
        1 => countdown().prop_map(Happening::Released),
        1 => (countdown(), any::<bool>()).prop_map(|(countdown, well)| Happening::Ended(countdown, well)),
    ];
    (0..3_u8, happening)
}
