//! What must hold of every log, checked as its events come, under the names that the specifications use.
//!
//! It folds for itself and looks at nothing but events, so that it can watch any log: one that `decide` makes directly,
//! or the one that a running engine makes durable. What does not hold is a panic that names the law.

use std::collections::{BTreeMap, BTreeSet};

use super::{asking::Names, landings::Landings};
use crate::{
    campaign::{self, events::FailurePolicy},
    countdown::{Answer, Phase, events::ReleasePolicy},
    event::{Event, Recorded},
    id::{CampaignId, CountdownId, EventId, MessageId},
    limits,
    mailbox::{Delivery, events::MessageTaken},
    name::{ActorName, Key},
    time::Timestamp,
    workspace::State,
};

/// A log so far, its fold, and what the laws need to remember.
#[derive(Debug, Default)]
pub struct Laws {
    state: State,
    log: Vec<Recorded>,
    names: Names,
    /// The command or due item whose events are coming.
    group: Option<Group>,
    keys: BTreeSet<(ActorName, Key)>,
    released: BTreeSet<CountdownId>,
    acked: BTreeSet<(MessageId, ActorName)>,
    senders: BTreeMap<MessageId, ActorName>,
    landings: Landings,
}

/// The events of one command, or of one thing that was due.
#[derive(Debug)]
struct Group {
    correlation: EventId,
    actor: ActorName,
    time: Timestamp,
    ids: BTreeSet<EventId>,
    /// The countdowns' ends, and how many messages each brought about.
    ends: BTreeMap<EventId, u32>,
}

impl Laws {
    /// The log so far.
    #[must_use]
    pub fn log(&self) -> &[Recorded] {
        &self.log
    }

    /// The fold of the log so far.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The names of what there is.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Checks an event against the log before it, and folds it.
    ///
    /// # Panics
    /// If a law does not hold.
    pub fn take(&mut self, recorded: Recorded) {
        assert_eq!(recorded.position, self.log.len() as u64, "PositionsHaveNoGaps");
        assert!(recorded.time >= self.state.time, "TimeNeverDecreases: {recorded:?} after {}", self.state.time);
        self.check_group(&recorded);
        self.check_event(&recorded);
        self.landings.check(&self.state.changes, &recorded);
        self.names.remember(&recorded);
        self.state.evolve(&recorded);
        self.check_what_it_made(&recorded);
        self.landings.check_after(&self.state.changes, &recorded);
        self.log.push(recorded);
    }

    /// Checks what must hold between two commands: at the end of each commit at the latest.
    ///
    /// # Panics
    /// If a law does not hold.
    pub fn settle(&mut self) {
        self.end_group();
        for campaign in self.state.campaigns.iter() {
            assert_eq!(campaign::blocked(campaign), [], "FailureBlocksWhatDependsOnIt");
            assert_eq!(campaign::releasable(campaign), [], "NobodyWaitsForNothing");
            assert_eq!(campaign::conclude(campaign), None, "EndsWithItsLastCountdown");
        }
    }

    /// Goes on from a snapshot of the fold.
    ///
    /// # Panics
    /// If equal states have other bytes.
    pub fn save_and_load(&mut self, save: impl Fn(&State) -> Vec<u8>, load: impl Fn(&[u8]) -> State) {
        let bytes = save(&self.state);
        self.state = load(&bytes);
        assert_eq!(save(&self.state), bytes, "equal states have equal bytes");
    }

    /// The events of one command stand together, name their first as their correlation and an earlier one as their
    /// cause, and only the first carries the key.
    fn check_group(&mut self, recorded: &Recorded) {
        if recorded.correlation == recorded.id {
            self.end_group();
            self.check_turn(recorded);
            let Recorded { correlation, time, .. } = *recorded;
            let (actor, ids, ends) = (recorded.actor.clone(), BTreeSet::new(), BTreeMap::new());
            self.group = Some(Group { correlation, actor, time, ids, ends });
        }
        let Some(group) = &mut self.group else { panic!("OneCommandOneCorrelation: {recorded:?}") };
        assert_eq!(recorded.correlation, group.correlation, "OneCommandOneCorrelation");
        assert_eq!((&recorded.actor, recorded.time), (&group.actor, group.time), "OneCommandOneTime");
        assert!(recorded.causation.is_none_or(|cause| group.ids.contains(&cause)), "CausesComeFirst: {recorded:?}");
        if let Some(keyed) = &recorded.idempotency {
            assert!(group.ids.is_empty(), "OnlyTheFirstCarriesTheKey: {recorded:?}");
            let key = (recorded.actor.clone(), keyed.key.clone());
            assert!(self.keys.insert(key), "SameKeyOneEffect: {recorded:?}");
        }
        assert!(group.ids.insert(recorded.id), "an id is given once: {recorded:?}");
        if countdown_that_ended(&recorded.event).is_some() {
            group.ends.insert(recorded.id, 0);
        }
        if matches!(recorded.event, Event::MessageSent(_))
            && let Some(told) = recorded.causation.and_then(|cause| group.ends.get_mut(&cause))
        {
            *told += 1;
        }
    }

    /// What is due comes before every command, and nothing comes before it is due.
    fn check_turn(&self, first: &Recorded) {
        let due = self.state.next_due();
        if first.actor.as_str() == ActorName::SYSTEM {
            assert!(due.is_some_and(|due| due <= first.time), "NothingBeforeItIsDue: {first:?}, due {due:?}");
        } else if !matches!(first.event, Event::ClockAccepted(_)) {
            assert!(due.is_none_or(|due| due > first.time), "DueFirst: {first:?}, due {due:?}");
        }
    }

    fn end_group(&mut self) {
        let Some(group) = self.group.take() else { return };
        self.landings.end_group(&self.state.changes);
        for (end, told) in group.ends {
            assert_eq!(told, 1, "EveryEndIsToldOnce: {end}");
        }
    }

    fn check_event(&mut self, recorded: &Recorded) {
        if let Some(id) = countdown_that_ended(&recorded.event) {
            let before = self.state.countdowns.get(id).expect("NothingFromNowhere: a countdown");
            assert!(!before.has_ended(), "TerminalIsFinal: {recorded:?}");
        }
        match &recorded.event {
            Event::CountdownConfirmed(confirmed) => {
                let before = self.state.countdowns.get(confirmed.countdown).expect("NothingFromNowhere: a countdown");
                assert!(!before.has_ended(), "TerminalIsFinal: {recorded:?}");
                if let Phase::Counting { fire_at, .. } = before.phase {
                    assert!(recorded.time < fire_at, "NoConfirmationAfterT0: {before:?}");
                }
                assert!(before.attendees.contains_key(&confirmed.attendee), "OnlyAttendeesAnswer: {before:?}");
                assert_eq!(confirmed.attendee, recorded.actor, "everybody answers for himself");
            }
            Event::CountdownReleased(released) => {
                assert!(self.released.insert(released.countdown), "ReleasedExactlyOnce: {released:?}");
            }
            Event::CountdownFired(fired) => {
                let before = self.state.countdowns.get(fired.countdown).expect("NothingFromNowhere: a countdown");
                assert!(before.count(Answer::Confirmed) >= before.quorum, "FiredOnlyWithQuorum: {before:?}");
                let Phase::Counting { fire_at, .. } = before.phase else { panic!("HeldNeverFires: {before:?}") };
                let waits_for_t0 = before.quorum == 0 || before.policy == ReleasePolicy::AtT0;
                assert!(!waits_for_t0 || fire_at <= recorded.time, "NothingBeforeT0: {before:?}");
                self.check_predecessors(before.campaign, before.id);
            }
            Event::CountdownMissed(missed) => {
                let before = self.state.countdowns.get(missed.countdown).expect("NothingFromNowhere: a countdown");
                assert!(before.count(Answer::Confirmed) < before.quorum, "MissedOnlyWithoutQuorum: {before:?}");
                let Phase::Counting { fire_at, .. } = before.phase else {
                    panic!("MissedOnlyFromCounting: {before:?}")
                };
                assert!(fire_at <= recorded.time, "NothingBeforeItIsDue: {before:?}");
            }
            Event::MessageSent(sent) => {
                self.senders.insert(recorded.id.into(), sent.from.clone());
            }
            Event::MessageTaken(taken) => self.check_taken(taken, recorded.time),
            Event::MessageAcked(acked) => {
                let before = self.state.mailboxes.get(acked.message, &acked.mailbox).expect("NothingFromNowhere");
                assert!(before.holder().is_some(), "AckedOnlyByItsTaker: {acked:?}");
                assert!(self.acked.insert((acked.message, acked.mailbox.clone())), "AckedNeverAgain: {acked:?}");
            }
            _ => {}
        }
    }

    fn check_taken(&self, taken: &MessageTaken, now: Timestamp) {
        let delivery = (taken.message, taken.mailbox.clone());
        assert!(!self.acked.contains(&delivery), "AckedNeverAgain: {taken:?}");
        let before = self.state.mailboxes.get(taken.message, &taken.mailbox).expect("NothingFromNowhere");
        assert_eq!(before.holder(), None, "OneTakerAtATime: {taken:?}");
        assert!(before.is_ready(now), "OneTakerAtATime: {before:?}");
        assert_eq!(taken.fence, before.deliveries + 1, "FencesGrow: {taken:?}");
        assert!(taken.fence <= limits::DELIVERIES_MAX, "DeliveriesBounded: {taken:?}");
        if before.deliveries == 0 {
            let sender = |delivery: &Delivery| self.senders.get(&delivery.message);
            let overtaken = self.state.mailboxes.iter().find(|other| {
                other.mailbox == before.mailbox
                    && (other.priority, other.deliveries) == (before.priority, 0)
                    && other.position < before.position
                    && sender(other) == sender(before)
            });
            assert!(overtaken.is_none(), "OrderKeptPerSenderAndPriority: {taken:?} before {overtaken:?}");
        }
    }

    /// Nothing fires before its predecessors have ended, under the policy `block` well.
    fn check_predecessors(&self, campaign: Option<CampaignId>, countdown: CountdownId) {
        let Some(campaign) = campaign.and_then(|id| self.state.campaigns.get(id)) else { return };
        for before in &campaign.members[&countdown].before {
            let before = self.state.countdowns.get(*before).expect("NothingFromNowhere: a countdown");
            let well = matches!(before.phase, Phase::Fired { .. });
            let may = well || campaign.policy == FailurePolicy::Continue && before.has_ended();
            assert!(may, "NothingFiresBeforeItsPredecessors: {before:?}");
        }
    }

    fn check_what_it_made(&self, recorded: &Recorded) {
        match &recorded.event {
            Event::CountdownDeferred(deferred) => {
                let after = self.state.countdowns.get(deferred.countdown).expect("NothingFromNowhere: a countdown");
                assert!(after.slipped <= after.slip_max, "SlipIsBounded: {after:?}");
            }
            Event::CampaignLinked(linked) => {
                let campaign = self.state.campaigns.get(linked.campaign).expect("NothingFromNowhere: a campaign");
                let levels = campaign::levels(campaign);
                assert_eq!(levels.iter().map(Vec::len).sum::<usize>(), campaign.members.len(), "Acyclic: {campaign:?}");
            }
            _ => {}
        }
    }
}

fn countdown_that_ended(event: &Event) -> Option<CountdownId> {
    match event {
        Event::CountdownFired(fired) => Some(fired.countdown),
        Event::CountdownMissed(missed) => Some(missed.countdown),
        Event::CountdownScrubbed(scrubbed) => Some(scrubbed.countdown),
        _ => None,
    }
}
